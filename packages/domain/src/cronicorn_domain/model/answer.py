"""What was answered to a request that bears a key, kept so that a repeat gets the same."""

from dataclasses import dataclass, field
from typing import Final

from cronicorn_domain.identity import TenantId

KEY_LENGTH_MOST: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedRequest:
    """
    A request that is to be done once, however often it comes.

    Attributes:
        tenant: Whose it is; another tenant's of the same key is another.
        key: A digest of the key under which it was given.
        fingerprint: A digest of everything it asks for.
    """

    tenant: TenantId
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it was given; ``secret``: its body holds what is shown once."""

    status: int
    media_type: str
    body: str = field(repr=False)
    secret: bool = False
