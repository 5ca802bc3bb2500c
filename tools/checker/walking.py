"""
Walks through a life, commit by commit, and notes what held whenever something was planned or run.

It plans nothing. It keeps what SEMANTICS §1 names as inputs, so that the rules can say what a plan
made there had to be.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from cronicorn_domain.identity import HintId, RunId, TriggerId
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import IntervalHint, OneShotHint, Trigger
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.run import OutcomeClass, Run

from tools.checker.history import (
    Archived,
    Created,
    Deed,
    Deleted,
    Edited,
    Entry,
    FailuresReset,
    HintOffered,
    HintsCleared,
    JobMoved,
    LeaseEnd,
    Paused,
    Restored,
    Resumed,
    SlotSkipped,
    Triggered,
)
from tools.checker.life import Claimed, Ended, Life, blocked
from tools.checker.standing import Access, Cause, Claim, Epoch, Fate, Setting, Waiting

LOSSES_MOST = 3
"""SEMANTICS §5 step 5: after so many losses of one slot it is given up, and that is a failure."""


@dataclass(slots=True)
class Walked:
    """
    What the walk has noted.

    ``gone`` tells of ended one-shots, triggers and hints; ``waiting`` of those still pending.
    ``partly_known``: the history begins in the middle of the life. Claims that are not to be judged
    stand among ``claims``, before ``judged_from``.
    """

    epochs: list[Epoch] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    offered: dict[HintId | TriggerId, Waiting | IntervalHint] = field(default_factory=dict)
    gone: dict[HintId | TriggerId, Fate] = field(default_factory=dict)
    ended_at: dict[HintId | TriggerId, datetime] = field(default_factory=dict)
    waiting: dict[HintId | TriggerId, Waiting] = field(default_factory=dict)
    triggered: list[tuple[Trigger, Access, datetime]] = field(default_factory=list)
    partly_known: bool = True
    deleted_at: datetime | None = None
    judged_from: datetime | None = None

    def is_judged(self, at: datetime) -> bool:
        """Say whether what happened at an instant is to be judged."""
        return self.judged_from is None or at >= self.judged_from


def walk(life: Life, job_state: JobState) -> Walked:
    """Walk through a life; ``job_state`` is its job's when the history began."""
    walker = _Walker(life, job_state)
    for moment in life.moments:
        walker.take(moment)
    return walker.walked


class _Walker:
    def __init__(self, life: Life, job_state: JobState) -> None:
        self.walked = Walked(judged_from=life.judged_from)
        self._floor = life.floor
        self._job_state = job_state
        self._endpoint: Endpoint | None = None
        self._begun: datetime | None = None
        self._paused_until: datetime | None = None
        self._archived = False
        self._hints: dict[HintId, IntervalHint] = {}
        self._failures = 0
        self._occurred: set[datetime] = set()
        self._last_start: datetime | None = None
        self._last_end: datetime | None = None
        self._living: dict[RunId, Claim] = {}
        self._of_slot: dict[datetime, list[Claim]] = {}
        self._claimable_since: datetime | None = None
        self._setting: Setting | None = None
        self._access: Access | None = None
        self._tried = _latest_attempts(life.runs)

    def take(self, moment: Entry | Claimed | Ended) -> None:
        match moment:
            case Entry(deed=Deleted(), at=at):
                self.walked.deleted_at = at
            case Entry(deed=HintsCleared(hints=())):
                pass  # a write that changes nothing replans nothing
            case Entry(deed=deed, at=at):
                self._do(deed, at)
            case Claimed(at=at, run=run):
                self._claim(run, at)
            case Ended(at=at, run=run, how=how):
                self._end(run, how, at)

    # What is done to it

    def _do(self, deed: Deed, at: datetime) -> None:
        match deed:
            case Created(endpoint=endpoint):
                self._create(endpoint)
            case Edited(endpoint=endpoint):
                self._edit(endpoint, at)
                return
            case Restored() | JobMoved():
                if self._reopen(deed):
                    self._begin_afresh(at)
                    return
            case Paused() | Resumed() | Archived():
                self._bar(deed)
            case HintOffered() | HintsCleared() | Triggered():
                self._propose(deed, at)
            case FailuresReset():
                self._failures = 0
            case SlotSkipped():
                self._changed(at)
                self._epoch(at, Cause.SKIP)
                return
            case Deleted():
                return
            case _:
                assert_never(deed)
        self._changed(at)
        self._epoch(at, Cause.WRITE)

    def _create(self, endpoint: Endpoint) -> None:
        self._endpoint, self._begun = endpoint, endpoint.created_at
        self._paused_until = None if endpoint.pause is None else endpoint.pause.until
        self._archived = endpoint.archived_at is not None
        self.walked.partly_known = False

    def _bar(self, deed: Paused | Resumed | Archived) -> None:
        match deed:
            case Paused(pause=pause):
                self._paused_until = pause.until
            case Resumed():
                self._paused_until = None
            case Archived():
                self._archived = True

    def _reopen(self, deed: Restored | JobMoved) -> bool:
        """Say whether the rhythm begins anew: behind a restore, of the endpoint or its job."""
        if isinstance(deed, Restored):
            self._archived = False
            return True
        was, self._job_state = self._job_state, deed.state
        restored = was is JobState.ARCHIVED and deed.state is JobState.ACTIVE
        return restored and not self._archived

    def _propose(self, deed: HintOffered | HintsCleared | Triggered, at: datetime) -> None:
        match deed:
            case HintOffered(hint=hint):
                if isinstance(hint, OneShotHint):
                    self._offer(Waiting(hint, at))
                else:
                    self.walked.offered[hint.id] = hint
                    self._hints[hint.id] = hint
            case Triggered(trigger=trigger):
                self._offer(Waiting(trigger, at))
                self.walked.triggered.append((trigger, self._now_access(), at))
            case HintsCleared(hints=hints):
                self._clear(hints, at)

    def _edit(self, new: Endpoint, at: datetime) -> None:
        old = self._endpoint
        self._endpoint = new
        if old is None:
            self._begun = new.created_at
        elif _touches_rhythm(old, new):
            self._endpoint = old
            before = self._now_setting()
            self._endpoint = new
            self._begin_afresh(at, before)
            return
        self._changed(at)
        self._epoch(at, Cause.WRITE)

    def _begin_afresh(self, at: datetime, before: Setting | None = None) -> None:
        before = before or self._now_setting()
        self._begun = at
        self._changed(at)
        self._epoch(at, Cause.AFRESH, before=before)

    def _offer(self, waiting: Waiting) -> None:
        self.walked.offered[waiting.proposal.id] = waiting
        self.walked.waiting[waiting.proposal.id] = waiting

    def _clear(self, hints: tuple[HintId, ...], at: datetime) -> None:
        for hint_id in hints:
            self._hints.pop(hint_id, None)
            self.walked.waiting.pop(hint_id, None)
            self.walked.gone[hint_id] = Fate.CLEARED
            self.walked.ended_at[hint_id] = at

    # What its runs do

    def _claim(self, run: Run, at: datetime) -> None:
        if self._endpoint is None:
            return
        served: tuple[Waiting, ...] = ()
        others: tuple[Waiting, ...] = ()
        waiting = self.walked.waiting
        if waiting:
            alive = [each for each in waiting.values() if each.proposal.expires_at > at]
            served = tuple(each for each in alive if each.proposal.at <= at)
            others = tuple(each for each in alive if each.proposal.at > at)
            for each in served:
                del waiting[each.proposal.id]
        earlier = self._of_slot.get(run.slot)
        claim = Claim(
            run=run,
            at=at,
            setting=self._now_setting(),
            access=self._now_access(),
            epochs=len(self.walked.epochs),
            last_start=self._last_start,
            served=served,
            waiting=others,
            claimable_since=self._since(at),
            earlier=tuple(each for each in earlier or () if self.walked.is_judged(each.at)),
            partly_known=self.walked.partly_known,
        )
        self.walked.claims.append(claim)
        self._living[run.id] = claim
        if earlier is None:
            self._of_slot[run.slot] = [claim]
        else:
            earlier.append(claim)

    def _end(self, run: Run, how: LeaseEnd, at: datetime) -> None:
        claim = self._living.pop(run.id, None)
        if claim is None:
            return
        claim.end, claim.ended_at, claim.end_setting = how, at, self._now_setting()
        if run.started_at is None:
            self._undo(claim)
            cause = Cause.UNDONE
        else:
            self._count(claim, run)
            for each in claim.served:
                self.walked.gone[each.proposal.id] = Fate.SERVED
                self.walked.ended_at[each.proposal.id] = at
            self._last_start = run.started_at
            if run.kind is Kind.RECURRING:
                self._last_end = run.finished_at or at
            cause = Cause.RECURRING_END if run.kind is Kind.RECURRING else Cause.OTHER_END
        self._claimable_since = at
        claim.end_epoch = len(self.walked.epochs)
        self._epoch(at, cause, claim=claim)

    def _undo(self, claim: Claim) -> None:
        """A claim given back leaves what it consumed pending (SEMANTICS §5, step 2)."""
        for each in claim.served:
            self.walked.waiting[each.proposal.id] = each

    def _count(self, claim: Claim, run: Run) -> None:
        """SEMANTICS §5: only the target's failures count, and of a slot's tries the last."""
        failures = self._failures
        match run.outcome_class:
            case OutcomeClass.SUCCESS:
                failures = 0
            case OutcomeClass.TARGET if self._tried.get(run.slot, 0) <= run.attempt:
                failures += 1
            case OutcomeClass.OURS if self._given_up(claim):
                failures += 1
            case _:
                pass
        occurs = run.kind not in {Kind.MANUAL, Kind.TEST} and not blocked(run)
        if occurs and self._endpoint is not None:
            most = self._endpoint.bounds.max_runs
            self._occurred.add(run.slot)
            if most is not None and len(self._occurred) >= most:
                self._setting = None
        if failures != self._failures:
            self._failures, self._setting = failures, None

    def _given_up(self, claim: Claim) -> bool:
        losses = sum(each.lost for each in self._of_slot[claim.run.slot])
        return claim.lost and losses >= LOSSES_MOST

    # What holds now

    def _changed(self, at: datetime) -> None:
        self._setting = None
        self._access = None
        self._claimable_since = at

    def _since(self, at: datetime) -> datetime:
        since = self._claimable_since or at
        if self._paused_until is not None and since < self._paused_until <= at:
            return self._paused_until
        return since

    def _now_setting(self) -> Setting:
        if self._setting is None:
            assert self._endpoint is not None
            most = self._endpoint.bounds.max_runs
            self._setting = Setting(
                endpoint=self._endpoint,
                floor=self._floor,
                begun=self._begun or self._endpoint.created_at,
                hints=tuple(self._hints.values()),
                failures=self._failures,
                used_up=most is not None and len(self._occurred) >= most,
            )
        return self._setting

    def _now_access(self) -> Access:
        if self._access is None:
            since = self._claimable_since
            assert since is not None
            self._access = Access(since, self._job_state, self._paused_until, self._archived)
            self.walked.accesses.append(self._access)
        return self._access

    def _epoch(
        self,
        at: datetime,
        cause: Cause,
        *,
        claim: Claim | None = None,
        before: Setting | None = None,
    ) -> None:
        if self._endpoint is None:
            return
        self._now_access()
        self.walked.epochs.append(
            Epoch(
                at=at,
                cause=cause,
                setting=self._now_setting(),
                unplanned=bool(self._living) or self._archived,
                leased=next((each.run.slot for each in self._living.values()), None),
                claim=claim,
                last_end=self._last_end,
                before=before,
            )
        )


def _latest_attempts(runs: Sequence[Run]) -> dict[datetime, int]:
    """Return the latest attempt that was started, for each slot that has more than one."""
    latest: dict[datetime, int] = {}
    for run in runs:
        if run.attempt > 1 and run.started_at is not None:
            latest[run.slot] = max(run.attempt, latest.get(run.slot, 0))
    return latest


def _touches_rhythm(old: Endpoint, new: Endpoint) -> bool:
    """Schedule, zone or bounds: then what came before is closed, and it is planned from now."""
    return (old.schedule, old.bounds, old.anchor) != (new.schedule, new.bounds, new.anchor)
