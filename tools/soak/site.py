"""Where a fault is tried: a database with work in it, a target, and workers as processes."""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import urlopen

from bench.processes import ROOT, Child, python, started
from bench.systems.cronicorn_store import store_work
from bench.systems.system import next_second
from bench.work import Work
from tools.soak.proxy import Proxy, proxy
from tools.soak.server import Server
from tools.soak.target import Call, calls_of

WORKERS: Final = 2
_STARTS_WITHIN: Final = 90.0
_STORING: Final = 0.0012
"""Seconds that storing one endpoint takes at most: so far ahead must the work begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """
    How much is done in a phase, and how fast.

    Attributes:
        endpoints: Each is due once a second: so many slots a second.
        slots: So many are asked for at least; a phase lasts until the fault is got over.
        lease: Seconds that a lease lives without a renewal.
        answers_after: Seconds that the target takes to answer.
        lasts: Seconds that a fault which lasts is left to last.
        lead: Seconds that the workers have to start.
    """

    endpoints: int
    slots: int
    lease: float = 10.0
    answers_after: float = 0.02
    lasts: float = 5.0
    lead: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """
    What a fault can reach.

    ``server`` and ``line`` are there on PostgreSQL; the workers' connections go through the line
    where the fault is one of the network.
    """

    size: Size
    database: str
    target: str
    work: Work
    workers: Sequence[Child]
    server: Server | None
    line: Proxy | None

    def calls(self) -> Iterator[Call]:
        """Return what has reached the target."""
        with urlopen(f"{self.target}/calls", timeout=60) as answer:  # noqa: S310  it is our own
            return calls_of(answer.read())

    @property
    def postgres(self) -> Server:
        """The server, for the faults that need one."""
        assert self.server is not None, "this fault is one of PostgreSQL"
        return self.server

    @property
    def network(self) -> Proxy:
        """The line, for the faults that need one."""
        assert self.line is not None, "this fault is one of the network"
        return self.line


@contextmanager
def site(
    size: Size, *, on: Server | None, shifts: Sequence[float] = (), by_line: bool = False
) -> Iterator[Site]:
    """
    Store the work, start the workers and wait until they claim; all of it ends with the block.

    Args:
        size: How much work there is, and how long leases live.
        on: The server to make a database on; none: an SQLite file.
        shifts: By how many seconds the wall clock of each worker is wrong.
        by_line: The workers reach the database through a line that can be cut.

    Raises:
        GaveUp: a process did not get so far.
    """
    with tempfile.TemporaryDirectory(prefix="cronicorn-soak-") as name, ExitStack() as stack:
        folder = Path(name)
        database = stack.enter_context(_database(folder, on))
        answering = python("tools.soak.target", str(size.answers_after))
        target = stack.enter_context(started(answering, output=folder / "target.log"))
        url = f"http://127.0.0.1:{target.wait_for('', within=_STARTS_WITHIN)}"
        work = _work(size, url)
        store_work(database, work)
        line = stack.enter_context(proxy(database)) if by_line else None
        reached = database if line is None else line.through(database)
        workers = [
            stack.enter_context(_worker(folder, number, reached, size, shift))
            for number, shift in enumerate(shifts or [0.0] * WORKERS)
        ]
        for worker in workers:
            worker.wait_for("scheduler_started", within=_STARTS_WITHIN)
        yield Site(
            size=size,
            database=database,
            target=url,
            work=work,
            workers=workers,
            server=on,
            line=line,
        )


@contextmanager
def _database(folder: Path, on: Server | None) -> Iterator[str]:
    if on is None:
        yield f"sqlite:///{folder / 'cronicorn.db'}"
        return
    with on.database() as url:
        yield url


def _work(size: Size, target: str) -> Work:
    lead = size.lead + size.endpoints * _STORING
    begins_at = next_second(1000 * (time.time() + lead))
    return Work(endpoints=size.endpoints, step=1000, begins_at=begins_at, target=target)


@contextmanager
def _worker(folder: Path, number: int, database: str, size: Size, shift: float) -> Iterator[Child]:
    command = python("tools.soak.worker", str(size.lease), str(shift), "--database", database)
    command += ["--egress-allow", "127.0.0.0/8", "--log-format", "json"]
    place = folder / str(number)
    place.mkdir()
    environment = {"PYTHONPATH": str(ROOT)}
    with started(
        command, output=place / "worker.log", folder=place, environment=environment
    ) as child:
        yield child
