"""Peers from PyPI: each a script with its own dependencies, run in an environment of its own."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.peers.ready import READY
from bench.postgres import come_to_rest
from bench.processes import ROOT, started
from bench.systems.system import Place, Running, Shape, next_second
from bench.work import Work

_STORES_WITHIN = 180.0
_SPARE = 3000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """
    A peer.

    Attributes:
        script: The file of it in ``bench/peers``, without suffix.
        store_pace: Milliseconds that it takes to store an endpoint, roughly.
        parked_pace: The same for what is not due, where it can be stored many at once.
        unable: Why it cannot take part, by scenario.
    """

    name: str
    title: str
    settings: str
    script: str
    postgres: bool
    store_pace: float = 1.0
    parked_pace: float | None = None
    unable: tuple[tuple[str, str], ...] = ()
    flat_out: bool = False

    def cannot(self, scenario: str) -> str | None:
        """Say why it cannot take part."""
        return dict(self.unable).get(scenario)

    def storing(self, shape: Shape) -> float:
        """Say how many seconds storing takes, roughly."""
        parked_pace = self.store_pace if self.parked_pace is None else self.parked_pace
        return (shape.endpoints * self.store_pace + shape.parked * parked_pace) / 1000

    @property
    def version(self) -> str:
        """The version that its script asks for."""
        pinned = re.findall(r'"([\w\[\],]+==[\w.]+)"', _file(self.script).read_text("utf-8"))
        return str(pinned[0])

    @contextmanager
    def running(self, shape: Shape, place: Place) -> Iterator[Running]:
        """Start the script, which stores the work itself, and wait until it has."""
        python = _environment(self.script)
        work = Work(
            endpoints=shape.endpoints,
            step=shape.step,
            burst=shape.burst,
            begins_at=next_second(time.time() * 1000 + _SPARE + self.store_pace * shape.endpoints),
            target=place.target,
        )
        with ExitStack() as stack:
            database = stack.enter_context(place.server.database()) if self.postgres else ""
            command: list[str | Path] = [
                python,
                _file(self.script),
                work.json(),
                str(shape.parked),
                database,
            ]
            log = place.folder / f"{self.script}.log"
            child = stack.enter_context(started(command, output=log))
            ready = child.wait_for(READY, within=_STORES_WITHIN)
            if database and shape.parked:
                come_to_rest(database)
            yield Running(
                work=work,
                workers=[child],
                stored_in=float(ready.rpartition(" ")[2]),
                database=database or None,
            )


def _file(script: str) -> Path:
    return ROOT / "bench" / "peers" / f"{script}.py"


@cache
def _environment(script: str) -> str:
    """Make the script's environment, if it is not there, and return its interpreter."""
    file = _file(script)
    subprocess.run(["uv", "sync", "--quiet", "--script", file], check=True, cwd=ROOT)
    found = subprocess.run(
        ["uv", "python", "find", "--script", file], check=True, cwd=ROOT, capture_output=True
    )
    return found.stdout.decode().strip()
