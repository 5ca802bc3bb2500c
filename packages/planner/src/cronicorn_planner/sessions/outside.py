"""
Marks outside text as data, and takes secrets out of it.

Trap T33: what a target answers, or a name or description says, is data and never instruction. Trap
T43: a target may echo the secrets that it was sent.
"""

import re
import secrets
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from cronicorn_domain.model.endpoint import Endpoint

from cronicorn_planner.sessions.spelling import credentials_in, spellings_of, without

MASK: Final = "[secret]"
_SECRET_LEAST: Final = 6
_WORD = re.compile(r"\S+")


class Outside:
    """
    What comes from outside is put between marks that nobody outside can know.

    Attributes:
        spellings: What is masked, in small letters.
    """

    def __init__(self, endpoints: Iterable[Endpoint], *, nonce: str | None = None) -> None:
        self._nonce = secrets.token_hex(8) if nonce is None else nonce
        found = {secret for each in endpoints for secret in _secrets_of(each)}
        self.spellings = {self._nonce}.union(*map(spellings_of, found))

    @property
    def opening(self) -> str:
        """What outside text begins with."""
        return f"<<data {self._nonce}>>"

    @property
    def closing(self) -> str:
        """What it ends with."""
        return f"<<end {self._nonce}>>"

    def marked(self, text: str) -> str:
        """Return outside text between the marks, without secrets and odd characters."""
        return f"{self.opening}{self.masked(text)}{self.closing}"

    def masked(self, text: str) -> str:
        """Return a text without the secrets that the endpoints send, however they are written."""
        return without(readable(text), self.spellings, MASK)


def readable(text: str) -> str:
    """Return a text that every store and every vendor takes."""
    return text.replace("\0", "�").encode(errors="replace").decode()


def address_of(url: str) -> str:
    """Return where a request goes: without its user, its query and its fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _secrets_of(endpoint: Endpoint) -> Iterable[str]:
    """Return secret header values and their words (a token behind its scheme), and more alike."""
    request = endpoint.request
    for header in request.headers:
        if header.secret:
            yield from _long(header.value, *_WORD.findall(header.value))
            yield from _long(*credentials_in(header.value))
    parts = urlsplit(request.url)
    password, user = unquote(parts.password or ""), unquote(parts.username or "")
    if password:
        yield from _long(password, f"{user}:{password}")
    yield from _long(*(value for _, value in parse_qsl(parts.query)))


def _long(*texts: str) -> Iterable[str]:
    return (text for text in texts if len(text) >= _SECRET_LEAST)
