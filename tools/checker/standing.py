"""What a plan is made from, and the facts about each claim that the rules ask for."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import IntervalHint, OneShotHint, Trigger
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.run import Run

from tools.checker.history import LeaseEnd
from tools.checker.rhythm import Rhythm, rhythm_of

NO_TIME = timedelta()
Proposal = OneShotHint | Trigger


@dataclass(frozen=True, kw_only=True)
class Setting:
    """
    All that a plan is made from, but for the past of the slots.

    Attributes:
        begun: The rhythm holds behind it: creation, the last edit of schedule, zone or bounds, or
            the last restore.
        hints: The interval hints that nobody has cleared; whether they have expired is for the
            reader to say.
        failures: Consecutive failures of the target.
        used_up: As many occurrences have started as there may be.
    """

    endpoint: Endpoint
    floor: timedelta
    begun: datetime
    hints: tuple[IntervalHint, ...] = ()
    failures: int = 0
    used_up: bool = False

    @cached_property
    def shortest(self) -> timedelta:
        """``max(min_interval, tenant floor)``, SEMANTICS §1 step 4."""
        return max(self.endpoint.guardrails.shortest or NO_TIME, self.floor)

    @cached_property
    def rhythm(self) -> Rhythm | None:
        """The schedule's own slots; None for a single instant."""
        return rhythm_of(self.endpoint)

    @cached_property
    def origin(self) -> datetime:
        """What an endpoint that never ran is counted from."""
        starts_at = self.endpoint.bounds.starts_at
        created_at = self.endpoint.created_at
        return created_at if starts_at is None else max(created_at, starts_at)


class Cause(StrEnum):
    """What made a plan, or will, once the lease that lives has ended."""

    WRITE = "write"
    """Somebody wrote something: planned from now."""
    SKIP = "skip"
    """A person passed the next slot over."""
    AFRESH = "afresh"
    """Schedule, zone or bounds were edited, or it was restored: what came before is closed."""
    RECURRING_END = "recurring-end"
    OTHER_END = "other-end"
    """A run of another kind ended: a slot that passed meanwhile is run."""
    UNDONE = "undone"
    """A claim was given back: its slot is due again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """
    A commit at which a plan is made anew; it holds until the next.

    Attributes:
        unplanned: A lease lives, or it is archived: nothing is planned.
        leased: The slot whose lease lives.
        claim: The one that ended, if one did.
        last_end: End of the latest recurring run.
        before: The setting that held until now, where ``cause`` is AFRESH.
    """

    at: datetime
    cause: Cause
    setting: Setting
    unplanned: bool
    leased: datetime | None = None
    claim: "Claim | None" = None
    last_end: datetime | None = None
    before: Setting | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """Who may be claimed and started, from an instant on."""

    since: datetime
    job_state: JobState
    paused_until: datetime | None
    archived: bool

    def refusal(self, now: datetime, *, triggered: bool) -> str | None:
        """Say why nothing may run; a sibling's trigger fires a paused endpoint (SEMANTICS §2)."""
        if self.archived:
            return "the endpoint is archived"
        if self.job_state is not JobState.ACTIVE:
            return f"the job is {self.job_state}"
        if self.paused_until is not None and self.paused_until > now and not triggered:
            return "the endpoint is paused"
        return None


@dataclass(slots=True, kw_only=True)
class Claim:
    """
    A run, what held when it was claimed, and what came of it.

    Attributes:
        at: When it was claimed.
        epochs: How many epochs there were before it.
        last_start: Start of the latest run before it.
        served: What its instant had reached: one-shots and triggers, consumed by it.
        waiting: What else was pending.
        claimable_since: From when on nothing but its due instant held it back.
        earlier: The claims of the same slot before it.
        partly_known: The history begins in the middle of the endpoint's life, so that what came
            before may explain it.
        as_planned: It ran the very slot that was planned, and no other for being late.
        plain: Nothing but the schedule has had a say since the run before.
        end_epoch: The epoch that its end began; None: it has not ended.
        end_setting: What held when it ended, its own outcome not yet counted.
    """

    run: Run
    at: datetime
    setting: Setting
    access: Access
    epochs: int
    last_start: datetime | None
    served: "tuple[Waiting, ...]"
    waiting: "tuple[Waiting, ...]"
    claimable_since: datetime
    earlier: "tuple[Claim, ...]"
    partly_known: bool = False
    as_planned: bool = False
    plain: bool = False
    end: LeaseEnd | None = None
    ended_at: datetime | None = None
    end_epoch: int | None = None
    end_setting: Setting | None = None

    @property
    def recurs(self) -> bool:
        """Say whether it runs a slot of the rhythm."""
        return self.run.kind is Kind.RECURRING

    @property
    def undone(self) -> bool:
        """Say whether it ended before it had started: nothing was sent."""
        return self.end is not None and self.run.started_at is None

    @property
    def lost(self) -> bool:
        """Say whether its run had started, and was lost with its worker."""
        return self.end is LeaseEnd.REAPED and self.run.started_at is not None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A one-shot or trigger that is pending, and what is known of its past."""

    proposal: Proposal
    offered_at: datetime


class Fate(StrEnum):
    """What became of a hint or trigger that is no more."""

    CLEARED = "cleared"
    SERVED = "served"


def living(hints: Iterable[IntervalHint], now: datetime) -> Iterator[IntervalHint]:
    """Return those that have not expired: at ``expires_at`` a hint has (SEMANTICS §1)."""
    return (hint for hint in hints if hint.expires_at > now)


def with_failures(setting: Setting, failures: int) -> Setting:
    """Return the setting with another count of failures."""
    return setting if setting.failures == failures else replace(setting, failures=failures)
