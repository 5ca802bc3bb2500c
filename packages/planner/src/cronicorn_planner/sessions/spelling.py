"""
The ways in which a secret may be written, and texts without any of them.

A target that echoes what it was sent may write it otherwise: escaped, encoded, in capitals.
"""

import binascii
import html
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from string import ascii_lowercase, ascii_uppercase
from typing import Final
from urllib.parse import quote, quote_plus

_SMALL: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_ENCODED_LEAST: Final = 8
"""A shorter piece of an encoded text would be found where no secret is."""


def spellings_of(secret: str) -> frozenset[str]:
    """Return a secret and how URLs, JSON, HTML and Base64 write it, in small letters; a few."""
    escaped = json.dumps(secret)[1:-1]
    plain = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        escaped,
        escaped.replace("/", "\\/"),
        json.dumps(escaped)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
    }
    return frozenset(_small(each) for each in (*plain, *_in_base64(secret)))


def credentials_in(value: str) -> Iterator[str]:
    """Return what stands encoded in a header value of the scheme Basic, and its password."""
    scheme, _, encoded = value.strip().partition(" ")
    if scheme.lower() != "basic":
        return
    try:
        pair = b64decode(encoded.strip(), validate=True).decode(errors="replace")
    except (ValueError, binascii.Error):
        return
    yield pair
    yield pair.partition(":")[2]


def without(text: str, spellings: Iterable[str], mask: str) -> str:
    """
    Return a text with the mask instead of each of the spellings, in capitals or not.

    Those that overlap are masked whole. The text is looked through once for each spelling.
    """
    small = _small(text)
    spans = sorted(span for each in spellings for span in _spans(small, each))
    pieces: list[str] = []
    end = 0
    for begins, ends in spans:
        if begins >= end:
            pieces += (text[end:begins], mask)
        end = max(end, ends)
    return "".join([*pieces, text[end:]])


def _spans(text: str, spelling: str) -> Iterator[tuple[int, int]]:
    begins = text.find(spelling)
    while begins >= 0:
        ends = begins + len(spelling)
        yield begins, ends
        begins = text.find(spelling, ends)


def _in_base64(secret: str) -> Iterator[str]:
    """Return what of a secret is the same wherever it begins in the text that is encoded."""
    encoded = secret.encode(errors="replace")
    for before in range(3):
        # Characters that also hold bits of what stands before or behind are left out.
        first = -(-8 * before // 6)
        last = 8 * (before + len(encoded)) // 6
        for encode in (b64encode, urlsafe_b64encode):
            piece = encode(b"\0" * before + encoded).decode()[first:last]
            if len(piece) >= _ENCODED_LEAST:
                yield piece


def _small(text: str) -> str:
    """Return a text with small letters, as long as it was: others than ASCII's may grow."""
    return text.translate(_SMALL)
