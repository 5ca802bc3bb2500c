"""Notes in the audit what a verb did; a verb that changed nothing notes nothing."""

from collections.abc import Sequence
from enum import StrEnum
from typing import assert_never

from cronicorn_domain.identity import AuditId, new_uuid
from cronicorn_domain.model.alert import Alert
from cronicorn_domain.model.api_key import ApiKey
from cronicorn_domain.model.audit import AuditEntry, FieldChange, Subject, SubjectKind
from cronicorn_domain.model.device_grant import DeviceGrant
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.person import Person
from cronicorn_domain.model.sign_in import SignIn
from cronicorn_domain.model.signing import KeyCard

from cronicorn_management.desk import Changing
from cronicorn_management.telling import changes_between


class Deed(StrEnum):
    """What can be done; the names last, since audits are read by programs."""

    CREATE = "create"
    CHANGE = "change"
    PAUSE = "pause"
    RESUME = "resume"
    ARCHIVE = "archive"
    RESTORE = "restore"
    RESET_FAILURES = "reset_failures"
    SKIP = "skip"
    RUN = "run"
    TEST = "test"
    HINT = "hint"
    CLEAR_HINTS = "clear_hints"
    ISSUE = "issue"
    REVOKE = "revoke"
    ROTATE = "rotate"
    REMOVE = "remove"
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    CHANGE_PASSWORD = "change_password"  # noqa: S105  a name, and no password
    DISABLE = "disable"
    ENABLE = "enable"
    APPROVE = "approve"
    DENY = "deny"


Noted = Job | Endpoint | ApiKey | Person | SignIn | DeviceGrant | KeyCard | Alert
"""What deeds are done to."""


async def note_change(
    work: Changing, deed: Deed, before: Job | Endpoint | None, after: Job | Endpoint
) -> bool:
    """Note what became of a job or an endpoint, and say whether anything did."""
    changes = changes_between(before, after)
    if changes:
        await note(work, deed, after, changes)
    return bool(changes)


async def note(
    work: Changing,
    deed: Deed,
    subject: Noted,
    changes: Sequence[FieldChange] = (),
) -> None:
    """Note a deed; it lasts when the work does."""
    await work.audit.add(_entry(work, deed, subject, changes))


async def note_created(work: Changing, endpoints: Sequence[Endpoint]) -> None:
    """Note that many endpoints were created."""
    told = ((each, changes_between(None, each)) for each in endpoints)
    await work.audit.add(*(_entry(work, Deed.CREATE, each, changes) for each, changes in told))


def _entry(
    work: Changing, deed: Deed, subject: Noted, changes: Sequence[FieldChange]
) -> AuditEntry:
    return AuditEntry(
        id=AuditId(new_uuid()),
        tenant=work.tenant,
        at=work.now,
        actor=work.caller.actor,
        action=deed,
        subject=_subject(work, subject),
        changes=tuple(changes),
    )


def _subject(work: Changing, subject: Noted) -> Subject:
    match subject:
        case Job():
            return Subject(kind=SubjectKind.JOB, id=subject.id, name=subject.name)
        case Endpoint():
            return Subject(kind=SubjectKind.ENDPOINT, id=subject.id, name=subject.name)
        case ApiKey():
            return Subject(kind=SubjectKind.API_KEY, id=subject.id, name=subject.name)
        case Person():
            return Subject(kind=SubjectKind.PERSON, id=subject.id, name=subject.email)
        case SignIn():
            return Subject(kind=SubjectKind.SIGN_IN, id=subject.id, name=subject.label)
        case DeviceGrant():
            return Subject(kind=SubjectKind.DEVICE, id=subject.id, name=subject.client)
        case Alert():
            return Subject(kind=SubjectKind.ALERT, id=subject.id, name=subject.name)
        case KeyCard():  # a tenant has one
            return Subject(kind=SubjectKind.SIGNING_KEY, id=work.tenant, name=subject.prefix)
        case _:
            assert_never(subject)
