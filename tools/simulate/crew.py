"""The places of workers: in each a real scheduler works, in a process that may end at any step."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from cronicorn_adapter_memory.history_room import MemoryHistoryRoom
from cronicorn_adapter_memory.wakeups import MemoryWakeups
from cronicorn_adapter_memory.worker_registry import MemoryWorkerRegistry
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.instants import NO_TIME, OPEN_ENDED
from cronicorn_domain.ports.wakeups import Wakeups
from cronicorn_planner.asking.rationed import RationedModel
from cronicorn_planner.rules.assessing import RuleAssessor
from cronicorn_planner.sessions.bounds import BOUNDS
from cronicorn_planner.sessions.observing import PlannerEvent, PlannerTroubled, SessionLost
from cronicorn_planner.sessions.planner import Planner, PlannerSettings
from cronicorn_scheduler.observing import Event, PartFailed, RunBroken
from cronicorn_scheduler.service import Scheduler

from tools.simulate.clock import WorkerClock
from tools.simulate.conditions import KnownConditions
from tools.simulate.connection import Connection, Faults
from tools.simulate.line_units import LineUnits
from tools.simulate.loop import PROCESS
from tools.simulate.model import DrawnModel
from tools.simulate.participants import Worker
from tools.simulate.planning_units import PlanningUnits
from tools.simulate.site import Site
from tools.simulate.target import BrokenDispatcher, Targets
from tools.simulate.troubles import (
    AnswersLate,
    AnswersLost,
    Call,
    CallsDoubled,
    CallsLate,
    ClockStep,
    Crash,
    HostDown,
    Leave,
    LineTrouble,
    ProcessTrouble,
    Stop,
    TargetTrouble,
    Unreachable,
    WakeupsLost,
)

SLOW_MOST = timedelta(seconds=0.5)
"""Renewals that take no longer are over before the next ones are due."""
MEASURED_WITHIN = timedelta(seconds=5)
"""A measurement that is due has been made so soon, tries and answers included."""


class Process:
    """One scheduler from its start to its end; ``name`` is what the store knows it by."""

    def __init__(self, site: Site, worker: Worker, name: str) -> None:
        self.name = name
        self._site = site
        self._attendances = site.recorder.attendances
        self._attendances.begins(name, site.clock.now())
        troubles = _of_line(site, worker)
        for each in troubles:
            self._hindered_by(each)
        faults = Faults(troubles, site.struck)
        self.connection = Connection(
            site.queue,
            faults=faults,
            latency=worker.latency,
            chance=Random(f"{site.scenario.seed}|{name}|line"),  # noqa: S311
            plain=not site.scenario.troubles,
        )
        self.clock = WorkerClock(
            site.clock, self._store_time, error=worker.clock_error, ahead=worker.ahead
        )
        units = LineUnits(site.units, self.connection)
        self.scheduler = Scheduler(
            queue=self.connection,
            units=units,
            dispatcher=Targets(site.scenario.newcomers, _of_targets(site), site.recorder),
            wakeups=LossyWakeups(MemoryWakeups(site.store), faults),
            workers=MemoryWorkerRegistry(site.store),
            room=MemoryHistoryRoom(),
            clock=self.clock,
            settings=replace(site.scenario.settings, worker=WorkerId(name)),
            observer=self,
            quota=site.quota_guard,
            chance=Random(f"{site.scenario.seed}|{name}"),  # noqa: S311
            assessor=RuleAssessor(KnownConditions(), units),
        )
        context = Context()
        context.run(PROCESS.set, name)
        work = self._with_planner() if site.scenario.planned else self.scheduler.run()
        self.task = site.loop.create_task(work, context=context)

    def record(self, event: Event) -> None:
        """Note what must never happen."""
        match event:
            case RunBroken(error=error) if not isinstance(error, BrokenDispatcher):
                self._site.broken.append(f"{self.name}: a run broke: {error!r}")
            case PartFailed(part=part, error=error):
                self._site.broken.append(f"{self.name}: {part} failed: {error!r}")
            case _:
                pass

    def falls_behind(self, by: timedelta) -> None:
        """Let its clock lose so much: its leases end sooner than it knows, until it measures."""
        self.clock.fall_behind(by)
        now, every = self._site.clock.now(), self._site.scenario.settings.synchronize_every
        self._attendances.hindered(self.name, now, now + every + 2 * by + MEASURED_WITHIN)

    def _hindered_by(self, trouble: LineTrouble) -> None:
        """
        Count what a trouble has delayed, or refused, with it: that comes behind its end.

        Renewals that are a little slow hinder nobody: there is time for two of them.
        """
        begins_at = self._site.scenario.begins_at + trouble.after
        delay = timedelta()
        match trouble:
            case Unreachable(hangs=hangs) | AnswersLost(hangs=hangs):
                delay = hangs
            case AnswersLate() | CallsLate() if _are_slow_renewals(trouble):
                return
            case AnswersLate(by=by) | CallsLate(by=by) | CallsDoubled(by=by):
                delay = by
            case WakeupsLost():
                return
        settings = self._site.scenario.settings
        over_at = begins_at + trouble.lasts + 2 * delay + settings.retry_most
        if Call.SYNCHRONIZE in trouble.calls and delay > SLOW_MOST:
            # It took what it was told for the present time, and goes by that.
            over_at += settings.synchronize_every + MEASURED_WITHIN
        self._attendances.hindered(self.name, begins_at, over_at)

    async def _with_planner(self) -> None:
        planning = asyncio.create_task(self._plan())
        try:
            await self.scheduler.run()
        finally:
            planning.cancel()
            await asyncio.wait({planning})
        if not planning.cancelled() and (error := planning.exception()) is not None:
            self._site.broken.append(f"{self.name}: the planner ended with {error!r}")

    async def _plan(self) -> None:
        """As a worker does: no planner works by a clock that was never measured."""
        site = self._site
        while True:
            try:
                await self.clock.synchronize()
            except StoreUnavailable:
                await asyncio.sleep(1)
            else:
                break
        chance = Random(f"{site.scenario.seed}|{self.name}|model")  # noqa: S311
        names = tuple(each.endpoint.name for each in site.scenario.newcomers)
        model = DrawnModel(chance, self.clock, names)
        planner = Planner(
            PlanningUnits(site, self.connection),
            RationedModel(model, site.quota_guard, clock=self.clock),
            clock=self.clock,
            worker=WorkerId(self.name),
            settings=PlannerSettings(model="drawn", bounds=BOUNDS),
            observer=SessionsWatched(site, self.name),
        )
        await planner.run()

    async def _store_time(self) -> datetime:
        async def tell() -> datetime:
            return self._site.clock.now()

        return await self.connection.ask(Call.SYNCHRONIZE, tell)


class SessionsWatched:
    """A planner's observer: losing a session is no fault, and breaking one is."""

    def __init__(self, site: Site, name: str) -> None:
        self._site = site
        self._name = name

    def record(self, event: PlannerEvent) -> None:
        """Note what must never happen."""
        match event:
            case SessionLost(reason=reason) if reason.startswith("a fault of ours"):
                self._site.broken.append(f"{self._name}: a session broke: {reason}")
            case SessionLost() | PlannerTroubled():
                self._site.struck(type(event).__name__)
            case _:
                pass


class LossyWakeups:
    """Wake-ups that may get lost on their way."""

    def __init__(self, wakeups: Wakeups, faults: Faults) -> None:
        self._wakeups = wakeups
        self._faults = faults

    def arm(self) -> None:
        """Forget the signals up to now."""
        self._wakeups.arm()

    async def wait(self) -> None:
        """Return at a signal that has arrived."""
        await self._wakeups.wait()
        while self._faults.deaf():
            self._wakeups.arm()
            await self._wakeups.wait()


class Place:
    """Where one worker follows the other."""

    def __init__(self, site: Site, worker: Worker) -> None:
        self._site = site
        self._worker = worker
        self._serial = 0
        self._process: Process | None = None
        self._past: list[Process] = []
        self._over = False
        self._attendances = site.recorder.attendances

    def begin(self) -> None:
        """Let a new worker begin, unless one works or the world is over."""
        if self._process is not None or self._over:
            return
        self._serial += 1
        name = f"{self._worker.name}.{self._serial}"
        process = self._process = Process(self._site, self._worker, name)
        process.task.add_done_callback(lambda task: self._ended(process, task), context=Context())
        self._tell(f"{name} begins")

    def meet(self, trouble: ProcessTrouble) -> None:
        """Let a trouble strike whoever works here now."""
        process = self._process
        if process is None:
            return
        self._site.struck(type(trouble).__name__)
        match trouble:
            case Crash(steps=steps):
                self._after_steps(process, steps, lambda: self._crash(process, trouble))
            case Stop(steps=steps):
                self._after_steps(process, steps, lambda: self._stop(process, trouble))
            case Leave():
                self._leave(process, trouble)
            case ClockStep(by=by) if by < NO_TIME:
                self._tell(f"the clock of {process.name} runs {-by} ahead")
                process.clock.run_ahead(-by)
            case ClockStep(by=by):
                self._tell(f"the clock of {process.name} falls {by} behind")
                process.falls_behind(by)

    async def close(self) -> None:
        """Let whoever works here stop in good order, and wait for it."""
        self._over = True
        if self._process is not None:
            process = self._process
            self._site.loop.continue_process(process.name)
            process.scheduler.request_stop()
            await asyncio.wait({process.task})

    async def bury(self) -> None:
        """End what is left of those who crashed. Nothing of it reaches the store."""
        for process in self._past:
            process.connection.closed = True
            process.task.cancel()
            self._site.loop.continue_process(process.name)
        await asyncio.gather(*(each.task for each in self._past), return_exceptions=True)

    def _after_steps(self, process: Process, steps: int, then: Callable[[], None]) -> None:
        self._site.loop.stop_process_after(process.name, steps, then)

    def _crash(self, process: Process, crash: Crash) -> None:
        if process is not self._process:
            return
        self._tell(f"{process.name} crashes")
        self._attendances.gone(process.name, self._site.clock.now())
        self._past.append(process)
        self._process = None
        self._site.loop.call_later(crash.back_after.total_seconds(), self.begin)

    def _stop(self, process: Process, stop: Stop) -> None:
        self._tell(f"{process.name} is stopped for {stop.lasts}")
        now = self._site.clock.now()
        self._attendances.hindered(process.name, now, now + stop.lasts)
        seconds = stop.lasts.total_seconds()
        self._site.loop.call_later(seconds, self._continue, process, stop)

    def _continue(self, process: Process, stop: Stop) -> None:
        if process is not self._process:
            return
        self._tell(f"{process.name} goes on")
        if stop.clock_stands:
            process.falls_behind(stop.lasts)
        self._site.loop.continue_process(process.name)

    def _leave(self, process: Process, leave: Leave) -> None:
        self._tell(f"{process.name} is asked to stop{', at once' if leave.hurry else ''}")
        now, settings = self._site.clock.now(), self._site.scenario.settings
        self._attendances.stops(process.name, now)
        process.scheduler.request_stop()
        if leave.hurry:
            process.scheduler.request_stop()
        # What the grace, or the hurry, has cut short is left to the reaper.
        cut_at = now if leave.hurry else now + settings.drain_grace
        self._attendances.hindered(process.name, cut_at, OPEN_ENDED)
        back_after = leave.back_after.total_seconds()
        process.task.add_done_callback(
            lambda _: self._site.loop.call_later(back_after, self.begin), context=Context()
        )

    def _ended(self, process: Process, task: "asyncio.Task[None]") -> None:
        self._tell(f"{process.name} has ended")
        self._attendances.gone(process.name, self._site.clock.now())
        if process is self._process:
            self._process = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._site.broken.append(f"{process.name} ended with {error!r}")

    def _tell(self, sentence: str) -> None:
        self._site.recorder.tell(sentence)


def _are_slow_renewals(trouble: AnswersLate | CallsLate) -> bool:
    return trouble.calls == {Call.RENEW} and trouble.by <= SLOW_MOST


def _of_line(site: Site, worker: Worker) -> list[LineTrouble]:
    return [
        each
        for each in site.scenario.troubles
        if isinstance(each, LineTrouble) and each.worker in {None, worker.name}
    ]


def _of_targets(site: Site) -> list[TargetTrouble | HostDown]:
    troubles = site.scenario.troubles
    return [each for each in troubles if isinstance(each, TargetTrouble | HostDown)]
