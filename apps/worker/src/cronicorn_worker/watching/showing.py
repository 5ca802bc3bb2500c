"""Shows a worker at work: a live view on a terminal, log lines anywhere else."""

import asyncio
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from cronicorn_domain.errors import StoreError
from cronicorn_domain.identity import TenantId
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_scheduler.observing import Event
from rich.console import Console

from cronicorn_worker.settings import LogFormat, LogLevel, WorkerSettings
from cronicorn_worker.watching.board import Board
from cronicorn_worker.watching.live_view import keep_drawing, rows_that_fit
from cronicorn_worker.watching.log_lines import Fields, LogLines
from cronicorn_worker.watching.log_writer import LogWriter
from cronicorn_worker.watching.plan_lines import PlanLines
from cronicorn_worker.watching.standings import standings
from cronicorn_worker.watching.summary import Summary
from cronicorn_worker.watching.tally import Tally

_LOOK_EVERY = timedelta(milliseconds=500)
_LOOKS_UNSTIRRED = 10


class Show(Protocol):
    """What a worker's owner gets to see."""

    @property
    def tally(self) -> Tally:
        """The numbers so far."""
        ...

    def record(self, event: Event) -> None:
        """Show an event of the scheduler."""
        ...

    def tell(self, name: str, fields: Fields, *, level: LogLevel = LogLevel.INFO) -> None:
        """Show something that the worker itself has to say."""
        ...

    def tell_phase(self, phase: str, telling: str) -> None:
        """Show that the demo's story goes on."""
        ...

    async def keep_up(self, units: UnitsOfWork, clock: Clock, tenant: TenantId) -> None:
        """Keep the picture fresh until cancelled."""
        ...

    def conclude(self, summary: Summary) -> None:
        """Show how it went."""
        ...


class LogShow:
    """
    Log lines, for whoever keeps them, and the summary after the last one.

    With ``tell_plans`` each failed run is followed by a line on what was planned then, and why.
    """

    def __init__(self, writer: LogWriter, *, summary_as_text: bool, tell_plans: bool) -> None:
        self.tally = Tally()
        self._writer = writer
        self._lines = LogLines(writer.write, writer.wants)
        self._plans = PlanLines(writer.write) if tell_plans else None
        self._summary_as_text = summary_as_text

    def record(self, event: Event) -> None:
        """Count the event and write its line."""
        self.tally.record(event)
        self._lines.record(event)
        if self._plans is not None:
            self._plans.record(event)

    def tell(self, name: str, fields: Fields, *, level: LogLevel = LogLevel.INFO) -> None:
        """Write a line."""
        self._writer.write(level, name, fields)

    def tell_phase(self, phase: str, telling: str) -> None:
        """Write a line."""
        self.tell("phase_changed", {"phase": phase, "telling": telling})

    async def keep_up(
        self,
        units: UnitsOfWork,
        clock: Clock,  # noqa: ARG002  another show needs it
        tenant: TenantId,
    ) -> None:
        """Tell what was planned; all other lines are written as things happen."""
        if self._plans is not None:
            await self._plans.keep_telling(units, tenant)

    def conclude(self, summary: Summary) -> None:
        """Write the summary: as text, or as one more line where lines are read by programs."""
        if self._summary_as_text:
            self._writer.flush()
            with suppress(BrokenPipeError):
                sys.stdout.write(f"{summary.text()}\n")
        else:
            self.tell("summary", summary.fields())
            self._writer.flush()


class LiveShow:
    """The live view, and the summary below its last picture."""

    def __init__(self, console: Console, *, title: str, store: str, clock: Clock) -> None:
        self.tally = Tally()
        self._console = console
        self._board = Board(title=title, store=store, began=clock.now(), tally=self.tally)

    def record(self, event: Event) -> None:
        """Count the event and put it on the board."""
        self.tally.record(event)
        self._board.record(event)

    def tell(
        self,
        name: str,
        fields: Fields,
        *,
        level: LogLevel = LogLevel.INFO,  # noqa: ARG002  the board shows all alike
    ) -> None:
        """Put it on the board."""
        self._board.notice(name, fields)

    def tell_phase(self, phase: str, telling: str) -> None:
        """Put it on the board."""
        self._board.phase = f"{phase}: {telling}"

    async def keep_up(self, units: UnitsOfWork, clock: Clock, tenant: TenantId) -> None:
        """Look the endpoints up and draw, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_looking(units, clock, tenant))
            group.create_task(keep_drawing(self._board, self._console, clock))

    def conclude(self, summary: Summary) -> None:
        """Write the summary as text."""
        self._console.print(summary.text(), markup=False, highlight=False, soft_wrap=True)

    async def _keep_looking(self, units: UnitsOfWork, clock: Clock, tenant: TenantId) -> None:
        """Look twice a second while something happens, and now and then when nothing does."""
        unstirred = 0
        while True:
            if self._board.stirred or unstirred == _LOOKS_UNSTIRRED:
                self._board.stirred, unstirred = False, 0
                await self._look(units, clock, tenant)
            unstirred += 1
            await clock.sleep_until(clock.now() + _LOOK_EVERY)

    async def _look(self, units: UnitsOfWork, clock: Clock, tenant: TenantId) -> None:
        # Without an answer the picture stays as it was; the scheduler tells of the outage.
        with suppress(StoreError):
            self._board.standings, self._board.more = await standings(
                units, clock, tenant, limit=rows_that_fit(self._console)
            )


def open_show(settings: WorkerSettings, *, store: str, clock: Clock) -> Show:
    """
    Choose: log lines when a format is asked for or nobody watches, else the live view.

    Several processes write log lines, each its own: no picture can hold what all of them do.
    """
    if shows_live(settings):
        title = "Cronicorn demo" if settings.demo else "Cronicorn"
        return LiveShow(Console(), title=title, store=store, clock=clock)
    chosen = settings.log_format or LogFormat.CONSOLE
    return LogShow(
        LogWriter(chosen, settings.log_level),
        summary_as_text=chosen is LogFormat.CONSOLE,
        tell_plans=settings.demo,
    )


def shows_live(settings: WorkerSettings) -> bool:
    """Say whether there is to be a live view."""
    console = Console()
    watched = console.is_terminal and not console.is_dumb_terminal
    return settings.log_format is None and watched and settings.processes == 1


def show_of_process(settings: WorkerSettings, number: int) -> LogShow:
    """Return the log lines of one process of several, each with its number."""
    writer = LogWriter(
        settings.log_format or LogFormat.CONSOLE, settings.log_level, of={"process": number}
    )
    return LogShow(writer, summary_as_text=False, tell_plans=False)
