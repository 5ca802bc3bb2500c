"""
Plants known faults in copies of the code, one by one, and reports who catches them.

First every catcher has to find sound code sound. Results are kept as they come: whoever is stopped
goes on where it was. Exit code 1 when a fault is missed, 2 when the catchers prove nothing.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tools.plant.catcher import Verdict
from tools.plant.copied import ROOT, commit, digest
from tools.plant.fault import Fault, every_fault
from tools.plant.results import Results
from tools.plant.table import in_colour, write_page
from tools.plant.trying import Trial, Trials, Unproven

KEPT = ROOT / ".planted" / "results.jsonl"


def main() -> int:
    """Plant what was asked for, and say what became of it."""
    options, console = _options(), Console()
    faults = [each for each in every_fault() if not options.only or each.name in options.only]
    if options.list:
        for fault in faults:
            console.print(f"[bold]{fault.name}[/]  {fault.sentence}", highlight=False)
        return 0
    with Trials(Results(KEPT, digest()), copies=options.at_once) as trials:
        try:
            tried = _plant_all(faults, trials, options, console)
        except Unproven as error:
            console.print(f"[red]{escape(str(error))}[/]", highlight=False)
            return 2
    console.print(in_colour(tried))
    if options.write:
        write_page(tried, commit=commit())
    return 0 if _sound(tried, console) else 1


def _plant_all(
    faults: Sequence[Fault],
    trials: Trials,
    options: Namespace,
    console: Console,
) -> Sequence[Trial]:
    tried: dict[str, Trial] = {}
    with _progress(console) as progress, ThreadPoolExecutor(options.at_once) as pool:
        bar = progress.add_task("faults", total=len(faults))
        futures = [
            pool.submit(trials.attempt, fault, thorough=options.thorough) for fault in faults
        ]
        try:
            for done in as_completed(futures):
                trial = done.result()
                tried[trial.fault.name] = trial
                verdict = "[green]caught[/]" if trial.caught else "[bold red]missed[/]"
                progress.console.print(f"{verdict} {trial.fault.name}")
                progress.advance(bar)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [tried[fault.name] for fault in faults]


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _sound(tried: Sequence[Trial], console: Console) -> bool:
    unproven = {Verdict.HUNG, Verdict.UNSURE, Verdict.BROKEN}
    for trial in tried:
        for name, each in trial.catches.items():
            if each.verdict in unproven:
                console.print(f"[red]{trial.fault.name}: {name} is {each.verdict}:[/]")
                console.print(escape(each.by), highlight=False)
    caught = sum(trial.caught for trial in tried)
    console.print(f"{caught} of {len(tried)} caught")
    return caught == len(tried)


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
