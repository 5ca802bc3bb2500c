"""
The life of one process of several: begin and stop when told to, drain, and say how it went.

It ends when whoever keeps it says so, or is gone. A signal asks for the same, and for no more: who
signals a whole group (a terminal, an init system) reaches it as well as its keeper, and that must
not count twice.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from cronicorn_domain.errors import CronicornError
from cronicorn_scheduler.opening import Opening
from cronicorn_scheduler.service import Scheduler
from cronicorn_scheduler.supervising import PartDied

from cronicorn_worker.composition import egress_guard, open_meters, open_scheduler, open_store
from cronicorn_worker.faults import FAILURE, WorkerFault
from cronicorn_worker.loops import complete
from cronicorn_worker.processes.keeper import LONGEST_DRAIN, outlive_keeper_by_at_most
from cronicorn_worker.processes.messages import (
    HasClaimed,
    HasEnded,
    IsReady,
    Line,
    Order,
    listen,
)
from cronicorn_worker.settings import WorkerSettings
from cronicorn_worker.signals import ASKING, stop_requests
from cronicorn_worker.watching.opening_lines import OpeningLines
from cronicorn_worker.watching.showing import LogShow, show_of_process
from cronicorn_worker.working import leave_alone_what_stays


def live(number: int, settings: WorkerSettings, line: Line, replacements: int) -> None:
    """
    Live, and exit with 0 or, if a fault kept it from its work or ended it, with 1.

    It is the process of this number that comes after so many ``replacements``.
    """
    for each in ASKING:
        signal.signal(each, _keep)
    outlive_keeper_by_at_most(LONGEST_DRAIN)
    show = show_of_process(settings, number)
    try:
        complete(_work(settings.of_process(number), line, show, replacements))
    except (CronicornError, PartDied, WorkerFault) as fault:
        _say(line, HasEnded(tally=show.tally, fault=str(fault)))
        sys.exit(FAILURE)
    _say(line, HasEnded(tally=show.tally))


def _keep(*_: object) -> None:
    """Do nothing about a signal before and after there is work to end, and not die of it."""


async def _work(settings: WorkerSettings, line: Line, show: LogShow, replacements: int) -> None:
    task = asyncio.current_task()
    assert task is not None
    with _stops(line, task.cancel) as stops:
        guard = egress_guard(settings.egress_allow)
        async with (
            open_meters(settings, show.tell) as meters,
            Opening(OpeningLines(show.tell)).opened(
                lambda: open_store(
                    settings.database_url,
                    settings.key,
                    poll_only=settings.poll_only,
                    floor=settings.allowance.floor,
                    tell=show.tell,
                )
            ) as store,
            open_scheduler(
                store, guard, show, settings, meters=meters, replacements=replacements
            ) as scheduler,
        ):
            stops.lead_to(scheduler.request_stop)
            leave_alone_what_stays()
            _say(line, IsReady())
            await stops.begun.wait()
            telling = asyncio.create_task(_tell_first_claim(scheduler, line))
            await scheduler.run()
            telling.cancel()


async def _tell_first_claim(scheduler: Scheduler, line: Line) -> None:
    await scheduler.first_claim()
    _say(line, HasClaimed())


def _say(line: Line, message: IsReady | HasClaimed | HasEnded) -> None:
    with suppress(OSError):  # whoever keeps it is gone: there is nobody to tell
        line.send(message)


class _Stops:
    """
    What asked for an end, and leads it on: the first time for a good one, then for a quick.

    ``begun`` is set when there is nothing more to wait for: by the order to begin, or by an end.
    """

    def __init__(self, action: Callable[[], object]) -> None:
        self.begun = asyncio.Event()
        self._action = action
        self._asked: set[Order] = set()

    def lead_to(self, action: Callable[[], object]) -> None:
        """Call this from now on."""
        self._action = action

    def drain(self) -> None:
        """Ask for a good end, unless that was asked before."""
        self._ask(Order.DRAIN)

    def hear(self, order: Order | None) -> None:
        """Follow an order; without one whoever gives them is gone."""
        if order is Order.BEGIN:
            self.begun.set()
            return
        self._ask(Order.DRAIN)
        if order is Order.HURRY:
            self._ask(Order.HURRY)

    def _ask(self, order: Order) -> None:
        if order not in self._asked:
            self._asked.add(order)
            self._action()
            self.begun.set()


@contextmanager
def _stops(line: Line, action: Callable[[], object]) -> Iterator[_Stops]:
    """Follow orders and signals; those that came before count."""
    stops = _Stops(action)
    with stop_requests(stops.drain):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ASKING)
        listen(line, stops.hear)
        yield stops
