"""The floor of any scheduler that sends with aiohttp: requests alone, nothing is stored."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.peers.ready import READY
from bench.processes import python, started
from bench.systems.system import Place, Running, Shape, next_second
from bench.work import AT_ONCE, Work

_STARTS_WITHIN = 30.0
_SPARE = 2000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorHttp:
    """Requests from memory: as many as can be (``throughput``), or each at its time."""

    name: str = "floor-http"
    title: str = "floor: aiohttp alone"
    settings: str = f"{AT_ONCE} requests at once, or each at its time; nothing is stored"
    flat_out: bool = True

    def cannot(self, scenario: str) -> str | None:
        """Say what needs something stored."""
        if scenario in {"throughput", "lateness", "burst"}:
            return None
        return "nothing is stored"

    def storing(self, shape: Shape) -> float:  # noqa: ARG002  other systems need it
        """Say how many seconds storing takes: next to none."""
        return 0.0

    @contextmanager
    def running(self, shape: Shape, place: Place) -> Iterator[Running]:
        """Start the loop."""
        work = Work(
            endpoints=0 if shape.flat_out else shape.endpoints,
            step=shape.step,
            burst=shape.burst,
            begins_at=next_second(time.time() * 1000 + _SPARE),
            target=place.target,
        )
        command = python("bench.systems.floor_http_loop", work.json())
        with started(command, output=place.folder / "floor-http.log") as child:
            child.wait_for(READY, within=_STARTS_WITHIN)
            yield Running(work=work, workers=[child], stored_in=0.0)
