"""Real schedulers over the memory store, in a time that jumps to whatever happens next."""

import asyncio
import selectors
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

import pytest
from cronicorn_adapter_memory.clock import LoopClock
from cronicorn_adapter_memory.dispatcher import RecordingDispatcher
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.history_room import MemoryHistoryRoom
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_adapter_memory.wakeups import MemoryWakeups
from cronicorn_adapter_memory.worker_registry import MemoryWorkerRegistry
from cronicorn_domain.errors import StoreRefused, StoreUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT, WorkerId
from cronicorn_domain.model.endpoint import Endpoint, Limits
from cronicorn_domain.model.run import Run
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.dispatcher import Dispatcher
from cronicorn_domain.ports.endpoint_queue import EndpointQueue
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.ports.wakeups import Wakeups
from cronicorn_domain.testing.builders import EPOCH, a_job, an_endpoint, every, succeeded
from cronicorn_scheduler.observing import Event
from cronicorn_scheduler.service import Scheduler
from cronicorn_scheduler.settings import SchedulerSettings

T = TypeVar("T")


class Stuck(RuntimeError):
    """Every task waits for something that no timer will bring."""


class _Jump(selectors.SelectSelector):
    """Waits for nothing: time jumps to the next timer."""

    now = 0.0

    def select(self, timeout=None):
        if (ready := super().select(0)) or timeout == 0:
            return ready
        if timeout is None:
            raise Stuck("no timer is due and nothing is ready")
        self.now += timeout
        return []


class SimLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is virtual."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._jump.now

    def run_in_executor(self, *args, **kwargs):  # type: ignore[override]
        raise RuntimeError("threads know nothing of virtual time")


@pytest.fixture(scope="session")
def anyio_backend():
    """Run these tests in virtual time; none of them waits."""
    return "asyncio", {"loop_factory": SimLoop}


class Connection:
    """
    One worker's connection to the shared store: it counts, and can be slow or broken.

    ``down`` names what gets no answer: a queue's method, ``unit``, ``synchronize``, or ``all``.
    ``refused`` names what is not allowed; ``lost`` names methods whose answer is lost after the
    store has done its work; ``broken`` those that fail with an error which is no outage.
    """

    def __init__(
        self,
        queue: EndpointQueue,
        units: MemoryUnitsOfWork,
        registry: MemoryWorkerRegistry,
        clock: Clock,
    ) -> None:
        self.asked: list[tuple[str, datetime]] = []
        self.sizes: dict[str, list[int]] = {}
        self.down: set[str] = set()
        self.lost: set[str] = set()
        self.broken: set[str] = set()
        self.refused: set[str] = set()
        self.latency = timedelta()
        self._queue = queue
        self._units = units
        self._registry = registry
        self._room = MemoryHistoryRoom()
        self._clock = clock

    def count(self, *names: str) -> int:
        """Count what was asked, or how often these were."""
        return sum(not names or name in names for name, _ in self.asked)

    def counts(self) -> Counter[str]:
        """Count what was asked by name."""
        return Counter(name for name, _ in self.asked)

    async def reach(self, name: str) -> None:
        """Travel to the store, if it can be reached."""
        self.asked.append((name, self._clock.now()))
        if self.latency:
            await self._clock.sleep_until(self._clock.now() + self.latency)
        if self.down & {name, "all"}:
            raise StoreUnavailable("the connection is refused")
        if name in self.refused:
            raise StoreRefused(f"{name} is not allowed")
        if name in self.broken:
            raise ValueError(f"{name} has a bug")

    async def _ask(self, name: str, call: Callable[[], Awaitable[T]], size: int = 0) -> T:
        self.sizes.setdefault(name, []).append(size)
        await self.reach(name)
        answer = await call()
        if name in self.lost:
            raise StoreUnavailable("the connection was lost on the way back")
        return answer

    async def claim(self, *, limit, **rest):
        return await self._ask("claim", lambda: self._queue.claim(limit=limit, **rest), limit)

    async def start(self, tokens, *, now):
        return await self._ask("start", lambda: self._queue.start(tokens, now=now), len(tokens))

    async def renew(self, tokens, *, lease_for, now):
        return await self._ask(
            "renew", lambda: self._queue.renew(tokens, lease_for=lease_for, now=now), len(tokens)
        )

    async def settle(self, settlements, *, now):
        return await self._ask(
            "settle", lambda: self._queue.settle(settlements, now=now), len(settlements)
        )

    async def release(self, tokens, *, now, deferral=None):
        return await self._ask(
            "release",
            lambda: self._queue.release(tokens, now=now, deferral=deferral),
            len(tokens),
        )

    async def reap(self, *, limit, now):
        return await self._ask("reap", lambda: self._queue.reap(limit=limit, now=now), limit)

    async def next_due(self):
        return await self._ask("next_due", self._queue.next_due)

    async def heal_quarantined(self, *, now):
        return await self._ask("heal", lambda: self._queue.heal_quarantined(now=now))

    async def announce(self, worker):
        await self._ask("announce", lambda: self._registry.announce(worker))

    async def leave(self, name):
        await self._ask("leave", lambda: self._registry.leave(name))

    async def forget(self, *, unseen_since):
        return await self._ask("forget", lambda: self._registry.forget(unseen_since=unseen_since))

    async def prepare(self, *, until, now):
        return await self._ask("prepare", lambda: self._room.prepare(until=until, now=now))

    async def clear(self, *, before):
        return await self._ask("clear", lambda: self._room.clear(before=before))

    async def list_workers(self):
        return await self._registry.list_workers()

    @asynccontextmanager
    async def _unit(self) -> AsyncIterator[UnitOfWork]:
        await self.reach("unit")
        async with self._units.begin() as unit:
            yield unit

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._unit()

    def begin_reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._unit()


class WorkerClock:
    """The shared time as one worker has measured it, over the same connection."""

    def __init__(self, clock: Clock, connection: Connection, *, off: timedelta) -> None:
        self._clock = clock
        self._connection = connection
        self.off = off

    def now(self) -> datetime:
        return self._clock.now() + self.off

    async def sleep_until(self, instant: datetime) -> None:
        while self.now() < instant:
            await self._clock.sleep_until(instant - self.off)

    async def synchronize(self) -> None:
        await self._connection.reach("synchronize")
        self.off = timedelta()

    def skew(self) -> timedelta:
        return self.off


class DeafWakeups:
    """Wake-ups that never come."""

    def arm(self) -> None: ...

    async def wait(self) -> None:
        await asyncio.Event().wait()


@dataclass(slots=True, eq=False)
class Worker:
    """A scheduler, what it was given, and what it told."""

    scheduler: Scheduler
    connection: Connection
    dispatcher: Any
    clock: WorkerClock
    events: list[Event] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    def record(self, event: Event) -> None:
        self.events.append(event)

    def begin(self) -> None:
        """Let it work."""
        self.task = asyncio.create_task(self.scheduler.run())

    async def stop(self) -> None:
        """Request a stop and wait for the end."""
        self.scheduler.request_stop()
        await self.ended()

    async def ended(self) -> None:
        """Wait for the end; an error is raised."""
        assert self.task is not None
        await self.task

    async def crash(self) -> None:
        """End it as a power cut would: at once, with nothing said to the store."""
        self.connection.down = {"all"}
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def told(self, *names: str) -> list[Event]:
        """Return the events of these names."""
        return [event for event in self.events if event.name in names]


class Rig:
    """A store, its time, and the workers on it."""

    def __init__(self) -> None:
        self.clock = LoopClock(EPOCH)
        self.store = MemoryStore()
        self.queue = MemoryEndpointQueue(self.store)
        self.units = MemoryUnitsOfWork(self.store)
        self.registry = MemoryWorkerRegistry(self.store)
        self.job = a_job()
        self.workers: list[Worker] = []

    async def add(self, *endpoints: Endpoint) -> None:
        """Keep endpoints, and their job before the first."""
        async with self.units.begin() as unit:
            if self.job.id not in self.store.tables.jobs:
                await unit.catalog.add_job(self.job)
            for endpoint in endpoints:
                await unit.catalog.add_endpoint(endpoint, now=self.clock.now())
            await unit.commit()

    async def an_endpoint(self, name: str = "health", *, seconds: float = 60, **fields) -> Endpoint:
        """Keep an interval endpoint, created now."""
        schedule = fields.pop("schedule", every(timedelta(seconds=seconds)))
        made = an_endpoint(self.job, name, schedule=schedule, created_at=self.clock.now(), **fields)
        # No test here is about deadlines: how long a request takes is what its answer says.
        endpoint = replace(made, limits=Limits(timeout=timedelta(minutes=30)))
        await self.add(endpoint)
        return endpoint

    async def endpoints(self, count: int, *, seconds: float = 60, **fields) -> Sequence[Endpoint]:
        """Keep several, which are all due at once."""
        return [
            await self.an_endpoint(f"health-{n}", seconds=seconds, **fields) for n in range(count)
        ]

    def worker(
        self,
        name: str = "one",
        *,
        answer=None,
        dispatcher: Dispatcher | None = None,
        wakeups: Wakeups | None = None,
        off: timedelta = timedelta(),
        queue: EndpointQueue | None = None,
        observer=None,
        assessor=None,
        quota=None,
        budgets=None,
        notifier=None,
        **settings,
    ) -> Worker:
        """Build a worker with a connection of its own; ``off`` is how wrong its clock is."""
        connection = Connection(queue or self.queue, self.units, self.registry, self.clock)
        clock = WorkerClock(self.clock, connection, off=off)
        sender = dispatcher or (RecordingDispatcher(answer) if answer else RecordingDispatcher())
        tell = observer or _Relay()
        scheduler = Scheduler(
            assessor=assessor,
            quota=quota,
            budgets=budgets,
            notifier=notifier,
            queue=connection,
            units=connection,
            dispatcher=sender,
            wakeups=wakeups or MemoryWakeups(self.store),
            workers=connection,
            room=connection,
            clock=clock,
            settings=SchedulerSettings(worker=WorkerId(name), **settings),
            observer=tell,
            chance=Random(7),
        )
        worker = Worker(scheduler, connection, sender, clock)
        if isinstance(tell, _Relay):
            tell.to = worker
        self.workers.append(worker)
        return worker

    def working(self, name: str = "one", **given) -> Worker:
        """Build a worker and let it work."""
        worker = self.worker(name, **given)
        worker.begin()
        return worker

    async def until(self, seconds: float) -> None:
        """Let time pass until so many seconds after the beginning."""
        await self.clock.sleep_until(EPOCH + timedelta(seconds=seconds))

    def elapsed(self) -> float:
        """Return the seconds since the beginning."""
        return (self.clock.now() - EPOCH).total_seconds()

    def after(self, seconds: float) -> datetime:
        """Return the instant so many seconds after the beginning."""
        return EPOCH + timedelta(seconds=seconds)

    def taking(self, seconds: float, outcome=None):
        """Return an answer that takes so long."""

        async def answer(_):
            await self.clock.sleep_until(self.clock.now() + timedelta(seconds=seconds))
            return outcome or succeeded()

        return answer

    def runs(self) -> list[Run]:
        """Return every run, in the order of the claims."""
        return sorted(self.store.tables.runs.values(), key=lambda run: run.id)

    async def pause(self, endpoint: Endpoint, pause) -> None:
        """Pause an endpoint, as a person would."""
        async with self.units.begin() as unit:
            now = self.clock.now()
            await unit.catalog.pause_endpoint(DEFAULT_TENANT, endpoint.id, pause, now=now)
            await unit.commit()

    async def trigger(self, endpoint: Endpoint, trigger) -> None:
        """Ask for a run now."""
        async with self.units.begin() as unit:
            now = self.clock.now()
            await unit.hints.trigger(DEFAULT_TENANT, endpoint.id, trigger, now=now)
            await unit.commit()

    async def offer(self, endpoint: Endpoint, hint) -> None:
        """Write a hint."""
        async with self.units.begin() as unit:
            now = self.clock.now()
            await unit.hints.offer(DEFAULT_TENANT, endpoint.id, hint, now=now)
            await unit.commit()

    def unobserved(self) -> Scheduler:
        """Build a scheduler with nothing but what it must be given."""
        return Scheduler(
            queue=self.queue,
            units=self.units,
            dispatcher=RecordingDispatcher(),
            wakeups=MemoryWakeups(self.store),
            workers=self.registry,
            room=MemoryHistoryRoom(),
            clock=self.clock,
            settings=SchedulerSettings(worker=WorkerId("one")),
        )


class _Relay:
    to: Worker | None = None

    def record(self, event: Event) -> None:
        assert self.to is not None
        self.to.record(event)


@pytest.fixture
def deaf() -> Wakeups:
    """Return wake-ups that never come."""
    return DeafWakeups()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """An empty store at noon; whoever still works at the end of the test is ended."""
    rig = Rig()
    yield rig
    for worker in rig.workers:
        if worker.task is not None and not worker.task.done():
            worker.task.cancel()
            await asyncio.gather(worker.task, return_exceptions=True)
