"""A crew keeps its processes at work; here they are only said to be processes."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest
from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_domain.identity import TenantId
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_domain.testing.builders import EPOCH, MINUTE
from cronicorn_scheduler.observing import Event
from cronicorn_worker.faults import WorkerFault
from cronicorn_worker.processes.crew import FIRST_PAUSE, LONGEST_PAUSE, READY_WITHIN, Crew
from cronicorn_worker.processes.messages import HasEnded, Order
from cronicorn_worker.settings import LogLevel
from cronicorn_worker.watching.summary import Summary
from cronicorn_worker.watching.tally import Tally


class Told:
    """A show that keeps what it is told."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.lines: list[tuple[LogLevel, str, Mapping[str, object]]] = []

    def tell(
        self, name: str, fields: Mapping[str, object], *, level: LogLevel = LogLevel.INFO
    ) -> None:
        """Keep it."""
        self.lines.append((level, name, fields))

    def all(self, name: str) -> list[Mapping[str, object]]:
        """Return the fields of all lines of a name."""
        return [fields for _, each, fields in self.lines if each == name]

    def record(self, event: Event) -> None:
        """Have nothing to show."""

    def tell_phase(self, phase: str, telling: str) -> None:
        """Have nothing to show."""

    async def keep_up(self, units: UnitsOfWork, clock: Clock, tenant: TenantId) -> None:
        """Have nothing to show."""

    def conclude(self, summary: Summary) -> None:
        """Have nothing to show."""


class Member:
    """A process that ends when the test says so, or when it is told to drain."""

    def __init__(self, number: int) -> None:
        self.pid = 1000 + number
        self.orders: list[Order] = []
        self.ordered = asyncio.Event()
        self.up = asyncio.Event()
        self.claimed = asyncio.Event()
        self.let_go_of = False
        self._end: asyncio.Future[tuple[int, HasEnded | None]] = asyncio.Future()

    def end(self, code: int, last_words: HasEnded | None = None) -> None:
        """End."""
        self._end.set_result((code, last_words))

    def order(self, order: Order) -> None:
        """Note it."""
        self.orders.append(order)
        self.ordered.set()

    async def ready(self) -> None:
        """Wait for the test."""
        await self.up.wait()

    async def first_claim(self) -> None:
        """Wait for the test."""
        await self.claimed.wait()

    async def ended(self) -> tuple[int, HasEnded | None]:
        """Wait for the test."""
        return await self._end

    def let_go(self) -> None:
        """Note it."""
        self.let_go_of = True


async def nothing() -> None:
    """Prepare nothing."""


class Waiting(ManualClock):
    """A clock that notes each pause; it is over at once, but for the last of so many."""

    def __init__(self, *, most: int = 100) -> None:
        super().__init__(EPOCH)
        self.pauses: list[timedelta] = []
        self.last = asyncio.Event()
        self._most = most

    async def sleep_until(self, instant: datetime) -> None:
        """Note the pause; the wait until all are ready is none, and is not over."""
        if instant - self.now() == READY_WITHIN:
            await asyncio.Event().wait()
        self.pauses.append(instant - self.now())
        if len(self.pauses) == self._most:
            self.last.set()
            await asyncio.Event().wait()


class Started:
    """Starts members, and hands them to the test in the order in which they were started."""

    def __init__(self, first: Callable[[Member], object] = lambda _: None) -> None:
        self.all: list[Member] = []
        self._new: asyncio.Queue[Member] = asyncio.Queue()
        self._first = first

    def __call__(self, number: int) -> Member:
        """Start one."""
        member = Member(number)
        self.all.append(member)
        self._new.put_nowait(member)
        self._first(member)
        return member

    async def next(self, count: int) -> list[Member]:
        """Wait for so many more."""
        return [await self._new.get() for _ in range(count)]


async def test_one_that_dies_young_is_replaced_after_ever_longer_pauses() -> None:
    """However often it dies at once, it is started again, ever more seldom; each end is told."""
    show, clock = Told(), Waiting(most=12)
    start = Started(lambda member: member.end(3))
    crew = Crew(1, start, clock, show, prepare=nothing)

    running = asyncio.create_task(crew.run())
    await clock.last.wait()
    crew.request_stop()
    await running

    assert len(start.all) == len(clock.pauses) == 12
    assert FIRST_PAUSE / 2 <= clock.pauses[0] <= FIRST_PAUSE
    assert LONGEST_PAUSE / 2 <= clock.pauses[-1] <= LONGEST_PAUSE
    assert all(member.let_go_of for member in start.all)
    first = show.all("process_ended")[0]
    assert (first["process"], first["exit"]) == (1, 3)
    assert first["error"] == "process 1 ended with exit code 3"
    assert show.tally.died == 12


async def test_one_that_lived_a_while_is_replaced_soon() -> None:
    """Only those that die young in a row are waited for longer."""
    show, clock = Told(), Waiting()
    start = Started()
    crew = Crew(1, start, clock, show, prepare=nothing)
    running = asyncio.create_task(crew.run())

    for _ in range(5):
        (member,) = await start.next(1)
        clock.advance(2 * MINUTE)
        member.end(-9)
    (last,) = await start.next(1)

    assert all(pause <= FIRST_PAUSE for pause in clock.pauses)
    assert show.all("process_ended")[0]["error"] == "process 1 was ended by signal 9"
    crew.request_stop()
    last.end(0, HasEnded(tally=Tally()))
    await running


async def test_all_are_told_to_drain_and_then_to_hurry() -> None:
    """The first request goes to each as an order, the second as another; what they did adds up."""
    show, start = Told(), Started()
    crew = Crew(3, start, Waiting(), show, prepare=nothing)
    running = asyncio.create_task(crew.run())
    await start.next(3)

    crew.request_stop()
    crew.request_stop()
    for member in start.all:
        member.end(0, HasEnded(tally=Tally(started=2, abandoned=1)))
    await running

    assert [member.orders for member in start.all] == [[Order.DRAIN, Order.HURRY]] * 3
    assert [member.pid for member in start.all] == [1001, 1002, 1003]
    assert (show.tally.started, show.tally.abandoned, show.tally.died) == (6, 3, 0)
    assert show.all("process_ended") == []


async def test_one_that_cannot_be_started_is_tried_again_and_the_others_go_on() -> None:
    """Too many processes, or no memory: that is told, and the pauses become longer."""
    show, start = Told(), Started()
    refusals = 0

    def limited(number: int) -> Member:
        nonlocal refusals
        if number == 2 and start.all and refusals < 6:
            refusals += 1
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return start(number)

    clock = Waiting()
    crew = Crew(2, limited, clock, show, prepare=nothing)
    running = asyncio.create_task(crew.run())
    one, two = await start.next(2)

    assert (one.pid, two.pid) == (1001, 1002)
    told = show.all("process_not_started")
    assert [each["process"] for each in told] == [2] * 6
    assert told[0]["error"] == (
        "process 2 could not be started: [Errno 11] Resource temporarily unavailable"
    )
    assert clock.pauses[0] <= FIRST_PAUSE
    assert clock.pauses[-1] >= 8 * FIRST_PAUSE
    assert {level for level, name, _ in show.lines if name == "process_not_started"} == {
        LogLevel.ERROR
    }
    assert not running.done()
    crew.request_stop()
    for member in start.all:
        member.end(0, HasEnded(tally=Tally()))
    await running


async def test_one_that_cannot_be_started_keeps_none_from_beginning() -> None:
    """Those that are there begin without it."""
    start, clock = Started(), ManualClock(EPOCH)

    def limited(number: int) -> Member:
        if number == 2:
            raise OSError(12, "Cannot allocate memory")
        return start(number)

    crew = Crew(2, limited, clock, Told(), prepare=nothing)
    running = asyncio.create_task(crew.run())
    (one,) = await start.next(1)
    one.up.set()
    await one.ordered.wait()

    assert one.orders == [Order.BEGIN]
    crew.request_stop()
    one.end(0, HasEnded(tally=Tally()))
    await running


async def test_none_is_replaced_once_all_are_to_end() -> None:
    """A pause before a replacement ends with a request to stop, and no process is started."""
    clock, start = Waiting(most=1), Started()
    crew = Crew(2, start, clock, Told(), prepare=nothing)
    running = asyncio.create_task(crew.run())
    await start.next(2)
    start.all[0].end(-9)
    await clock.last.wait()

    crew.request_stop()
    start.all[1].end(0, HasEnded(tally=Tally()))
    await running

    assert len(start.all) == 2


async def test_a_bad_end_while_draining_is_a_fault() -> None:
    """Whoever stops the worker learns that one of its processes did not end well, and why."""
    start = Started()
    crew = Crew(2, start, Waiting(), Told(), prepare=nothing)
    running = asyncio.create_task(crew.run())
    await start.next(2)

    crew.request_stop()
    start.all[0].end(1, HasEnded(tally=Tally(), fault="the disk is gone"))
    start.all[1].end(-9)

    with pytest.raises(WorkerFault, match="process 1: the disk is gone; process 2 was ended by si"):
        await running


async def test_it_is_at_work_when_one_is() -> None:
    """The time that was asked for counts from the first claim of any process."""
    start = Started()
    crew = Crew(2, start, Waiting(), Told(), prepare=nothing)
    running = asyncio.create_task(crew.run())
    await start.next(2)

    start.all[1].up.set()
    start.all[1].claimed.set()

    await crew.first_claim()
    crew.request_stop()
    for member in start.all:
        member.end(0, HasEnded(tally=Tally()))
    await running


class Preparing:
    """Notes that it was done, and what had been ordered by then."""

    def __init__(self, start: Started, fault: Exception | None = None) -> None:
        self.began = asyncio.Event()
        self.ordered: list[list[Order]] = []
        self._start = start
        self._fault = fault

    async def __call__(self) -> None:
        """Be done at once, or fail."""
        self.ordered = [list(member.orders) for member in self._start.all]
        self.began.set()
        if self._fault is not None:
            raise self._fault


async def test_all_begin_once_what_they_need_is_there() -> None:
    """The jobs come when the last is ready, then the order: nothing is due that nobody takes."""
    start = Started()
    prepare = Preparing(start)
    crew = Crew(2, start, ManualClock(EPOCH), Told(), prepare=prepare)
    running = asyncio.create_task(crew.run())
    one, two = await start.next(2)

    one.up.set()
    for _ in range(10):
        await asyncio.sleep(0)
    early = prepare.began.is_set()
    two.up.set()
    await one.ordered.wait()

    assert not early
    assert prepare.ordered == [[], []]
    assert (one.orders, two.orders) == ([Order.BEGIN], [Order.BEGIN])
    crew.request_stop()
    for member in (one, two):
        member.end(0, HasEnded(tally=Tally()))
    await running


async def test_one_that_ends_at_once_keeps_none_from_beginning() -> None:
    """It is replaced, and its successor begins when it is up."""
    start, clock = Started(), ManualClock(EPOCH)
    crew = Crew(2, start, clock, Told(), prepare=nothing)
    running = asyncio.create_task(crew.run())
    one, two = await start.next(2)

    one.end(1)
    two.up.set()
    await two.ordered.wait()
    clock.advance(LONGEST_PAUSE)
    (successor,) = await start.next(1)
    await successor.ordered.wait()

    assert two.orders == successor.orders == [Order.BEGIN]
    crew.request_stop()
    for member in (two, successor):
        member.end(0, HasEnded(tally=Tally()))
    await running


async def test_one_that_hangs_keeps_the_others_for_a_bounded_time() -> None:
    """So long after the start, those that are ready begin."""
    start, clock = Started(), ManualClock(EPOCH)
    crew = Crew(2, start, clock, Told(), prepare=nothing)
    running = asyncio.create_task(crew.run())
    one, two = await start.next(2)
    one.up.set()
    for _ in range(10):
        await asyncio.sleep(0)

    clock.advance(READY_WITHIN)
    await one.ordered.wait()

    assert one.orders == [Order.BEGIN]
    crew.request_stop()
    for member in (one, two):
        member.end(0, HasEnded(tally=Tally()))
    await running


async def test_none_begins_without_what_it_needs() -> None:
    """What kept the jobs from being applied is raised as it was, when all have ended."""
    start = Started(lambda member: member.up.set())
    crew = Crew(2, start, ManualClock(EPOCH), Told(), prepare=Preparing(start, KeyError("jobs")))
    running = asyncio.create_task(crew.run())
    members = await start.next(2)

    for member in members:
        await member.ordered.wait()
        member.end(0, HasEnded(tally=Tally()))

    with pytest.raises(KeyError, match="jobs"):
        await running
    assert [member.orders for member in members] == [[Order.DRAIN]] * 2


async def test_a_stop_before_the_beginning_prepares_nothing() -> None:
    """Who stops a worker that is coming up finds no job changed."""
    start = Started()
    prepare = Preparing(start)
    crew = Crew(1, start, ManualClock(EPOCH), Told(), prepare=prepare)
    running = asyncio.create_task(crew.run())
    (member,) = await start.next(1)

    crew.request_stop()
    member.end(0, HasEnded(tally=Tally()))
    await running

    assert not prepare.began.is_set()
