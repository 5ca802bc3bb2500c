"""A job: a named group of endpoints of one tenant."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from unicodedata import category

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import JobId, TenantId

NAME_LENGTH = 255
DESCRIPTION_LENGTH = 1000
EXTERNAL_KEY_LENGTH = 255
_STEERING = frozenset({"Cc", "Zl", "Zp"})
"""Characters that break lines or steer a terminal; marks within a word, as in emoji, do not."""


class JobState(StrEnum):
    """Where a job stands; archived is final unless it is restored."""

    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    A named group of endpoints; pausing or archiving it takes all of them out of the claim.

    ``external_key`` is what another system calls it, given once, when it is created.
    """

    id: JobId
    tenant: TenantId
    name: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    state: JobState = JobState.ACTIVE
    archived_at: datetime | None = None
    external_key: str | None = None

    def __post_init__(self) -> None:
        """Refuse a name nobody could find again."""
        check_name(self.name)
        check_description(self.description)
        check_external_key(self.external_key)


def check_name(name: str) -> None:
    """Refuse with ``InvalidInput`` a name that is blank, endless, or would not stay on its line."""
    check_text(name, field="name")
    if not name.isprintable() and any(category(each) in _STEERING for each in name):
        raise InvalidInput(
            f"{name[:40]!r} cannot be a name",
            field="name",
            remedy="remove line breaks, tabs and other control characters",
        )
    if not name.strip() or len(name) > NAME_LENGTH:
        raise InvalidInput(
            f"{name[:40]!r} cannot be a name",
            field="name",
            remedy=f"give 1 to {NAME_LENGTH} characters, not all of them blank",
        )


def check_external_key(key: str | None) -> None:
    """Refuse with ``InvalidInput`` a key that no address holds: blank, endless, unprintable."""
    if key is not None and not (
        key.strip() and key.isprintable() and len(key) <= EXTERNAL_KEY_LENGTH
    ):
        raise InvalidInput(
            f"{key[:40]!r} cannot be an external key",
            field="external_key",
            remedy=f"give 1 to {EXTERNAL_KEY_LENGTH} printable characters, not all of them blank",
        )


def check_description(description: str | None) -> None:
    """Refuse an endless description with ``InvalidInput``."""
    check_text(description or "", field="description")
    if description is not None and len(description) > DESCRIPTION_LENGTH:
        raise InvalidInput(
            f"the description has {len(description)} characters",
            field="description",
            remedy=f"keep it to {DESCRIPTION_LENGTH} characters",
        )


def check_text(text: str, *, field: str) -> None:
    """Refuse with ``InvalidInput`` what no store and no wire can carry: NUL and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
        raise InvalidInput(
            f"the {field} holds a character that is no text",
            field=field,
            remedy="remove NUL (\\0) and lone surrogates (\\ud800 to \\udfff)",
        )
