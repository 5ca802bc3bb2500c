"""The history on the wire."""

from typing import Any

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Method
from cronicorn_domain.model.run import FailureKind, OutcomeClass, RunStatus
from pydantic import Field

from cronicorn_api.endpoints.schemas import DecisionBody
from cronicorn_api.wire.values import Instant, Maybe, Wire


class EndpointOfRun(Wire):
    """What a run belongs to, as it is now."""

    id: str
    name: str
    url: Maybe[str] = None
    method: Maybe[Method] = None


class TimingBody(Wire):
    """When it was due and began, and how long the parts of the request took from there."""

    due_at: Instant
    started_at: Instant
    connected_ms: Maybe[int] = None
    first_byte_ms: Maybe[int] = None
    body_ms: Maybe[int] = None


class AttemptBody(Wire):
    """One attempt of a slot."""

    run_id: str
    attempt: int
    status: RunStatus
    started_at: Instant
    failure_kind: Maybe[FailureKind] = None
    status_code: Maybe[int] = None


class RunBody(Wire):
    """A run with everything that is known of it; ``responseBody`` is always there."""

    id: str
    endpoint_id: str
    status: RunStatus
    started_at: Instant
    finished_at: Maybe[Instant] = None
    duration_ms: Maybe[int] = None
    error_message: Maybe[str] = None
    source: Source
    attempt: int
    response_body: Any
    status_code: Maybe[int] = None
    endpoint: EndpointOfRun
    scheduled_for: Instant
    failure_kind: Maybe[FailureKind] = None
    truncated: bool
    response_headers: Maybe[dict[str, str]] = None
    decision: DecisionBody
    worker_id: str
    outcome_class: Maybe[OutcomeClass] = None
    timing: TimingBody
    attempts: list[AttemptBody]


class RunSummaryBody(Wire):
    """A run in a list; bodies are read with the run itself."""

    run_id: str
    endpoint_id: str
    started_at: Instant
    status: RunStatus
    duration_ms: Maybe[int] = None
    source: Source
    scheduled_for: Instant
    attempt: int
    failure_kind: Maybe[FailureKind] = None
    status_code: Maybe[int] = None


class RunList(Wire):
    """Runs, the newest slot first, and how many there are on all pages."""

    runs: list[RunSummaryBody]
    total: int = Field(
        description="Every attempt that is still kept, test runs and those under way too"
    )
    next_cursor: Maybe[str] = None


class LastRunBody(Wire):
    """How the latest run ended."""

    status: RunStatus
    at: Instant


class WindowBody(Wire):
    """What came of the runs of a window."""

    success_count: int
    failure_count: int
    avg_duration_ms: int | None
    p50_ms: int | None = Field(description="A tenth more or less, as is p95Ms")
    p95_ms: int | None


class HealthBody(WindowBody):
    """What came of an endpoint's runs lately, and in the usual windows."""

    last_run: LastRunBody | None
    failure_streak: int
    windows: dict[str, WindowBody] = Field(description="1h, 4h and 24h")


class SlotBody(Wire):
    """Slots that have come and shared a fate: a run, or the reason why there was none."""

    first: Instant
    last: Instant
    count: int
    outcome: str
    reason: Maybe[str] = None
    source: Maybe[Source] = None
    run_id: Maybe[str] = None
    attempts: int


class SlotList(Wire):
    """Slots, the newest first, and where the list goes on if it does."""

    slots: list[SlotBody]
    next_cursor: Maybe[Instant] = None


class ChangeBody(Wire):
    """A member, from what to what; null: there was, or is, nothing."""

    field: str
    before: str | None
    after: str | None


class SubjectBody(Wire):
    """What was acted on, by the name it had then."""

    kind: str
    id: str
    name: str


class DeedBody(Wire):
    """Who did what, when, to what."""

    id: str
    at: Instant
    actor: str
    action: str
    subject: SubjectBody
    changes: list[ChangeBody]


class DeedList(Wire):
    """Deeds, the newest first, and where the list goes on if it does."""

    entries: list[DeedBody]
    next_cursor: Maybe[str] = None
