"""A device grant: a program without a browser asks a person to let it in (RFC 8628)."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cronicorn_domain.identity import DeviceGrantId, PersonId, TenantId
from cronicorn_domain.model.api_key import KeyDigest, Scope

DEVICE_GRANT_LASTS = timedelta(minutes=30)
POLL_INTERVAL = timedelta(seconds=5)
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no code is a word; no digits, which would be taken for letters."""
USER_CODE_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Pending:
    """Nobody has decided yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A person has let the device in, as themselves."""

    tenant: TenantId
    person: PersonId


@dataclass(frozen=True, slots=True)
class Denied:
    """A person has sent it away."""


Standing = Pending | Approved | Denied


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceGrant:
    """
    What a device asks for, and what has become of it; both codes are shown once, and kept nowhere.

    Attributes:
        device: Of the code by which the device asks.
        user_code: The SHA-256, in hexadecimal, of the code that a person types.
        client: What the device says it is.
        scopes: What it would do; a person lets it do no more than they may themselves.
        interval: How long the device has to wait between two questions.
        polled_at: When it asked last.
    """

    id: DeviceGrantId
    device: KeyDigest
    user_code: str = field(repr=False)
    client: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime
    standing: Standing = Pending()
    interval: timedelta = POLL_INTERVAL
    polled_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Say whether it may still be decided and used; one that expires now has expired."""
        return now < self.expires_at


def hash_of_user_code(text: str) -> str:
    """Return what is kept of a code that people type, in capitals or not, with dashes or not."""
    code = "".join(each for each in text.upper() if each.isalnum())
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


def shown_user_code(code: str) -> str:
    """Write a code so that people can read it: ``WDJB-MJHT``."""
    half = USER_CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"
