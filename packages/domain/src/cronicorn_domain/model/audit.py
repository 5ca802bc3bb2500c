"""The audit: who did what to a job, an endpoint, a key or a person, and what changed by it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from cronicorn_domain.identity import AuditId, TenantId


class SubjectKind(StrEnum):
    """What can be acted on."""

    JOB = "job"
    ENDPOINT = "endpoint"
    API_KEY = "api_key"
    PERSON = "person"
    SIGN_IN = "sign_in"
    DEVICE = "device"
    SIGNING_KEY = "signing_key"
    ALERT = "alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was acted on, by the name it had then."""

    kind: SubjectKind
    id: UUID
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """
    One member, from what to what, as people read it; None: there was, or is, nothing.

    Secret values do not appear: of them only that they changed.
    """

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """
    One deed.

    Attributes:
        id: Its own identity.
        tenant: Whose it was.
        at: When, by the shared clock.
        actor: Who, as ``kind:name``: ``person:ada@example.org``, ``key:deploy``.
        action: What was done, a verb that lasts: ``create``, ``pause``, ``run``.
        subject: To what.
        changes: What became of its members, in the order of their names.
    """

    id: AuditId
    tenant: TenantId
    at: datetime
    actor: str
    action: str
    subject: Subject
    changes: tuple[FieldChange, ...] = ()
