"""
Plants known faults in copies of the code, one by one, and reports who catches them.

`uv run tools/plant` tries all of `faults/`; exit code 1 when one is missed, or no longer fits.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from rich.console import Console
from rich.progress import Progress

from tools.plant.catcher import Verdict
from tools.plant.fault import Fault, every_fault
from tools.plant.planting import Trial, plant
from tools.plant.table import in_colour, write_page


def main() -> int:
    """Plant what was asked for, and say what became of it."""
    options, console = _options(), Console()
    faults = [each for each in every_fault() if not options.only or each.name in options.only]
    if options.list:
        for fault in faults:
            console.print(f"[bold]{fault.name}[/]  {fault.sentence}", highlight=False)
        return 0
    trials = _plant_all(faults, options, console)
    console.print(in_colour(trials))
    if options.write:
        write_page(trials)
    return 0 if _sound(trials, console) else 1


def _plant_all(faults: Sequence[Fault], options: Namespace, console: Console) -> list[Trial]:
    trials: dict[str, Trial] = {}
    with (
        Progress(console=console) as progress,
        ThreadPoolExecutor(options.at_once) as pool,
    ):
        bar = progress.add_task("planting", total=len(faults))
        tried = [pool.submit(plant, fault, thorough=options.thorough) for fault in faults]
        for done in as_completed(tried):
            trial = done.result()
            trials[trial.fault.name] = trial
            verdict = "[green]caught[/]" if trial.caught else "[bold red]missed[/]"
            progress.console.print(f"{verdict} {trial.fault.name}")
            progress.advance(bar)
    return [trials[fault.name] for fault in faults]


def _sound(trials: Sequence[Trial], console: Console) -> bool:
    broken = [
        (trial.fault.name, each)
        for trial in trials
        for each in trial.catches
        if each.verdict is Verdict.BROKEN
    ]
    for name, each in broken:
        console.print(f"[red]{name}: {each.catcher} did not run:[/]\n{each.by}", highlight=False)
    caught = sum(trial.caught for trial in trials)
    console.print(f"{caught} of {len(trials)} caught")
    return caught == len(trials) and not broken


def _options() -> Namespace:
    parser = ArgumentParser(prog="tools/plant", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="this fault; repeatable")
    parser.add_argument("--list", action="store_true", help="say what there is, and plant nothing")
    parser.add_argument(
        "--thorough", action="store_true", help="ask every catcher, also after the first catch"
    )
    parser.add_argument(
        "--write", action="store_true", help="write the table into docs/reliability.md"
    )
    parser.add_argument("--at-once", type=int, default=2, metavar="N", help="copies at once (2)")
    return parser.parse_args()
