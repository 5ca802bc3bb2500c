"""Signing: how a request proves whose it is, and the keys that it is signed with."""

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import TenantId

KEY_MARK = "whsec_"
KEY_BYTES = 32
KEY_BYTES_LEAST = 24
KEY_BYTES_MOST = 64
KEY_PREFIX_LENGTH = len(KEY_MARK) + 4
OVERLAP = timedelta(hours=24)
OVERLAP_MOST = timedelta(days=30)


class Signing(StrEnum):
    """
    What an endpoint wants of its requests.

    ``when_keyed`` signs by Standard Webhooks as soon as the tenant has a key, and sends unsigned
    while it has none. The three that name a scheme never send unsigned.
    """

    WHEN_KEYED = "when_keyed"
    OFF = "off"
    STANDARD = "standard"
    OLDER = "older"
    BOTH = "both"


class Scheme(StrEnum):
    """How a signature is made, and in which headers it goes."""

    STANDARD = "standard"
    OLDER = "older"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """
    A key in the text that its receivers have: ``whsec_`` and base64 of 24 to 64 bytes.

    Attributes:
        text: What the older scheme signs with.
        material: The bytes that Standard Webhooks signs with.
    """

    text: str = field(repr=False)
    material: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what is no such text, and what could be guessed. No message repeats it."""
        try:
            material = base64.b64decode(self.text.removeprefix(KEY_MARK), validate=True)
        except (binascii.Error, ValueError):
            material = b""
        fits = KEY_BYTES_LEAST <= len(material) <= KEY_BYTES_MOST
        if not self.text.startswith(KEY_MARK) or not fits:
            raise InvalidInput(
                "this cannot be a signing key",
                field="key",
                remedy=f"give {KEY_MARK} and base64 of {KEY_BYTES_LEAST} to {KEY_BYTES_MOST} bytes",
            )
        object.__setattr__(self, "material", material)

    @property
    def prefix(self) -> str:
        """How it begins: what is shown of it, once it has been shown."""
        return self.text[:KEY_PREFIX_LENGTH]


def signing_key_of(material: bytes) -> SigningKey:
    """Return the key of these bytes. Raises ``InvalidInput`` if they are too few or too many."""
    return SigningKey(text=f"{KEY_MARK}{base64.b64encode(material).decode()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCard:
    """
    What may be read of a tenant's keys: how the newest begins, and since when there are any.

    ``previous_until``: so long the one before it goes on signing beside it; None: no such one.
    """

    prefix: str
    created_at: datetime
    rotated_at: datetime | None = None
    previous_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantKeys:
    """
    The signing keys of a tenant: the newest, and during a rotation the one before it.

    ``previous`` is valid until ``previous_until``; equal is over.
    """

    tenant: TenantId
    current: SigningKey
    created_at: datetime
    rotated_at: datetime | None = None
    previous: SigningKey | None = None
    previous_until: datetime | None = None

    def valid_at(self, now: datetime) -> tuple[SigningKey, ...]:
        """Return the keys that sign at an instant, the newest first."""
        if self.previous is None or self.previous_until is None or self.previous_until <= now:
            return (self.current,)
        return (self.current, self.previous)

    def rotated(self, key: SigningKey, *, now: datetime, overlap: timedelta) -> "TenantKeys":
        """
        Return the keys with a new one, beside which the newest so far is valid for ``overlap``.

        One that was on its way out already is over at once: no more than two are ever valid.
        """
        return TenantKeys(
            tenant=self.tenant,
            current=key,
            created_at=self.created_at,
            rotated_at=now,
            previous=self.current if overlap else None,
            previous_until=now + overlap if overlap else None,
        )

    @property
    def card(self) -> KeyCard:
        """What may be read of them."""
        return KeyCard(
            prefix=self.current.prefix,
            created_at=self.created_at,
            rotated_at=self.rotated_at,
            previous_until=self.previous_until,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoKeys:
    """There is nothing to sign with; ``reason`` is for people."""

    reason: str


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """
    Who signs a request, and how.

    Attributes:
        schemes: By which schemes; at least one.
        keys: The newest first; at least one.
        message_id: What the receiver knows a repeat by: the same for every attempt of a fire time,
            and without a full stop, which would end it.
        at: The instant of the call that is signed; who sends adds what has passed since.
    """

    schemes: frozenset[Scheme]
    keys: tuple[SigningKey, ...]
    message_id: str
    at: datetime
