"""Reads which server takes the installation's letters."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from cronicorn_domain.errors import InvalidInput

SETTING: Final = "CRONICORN_SMTP"
_PORTS: Final = {"smtp": 587, "smtps": 465}
_REMEDY: Final = "write it as smtp://user:password@host:587, or smtps://…:465"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """
    A server that takes letters.

    ``tls`` from the first byte; else it is begun where the server offers it, and with a password it
    must.
    """

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def parse_smtp_url(text: str) -> SmtpServer:
    """
    Read ``smtp[s]://[user:password@]host[:port]``.

    Raises:
        InvalidInput: it is none; the message repeats nothing of it.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _malformed("it cannot be read") from None
    if parts.scheme not in _PORTS:
        raise _malformed("it begins with neither smtp:// nor smtps://")
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise _malformed("it is to name a host, and no more")
    if (parts.username is None) != (parts.password is None):
        raise _malformed("a user and a password go together")
    return SmtpServer(
        host=parts.hostname,
        port=_PORTS[parts.scheme] if port is None else port,
        tls=parts.scheme == "smtps",
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


def _malformed(why: str) -> InvalidInput:
    return InvalidInput(f"{SETTING} is no server: {why}", field=SETTING, remedy=_REMEDY)
