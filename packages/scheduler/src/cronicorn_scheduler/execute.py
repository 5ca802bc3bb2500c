"""One run, from its lease to its settled result: start, send, settle."""

import asyncio
from datetime import datetime
from typing import assert_never

from cronicorn_domain.model.rulings import Assessed, Ruling
from cronicorn_domain.model.run import Failed, FailureKind, Outcome
from cronicorn_domain.model.signing import NoKeys, Signatory
from cronicorn_domain.policies.signing import signatory_for
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.dispatcher import Dispatch, Dispatcher
from cronicorn_domain.ports.endpoint_queue import (
    ClaimedRun,
    Deferral,
    Settled,
    Settlement,
    StartRefusal,
)
from cronicorn_domain.wording import fault

from cronicorn_scheduler.assessing import Assessor, has_conditions
from cronicorn_scheduler.holding import Cut, Held, Stage
from cronicorn_scheduler.observing import (
    LeaseWasLost,
    Observer,
    ReleaseReason,
    RunAbandoned,
    RunBroken,
    RunReleased,
    RunSettled,
    RunStarted,
)
from cronicorn_scheduler.rationing import RationedStart, RationedStarting
from cronicorn_scheduler.releasing import Releasing
from cronicorn_scheduler.settling import Settling
from cronicorn_scheduler.starting import Starting


class Execution:
    """Executes runs, each in a task of its own; no run's error reaches another."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        assessor: Assessor,
        starting: Starting,
        rationed: RationedStarting | None,
        settling: Settling,
        releasing: Releasing,
        clock: Clock,
        observer: Observer,
        stopping: asyncio.Event,
    ) -> None:
        self._dispatcher = dispatcher
        self._assessor = assessor
        self._starting = starting
        self._rationed = rationed
        self._settling = settling
        self._releasing = releasing
        self._clock = clock
        self._observer = observer
        self._stopping = stopping

    async def execute(self, held: Held) -> None:
        """
        Start, send, settle.

        An error of ours outside of the sending leaves the lease to the reaper; it is told and not
        raised.
        """
        try:
            await self._start_send_settle(held)
        except Exception as error:  # noqa: BLE001  a fault in one run is that run's alone
            self._observer.record(RunBroken(run=held.run, error=error))

    async def _start_send_settle(self, held: Held) -> None:
        started_at = await self._start(held)
        if started_at is None:
            return
        outcome = await self._send(held)
        if outcome is None:
            return
        await self._settle(held, started_at, outcome)

    async def _start(self, held: Held) -> datetime | None:
        """Wait until it is due and check once more; None: it does not start."""
        await self._clock.sleep_until(held.run.plan.decision.due_at)
        if self._stopping.is_set():
            await self._release(held)
            return None
        held.stage = Stage.STARTING
        try:
            start = await self._ask_to_start(held.run)
        except asyncio.CancelledError:
            if not held.takes_cancellation():
                raise
            await self._release(held)
            return None
        if not isinstance(start, datetime):
            self._refused(held.run, start)
            return None
        self._observer.record(RunStarted(run=held.run, started_at=start))
        return start

    async def _ask_to_start(self, run: ClaimedRun) -> RationedStart:
        """Ask the tenant's quota first, if it has one; of others the store alone is asked."""
        if self._rationed is not None and self._rationed.limits(run.endpoint.tenant):
            return await self._rationed.start(run)
        return await self._starting.start(run)

    async def _send(self, held: Held) -> Outcome | None:
        """Send the request; None: it was cut short, and there is nothing to settle."""
        held.stage = Stage.SENDING
        outcome = await self._dispatch(held)
        match held.cut:
            case None:
                return outcome
            case Cut.LEASE_LOST:
                self._observer.record(LeaseWasLost(run=held.run))
            case Cut.GRACE_OVER:
                self._observer.record(RunAbandoned(run=held.run))
            case _:
                assert_never(held.cut)
        return None

    async def _dispatch(self, held: Held) -> Outcome | None:
        """
        Return the outcome, also of a dispatcher that breaks its promise; None: cut short.

        What is to be signed and cannot be is not sent.
        """
        signatory = _signatory_of(held.run, self._clock.now())
        if isinstance(signatory, NoKeys):
            return Failed(kind=FailureKind.SIGNING, message=signatory.reason)
        try:
            return await self._dispatcher.dispatch(dispatch_of(held.run, signatory))
        except asyncio.CancelledError as error:
            if held.takes_cancellation():
                return None
            if _cancelled_from_outside():
                raise
            return self._broken(held.run, RuntimeError(f"the request cancelled itself: {error!r}"))
        except Exception as error:  # noqa: BLE001  one endpoint's trouble, whatever it is
            return self._broken(held.run, error)

    async def _settle(self, held: Held, started_at: datetime, outcome: Outcome) -> None:
        """Hand the result over, however long it takes."""
        held.stage = Stage.SETTLING
        # The clock may have been set back meanwhile.
        ended_at = max(started_at, self._clock.now())
        assessed = await self._assess(held.run, outcome, started_at, ended_at)
        settlement = Settlement(
            token=held.token,
            started_at=started_at,
            ended_at=ended_at,
            outcome=assessed.outcome,
            ruling=assessed.ruling,
        )
        held.settlement = settlement
        match await self._settling.settle(settlement):
            case Settled.ACCEPTED:
                self._observer.record(RunSettled(run=held.run, settlement=settlement))
            case Settled.LOST:
                self._observer.record(LeaseWasLost(run=held.run))

    async def _assess(
        self, run: ClaimedRun, outcome: Outcome, started_at: datetime, ended_at: datetime
    ) -> Assessed:
        """Ask what its endpoint's conditions make of a run; a fault of ours leaves it as it is."""
        if not has_conditions(run):
            return Assessed(outcome=outcome)
        try:
            return await self._assessor.assess(
                run, outcome, started_at=started_at, ended_at=ended_at
            )
        except Exception as error:  # noqa: BLE001  the result is not to be lost by it
            self._observer.record(RunBroken(run=run, error=error))
            remark = f"its rules could not be judged, by a fault of ours: {fault(error)}"
            return Assessed(outcome=outcome, ruling=Ruling(remarks=(remark,)))

    async def _release(self, held: Held) -> None:
        """Give the claim back: nothing was sent."""
        held.stage = Stage.RELEASING
        match await self._releasing.release(held.token):
            case Settled.ACCEPTED:
                reason = ReleaseReason.STOPPING
                self._observer.record(RunReleased(run=held.run, reason=reason))
            case Settled.LOST if held.cut:
                # Its start was under way: the store may have it as started.
                self._observer.record(RunAbandoned(run=held.run))
            case Settled.LOST:
                self._observer.record(LeaseWasLost(run=held.run))

    def _refused(self, run: ClaimedRun, refusal: StartRefusal | Deferral) -> None:
        match refusal:
            case Deferral():
                reason = ReleaseReason.DEFERRED
                self._observer.record(RunReleased(run=run, reason=reason, deferral=refusal))
            case StartRefusal.LOST:
                self._observer.record(LeaseWasLost(run=run))
            case StartRefusal.PAUSED:
                self._observer.record(RunReleased(run=run, reason=ReleaseReason.PAUSED))
            case StartRefusal.ARCHIVED:
                self._observer.record(RunReleased(run=run, reason=ReleaseReason.ARCHIVED))
            case _:
                assert_never(refusal)

    def _broken(self, run: ClaimedRun, error: Exception) -> Failed:
        self._observer.record(RunBroken(run=run, error=error))
        # The kind of the error alone: its text may hold what must not be shown.
        message = f"the worker failed while sending: {type(error).__name__}"
        return Failed(kind=FailureKind.ABANDONED, message=message)


def dispatch_of(run: ClaimedRun, signatory: Signatory | None = None) -> Dispatch:
    """Return what is to be sent for a claimed run, and who signs it."""
    return Dispatch(
        run_id=run.lease.run_id,
        endpoint_id=run.endpoint.id,
        slot=run.plan.decision.slot,
        attempt=run.plan.attempt,
        request=run.endpoint.request,
        limits=run.endpoint.limits,
        signatory=signatory,
        trace=run.plan.trace,
    )


def _signatory_of(run: ClaimedRun, now: datetime) -> Signatory | NoKeys | None:
    return signatory_for(
        run.endpoint.signing,
        run.keys,
        endpoint_id=run.endpoint.id,
        slot=run.plan.decision.slot,
        now=now,
    )


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
