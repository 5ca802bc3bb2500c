"""Plays a scenario from its beginning to its end, and gives the history of it."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar, TypeVarTuple
from uuid import UUID

from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork

from tools.checker.history import History, Outage
from tools.simulate.acting import Actor
from tools.simulate.clock import SharedClock
from tools.simulate.crew import Place
from tools.simulate.heeding_queue import HeedingQueue
from tools.simulate.loop import VirtualTimeLoop
from tools.simulate.planned_sessions import check_sessions
from tools.simulate.recorded_queue import RecordedQueue
from tools.simulate.recorder import Recorder
from tools.simulate.scenario import Scenario
from tools.simulate.site import Site
from tools.simulate.trace import Trace
from tools.simulate.troubles import Call, HostDown, LineTrouble, TargetTrouble, Unreachable
from tools.simulate.wording import trouble_in_words

Given = TypeVarTuple("Given")
One = TypeVar("One")


PACE = 500
PACE_OF_EACH = 100
"""
Steps a second, and more for each endpoint: several times what the busiest worlds take. Whoever
takes more claims for ever what cannot be run, or hammers a store that does not answer.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """
    How a scenario went.

    ``faults`` counts what was met by kind; ``broken`` says what must never happen, in sentences.
    """

    history: History
    faults: Mapping[str, int]
    broken: tuple[str, ...]


def play(scenario: Scenario, trace: Trace | None = None) -> Course:
    """Play a scenario in virtual time. The same scenario always takes the same course."""
    pace = PACE + PACE_OF_EACH * len(scenario.newcomers)
    loop = VirtualTimeLoop(scenario.seed, pace=pace)
    try:
        return loop.run_until_complete(_World(scenario, loop, trace).live())
    finally:
        loop.close()


class _World:
    def __init__(self, scenario: Scenario, loop: VirtualTimeLoop, trace: Trace | None) -> None:
        self._scenario = scenario
        self._loop = loop
        self._trace = trace
        self._tasks: list[asyncio.Task[None]] = []

    async def live(self) -> Course:
        """Begin, let everything happen, mend it, and end in good order."""
        site = self._site()
        actor = Actor(site.store, site.units, site.recorder, site.clock)
        places = {each.name: Place(site, each) for each in self._scenario.workers}
        await self._keep_jobs(site)
        self._plan(site, actor, places)
        await asyncio.sleep((self._scenario.lasts + self._scenario.peace).total_seconds())
        await asyncio.gather(*self._tasks)
        ends_at = site.clock.now()
        for place in places.values():
            await place.close()
        site.broken.extend(self._loop.errors)
        history = site.recorder.history(
            site.store.tables,
            begins_at=self._scenario.begins_at,
            ends_at=ends_at,
            lateness_allowed=self._scenario.lateness_allowed,
            patience=self._scenario.patience,
            caps=self._scenario.settings.caps,
            breaker=self._scenario.settings.breaker,
            quotas=self._scenario.quotas,
            clocks_ahead=self._scenario.clocks_ahead,
            keeping=site.recorder.attendances.keeping(self._scenario.settings, ends_at),
        )
        if self._scenario.planned:
            site.broken.extend(await check_sessions(site))
        course = Course(history=history, faults=dict(site.faults), broken=tuple(site.broken))
        for place in places.values():
            await place.bury()
        return course

    def _site(self) -> Site:
        clock = SharedClock(self._loop, self._scenario.begins_at)
        store = MemoryStore(floor=self._scenario.floor, new_id=_serial_ids())
        recorder = Recorder(clock, self._trace)
        return Site(
            scenario=self._scenario,
            loop=self._loop,
            clock=clock,
            store=store,
            queue=RecordedQueue(HeedingQueue(store), recorder),
            units=MemoryUnitsOfWork(store),
            quota_guard=MemoryQuotaGuard(self._scenario.quotas),
            recorder=recorder,
        )

    async def _keep_jobs(self, site: Site) -> None:
        async with site.units.begin() as unit:
            for job in self._scenario.jobs:
                await unit.catalog.add_job(job)
            await unit.commit()

    def _plan(self, site: Site, actor: Actor, places: Mapping[str, Place]) -> None:
        """Set a timer for everything that is to happen."""
        scenario = self._scenario
        for newcomer in scenario.newcomers:
            self._at(newcomer.after, self._do, actor.create, newcomer.endpoint)
        for worker in scenario.workers:
            self._at(worker.after, places[worker.name].begin)
        for deed in scenario.deeds:
            self._at(deed.after, self._do, actor.perform, deed)
        for trouble in scenario.troubles:
            if isinstance(trouble, LineTrouble | TargetTrouble | HostDown):
                self._announce(site, trouble)
            elif trouble.worker in places:
                self._at(trouble.after, places[trouble.worker].meet, trouble)

    def _announce(self, site: Site, trouble: LineTrouble | TargetTrouble | HostDown) -> None:
        if isinstance(trouble, TargetTrouble | HostDown):
            self._at(trouble.after, site.struck, trouble.how)
        elif isinstance(trouble, Unreachable):
            self._note_outage(site, trouble)
        tell, name = site.recorder.tell, trouble.name
        self._at(trouble.after, tell, f"{name} begins: {trouble_in_words(trouble)}")
        self._at(trouble.after + trouble.lasts, tell, f"{name} is over")

    def _note_outage(self, site: Site, trouble: Unreachable) -> None:
        if trouble.worker is None and Call.CLAIM in trouble.calls:
            begins_at = self._scenario.begins_at + trouble.after
            outage = Outage(begins_at=begins_at, ends_at=begins_at + trouble.lasts)
            site.recorder.outages.append(outage)

    def _at(self, after: timedelta, then: Callable[[*Given], object], *given: *Given) -> None:
        self._loop.call_at(after.total_seconds(), then, *given)

    def _do(self, work: Callable[[One], Coroutine[None, None, None]], given: One) -> None:
        self._tasks.append(self._loop.create_task(work(given)))


def _serial_ids() -> Callable[[], UUID]:
    """Return a source of rising ids."""
    serial = 0

    def next_id() -> UUID:
        nonlocal serial
        serial += 1
        return UUID(int=7 << 76 | 2 << 62 | serial)

    return next_id
