"""
What every `EgressRules` promises.

`EgressRulesContract` holds for any rules. `GuardingEgressRulesContract` holds for rules that guard
a network, as long as no exception has been allowed.
"""

import pytest

from cronicorn_domain.errors import RefusedUrl
from cronicorn_domain.ports.egress_rules import EgressRules

LET_OUT = (
    "https://example.com",
    "http://example.com:8080/path?query=1#part",
    "HTTPS://EXAMPLE.COM/",
    "https://bücher.example/ä?ö=ü",
    "https://example.com./",
    "http://8.8.8.8/",
    "http://[2606:4700:4700::1111]:8080/",
    "https://example.com/?q=%2B%20[1]",
)
MALFORMED = (
    "",
    "example.com",
    "//example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "http:example.com",
    "http:///path",
    "http://:80/",
    "http://[::1",
    "http://[::1]a/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:port/",
    "http://exam ple.com/",
    "http://example.com/a b",
    "http://example.com\\@localhost/",
    "http://example.com/\r\nX-Header: 1",
    "http://a..b/",
    "http://%31%32%37.0.0.1/",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "\nhttp://example.com/",
)
WITH_CREDENTIALS = (
    "http://user:password@example.com/",
    "http://user@example.com/",
    "http://@example.com/",
    "https://example.com:443@localhost/",
)
NOT_PUBLIC = (
    "http://127.0.0.1/",
    "http://127.0.0.1.:8080/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST.:9000/",
    "http://api.localhost/",
    "http://10.1.2.3/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[::10.0.0.1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
)
"""
Addresses of this machine, of private networks and of no one.

The last is Teredo, whose client (its low 32 bits, inverted) is 127.0.0.1.
"""


class EgressRulesContract:
    """Promises of all rules."""

    @pytest.fixture
    def rules(self) -> EgressRules:
        """Give the rules under test, without any exception allowed."""
        raise NotImplementedError("the adapter's test class provides the rules")

    @pytest.mark.parametrize("url", LET_OUT)
    def test_public_http_is_let_out(self, rules: EgressRules, url: str) -> None:
        """HTTP to a name or a public address is accepted in silence."""
        rules.check(url)


class GuardingEgressRulesContract(EgressRulesContract):
    """Promises of rules that guard a network."""

    @pytest.mark.parametrize("url", MALFORMED)
    def test_what_is_no_http_url_is_refused(self, rules: EgressRules, url: str) -> None:
        """A URL that two readers could understand differently is none, nor is any but HTTP."""
        with pytest.raises(RefusedUrl) as refusal:
            rules.check(url)

        assert refusal.value.field == "url"
        assert refusal.value.remedy

    @pytest.mark.parametrize("url", WITH_CREDENTIALS)
    def test_credentials_are_refused(self, rules: EgressRules, url: str) -> None:
        """A URL is shown and logged: credentials belong into a header, and are not repeated."""
        with pytest.raises(RefusedUrl) as refusal:
            rules.check(url)

        assert "password" not in str(refusal.value)
        assert "header" in (refusal.value.remedy or "")

    @pytest.mark.parametrize("url", NOT_PUBLIC)
    def test_addresses_that_are_not_public_are_refused(self, rules: EgressRules, url: str) -> None:
        """Trap T21: an address is judged by what it reaches, however it is written."""
        with pytest.raises(RefusedUrl) as refusal:
            rules.check(url)

        assert refusal.value.field == "url"
        assert refusal.value.remedy
