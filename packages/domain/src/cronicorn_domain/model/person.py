"""A person: who signs in, and what they may do."""

import unicodedata
from dataclasses import dataclass, field
from datetime import datetime

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import PersonId, TenantId
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.job import check_name, check_text

EMAIL_LENGTH = 254
PASSWORD_LENGTH_LEAST = 12
PASSWORD_LENGTH_MOST = 256
_PARTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """
    Somebody of a tenant; nobody registers by themselves.

    Attributes:
        email: As `email_of` writes it; no two people of an installation share one.
        password: What is kept of the password, as a `PasswordHasher` made it.
        owner: Whoever the installation was set up for; there is one at most.
        disabled_at: From when on they may not sign in, and nothing they hold proves anything.
    """

    id: PersonId
    tenant: TenantId
    email: str
    name: str
    password: str = field(repr=False)
    scopes: frozenset[Scope]
    created_at: datetime
    owner: bool = False
    disabled_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a name nobody could find again, and a person who may do nothing."""
        check_name(self.name)
        if not self.scopes:
            raise InvalidInput(
                "the person may do nothing", field="scopes", remedy="give read, write or admin"
            )


def email_of(text: str) -> str:
    """
    Write an e-mail address as it is kept and compared: without blanks around it, in small letters.

    Whether anybody reads what is sent there, only sending would tell. Raises ``InvalidInput``.
    """
    check_text(text, field="email")
    email = text.strip().lower()
    parts = email.split("@")
    whole = len(parts) == _PARTS and all(parts) and email.isprintable() and " " not in email
    if not whole or len(email) > EMAIL_LENGTH:
        raise InvalidInput(
            f"{email[:40]!r} is no e-mail address",
            field="email",
            remedy=f"give one like ada@example.org, of {EMAIL_LENGTH} characters at most",
        )
    return email


def password_of(text: str) -> str:
    """Write a password as it is hashed: keyboards differ in how they compose the same letters."""
    return unicodedata.normalize("NFC", text)


def check_password(password: str, *, email: str) -> None:
    """Refuse with ``InvalidInput`` a password that is too short, endless, or the address."""
    check_text(password, field="password")
    fits = PASSWORD_LENGTH_LEAST <= len(password) <= PASSWORD_LENGTH_MOST
    if not fits or len(set(password)) == 1 or password.lower() == email:
        raise InvalidInput(
            "this cannot be a password",
            field="password",
            remedy=f"give {PASSWORD_LENGTH_LEAST} to {PASSWORD_LENGTH_MOST} characters that are"
            " neither the e-mail address nor one letter over and over",
        )
