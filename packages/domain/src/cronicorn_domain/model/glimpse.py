"""What is seen of runs and deeds in passing, by who watches what happens."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from cronicorn_domain.identity import AuditId, EndpointId, RunId, TenantId
from cronicorn_domain.model.audit import SubjectKind
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import FailureKind, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunGlimpse:
    """A run without what was answered; ``started_at`` may be known only when it has ended."""

    id: RunId
    endpoint_id: EndpointId
    tenant: TenantId
    slot: datetime
    attempt: int
    source: Source
    status: RunStatus
    claimed_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    failure_kind: FailureKind | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeedGlimpse:
    """What somebody did, without what changed by it."""

    id: AuditId
    tenant: TenantId
    at: datetime
    action: str
    subject_kind: SubjectKind
    subject: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """What was seen in one look."""

    runs: tuple[RunGlimpse, ...] = ()
    deeds: tuple[DeedGlimpse, ...] = ()
