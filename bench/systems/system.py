"""What is benchmarked: anything that takes work and runs it in processes of its own."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.postgres import Server
from bench.processes import Child
from bench.work import Work

WORKER = "worker"
DATABASE = "database"
TARGET = "target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """
    Work before a target and an instant are known; see `Work`.

    ``parked`` are stored besides, and not due: a third each paused, archived and far ahead, as far
    as a system knows these; otherwise far ahead. ``rules`` is how many each endpoint has, of ours;
    with ``holds`` the last of them holds of every answer.
    """

    endpoints: int
    step: int = 1000
    burst: bool = False
    parked: int = 0
    flat_out: bool = False
    rules: int = 0
    holds: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where work is done: the target's address, the server for databases, a folder for files."""

    target: str
    server: Server
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """
    A system at work.

    Attributes:
        work: What it does.
        workers: Its own processes.
        stored_in: The seconds that keeping the work's endpoints took.
        database: The URL of its PostgreSQL database, if it uses one.
        fired: Counts runs so far, where the target cannot because nothing is sent.
        claims: Patterns of the statements that make a claim.
    """

    work: Work
    workers: Sequence[Child]
    stored_in: float
    database: str | None = None
    fired: Callable[[], int] | None = None
    claims: Sequence[str] = ("%SKIP LOCKED%",)

    def check(self) -> None:
        """See that all its processes still run; raises ``GaveUp``."""
        for worker in self.workers:
            worker.check()


class System(Protocol):
    """
    A scheduler, or a floor that none can go below.

    Attributes:
        name: What it is selected by.
        title: What it is called in tables.
        settings: How it was set up, in a sentence.
        flat_out: It works as fast as it can, whatever the work's rate is.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def title(self) -> str: ...  # noqa: D102

    @property
    def settings(self) -> str: ...  # noqa: D102

    @property
    def flat_out(self) -> bool: ...  # noqa: D102

    def cannot(self, scenario: str) -> str | None:
        """Say why it cannot take part in a scenario; None if it can."""
        ...

    def storing(self, shape: Shape) -> float:
        """Say how many seconds storing takes, roughly: what would take too long is left out."""
        ...

    def running(self, shape: Shape, place: Place) -> AbstractContextManager[Running]:
        """
        Store the work and run it until the end of the block.

        Raises:
            GaveUp: it did not get so far, or not in time.
        """
        ...


def next_second(milliseconds: float) -> int:
    """Return the first whole second at or after an instant, in milliseconds."""
    return int(-(-milliseconds // 1000) * 1000)
