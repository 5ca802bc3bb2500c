"""The egress guard: what it says, and what it makes of a URL."""

import pytest
from cronicorn_adapter_http.allow_list import AllowList
from cronicorn_adapter_http.egress import EgressGuard, NotLetOut
from cronicorn_domain.errors import RefusedUrl


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1234/"),
        ("127.0.0.1", "http://localhost:1234/"),
        ("::1", "http://localhost:1234/"),
        ("localhost", "http://localhost:1234/"),
        ("localhost:9000", "http://LOCALHOST.:9000/"),
        ("10.0.0.0/8", "https://10.1.2.3/"),
        ("127.0.0.1", "http://[::ffff:7f00:1]/"),
        ("127.0.0.1", "http://2130706433/"),
        ("[fd00::/8]:8080", "http://[fd00::1]:8080/"),
    ],
)
def test_the_operator_opens_exceptions(allowed: str, url: str) -> None:
    """What the operator allows is let out when an endpoint is written, too."""
    guard = EgressGuard(AllowList.parse([allowed]))

    guard.check(url)


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("localhost:9000", "http://localhost/"),
        ("localhost:9000", "http://127.0.0.1:9000/"),
        ("127.0.0.1:9000", "http://127.0.0.1/"),
        ("127.0.0.1", "ftp://127.0.0.1/"),
        ("127.0.0.1", "http://u:p@127.0.0.1/"),
        ("fe80::/10", "http://[fe80::1%251]/"),
        ("0.0.0.0/0", "http://[::1]/"),
    ],
)
def test_an_exception_opens_no_more_than_it_says(allowed: str, url: str) -> None:
    """Trap T21: another port, another name or another rule is not opened by the way."""
    guard = EgressGuard(AllowList.parse([allowed]))

    with pytest.raises(RefusedUrl):
        guard.check(url)


def test_the_message_says_what_where_and_how() -> None:
    """A refusal names the address, what it is, and how an operator opens it."""
    guard = EgressGuard(AllowList())

    with pytest.raises(NotLetOut) as refusal:
        guard.check("http://127.0.0.1:9000/health")

    assert str(refusal.value) == "127.0.0.1 is a loopback address, and not let out"
    assert "--egress-allow 127.0.0.1" in (refusal.value.remedy or "")


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f.1",
        "127.1",
        "127.1.",
        "0177.0.0.1",
        "017700000001",
        "\uff11\uff12\uff17.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ],
)
def test_the_message_says_what_a_disguise_means(host: str) -> None:
    """Trap T21: an address in disguise is refused as what it reaches, and shown as written."""
    guard = EgressGuard(AllowList())

    with pytest.raises(NotLetOut) as refusal:
        guard.check(f"http://{host}:9000/health")

    shown = host.strip("[]").removesuffix(".")
    meant = "127.0.0.1, which is a loopback address, and not let out"
    assert str(refusal.value) == f"{shown} means {meant}"
    assert (refusal.value.remedy or "").endswith("--egress-allow 127.0.0.1")


def test_a_disguise_is_opened_as_the_message_says() -> None:
    """What the remedy tells an operator to allow is then let out."""
    EgressGuard(AllowList.parse(["127.0.0.1"])).check("http://[::ffff:127.0.0.1]:9000/")


def test_the_message_names_the_name_and_its_address() -> None:
    """A name's refusal says what it resolves to."""
    guard = EgressGuard(AllowList())

    with pytest.raises(NotLetOut, match=r"^shop\.example resolves to 10\.0\.0\.1, which is a priv"):
        guard.admit("shop.example", 80, ["10.0.0.1"])


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("HTTP://EXAMPLE.com", "http://example.com/"),
        ("http://example.com:80/a#b", "http://example.com/a"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("https://example.com:/", "https://example.com/"),
        ("http://134744072/", "http://8.8.8.8/"),
        ("http://[2606:4700:0:0::1111]:80/", "http://[2606:4700::1111]/"),
        ("http://bücher.example/äb", "http://xn--bcher-kva.example/%C3%A4b"),
        ("http://example.com?a=%2B%3a", "http://example.com/?a=%2B%3a"),
        ("http://example.com/a/../b;c?d={e}", "http://example.com/b;c?d=%7Be%7D"),
    ],
)
def test_what_is_judged_is_what_is_sent(url: str, sent: str) -> None:
    """The host is canonical; the rest is as it was written, if it can be sent so."""
    seen = EgressGuard(AllowList()).destination(url).url

    assert f"{seen.scheme}://{seen.host_port_subcomponent}{seen.raw_path_qs}" == sent


def test_a_url_is_judged_once() -> None:
    """A URL that is requested again and again costs one judgement."""
    guard = EgressGuard(AllowList())

    first = guard.destination("https://example.com/a")

    assert guard.destination("https://example.com/a") is first
