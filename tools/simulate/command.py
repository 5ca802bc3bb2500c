"""The command: plays seeds in several processes, adds up, and tells the story of what broke."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tools.simulate.judging import Verdict, judge
from tools.simulate.options import Options, parse
from tools.simulate.profiles import draw
from tools.simulate.scenario import Scenario
from tools.simulate.shrinking import shrink
from tools.simulate.telling import sentences, story
from tools.simulate.trace import Trace

STORIES_MOST = 3
"""So many broken seeds are told; the others are only named."""


@dataclass(slots=True)
class Sum:
    """What came of all seeds played so far."""

    seeds: int = 0
    slots: int = 0
    runs: int = 0
    requests: int = 0
    playing: float = 0.0
    judging: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    broken: dict[int, Verdict] = field(default_factory=dict)

    def add(self, seed: int, verdict: Verdict) -> None:
        """Add a seed's verdict."""
        self.seeds += 1
        self.slots += verdict.slots
        self.runs += verdict.runs
        self.requests += verdict.requests
        self.playing += verdict.playing
        self.judging += verdict.judging
        self.faults.update(verdict.faults)
        if not verdict.sound:
            self.broken[seed] = verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print, and return the exit code: 1 when a promise was broken."""
    options = parse(arguments)
    if options.trace:
        return _trace(options)
    console = Console(stderr=True)
    total = _play_all(options, console)
    console.print(_summary(total))
    for seed in sorted(total.broken)[:STORIES_MOST]:
        _tell(options, seed, total.broken[seed], console)
    if left := sorted(total.broken)[STORIES_MOST:]:
        print(f"Broken as well: seeds {', '.join(map(str, left))}")
    return 1 if total.broken else 0


def _scenario(options: Options, seed: int) -> Scenario:
    scenario = draw(options.profile_of(seed), seed)
    if options.only is not None:
        scenario = scenario.only(options.only)
    return scenario if options.duration is None else scenario.lasting(options.duration)


def _judge_seed(options: Options, seed: int) -> tuple[int, Verdict]:
    return seed, judge(_scenario(options, seed))


def _play_all(options: Options, console: Console) -> Sum:
    total = Sum()
    with _progress(console) as progress:
        bar = progress.add_task("seeds", total=len(options.seeds), broken=0)
        for seed, verdict in _verdicts(options):
            total.add(seed, verdict)
            progress.update(bar, advance=1, broken=len(total.broken))
            for sentence in sentences(verdict)[:1]:
                profile = options.profile_of(seed)
                progress.console.print(f"seed {seed} of {profile}: {sentence}", markup=False)
            if options.first and total.broken:
                break
    return total


def _verdicts(options: Options) -> Iterator[tuple[int, Verdict]]:
    judge_seed = partial(_judge_seed, options)
    if options.processes <= 1:
        yield from map(judge_seed, options.seeds)
        return
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        try:
            for done in as_completed([pool.submit(judge_seed, seed) for seed in options.seeds]):
                yield done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[broken]} broken"),
        console=console,
    )


def _summary(total: Sum) -> Table:
    table = Table("what", "how many", title="Simulated", title_justify="left")
    table.columns[1].justify = "right"
    for what, count in (
        ("seeds", total.seeds),
        ("slots", total.slots),
        ("runs", total.runs),
        ("requests", total.requests),
        ("seeds with broken promises", len(total.broken)),
    ):
        table.add_row(what, f"{count:,}")
    table.add_row("processor seconds of playing", f"{total.playing:.1f}")
    table.add_row("processor seconds of judging", f"{total.judging:.1f}", end_section=True)
    for kind, count in sorted(total.faults.items()):
        table.add_row(f"fault: {kind}", f"{count:,}")
    return table


def _tell(options: Options, seed: int, verdict: Verdict, console: Console) -> None:
    profile, whole = options.profile_of(seed), _scenario(options, seed)
    shrunk = whole
    if options.shrink:
        with console.status(f"looking for a shorter story of seed {seed}"):
            shrunk, verdict = shrink(whole, verdict)
    print("\n".join(["", *story(profile, draw(profile, seed), shrunk, verdict)]))


def _trace(options: Options) -> int:
    sound = True
    for seed in options.seeds:
        trace = Trace()
        verdict = judge(_scenario(options, seed), trace)
        sys.stdout.writelines(f"{line}\n" for line in trace)
        print(f"Seed {seed}: {trace.digest()}", *sentences(verdict), sep="\n")
        sound = sound and verdict.sound
    return 0 if sound else 1
