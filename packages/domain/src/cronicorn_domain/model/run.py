"""A run: one execution of an endpoint, and what came of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import EndpointId, RunId, TenantId, WorkerId
from cronicorn_domain.model.decision import Decision, Kind


class RunStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"


class FailureKind(StrEnum):
    """How a run failed. ``abandoned`` and ``signing`` are ours, the others the target's."""

    HTTP_STATUS = "http_status"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    ASSERTION = "assertion"
    ABANDONED = "abandoned"
    SIGNING = "signing"

    @property
    def ours(self) -> bool:
        """Say whether it counts against us, and not against the target."""
        return self in {FailureKind.ABANDONED, FailureKind.SIGNING}


class OutcomeClass(StrEnum):
    """Who answers for an outcome that is no success. Only ``target`` counts as a failure."""

    SUCCESS = "success"
    TARGET = "target"
    OURS = "ours"
    NOT_ATTEMPTED = "not_attempted"


class BodyKind(StrEnum):
    """How a response body is kept."""

    NONE = "none"
    JSON = "json"
    TEXT = "text"
    BINARY = "binary"


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """
    A response body that any store can hold.

    ``text`` is valid JSON (``JSON``), readable text (``TEXT``) or a note of type and length
    (``BINARY``): never a NUL, a lone surrogate, NaN or an infinity. ``truncated`` says that the
    target sent more than the cap.
    """

    kind: BodyKind = BodyKind.NONE
    text: str = ""
    truncated: bool = False


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long the parts of a request took, counted from its start; None: not reached."""

    connected: timedelta | None = None
    first_byte: timedelta | None = None
    complete: timedelta | None = None


_NOT_TIMED = Timing()


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a target answered."""

    status_code: int
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = Body()


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """The target answered as it should."""

    response: Response
    timing: Timing = _NOT_TIMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The run was attempted and did not succeed; ``response`` is what came all the same."""

    kind: FailureKind
    message: str
    response: Response | None = None
    timing: Timing = _NOT_TIMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Nothing was sent, by rule: the egress guard (or a breaker) held it back."""

    message: str


Outcome = Succeeded | Failed | Blocked


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """
    One execution for one fire time. (endpoint, slot, attempt) is unique.

    ``claimed_at`` to ``started_at`` is our own delay; lateness is ``started_at - decision.due_at``.
    ``outcome_class`` is None while it runs. A canceled run sent nothing.
    """

    id: RunId
    endpoint_id: EndpointId
    tenant: TenantId
    decision: Decision
    kind: Kind
    attempt: int
    worker: WorkerId
    claimed_at: datetime
    status: RunStatus = RunStatus.RUNNING
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outcome_class: OutcomeClass | None = None
    failure_kind: FailureKind | None = None
    message: str | None = None
    response: Response | None = None
    timing: Timing = _NOT_TIMED

    @property
    def slot(self) -> datetime:
        """The nominal instant of the occurrence."""
        return self.decision.slot

    def standing(
        self,
        status: RunStatus,
        *,
        started_at: datetime | None,
        finished_at: datetime | None = None,
        outcome_class: OutcomeClass | None = None,
        failure_kind: FailureKind | None = None,
        message: str | None = None,
        response: Response | None = None,
        timing: Timing = _NOT_TIMED,
    ) -> "Run":
        """Return the run as it stands later; what it was made of stays."""
        return Run(
            id=self.id,
            endpoint_id=self.endpoint_id,
            tenant=self.tenant,
            decision=self.decision,
            kind=self.kind,
            attempt=self.attempt,
            worker=self.worker,
            claimed_at=self.claimed_at,
            status=status,
            started_at=started_at,
            finished_at=finished_at,
            outcome_class=outcome_class,
            failure_kind=failure_kind,
            message=message,
            response=response,
            timing=timing,
        )
