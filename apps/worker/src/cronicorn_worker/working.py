"""Lets a scheduler, or several, work until the end that was asked for, and tells how it went."""

import gc
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, Protocol

from cronicorn_domain.errors import StoreError
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.ports.clock import Clock
from cronicorn_scheduler.supervising import PartDied

from cronicorn_worker.beside import beside
from cronicorn_worker.composition import Store
from cronicorn_worker.faults import WorkerFault
from cronicorn_worker.watching.showing import Show
from cronicorn_worker.watching.slots_not_run import SlotsNotRun, slots_not_run
from cronicorn_worker.watching.summary import Summary

_COLLECTIONS: Final = (20_000, 20, 50)
"""
Allocations between two small collections, small ones to a larger one, larger ones to a whole one.

A whole one goes through all that is remembered of endpoints, and nothing else goes on for 50 ms and
more: by Python's own numbers that came every three seconds at 3 000 runs a second.
"""


class Work(Protocol):
    """What runs until it is asked to stop, and drains: a scheduler, or processes with one each."""

    def request_stop(self) -> None:
        """Ask for a good end; asked again, for a quick one."""
        ...

    async def first_claim(self) -> None:
        """Return when it is at work."""
        ...

    async def run(self) -> None:
        """Work and drain."""
        ...


async def see_through(work: Work, store: Store, show: Show, run_for: timedelta | None) -> None:
    """
    Let it work, with the show beside it, and tell how it went however it ended.

    Raises:
        WorkerFault: it could not go on, or abandoned runs when it stopped.
    """
    began = store.clock.now()
    leave_alone_what_stays()
    works = [show.keep_up(store.units, store.clock, DEFAULT_TENANT)]
    if run_for is not None:
        works.append(_stop_after(run_for, work, store.clock))
    try:
        async with beside(*works):
            await work.run()
    except PartDied as death:
        raise WorkerFault(str(death), "Report it with the log lines before it") from death
    finally:
        await _conclude(store, show, began)
    if abandoned := show.tally.abandoned:
        raise WorkerFault(
            f"not drained: {abandoned} run{'' if abandoned == 1 else 's'} had not ended and been"
            " settled, and were abandoned",
            "Another worker, or this one when it starts again, repeats or records them. To let"
            " running requests finish, stop with one signal, and wait up to 30 s",
        )


def leave_alone_what_stays() -> None:
    """
    Keep the garbage collector from going through modules and stores again and again.

    They live as long as the process. A run's own objects go when the last name for them does;
    the collector is for the few circles among them, and may come less often.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTIONS)


async def _conclude(store: Store, show: Show, began: datetime) -> None:
    not_run: SlotsNotRun | None = None
    with suppress(StoreError):
        not_run = await slots_not_run(store.units, DEFAULT_TENANT, began)
    worked_for = store.clock.now() - began
    show.conclude(Summary(worked_for=worked_for, tally=show.tally, not_run=not_run))


async def _stop_after(length: timedelta, work: Work, clock: Clock) -> None:
    await work.first_claim()
    await clock.sleep_until(clock.now() + length)
    work.request_stop()
