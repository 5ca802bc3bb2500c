"""An API key: what a program proves itself by, and what it may do."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import ApiKeyId, PersonId, TenantId
from cronicorn_domain.model.job import check_name

PREFIX_LENGTH = 8
SECRET_LENGTH_LEAST = 24
SECRET_LENGTH_MOST = 256


class Scope(StrEnum):
    """What a caller may do; none includes another."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDigest:
    """
    What is kept in the place of a key or a token: how it begins, and its SHA-256 in hexadecimal.

    They are random and long, so that nothing slower than one hash is needed.
    """

    prefix: str
    sha256: str = field(repr=False)

    def is_same(self, other: "KeyDigest") -> bool:
        """Compare hashes in a time that does not tell how much of them agrees."""
        return hmac.compare_digest(self.sha256, other.sha256)


def digest_of(secret: str) -> KeyDigest:
    """Return what is kept of a key; of a text that cannot be one, what no key has."""
    hashed = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
    return KeyDigest(prefix=secret[:PREFIX_LENGTH], sha256=hashed)


def check_secret(secret: str) -> None:
    """Refuse with ``InvalidInput`` a key that could be guessed, or that no header can carry."""
    fits = SECRET_LENGTH_LEAST <= len(secret) <= SECRET_LENGTH_MOST
    if not fits or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise InvalidInput(
            "this cannot be an API key",
            field="key",
            remedy=f"give {SECRET_LENGTH_LEAST} to {SECRET_LENGTH_MOST} random letters and digits",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """
    A key of a tenant; the key itself is shown once, when it is issued, and kept nowhere.

    ``last_used_at`` is known to the minute. An expired or revoked key proves nothing, nor does one
    whose issuer is disabled; ``issued_by`` is None for what no person issued.
    """

    id: ApiKeyId
    tenant: TenantId
    name: str
    digest: KeyDigest
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    issued_by: PersonId | None = None

    def __post_init__(self) -> None:
        """Refuse a name nobody could find again, a key that may do nothing, and no life."""
        check_name(self.name)
        if not self.scopes:
            raise InvalidInput(
                "the key may do nothing", field="scopes", remedy="give read, write or admin"
            )
        if self.expires_at is not None and self.expires_at <= self.created_at:
            raise InvalidInput(
                "the key would expire before it is issued",
                field="expires_at",
                remedy="give an instant that lies ahead, or none",
            )

    def holds(self, now: datetime) -> bool:
        """Say whether it proves anything; one that expires now has expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
