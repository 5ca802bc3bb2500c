"""Keeps so many processes at work: one that dies is replaced, and all end together."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from random import Random
from typing import Final, Protocol

from cronicorn_domain.ports.clock import Clock
from cronicorn_scheduler.outages import Backoff
from cronicorn_scheduler.waiting import first_of

from cronicorn_worker.faults import WorkerFault
from cronicorn_worker.processes.messages import HasEnded, Order
from cronicorn_worker.settings import LogLevel
from cronicorn_worker.watching.log_lines import milliseconds
from cronicorn_worker.watching.showing import Show

_WELL_AFTER: Final = timedelta(minutes=1)
FIRST_PAUSE: Final = timedelta(milliseconds=500)
LONGEST_PAUSE: Final = timedelta(seconds=30)
READY_WITHIN: Final = timedelta(seconds=20)
"""So long those that are ready wait for one that is not."""


class Member(Protocol):
    """One process, from its start on."""

    @property
    def pid(self) -> int:
        """Its number in the system."""
        ...

    def order(self, order: Order) -> None:
        """Tell it what to do; one that has ended does not mind."""
        ...

    async def ready(self) -> None:
        """Return when it waits for nothing but the order to begin; never if it ends before."""
        ...

    async def first_claim(self) -> None:
        """Return when it is at work; never if it ends before."""
        ...

    async def ended(self) -> tuple[int, HasEnded | None]:
        """Wait for its end: the exit code, below zero for a signal, and what it had to say."""
        ...

    def let_go(self) -> None:
        """Close the line to it; if it still works, it drains."""
        ...


class Crew:
    """
    Processes that each work for themselves, numbered from 1.

    One that ends unasked is replaced after a pause, which doubles while it keeps dying young, or
    cannot be started at all (no memory, too many processes). All have one end: whoever stops the
    crew stops all of them, and none is replaced from then on.

    They begin together, once all are ready and ``prepare`` has been done: it makes what is due from
    that instant on, which nobody could take while processes are still coming up. One that ends
    instead of becoming ready is not waited for, nor one that cannot be started.
    """

    def __init__(
        self,
        count: int,
        start: Callable[[int], Member],
        clock: Clock,
        show: Show,
        *,
        prepare: Callable[[], Awaitable[None]],
    ) -> None:
        self._count = count
        self._start = start
        self._clock = clock
        self._show = show
        self._prepare = prepare
        self._backoff = Backoff(
            first=FIRST_PAUSE,
            most=LONGEST_PAUSE,
            chance=Random(),  # noqa: S311  no secret
        )
        self._members: dict[int, Member] = {}
        self._stopping = asyncio.Event()
        self._unready = set(range(1, count + 1))
        self._all_ready = asyncio.Event()
        self._begun = False
        self._unprepared: Exception | None = None
        self._first_claim = asyncio.Event()
        self._faults: list[str] = []

    def request_stop(self) -> None:
        """Have all drain; asked a second time, in a hurry."""
        order = Order.HURRY if self._stopping.is_set() else Order.DRAIN
        self._stopping.set()
        for member in self._members.values():
            member.order(order)

    async def first_claim(self) -> None:
        """Return when one of them is at work."""
        await self._first_claim.wait()

    async def run(self) -> None:
        """
        Keep all at work until a stop is requested, and wait for their ends.

        Raises:
            WorkerFault: one ended badly while it was to drain.
            Exception: what ``prepare`` raised; none has begun, and all have ended.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(1, self._count + 1):
                group.create_task(self._keep(number))
            group.create_task(self._begin())
        if self._unprepared is not None:
            raise self._unprepared
        if self._faults:
            raise WorkerFault("; ".join(self._faults))

    async def _begin(self) -> None:
        """Prepare when all are ready, and let them begin."""
        latest = self._clock.now() + READY_WITHIN
        await first_of(
            self._all_ready.wait(), self._stopping.wait(), self._clock.sleep_until(latest)
        )
        if self._stopping.is_set():
            return
        try:
            await first_of(self._prepare(), self._stopping.wait())
        except Exception as fault:  # noqa: BLE001  raised again when all have ended
            self._unprepared = fault
            self.request_stop()
        if self._stopping.is_set():
            return
        self._begun = True
        for member in self._members.values():
            member.order(Order.BEGIN)

    def _is_ready(self, number: int) -> None:
        self._unready.discard(number)
        if not self._unready:
            self._all_ready.set()

    async def _keep(self, number: int) -> None:
        failures = 0
        while not self._stopping.is_set():
            began = self._clock.now()
            try:
                member = self._start(number)
            except OSError as error:
                failures += 1
                pause = self._backoff.pause(failures)
                self._is_ready(number)
                self._tell_no_start(number, error, again_in=pause)
                await self._rest(pause)
                continue
            code, last_words = await self._see_through(number, member)
            if self._stopping.is_set():
                return
            failures = 1 if self._clock.now() - began >= _WELL_AFTER else failures + 1
            pause = self._backoff.pause(failures)
            self._tell_end(number, code, last_words, again_in=pause)
            await self._rest(pause)

    async def _see_through(self, number: int, member: Member) -> tuple[int, HasEnded | None]:
        """Wait for the end of a process that was started."""
        with ExitStack() as stack:
            self._members[number] = member
            stack.callback(member.let_go)
            self._show.tell("process_started", {"process": number, "pid": member.pid})
            if self._begun:
                member.order(Order.BEGIN)
            coming_up = asyncio.create_task(self._note_coming_up(number, member))
            stack.callback(coming_up.cancel)
            code, last_words = await member.ended()
            del self._members[number]
        self._is_ready(number)
        if last_words is None:
            self._show.tally.died += 1
        else:
            self._show.tally.take_in(last_words.tally)
        if self._stopping.is_set() and code != 0:
            self._faults.append(_ending(number, code, last_words))
        return code, last_words

    async def _note_coming_up(self, number: int, member: Member) -> None:
        await member.ready()
        self._is_ready(number)
        await member.first_claim()
        self._first_claim.set()

    def _tell_no_start(self, number: int, error: OSError, *, again_in: timedelta) -> None:
        fields = {"error": f"process {number} could not be started: {error}", "process": number}
        self._show.tell(
            "process_not_started",
            {**fields, "tried_again_in_ms": milliseconds(again_in)},
            level=LogLevel.ERROR,
        )

    def _tell_end(
        self, number: int, code: int, last_words: HasEnded | None, *, again_in: timedelta
    ) -> None:
        level = LogLevel.ERROR if code else LogLevel.WARNING
        fields = {"error": _ending(number, code, last_words), "process": number, "exit": code}
        self._show.tell(
            "process_ended", {**fields, "replaced_in_ms": milliseconds(again_in)}, level=level
        )

    async def _rest(self, pause: timedelta) -> None:
        """Wait for the end of the pause, or for a stop."""
        waits = [
            asyncio.ensure_future(self._clock.sleep_until(self._clock.now() + pause)),
            asyncio.ensure_future(self._stopping.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _ending(number: int, code: int, last_words: HasEnded | None) -> str:
    if last_words is not None and last_words.fault is not None:
        return f"process {number}: {last_words.fault}"
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return f"process {number} {how}"
