"""Notes in the audit what a verb did; a verb that changed nothing notes nothing."""

from collections.abc import Sequence
from enum import StrEnum
from typing import assert_never

from cronicorn_domain.identity import AuditId, new_uuid
from cronicorn_domain.model.api_key import ApiKey
from cronicorn_domain.model.audit import AuditEntry, FieldChange, Subject, SubjectKind
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job

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
    HINT = "hint"
    CLEAR_HINTS = "clear_hints"
    ISSUE = "issue"
    REVOKE = "revoke"


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
    subject: Job | Endpoint | ApiKey,
    changes: Sequence[FieldChange] = (),
) -> None:
    """Note a deed; it lasts when the work does."""
    await work.audit.add(_entry(work, deed, subject, changes))


async def note_created(work: Changing, endpoints: Sequence[Endpoint]) -> None:
    """Note that many endpoints were created."""
    told = ((each, changes_between(None, each)) for each in endpoints)
    await work.audit.add(*(_entry(work, Deed.CREATE, each, changes) for each, changes in told))


def _entry(
    work: Changing, deed: Deed, subject: Job | Endpoint | ApiKey, changes: Sequence[FieldChange]
) -> AuditEntry:
    return AuditEntry(
        id=AuditId(new_uuid()),
        tenant=work.tenant,
        at=work.now,
        actor=work.caller.actor,
        action=deed,
        subject=Subject(kind=_kind_of(subject), id=subject.id, name=subject.name),
        changes=tuple(changes),
    )


def _kind_of(subject: Job | Endpoint | ApiKey) -> SubjectKind:
    match subject:
        case Job():
            return SubjectKind.JOB
        case Endpoint():
            return SubjectKind.ENDPOINT
        case ApiKey():
            return SubjectKind.API_KEY
        case _:
            assert_never(subject)
