"""A story that keeps the history of itself, for the checker to judge the pure rules by."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cronicorn_domain.identity import HintId, RunId, WorkerId
from cronicorn_domain.model.breaker import Breaker, Trouble
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.hint import Hint, Trigger, TriggerKind
from cronicorn_domain.model.rulings import NO_RULING, Ruling
from cronicorn_domain.model.run import Outcome, Run
from cronicorn_domain.model.state import DEFAULT_FLOOR
from cronicorn_domain.policies.editing import first_anchor
from cronicorn_domain.policies.reaping import abandoned_run
from cronicorn_domain.policies.releasing import released_run
from cronicorn_domain.policies.settling import settled_run
from cronicorn_domain.ports.endpoint_queue import Settlement
from cronicorn_domain.testing.story import LEASE_LENGTH, SUCCESS, Claimed, Story

from tools.checker.history import (
    Archived,
    Created,
    Deed,
    Edited,
    Entry,
    FailuresReset,
    HintOffered,
    HintsCleared,
    History,
    LeaseEnd,
    LeaseLife,
    Paused,
    Restored,
    Resumed,
    SlotSkipped,
    Triggered,
)


@dataclass(slots=True)
class RecordedStory:
    """The life of one endpoint, every commit of it numbered and written down."""

    story: Story
    floor: timedelta = DEFAULT_FLOOR
    entries: list[Entry] = field(default_factory=list)
    runs: dict[RunId, Run] = field(default_factory=dict)
    leases: dict[RunId, LeaseLife] = field(default_factory=dict)
    begun_at: datetime | None = None
    _order: int = 0

    @classmethod
    def of(cls, endpoint: Endpoint, *, floor: timedelta = DEFAULT_FLOOR) -> "RecordedStory":
        """Begin with a new endpoint, at its creation."""
        endpoint = replace(endpoint, anchor=first_anchor(endpoint))
        told = cls(Story.of(endpoint, floor=floor), floor, begun_at=endpoint.created_at)
        told._write(Created(endpoint=endpoint))
        return told

    def history(self, *, lateness_allowed: timedelta | None = None) -> History:
        """Return what has happened so far; what is left over by then is late as claims are."""
        endpoint = self.story.situation.endpoint
        return History(
            begins_at=self.begun_at or endpoint.created_at,
            ends_at=self.now,
            entries=tuple(self.entries),
            runs=tuple(self.runs.values()),
            records={endpoint.id: tuple(self.story.records)},
            leases=tuple(self.leases.values()),
            default_floor=self.floor,
            lateness_allowed=lateness_allowed,
            patience=lateness_allowed,
        )

    @property
    def now(self) -> datetime:
        """The instant that the story has reached."""
        return self.story.now

    def at(self, now: datetime) -> "RecordedStory":
        """Let time pass."""
        self.story.at(now)
        return self

    def after(self, length: timedelta) -> "RecordedStory":
        """Let some time pass."""
        return self.at(self.now + length)

    # What is done to it

    def offer(self, hint: Hint) -> None:
        """Write a hint."""
        self.story.offer(hint)
        self._write(HintOffered(hint=hint))

    def clear_hints(self) -> None:
        """Clear every hint that lives."""
        hints = tuple(HintId(hint.id) for hint in self.story.clear_hints())
        self._write(HintsCleared(hints=hints))

    def trigger(self, kind: TriggerKind = TriggerKind.MANUAL) -> Trigger:
        """Ask for a run, now."""
        trigger = self.story.trigger(kind)
        self._write(Triggered(trigger=trigger))
        return trigger

    def edit(self, **fields: object) -> None:
        """Edit the endpoint."""
        self.story.edit(**fields)
        self._write(Edited(endpoint=self.story.situation.endpoint))

    def pause(self, until: datetime) -> None:
        """Pause it."""
        self.story.pause(until)
        self._write(Paused(pause=Pause(until=until)))

    def resume(self) -> None:
        """End the pause."""
        self.story.resume()
        self._write(Resumed())

    def archive(self) -> None:
        """Archive it."""
        self.story.archive()
        self._write(Archived())

    def restore(self) -> None:
        """Bring it back."""
        self.story.restore()
        self._write(Restored())

    def skip(self) -> None:
        """Pass the next slot over."""
        self.story.skip()
        self._write(SlotSkipped())

    def reset_failures(self) -> None:
        """Reset the failures."""
        self.story.reset_failures()
        self._write(FailuresReset())

    # What its runs do

    def claim(self) -> Claimed | None:
        """Claim, if it is due."""
        claimed = self.story.claim()
        if claimed is not None:
            self._granted(claimed)
        return claimed

    def claim_when_due(self) -> Claimed | None:
        """Wait for the due instant and claim; None: nothing is planned."""
        claimed = self.story.claim_when_due()
        if claimed is not None:
            self._granted(claimed)
        return claimed

    def hold_back(self, failures: int, breaker: Breaker) -> None:
        """Let the breaker hold back what is due next, after so many failures."""
        host = self.story.situation.endpoint.request.host
        self.story.hold_back(Trouble(host=host, failures=failures), breaker)

    def start(self) -> None:
        """Start the claimed run."""
        self.story.start()
        run = self._leased()
        self.runs[run.id] = replace(run, started_at=self.now)

    def settle(self, outcome: Outcome = SUCCESS, ruling: Ruling = NO_RULING) -> None:
        """End the run; what rules propose holds as it ends, what they clear ends behind it."""
        run, lease = self._leased(), self.story.situation.lease
        assert lease is not None
        assert lease.started_at is not None
        change = self.story.settle(outcome, ruling)
        for hint in change.hints:
            self._write(HintOffered(hint=hint))
        if change.pause is not None:
            self._write(Paused(pause=change.pause))
        settlement = Settlement(
            token=lease.token, started_at=lease.started_at, ended_at=self.now, outcome=outcome
        )
        self._ended(settled_run(run, settlement), LeaseEnd.SETTLED)
        if change.cleared:
            self._write(HintsCleared(hints=change.cleared))

    def release(self) -> None:
        """Give the claim back."""
        run = self._leased()
        self.story.release()
        self._ended(released_run(run, self.now), LeaseEnd.RELEASED)

    def reap(self) -> None:
        """Lose the worker."""
        run = self._leased()
        self.story.reap()
        gone = released_run(run, self.now)
        if run.started_at is not None:
            gone = abandoned_run(run, run.started_at, self.now)
        self._ended(gone, LeaseEnd.REAPED)

    def run(
        self, outcome: Outcome = SUCCESS, *, lasts: timedelta = timedelta(seconds=1)
    ) -> Claimed:
        """Wait for the due instant, run, and settle."""
        claimed = self.claim_when_due()
        assert claimed is not None, "nothing is planned"
        self.start()
        self.after(lasts)
        self.settle(outcome)
        return claimed

    def _write(self, deed: Deed) -> None:
        entry = Entry(
            order=self._next(), at=self.now, endpoint_id=self.story.situation.endpoint.id, deed=deed
        )
        self.entries.append(entry)

    def _next(self) -> int:
        self._order += 1
        return self._order

    def _granted(self, claimed: Claimed) -> None:
        endpoint, lease = self.story.situation.endpoint, self.story.situation.lease
        assert lease is not None
        self.runs[lease.run_id] = Run(
            id=lease.run_id,
            endpoint_id=endpoint.id,
            tenant=endpoint.tenant,
            decision=claimed.plan.decision,
            kind=claimed.plan.kind,
            attempt=claimed.plan.attempt,
            worker=WorkerId("story"),
            claimed_at=self.now,
        )
        self.leases[lease.run_id] = LeaseLife(
            token=lease.token,
            order=self._next(),
            endpoint_id=endpoint.id,
            run_id=lease.run_id,
            worker=WorkerId("story"),
            granted_at=self.now,
            promised=((self.now, self.now + LEASE_LENGTH),),
        )

    def _leased(self) -> Run:
        lease = self.story.situation.lease
        assert lease is not None
        return self.runs[lease.run_id]

    def _ended(self, run: Run, how: LeaseEnd) -> None:
        self.runs[run.id] = run
        lease = self.leases[run.id]
        promised = lease.promised
        if how is not LeaseEnd.REAPED and promised[-1][1] <= self.now:
            promised = (*promised, (self.now, self.now + LEASE_LENGTH))
        self.leases[run.id] = replace(
            lease, promised=promised, ended_at=self.now, end_order=self._next(), end=how
        )
