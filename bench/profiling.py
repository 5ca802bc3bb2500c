"""Records where a worker's processor time goes while it does a modest rate of work."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.postgres import server
from bench.processes import ROOT, cpu_seconds
from bench.stacks import Profile, Shares, profile_of, read_stacks
from bench.systems.cronicorn import Cronicorn
from bench.systems.system import Place, Shape, next_second
from bench.tables import table
from bench.target_process import open_target

_WARM_UP = 2.0
_SAMPLES_A_SECOND = 200


def record(
    *, postgres: bool, rate: int, seconds: int, stacks: Path | None = None, functions: int = 40
) -> str:
    """
    Have a worker fire ``rate`` times a second under py-spy, and tell the cost of a fire by part.

    ``stacks`` is where the raw samples are kept, for a flame graph; of so many ``functions`` is
    told what they took themselves.
    """
    with tempfile.TemporaryDirectory(prefix="cronicorn-bench-") as name, server() as database:
        folder = Path(name)
        file = stacks or folder / "stacks.txt"
        with open_target(folder) as target:
            place = Place(target=target.url, server=database, folder=folder)
            with Cronicorn(postgres=postgres).running(Shape(endpoints=rate), place) as running:
                begin = next_second(max(time.time() * 1000, running.work.begins_at))
                time.sleep(begin / 1000 - time.time() + _WARM_UP)
                target.calls()
                worker = running.workers[0].pid
                before = cpu_seconds([worker])
                _sample(worker, seconds, file)
                used = cpu_seconds([worker]) - before
                fires = len(target.calls()) // 24
                running.check()
        with file.open(encoding="utf-8") as raw:
            profile = profile_of(read_stacks(raw))
    return "\n\n".join(_told(profile, used / max(1, fires), fires / seconds, functions=functions))


def _sample(pid: int, seconds: int, file: Path) -> None:
    command = ["uv", "run", "--no-sync", "--with", "py-spy", "py-spy", "record", "--pid", str(pid)]
    command += ["--duration", str(seconds), "--rate", str(_SAMPLES_A_SECOND), "--format", "raw"]
    subprocess.run(
        [*command, "--output", str(file)], check=True, cwd=ROOT, capture_output=True, text=True
    )


def _told(profile: Profile, cost: float, rate: float, *, functions: int) -> Iterator[str]:
    microseconds = 1_000_000 * cost
    yield (
        f"{rate:,.0f} fires a second; one fire took {microseconds:,.0f} μs of the worker's"
        f" processor time, by {profile.samples:,} samples. py-spy stops the worker at each"
        " sample, which adds to it: the shares are what counts."
    )
    yield _shares("step", profile.steps, microseconds)
    yield _shares("library", profile.libraries, microseconds)
    rows = [
        (step, ", ".join(f"{name} {share:.0%}" for name, share in shares.rows()))
        for step, shares in profile.within.items()
    ]
    yield table(("within", "libraries"), rows, texts=2)
    if functions:
        own = [(f"`{name}`", f"{share:.1%}") for name, share in profile.functions.rows()]
        yield table(("function, without what it calls", "share"), own[:functions])


def _shares(what: str, shares: Shares, microseconds: float) -> str:
    rows = [(name, f"{share:.1%}", f"{share * microseconds:,.0f}") for name, share in shares.rows()]
    return table((what, "share", "μs/fire"), rows)
