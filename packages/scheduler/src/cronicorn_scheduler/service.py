"""The scheduler as a whole: its parts, their beginning and their end."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random

from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.dispatcher import Dispatcher
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, EndpointQueue
from cronicorn_domain.ports.history_room import HistoryRoom
from cronicorn_domain.ports.notifier import Notifier
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_domain.ports.wakeups import Wakeups
from cronicorn_domain.ports.worker_registry import WorkerRegistry

from cronicorn_scheduler.alerting import Alerting, Happened
from cronicorn_scheduler.announcing import Announcing
from cronicorn_scheduler.assessing import Assessor, TakesAsItIs
from cronicorn_scheduler.budgeting import Budgeting
from cronicorn_scheduler.claiming import Claiming
from cronicorn_scheduler.draining import Draining
from cronicorn_scheduler.execute import Execution
from cronicorn_scheduler.healing import Healing
from cronicorn_scheduler.holding import Holdings
from cronicorn_scheduler.lifting import Lifting
from cronicorn_scheduler.observing import (
    Observer,
    SchedulerStarted,
    SchedulerStopped,
    ShieldedObserver,
    SilentObserver,
)
from cronicorn_scheduler.outages import Backoff, Outages
from cronicorn_scheduler.pruning import Pruning
from cronicorn_scheduler.rationing import RationedStarting
from cronicorn_scheduler.reaping import Reaping
from cronicorn_scheduler.releasing import Releasing
from cronicorn_scheduler.renewing import Renewing
from cronicorn_scheduler.settings import SchedulerSettings
from cronicorn_scheduler.settling import Settling
from cronicorn_scheduler.starting import Starting
from cronicorn_scheduler.supervising import Part, PartDied, Supervision
from cronicorn_scheduler.synchronizing import Synchronizing
from cronicorn_scheduler.waiting import first_of


class Scheduler:
    """
    Claims due endpoints, runs them, and settles, renews, reaps and prunes beside it.

    ``run`` works until a stop is requested; a scheduler runs once. Any number of schedulers may
    share a store.
    """

    def __init__(
        self,
        *,
        queue: EndpointQueue,
        units: UnitsOfWork,
        dispatcher: Dispatcher,
        wakeups: Wakeups,
        workers: WorkerRegistry,
        room: HistoryRoom,
        clock: Clock,
        settings: SchedulerSettings,
        observer: Observer | None = None,
        assessor: Assessor | None = None,
        notifier: Notifier | None = None,
        quota: QuotaGuard | None = None,
        budgets: QuotaGuard | None = None,
        chance: Random | None = None,
        beside: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._queue = queue
        self._units = units
        self._dispatcher = dispatcher
        self._assessor = assessor or TakesAsItIs()
        self._notifier = notifier
        self._quota = quota
        self._beside = beside
        self._budgets = budgets or quota
        self._wakeups = wakeups
        self._workers = workers
        self._room = room
        self._clock = clock
        self._settings = settings
        self._happened = Happened(ShieldedObserver(observer or SilentObserver()))
        self._observer = self._happened
        self._chance = chance or Random()  # noqa: S311  it spreads waits, and guards nothing
        self._backoff = Backoff(
            first=settings.retry_first, most=settings.retry_most, chance=self._chance
        )
        self._outages = Outages(clock=clock, observer=self._observer, backoff=self._backoff)
        self._renewals = self._outages.line(Renewing.name)
        self._holdings = Holdings(settings.concurrency)
        self._first_claim = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._began = False
        self._death: PartDied | None = None

    def request_stop(self) -> None:
        """
        Claim no more, and end when what is running has finished and is settled.

        Asked a second time, running requests are cancelled. It does not wait, and may be called
        before ``run``, after its end, and from a signal handler of the loop.
        """
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()
        for stop in self._beside:
            stop()

    async def first_claim(self) -> None:
        """Return when the store has answered the first claim, whatever it brought."""
        await self._first_claim.wait()

    async def run(self) -> None:
        """
        Work until a stop is requested, and drain. Cancelling it leaves all leases to the reaper.

        Raises:
            PartDied: a loop could not go on. What was running has been drained before.
        """
        if self._began:
            raise RuntimeError("a scheduler runs once")
        self._began = True
        self._observer.record(SchedulerStarted(worker=self._settings.worker))
        if not self._stopping.is_set():
            await self._work_and_drain()
        self._observer.record(SchedulerStopped(worker=self._settings.worker))
        if self._death is not None:
            raise self._death

    async def _work_and_drain(self) -> None:
        announcing = self._announcing()
        async with asyncio.TaskGroup() as group:
            claiming, *others = self._begin_parts(group, announcing)
            await self._stopping.wait()
            await self._draining().drain(claiming)
            for task in (claiming, *others):
                task.cancel()
        closed = self._clock.now() + self._settings.closing
        await first_of(announcing.leave(), self._clock.sleep_until(closed))

    def _begin_parts(
        self, group: asyncio.TaskGroup, announcing: Announcing
    ) -> Sequence[asyncio.Task[None]]:
        """Begin every loop in a task of its own, claiming first."""
        synchronizing = Synchronizing(
            clock=self._clock,
            line=self._outages.line(Synchronizing.name),
            every=self._settings.synchronize_every,
        )
        starting, settling, releasing = self._starting(), self._settling(), self._releasing()
        rationed = self._rationed()
        claiming = self._claiming(group, self._execution(starting, rationed, settling, releasing))
        pruning = self._pruning()
        by_the_clock: Sequence[Part] = (
            self._reaping(),
            self._healing(),
            self._lifting(),
            pruning,
            announcing,
            *self._alerting(),
        )
        others: list[Part] = [synchronizing, starting, settling, releasing, self._renewing()]
        if rationed is not None:
            others.append(rationed)
        return [
            group.create_task(self._keep_behind(synchronizing, pruning, claiming)),
            *(group.create_task(self._keep_from(synchronizing, part)) for part in by_the_clock),
            *(group.create_task(self._keep(part)) for part in others),
        ]

    async def _keep_from(self, synchronizing: Synchronizing, part: Part) -> None:
        """Begin a part once the clock has been measured: nothing is due by an unmeasured one."""
        await first_of(synchronizing.measured(), self._stopping.wait())
        if not self._stopping.is_set():
            await self._keep(part)

    async def _keep_behind(
        self, synchronizing: Synchronizing, pruning: Pruning, claiming: Claiming
    ) -> None:
        """Begin to claim once the clock has been measured, and there is room for what is run."""
        await first_of(synchronizing.measured(), self._stopping.wait())
        await first_of(pruning.prepared(), self._stopping.wait())
        if not self._stopping.is_set():
            await self._keep(claiming)

    async def _keep(self, part: Part) -> None:
        """Keep a part going; when it cannot go on the scheduler stops in good order."""
        supervision = Supervision(
            clock=self._clock,
            observer=self._observer,
            backoff=self._backoff,
            failures_most=self._settings.failures_most,
        )
        try:
            await supervision.keep(part)
        except PartDied as death:
            self._death = self._death or death
            self._stopping.set()

    def _claiming(self, group: asyncio.TaskGroup, execution: Execution) -> Claiming:
        def begin(run: ClaimedRun) -> None:
            held = self._holdings.take(run)
            held.task = group.create_task(execution.execute(held))
            # Not by the run itself: a task that is cancelled before its first step never runs.
            held.task.add_done_callback(lambda _: self._holdings.drop(held))

        return Claiming(
            self._queue,
            self._wakeups,
            self._holdings,
            begin=begin,
            settings=self._settings,
            clock=self._clock,
            observer=self._observer,
            outages=self._outages,
            chance=self._chance,
            stopping=self._stopping,
            first_claim=self._first_claim,
        )

    def _execution(
        self,
        starting: Starting,
        rationed: RationedStarting | None,
        settling: Settling,
        releasing: Releasing,
    ) -> Execution:
        return Execution(
            self._dispatcher,
            assessor=self._assessor,
            starting=starting,
            rationed=rationed,
            settling=settling,
            releasing=releasing,
            clock=self._clock,
            observer=self._observer,
            stopping=self._stopping,
        )

    def _starting(self) -> Starting:
        return Starting(
            self._queue,
            clock=self._clock,
            line=self._outages.line(Starting.name),
            limit=self._settings.batch,
        )

    def _rationed(self) -> RationedStarting | None:
        """Return what starts the runs of tenants that have a quota; None: nobody has one."""
        if self._quota is None:
            return None
        return RationedStarting(
            self._queue,
            self._quota,
            clock=self._clock,
            line=self._outages.line(RationedStarting.name),
            limit=self._settings.batch,
        )

    def _settling(self) -> Settling:
        return Settling(
            self._queue,
            clock=self._clock,
            line=self._outages.line(Settling.name),
            limit=self._settings.batch,
            window=self._settings.settle_window,
        )

    def _releasing(self) -> Releasing:
        return Releasing(
            self._queue,
            clock=self._clock,
            line=self._outages.line(Releasing.name),
            limit=self._settings.batch,
        )

    def _renewing(self) -> Renewing:
        return Renewing(
            self._queue,
            self._holdings,
            clock=self._clock,
            line=self._renewals,
            lease=self._settings.lease,
            every=self._settings.renew_every,
            limit=self._settings.batch,
        )

    def _reaping(self) -> Reaping:
        return Reaping(
            self._queue,
            clock=self._clock,
            observer=self._observer,
            line=self._outages.line(Reaping.name),
            renewals=self._renewals,
            every=self._settings.reap_every,
            reprieve=self._settings.reap_reprieve,
            stretch=self._settings.renew_every,
            limit=self._settings.batch,
        )

    def _healing(self) -> Healing:
        return Healing(
            self._queue,
            clock=self._clock,
            observer=self._observer,
            line=self._outages.line(Healing.name),
        )

    def _lifting(self) -> Lifting:
        return Lifting(
            self._units,
            self._quota,
            clock=self._clock,
            line=self._outages.line(Lifting.name),
        )

    def _pruning(self) -> Pruning:
        return Pruning(
            self._units,
            self._room,
            self._holdings,
            settings=self._settings,
            clock=self._clock,
            observer=self._observer,
            line=self._outages.line(Pruning.name),
            chance=self._chance,
        )

    def _alerting(self) -> Sequence[Alerting | Budgeting]:
        """Tell people, where there is a way to, and of budgets where there are quotas."""
        if self._notifier is None:
            return ()
        line = self._outages.line(Alerting.name)
        alerting = Alerting(
            self._units,
            self._notifier,
            clock=self._clock,
            observer=self._observer,
            line=line,
            happened=self._happened.since_look,
        )
        if self._budgets is None:
            return (alerting,)
        line = self._outages.line(Budgeting.name)
        return (alerting, Budgeting(self._units, self._budgets, clock=self._clock, line=line))

    def _announcing(self) -> Announcing:
        return Announcing(
            self._workers,
            settings=self._settings,
            clock=self._clock,
            line=self._outages.line(Announcing.name),
            chance=self._chance,
        )

    def _draining(self) -> Draining:
        return Draining(
            self._holdings,
            clock=self._clock,
            observer=self._observer,
            grace=self._settings.drain_grace,
            closing=self._settings.closing,
            hurry=self._hurry,
        )
