"""
What a model is told has no secret in it, however a target writes it. Trap T43.

A target that echoes its request escapes and encodes it as it likes.
"""

import html
import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from cronicorn_domain.model.endpoint import Header, HttpRequest
from cronicorn_domain.testing.builders import a_job, an_endpoint
from cronicorn_planner.sessions.outside import MASK, Outside

SECRET = "t0k/en+\"9&x_'Z?"
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "capitals": str.upper,
    "url": lambda text: quote(text, safe=""),
    "url with small digits": lambda text: quote(text, safe="").lower(),
    "path": quote,
    "form": quote_plus,
    "json": json.dumps,
    "json with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "html": html.escape,
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 of addresses": lambda text: urlsafe_b64encode(text.encode()).decode(),
}


def sending(*headers: Header, url: str = "http://shop.example/") -> Outside:
    """Return what masks for an endpoint that sends this."""
    request = HttpRequest(url=url, headers=headers)
    return Outside([an_endpoint(a_job("shop"), "health", request=request)])


@pytest.mark.parametrize("before", ["", "a", "ab"])
@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_secrets_are_masked_however_they_are_written(
    spell: Callable[[str], str], before: str
) -> None:
    """Encoded, escaped, in capitals, alone or amid other text; what stands around them stays."""
    outside = sending(Header(name="X-Shop", value=SECRET, secret=True))

    told = outside.masked(f"it read {spell(f'{before}{SECRET}cd')} and went")

    assert told.startswith("it read ")
    assert told.endswith(" and went")
    assert told.count(MASK) == 1
    # Of an encoded text the characters at the edges hold bits of what stands around, too.
    assert len(told) <= len(f"it read {MASK} and went") + 14


def test_basic_credentials_are_masked_in_plain_and_encoded() -> None:
    """Those of a header and of an address, whichever way the target writes them."""
    encoded = b64encode(b"shop:s3same-open").decode()
    header = Header(name="Authorization", value=f"Basic {encoded}", secret=True)

    for outside in (sending(header), sending(url="http://shop:s3same%2Dopen@shop.example/")):
        told = outside.masked(f"shop:s3same-open, s3same-open, S3SAME-OPEN, {encoded.rstrip('=')}")

        assert "s3same" not in told.lower()
        assert told.count(MASK) == 4
        assert encoded[:12] not in told


def test_secrets_that_overlap_are_masked_whole() -> None:
    """Nothing is left of the one that begins in the other."""
    outside = sending(
        Header(name="X-One", value="abcdefgh", secret=True),
        Header(name="X-Two", value="efghijkl", secret=True),
    )

    assert outside.masked("<abcdefghijkl>") == f"<{MASK}>"


def test_a_text_without_secrets_stays_as_it_is() -> None:
    """Capitals and all, of any alphabet."""
    outside = sending(Header(name="X-Shop", value="hush-hush-1", secret=True))
    text = "İstanbul: Grüße, HUSH but not 1; aHVzaA=="

    assert outside.masked(text) == text


def test_what_is_looked_for_does_not_grow_with_the_text_or_the_secret() -> None:
    """So many spellings for each secret, and no more: each is one look through the text."""
    short, long = (
        sending(Header(name="X-Shop", value=f"{'a/+' * length}", secret=True))
        for length in (3, 300)
    )

    assert len(long.spellings) <= len(short.spellings) + 6 <= 24
