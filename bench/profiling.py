"""Records where a worker's processor time goes while it does a modest rate of work."""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.postgres import Server, server
from bench.processes import ROOT, Child, cpu_seconds
from bench.stacks import Profile, Shares, profile_of, read_stacks
from bench.systems.cronicorn import Cronicorn
from bench.systems.system import Place, Shape, next_second
from bench.tables import table
from bench.target_process import open_target

_WARM_UP = 2.0
_SAMPLES_A_SECOND = 200
_STARTED_WITHIN = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """
    What a worker of so many processes took for a fire, and where the samples of one of them fell.

    ``cost`` is the processor time of all its processes for one fire, in microseconds.
    """

    processes: int
    profile: Profile
    cost: float
    rate: float


def record(
    *,
    postgres: bool,
    rate: int,
    seconds: int,
    stacks: Path | None = None,
    functions: int = 40,
    processes: int = 1,
) -> str:
    """
    Have a worker fire ``rate`` times a second under py-spy, and tell the cost of a fire by part.

    Of several ``processes`` one is sampled, and their costs are set beside those of one process.
    ``stacks`` is where the raw samples are kept, for a flame graph; of so many ``functions`` is
    told what they took themselves.
    """
    with server() as database:
        recordings = [
            _recorded(
                Cronicorn(postgres=postgres, processes=number),
                database,
                rate=rate,
                seconds=seconds,
                stacks=stacks if number == processes else None,
            )
            for number in sorted({1, processes})
        ]
    told = list(_told(recordings[-1], functions=functions))
    return "\n\n".join([*told, *_compared(recordings)] if processes > 1 else told)


def _recorded(
    system: Cronicorn, database: Server, *, rate: int, seconds: int, stacks: Path | None
) -> Recording:
    with tempfile.TemporaryDirectory(prefix="cronicorn-bench-") as name:
        folder = Path(name)
        file = stacks or folder / "stacks.txt"
        with open_target(folder) as target:
            place = Place(target=target.url, server=database, folder=folder)
            with system.running(Shape(endpoints=rate), place) as running:
                begin = next_second(max(time.time() * 1000, running.work.begins_at))
                time.sleep(begin / 1000 - time.time() + _WARM_UP)
                target.calls()
                (worker,) = running.workers
                before = cpu_seconds([worker.pid])
                _sample(_one_of(worker, system.processes), seconds, file)
                used = cpu_seconds([worker.pid]) - before
                fires = len(target.calls()) // 24
                running.check()
        with file.open(encoding="utf-8") as raw:
            return Recording(
                processes=system.processes,
                profile=profile_of(read_stacks(raw)),
                cost=1_000_000 * used / max(1, fires),
                rate=fires / seconds,
            )


def _one_of(worker: Child, processes: int) -> int:
    """Return the number of the process that works, or of one of those that do."""
    if processes == 1:
        return worker.pid
    line = worker.wait_for("process_started", within=_STARTED_WITHIN)
    pid: int = json.loads(line)["pid"]
    return pid


def _sample(pid: int, seconds: int, file: Path) -> None:
    command = ["uv", "run", "--no-sync", "--with", "py-spy", "py-spy", "record", "--pid", str(pid)]
    command += ["--duration", str(seconds), "--rate", str(_SAMPLES_A_SECOND), "--format", "raw"]
    subprocess.run(
        [*command, "--output", str(file)], check=True, cwd=ROOT, capture_output=True, text=True
    )


def _told(recording: Recording, *, functions: int) -> Iterator[str]:
    profile = recording.profile
    several = f" {recording.processes} processes shared them." if recording.processes > 1 else ""
    yield (
        f"{recording.rate:,.0f} fires a second; one fire took {recording.cost:,.0f} μs of the"
        f" worker's processor time, by {profile.samples:,} samples.{several} py-spy stops the"
        " worker at each sample, which adds to it: the shares are what counts."
    )
    yield _shares("step", profile.steps, recording.cost)
    yield _shares("library", profile.libraries, recording.cost)
    rows = [
        (step, ", ".join(f"{name} {share:.0%}" for name, share in shares.rows()))
        for step, shares in profile.within.items()
    ]
    yield table(("within", "libraries"), rows, texts=2)
    if functions:
        own = [(f"`{name}`", f"{share:.1%}") for name, share in profile.functions.rows()]
        yield table(("function, without what it calls", "share"), own[:functions])


def _compared(recordings: Sequence[Recording]) -> Iterator[str]:
    """Set the parts of a fire beside one another, in microseconds."""
    yield compared("step", recordings, [each.profile.steps for each in recordings])
    yield compared("library", recordings, [each.profile.libraries for each in recordings])


def compared(what: str, recordings: Sequence[Recording], shares: Sequence[Shares]) -> str:
    """Tell what each part of a fire costs by number of processes, and what the last costs more."""
    parts = [dict(each.rows()) for each in shares]
    costs = [each.cost for each in recordings]
    rows = [
        _row(name, [cost * each.get(name, 0) for cost, each in zip(costs, parts, strict=True)])
        for name in sorted(set().union(*parts), key=lambda name: -parts[-1].get(name, 0))
    ]
    head = [what, *(f"μs/fire, {_named(each.processes)}" for each in recordings), "more"]
    return table(head, [*rows, _row("together", costs)])


def _named(processes: int) -> str:
    return "one process" if processes == 1 else f"{processes} processes"


def _row(name: str, costs: Sequence[float]) -> Sequence[str]:
    return (name, *(f"{each:,.0f}" for each in costs), f"{costs[-1] - costs[0]:+,.0f}")


def _shares(what: str, shares: Shares, microseconds: float) -> str:
    rows = [(name, f"{share:.1%}", f"{share * microseconds:,.0f}") for name, share in shares.rows()]
    return table((what, "share", "μs/fire"), rows)
