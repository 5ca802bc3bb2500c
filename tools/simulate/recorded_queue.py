"""The memory queue, with every commit noted in the step that makes it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from cronicorn_domain.identity import EndpointId, Token, WorkerId
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.ports.endpoint_queue import (
    ClaimBatch,
    ClaimedRun,
    Deferral,
    Reaped,
    Settled,
    Settlement,
    StartRefusal,
)

from tools.checker.history import LeaseEnd
from tools.simulate.heeding_queue import Deeds, HeedingQueue
from tools.simulate.recorder import Recorder


class RecordedQueue:
    """
    An ``EndpointQueue`` that tells the recorder.

    The queue beneath answers in the step in which it writes, so nothing comes in between.
    """

    def __init__(self, queue: HeedingQueue, recorder: Recorder) -> None:
        self._queue = queue
        self._recorder = recorder

    async def claim(
        self,
        *,
        worker: WorkerId,
        limit: int,
        lease_for: timedelta,
        now: datetime,
        caps: Caps = NO_CAPS,
        breaker: Breaker | None = None,
    ) -> ClaimBatch:
        """Claim, and note the leases."""
        batch = await self._queue.claim(
            worker=worker, limit=limit, lease_for=lease_for, now=now, caps=caps, breaker=breaker
        )
        if batch.runs:
            self._recorder.granted(batch.runs, now=now)
        for run in batch.runs if self._recorder.tracing else ():
            self._recorder.tell(_claimed(run, now), run.endpoint.id)
        if batch.passed:
            self._recorder.tell(f"{worker} plans {batch.passed} due endpoints anew")
        return batch

    async def start(
        self, tokens: Sequence[Token], *, now: datetime
    ) -> Mapping[Token, StartRefusal | None]:
        """Start, and note the claims that were undone instead."""
        answers = await self._queue.start(tokens, now=now)
        for token, refusal in answers.items():
            if refusal in {StartRefusal.PAUSED, StartRefusal.ARCHIVED}:
                self._recorder.ended([token], LeaseEnd.RELEASED, now=now)
            if refusal is None:
                self._recorder.started(token)
            self._tell(token, f"may not start: {refusal}" if refusal else "starts", now)
        return answers

    async def renew(
        self, tokens: Sequence[Token], *, lease_for: timedelta, now: datetime
    ) -> frozenset[Token]:
        """Renew, and note the new promises."""
        lost = await self._queue.renew(tokens, lease_for=lease_for, now=now)
        kept = [token for token in tokens if token not in lost]
        self._recorder.promised(kept, until=now + lease_for, now=now)
        for token in tokens:
            self._tell(token, "is lost to its worker" if token in lost else "is renewed", now)
        return lost

    async def settle(
        self, settlements: Sequence[Settlement], *, now: datetime
    ) -> Mapping[Token, Settled]:
        """Settle, and note the ends, with what was heeded of the answers."""
        answers = await self._queue.settle(settlements, now=now)
        self._heed(self._queue.proposed, now)
        self._end(answers, LeaseEnd.SETTLED, now)
        self._heed(self._queue.behind, now)
        for each in settlements if self._recorder.tracing else ():
            self._tell(each.token, f"{_outcome(each)} is {answers[each.token]}", now)
        return answers

    async def release(
        self, tokens: Sequence[Token], *, now: datetime, deferral: Deferral | None = None
    ) -> Mapping[Token, Settled]:
        """Release, and note the ends."""
        answers = await self._queue.release(tokens, now=now, deferral=deferral)
        self._end(answers, LeaseEnd.RELEASED, now)
        for token in tokens:
            self._tell(token, f"is given back: {answers[token]}", now)
        return answers

    async def reap(self, *, limit: int, now: datetime) -> Sequence[Reaped]:
        """Reap, and note the ends."""
        reaped = await self._queue.reap(limit=limit, now=now)
        if reaped:
            self._recorder.ended([each.token for each in reaped], LeaseEnd.REAPED, now=now)
        for each in reaped:
            how = "given back, never started" if each.given_back else "lost"
            self._tell(each.token, f"is reaped: {how}", now)
        return reaped

    async def next_due(self) -> datetime | None:
        """Pass the question on."""
        return await self._queue.next_due()

    async def heal_quarantined(self, *, now: datetime) -> Sequence[EndpointId]:
        """Pass the request on."""
        return await self._queue.heal_quarantined(now=now)

    def _heed(self, deeds: Deeds, now: datetime) -> None:
        self._recorder.heeded(deeds, now=now)
        deeds.clear()

    def _end(self, answers: Mapping[Token, Settled], end: LeaseEnd, now: datetime) -> None:
        accepted = [token for token, answer in answers.items() if answer is Settled.ACCEPTED]
        if accepted:
            self._recorder.ended(accepted, end, now=now)

    def _tell(self, token: Token, what: str, now: datetime) -> None:
        if not self._recorder.tracing:
            return
        life = self._recorder.lease_of(token)
        self._recorder.tell(
            f"lease {token} of {life.worker} {what} (as of {_time(now)})", life.endpoint_id
        )


def _claimed(run: ClaimedRun, now: datetime) -> str:
    decision = run.plan.decision
    return (
        f"{run.lease.worker} claims {run.endpoint.name} for slot {_time(decision.slot)}, due "
        f"{_time(decision.due_at)} ({decision.source}), attempt {run.plan.attempt}, "
        f"lease {run.lease.token} (as of {_time(now)})"
    )


def _outcome(settlement: Settlement) -> str:
    return type(settlement.outcome).__name__.lower()


def _time(instant: datetime) -> str:
    return iso_milliseconds(instant)[11:-1]
