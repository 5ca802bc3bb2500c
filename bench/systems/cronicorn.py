"""This project: its worker, in one process or several, on PostgreSQL or an SQLite file."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.postgres import come_to_rest
from bench.processes import ROOT, Child, started
from bench.systems.cronicorn_judged import judge
from bench.systems.cronicorn_store import park, store_work
from bench.systems.system import Place, Running, Shape, next_second
from bench.work import Work

_STARTS_WITHIN = 60.0
_MOST_OF_IT = 1.5
"""Storing and starting may take so much longer than last time, and work still begins behind it."""
_PARKED_PACE = 0.03
_CLAIMS = ("%FROM due AS d%SKIP LOCKED%", "%INSERT INTO leases%")
"""One picks and one writes; start and settle skip what is locked, too, and are no claims."""
_AS_ONE_DOES = frozenset({"stored", "old transaction", "idle", "load"})
_pace = [0.5]
"""Milliseconds that storing an endpoint took last time: so far ahead must the work begin."""
_start: dict[int, float] = {}
"""
Milliseconds that starting so many processes took last time: so far ahead, too.

What is due before its worker is there runs late, and an endpoint of one second then makes up for a
tenth of it in each: starts lie nine tenths of the tenant's floor apart. So whoever starts too late
once is late for ten seconds.
"""
_STARTS_IN: Final = 3000.0
"""Milliseconds that starting one process takes, until it is known better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cronicorn:
    """The worker as `uv run apps/worker` starts it, with its defaults and log lines as JSON."""

    postgres: bool
    processes: int = 1
    flat_out: bool = False

    @property
    def name(self) -> str:
        """What it is selected by."""
        several = f"-{self.processes}" if self.processes > 1 else ""
        return f"cronicorn-{'pg' if self.postgres else 'sqlite'}{several}"

    @property
    def title(self) -> str:
        """What it is called in tables."""
        several = f", {self.processes} processes" if self.processes > 1 else ""
        return f"Cronicorn on {'PostgreSQL' if self.postgres else 'SQLite'}{several}"

    @property
    def settings(self) -> str:
        """How it was set up."""
        return "the worker's defaults; log lines as JSON into a file"

    def cannot(self, scenario: str) -> str | None:
        """Say what needs another database, or shows nothing that one process does not show."""
        if self.processes > 1 and scenario in _AS_ONE_DOES:
            return "what is stored and waits is the same for one process"
        if scenario == "old transaction" and not self.postgres:
            return "SQLite has no vacuum that a transaction could hold back"
        return None

    def storing(self, shape: Shape) -> float:
        """Say how many seconds storing what is not due takes, roughly; the rest is soon done."""
        return shape.parked * _PARKED_PACE / 1000

    @contextmanager
    def running(self, shape: Shape, place: Place) -> Iterator[Running]:
        """
        Store the work, start the worker, and wait until all its processes have begun.

        When it has ended the checker judges what it did, unless reading what is parked would take
        longer than the trial.
        """
        with ExitStack() as stack:
            if self.postgres:
                database = stack.enter_context(place.server.database())
            else:
                database = f"sqlite:///{place.folder / 'cronicorn.db'}"
            if shape.parked:
                park(database, shape.parked)
                if self.postgres:
                    come_to_rest(database)
            work, stored_in = self._store(shape, place, database)
            began = time.monotonic()
            with _worker(place, database, self.processes) as worker:
                worker.wait_for("scheduler_started", times=self.processes, within=_STARTS_WITHIN)
                _start[self.processes] = 1000 * (time.monotonic() - began)
                yield Running(
                    work=work,
                    workers=[worker],
                    stored_in=stored_in,
                    database=database if self.postgres else None,
                    claims=_CLAIMS,
                )
            if not shape.parked:
                judge(database)

    def _store(self, shape: Shape, place: Place, database: str) -> tuple[Work, float]:
        starts_in = _start.get(self.processes, _STARTS_IN * self.processes)
        lead = _MOST_OF_IT * (starts_in + shape.endpoints * _pace[0])
        work = Work(
            endpoints=shape.endpoints,
            step=shape.step,
            burst=shape.burst,
            begins_at=next_second(time.time() * 1000 + lead),
            target=place.target,
            rules=shape.rules,
            holds=shape.holds,
        )
        stored_in = store_work(database, work)
        if shape.endpoints:
            _pace[0] = 1000 * stored_in / shape.endpoints
        return work, stored_in


def _worker(place: Place, database: str, processes: int) -> AbstractContextManager[Child]:
    command: list[str | Path] = [sys.executable, ROOT / "apps/worker", "--database", database]
    command += ["--egress-allow", "127.0.0.0/8", "--log-format", "json"]
    command += ["--processes", str(processes)]
    return started(command, output=place.folder / "worker.log", folder=place.folder)
