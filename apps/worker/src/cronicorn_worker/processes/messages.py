"""What a process of several and whoever keeps it tell each other, over a line of their own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

from cronicorn_worker.watching.tally import Tally

Line: TypeAlias = "Connection[Any, Any]"
"""One end of a pipe, over which anything goes that can be pickled."""


class Order(Enum):
    """What a process is told to do."""

    BEGIN = auto()
    DRAIN = auto()
    HURRY = auto()


@dataclass(frozen=True, slots=True)
class IsReady:
    """The process has opened all that it needs, and would claim at once."""


@dataclass(frozen=True, slots=True)
class HasClaimed:
    """The process is at work: the store has answered its first claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HasEnded:
    """All that a process has to say in the end; ``fault`` is why it could not go on."""

    tally: Tally
    fault: str | None = None


def listen(line: Line, hear: Callable[[Any], None]) -> None:
    """Hand over each message as it comes, on the running loop; None when the other end is gone."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            while line.poll():
                hear(line.recv())
        except (EOFError, OSError):
            loop.remove_reader(line.fileno())
            hear(None)

    loop.add_reader(line.fileno(), read)
