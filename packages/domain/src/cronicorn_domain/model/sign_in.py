"""A sign-in session: that a person is signed in somewhere, and until when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cronicorn_domain.identity import PersonId, SignInId, TenantId
from cronicorn_domain.model.api_key import KeyDigest, Scope

SIGN_IN_LASTS = timedelta(days=30)
LABEL_LENGTH = 120
_UNKNOWN = "unknown"


class SignInKind(StrEnum):
    """Where somebody is signed in."""

    BROWSER = "browser"
    DEVICE = "device"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """
    One sign-in of a person; the token that proves it is shown once, and kept nowhere.

    Attributes:
        label: What the browser or the device says it is, for people; see `label_of`.
        scopes: What it may do at most; the person may have come to less since.
        expires_at: From when on it proves nothing.
        last_used_at: Known to the minute.
    """

    id: SignInId
    tenant: TenantId
    person: PersonId
    kind: SignInKind
    label: str
    digest: KeyDigest
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Say whether it proves anything; one that expires now has expired."""
        return now < self.expires_at


def label_of(text: str | None) -> str:
    """Make a label of what something says of itself, which can be anything: one line, not long."""
    line = "".join(each if each.isprintable() else " " for each in (text or "")[:LABEL_LENGTH])
    return line.strip() or _UNKNOWN
