"""The life of one endpoint, told with nothing but values: for tests of the pure rules."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cronicorn_domain.identity import (
    DEFAULT_TENANT,
    EndpointId,
    HintId,
    JobId,
    RunId,
    Token,
    TriggerId,
    WorkerId,
    new_uuid,
)
from cronicorn_domain.model.breaker import Breaker, Trouble
from cronicorn_domain.model.decision import Decision, Plan
from cronicorn_domain.model.endpoint import Endpoint, HttpRequest, Pause
from cronicorn_domain.model.hint import Hint, Trigger, TriggerKind
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.rulings import NO_RULING, Ruling
from cronicorn_domain.model.run import Failed, FailureKind, Outcome, Response, Succeeded
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.model.state import DEFAULT_FLOOR, EndpointState, Situation
from cronicorn_domain.policies.breaking import hold_back
from cronicorn_domain.policies.change import Change, Claim, Postponement
from cronicorn_domain.policies.claiming import claim
from cronicorn_domain.policies.clearing import clear, without_hints
from cronicorn_domain.policies.editing import edited
from cronicorn_domain.policies.eligibility import claimable_from
from cronicorn_domain.policies.reaping import reap
from cronicorn_domain.policies.releasing import release
from cronicorn_domain.policies.replanning import (
    plan_afresh,
    plan_edited,
    plan_first,
    replan,
    reset_failures,
    skip_next_slot,
)
from cronicorn_domain.policies.settling import settle
from cronicorn_domain.policies.starting import start_refusal
from cronicorn_domain.ports.endpoint_queue import Settlement
from cronicorn_domain.schedules.schedule import IntervalSchedule

SUCCESS: Outcome = Succeeded(response=Response(status_code=200))
FAILURE: Outcome = Failed(kind=FailureKind.HTTP_STATUS, message="answered 500")
LEASE_LENGTH = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """One run of the story: the plan it was made of, when, and what it consumed."""

    plan: Plan
    at: datetime
    hints: tuple[HintId, ...]
    triggers: tuple[TriggerId, ...]

    @property
    def slot(self) -> datetime:
        """The nominal instant."""
        return self.plan.slot


@dataclass(slots=True)
class Story:
    """
    One endpoint, a clock that only moves forward, and everything that happened.

    A transition is applied exactly as a store applies it; what a store would check first (a lease,
    the due instant) is checked here, too.
    """

    situation: Situation
    now: datetime
    runs: list[Claimed] = field(default_factory=list)
    started: list[Claimed] = field(default_factory=list)
    records: list[SlotRecord] = field(default_factory=list)
    _consumed: tuple[tuple[Hint, ...], tuple[Trigger, ...]] = ((), ())

    @classmethod
    def of(cls, endpoint: Endpoint, *, floor: timedelta = DEFAULT_FLOOR) -> "Story":
        """Begin with a new endpoint, at its creation."""
        situation = Situation(
            job_state=JobState.ACTIVE, endpoint=endpoint, state=EndpointState(), floor=floor
        )
        story = cls(situation, endpoint.created_at)
        story._apply(plan_first)
        return story

    @property
    def state(self) -> EndpointState:
        """The endpoint's state."""
        return self.situation.state

    @property
    def next(self) -> Decision | None:
        """The decision that stands."""
        plan = self.state.next_plan
        return None if plan is None else plan.decision

    @property
    def claimable_from(self) -> datetime | None:
        """What the due table would hold."""
        return claimable_from(self.situation, self.now)

    def at(self, now: datetime) -> "Story":
        """Let time pass, without anything being run."""
        assert now >= self.now, "a story goes forward"
        self.now = now
        return self

    def after(self, length: timedelta) -> "Story":
        """Let some time pass."""
        return self.at(self.now + length)

    def having(self, **state: object) -> "Story":
        """Set parts of the state by hand, and plan from them."""
        changed = replace(self.state, plan=None, **state)  # type: ignore[arg-type]
        self.situation = replace(self.situation, state=changed)
        self._apply(replan)
        return self

    def offer(self, hint: Hint) -> None:
        """Write a hint."""
        self.situation = replace(self.situation, hints=(*self.situation.hints, hint))
        self._apply(replan)

    def clear_hints(self) -> tuple[Hint, ...]:
        """Clear every hint that lives, and return them."""
        living = tuple(hint for hint in self.situation.hints if hint.expires_at > self.now)
        if living:
            cleared = {hint.id for hint in living}
            change = clear(self.situation, cleared, self.now)
            self.situation = without_hints(self.situation, cleared)
            self._take(change)
        return living

    def trigger(self, kind: TriggerKind = TriggerKind.MANUAL) -> Trigger:
        """Ask for a run, now."""
        trigger = Trigger(
            id=TriggerId(new_uuid()),
            kind=kind,
            at=self.now,
            expires_at=self.now + timedelta(minutes=60),
        )
        self.situation = replace(self.situation, triggers=(*self.situation.triggers, trigger))
        self._apply(replan)
        return trigger

    def edit(self, **fields: object) -> None:
        """Edit the endpoint as a catalog does."""
        old = self.situation.endpoint
        new = edited(old, replace(old, **fields), self.now)  # type: ignore[arg-type]
        before = self.situation
        self.situation = replace(before, endpoint=new)
        if new is not old:
            self._take(plan_edited(before, self.situation, self.now))

    def pause(self, until: datetime) -> None:
        """Pause the endpoint."""
        self._set_pause(Pause(until=until))

    def resume(self) -> None:
        """End the pause."""
        self._set_pause(None)

    def archive(self) -> None:
        """Archive the endpoint."""
        self._set_endpoint(archived_at=self.now)

    def restore(self) -> None:
        """Bring it back."""
        self._set_endpoint(archived_at=None)
        self._take(plan_afresh(self.situation, self.now, "restored"))

    def skip(self) -> None:
        """Skip the next slot."""
        self._apply(skip_next_slot)

    def reset_failures(self) -> None:
        """Reset the failures."""
        self._apply(reset_failures)

    def claim(self) -> Claimed | None:
        """Claim, if the endpoint is due; None if it is not, or was only planned anew."""
        due_at = self.claimable_from
        if due_at is None or due_at > self.now:
            return None
        match claim(self.situation, self.now):
            case Postponement(change=change):
                self._take(change)
                return None
            case Claim() as claimed:
                return self._lease(claimed)

    def claim_when_due(self) -> Claimed | None:
        """
        Wait for the due instant and claim, through a few postponements; None: nothing is planned.
        """
        for _ in range(5):
            due_at = self.claimable_from
            if due_at is None:
                return None
            self.at(max(self.now, due_at))
            if (claimed := self.claim()) is not None:
                return claimed
        raise AssertionError("the endpoint is due again and again, and never claimed")

    def hold_back(self, trouble: Trouble, breaker: Breaker) -> None:
        """Let the host's breaker hold back what is due at its due instant."""
        due_at = self.claimable_from
        assert due_at is not None, "nothing is planned"
        self.at(max(self.now, due_at))
        made = claim(self.situation, self.now)
        assert isinstance(made, Claim), "it is only planned anew"
        self._take(hold_back(self.situation, made, trouble, breaker, self.now).change)

    def start(self) -> None:
        """Start the claimed run."""
        assert self.situation.lease is not None
        refusal = start_refusal(self.situation, self.now)
        assert refusal is None, f"the start is refused: {refusal}"
        lease = replace(self.situation.lease, started_at=self.now)
        self.situation = replace(self.situation, lease=lease)
        self.started.append(self.runs[-1])

    def settle(self, outcome: Outcome = SUCCESS, ruling: Ruling = NO_RULING) -> Change:
        """End the run, and return what its end has changed."""
        lease = self.situation.lease
        assert lease is not None
        assert lease.started_at is not None
        settlement = Settlement(
            token=lease.token,
            started_at=lease.started_at,
            ended_at=self.now,
            outcome=outcome,
            ruling=ruling,
        )
        change = settle(self.situation, settlement, self.now)
        self._consumed = ((), ())
        self.situation = change.after_the_run(self.situation, self.now)
        self.records.extend(change.records)
        return change

    def release(self) -> None:
        """Give the claim back; what it consumed is pending again."""
        self._revive_consumed()
        self._end(release(self.situation, self.now))

    def reap(self) -> None:
        """Lose the worker; a run that had not started is given back."""
        lease = self.situation.lease
        if lease is not None and lease.started_at is None:
            self._revive_consumed()
        self._end(reap(self.situation, self.now))

    def run(
        self, outcome: Outcome = SUCCESS, *, lasts: timedelta = timedelta(seconds=1)
    ) -> Claimed:
        """Wait for the due instant, run, and settle."""
        claimed = self.claim_when_due()
        assert claimed is not None, "nothing is planned"
        self.start()
        self.at(self.now + lasts)
        self.settle(outcome)
        return claimed

    def _lease(self, claimed: Claim) -> Claimed:
        hints, triggers = self.situation.hints, self.situation.triggers
        self._consumed = (
            tuple(each for each in hints if each.id in claimed.hints),
            tuple(each for each in triggers if each.id in claimed.triggers),
        )
        lease = Lease(
            token=Token(len(self.runs) + 1),
            endpoint_id=self.situation.endpoint.id,
            tenant=self.situation.endpoint.tenant,
            run_id=RunId(new_uuid()),
            worker=WorkerId("story"),
            until=self.now + LEASE_LENGTH,
            urgent=claimed.urgent,
        )
        self.situation = replace(
            self.situation,
            lease=lease,
            hints=tuple(each for each in hints if each.id not in claimed.hints),
            triggers=tuple(each for each in triggers if each.id not in claimed.triggers),
        )
        self._take(claimed.change)
        run = Claimed(
            plan=claimed.plan, at=self.now, hints=claimed.hints, triggers=claimed.triggers
        )
        made = {(each.slot, each.plan.attempt) for each in self.runs}
        assert (run.slot, run.plan.attempt) not in made, f"{run.slot} is attempted twice"
        self.runs.append(run)
        return run

    def _revive_consumed(self) -> None:
        hints, triggers = self._consumed
        self.situation = replace(
            self.situation,
            hints=(*self.situation.hints, *hints),
            triggers=(*self.situation.triggers, *triggers),
        )

    def _set_pause(self, pause: Pause | None) -> None:
        self._set_endpoint(pause=pause)
        self._apply(replan)

    def _set_endpoint(self, **fields: object) -> None:
        endpoint = replace(self.situation.endpoint, **fields)  # type: ignore[arg-type]
        self.situation = replace(self.situation, endpoint=endpoint)

    def _end(self, change: Change) -> None:
        self._consumed = ((), ())
        self.situation = replace(self.situation, lease=None)
        self._take(change)

    def _apply(self, transition: Callable[[Situation, datetime], Change]) -> None:
        self._take(transition(self.situation, self.now))

    def _take(self, change: Change) -> None:
        self.situation = replace(self.situation, state=change.state)
        self.records.extend(change.records)


def told(
    every: timedelta = timedelta(minutes=10), *, floor: timedelta = DEFAULT_FLOOR, **fields: Any
) -> Story:
    """
    Begin the life of an endpoint created on 2025-01-01 at noon, an interval unless told otherwise.

    ``fields`` replace those of the endpoint. Its id is always the same, and so is its jitter.
    """
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    endpoint = Endpoint(
        id=EndpointId(UUID(int=7)),
        tenant=DEFAULT_TENANT,
        job_id=JobId(UUID(int=1)),
        name="told",
        request=HttpRequest(url="http://example.com/"),
        schedule=IntervalSchedule(every=every),
        anchor=noon,
        created_at=noon,
        updated_at=noon,
    )
    return Story.of(replace(endpoint, **fields), floor=floor)
