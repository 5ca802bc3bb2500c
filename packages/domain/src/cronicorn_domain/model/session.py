"""Sessions: the AI planner's looks at endpoints, and the suggestions that wait for a person."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cronicorn_domain.identity import (
    EndpointId,
    JobId,
    SessionId,
    SuggestionId,
    TenantId,
    WorkerId,
)
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.proposal import Proposal

SUGGESTION_LIFE: Final = timedelta(hours=24)
"""So long a suggestion waits for a person; equal is over."""


class Ending(StrEnum):
    """
    How a session ended.

    ``done``: the model said what it found. ``failed``: the model gave no answer that could be used.
    ``bounded``: a bound of the session was reached before. ``denied``: the tenant's quota allowed
    no more. ``hindered``: something of ours, as the store of the quota's counts or of the history,
    was away, and nobody's failure is counted. ``stopped``: the worker shut down. Only of a session
    that is ``done`` is anything granted.
    """

    DONE = "done"
    FAILED = "failed"
    BOUNDED = "bounded"
    DENIED = "denied"
    HINDERED = "hindered"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCall:
    """A tool that the model called: with what, as JSON text, and what it was told."""

    tool: str
    arguments: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """Something to know about a session; ``code`` is for programs, and lasts."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NextRun:
    """When an endpoint was to run next, and by which rule."""

    due_at: datetime
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    What a session was busy with for a while.

    Attributes:
        tool: The tool that its model called, ``unknown`` for one that there is not; None: the model
            was asked.
        well: The model answered, or the call was heeded.
    """

    tool: str | None
    began_at: datetime
    ended_at: datetime
    well: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """
    One look of the planner at an endpoint; it is written once, and never changed.

    Attributes:
        cause: Why it was looked at, as a clause.
        mode: What the planner was allowed to do.
        model: The model that was asked, as its vendor calls it.
        prompt: What the model was told first.
        calls: The tools it called, in their order.
        reasoning: What it said in the end; outside text.
        caveats: What went otherwise than it should.
        tokens_in: What the model read, in all its answers.
        tokens_out: What it wrote.
        cost: In millionths of the currency in which the prices are given; None: no price is known.
        before: The next run when the session began; None: there was none.
        after: The next run when it had ended.
        next_analysis_at: When it is looked at again, unless something happens before.
        error: Why there is no result; None: there is one.
    """

    id: SessionId
    tenant: TenantId
    endpoint_id: EndpointId
    cause: str
    mode: AiMode
    model: str
    started_at: datetime
    ended_at: datetime
    ending: Ending
    next_analysis_at: datetime
    prompt: str = ""
    calls: tuple[MadeCall, ...] = ()
    reasoning: str = ""
    caveats: tuple[Caveat, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    cost: int | None = None
    before: NextRun | None = None
    after: NextRun | None = None
    error: str | None = None

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSession:
    """A session, and what its endpoint is called now."""

    session: Session
    endpoint_name: str


class SuggestionState(StrEnum):
    """Where a suggestion stands; one whose life is over waits no more, whatever is written."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """
    What a session has proposed and a person decides.

    Attributes:
        decided_by: Who did, as the audit calls them; None: nobody yet.
    """

    id: SuggestionId
    tenant: TenantId
    endpoint_id: EndpointId
    session_id: SessionId
    proposal: Proposal
    created_at: datetime
    expires_at: datetime
    state: SuggestionState = SuggestionState.WAITING
    decided_at: datetime | None = None
    decided_by: str | None = None

    def waits_at(self, now: datetime) -> bool:
        """Say whether it can still be decided."""
        return self.state is SuggestionState.WAITING and self.expires_at > now


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """
    When the planner looks at an endpoint next.

    Attributes:
        next_at: Then, or as soon as somebody can.
        cause: Why, as a clause.
        not_before: Nothing that happens brings it further forward than this.
        failures: Sessions in a row that failed.
        lease: Of which session it is, until ``leased_until``; a number that is never used again.
        worker: Who holds that session.
        taken_at: When it was taken.
        looked_at: When it was taken last, also if that lease has ended: its tenant's turn was then.
    """

    endpoint_id: EndpointId
    tenant: TenantId
    job_id: JobId
    next_at: datetime
    cause: str
    not_before: datetime
    failures: int = 0
    lease: SessionId | None = None
    worker: WorkerId | None = None
    leased_until: datetime | None = None
    taken_at: datetime | None = None
    looked_at: datetime | None = None

    def leased_at(self, now: datetime) -> bool:
        """Say whether somebody has it; a lease that ends now has ended."""
        return self.leased_until is not None and self.leased_until > now
