"""
Tries the system under faults: real worker processes, a real PostgreSQL, a real HTTP target.

One fault after another is inflicted on a system at work; then everything that the database holds
and the target saw is judged. Results are kept as they come: whoever is stopped goes on where it
was. Exit code 1 when a promise was broken, 2 when a worker ended that should not have.
"""

import os
import subprocess
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from bench.processes import ROOT, GaveUp
from tools.soak.faults import FAULTS, Fault
from tools.soak.page import HEAD, row, write_page
from tools.soak.phase import try_fault
from tools.soak.result import Result
from tools.soak.results import Results
from tools.soak.server import Server, server
from tools.soak.site import Size

KEPT: Final = ROOT / ".soak" / "results.jsonl"
_SQLITE_RATE: Final = 100
"""Two processes write one file in turn: it is no place for a thousand slots a second."""

_TENTHS: Final = 10

_Trial = tuple[Fault, bool]
"""A fault, and whether it is tried on an SQLite file."""


def main() -> int:
    """Try what was asked for, and say what became of it."""
    options, console = _options(), Console()
    trials = [each for each in _trials() if not options.only or each[0].name in options.only]
    if not trials:
        console.print("there is no such fault: --list names them all")
        return 2
    if options.list:
        for fault in FAULTS:
            console.print(f"[bold]{fault.name}[/]  {fault.sentence}", highlight=False)
        return 0
    tenths = sum(1 if sqlite else _TENTHS for _, sqlite in trials)
    size = Size(endpoints=options.rate, slots=-(-options.slots * _TENTHS // tenths))
    results = Results(KEPT, size, _commit())
    before = os.getloadavg()[0]
    try:
        with server() as running:
            tried = _try_all(trials, size, running, results, console)
    except GaveUp as error:
        console.print(f"[red]{escape(str(error))}[/]", highlight=False)
        return 2
    console.print(_table(tried))
    if options.write:
        write_page(tried, commit=_commit(), noise=_noise(before))
    return 0 if all(result.sound for result in tried) else 1


def _trials() -> Iterator[_Trial]:
    for fault in FAULTS:
        if fault.on_postgres:
            yield fault, False
        if fault.on_sqlite:
            yield fault, True


def _try_all(
    trials: Sequence[_Trial], size: Size, running: Server, results: Results, console: Console
) -> Sequence[Result]:
    tried = []
    with _progress(console) as progress:
        whole = progress.add_task("slots", total=size.slots * len(trials))
        for number, (fault, sqlite) in enumerate(trials):
            name = f"{fault.name}, SQLite" if sqlite else fault.name
            progress.update(whole, description=name, completed=number * size.slots)
            result = results.known.get(name)
            if result is None:
                come = number * size.slots
                result = try_fault(
                    fault,
                    _smaller(size) if sqlite else size,
                    None if sqlite else running,
                    told=lambda slots, come=come: progress.update(  # type: ignore[misc]
                        whole, completed=come + min(slots, size.slots)
                    ),
                )
                results.keep(result)
            verdict = "[green]sound[/]" if result.sound else "[bold red]broken[/]"
            progress.console.print(f"{verdict} {name}", highlight=False)
            tried.append(result)
        progress.update(whole, completed=size.slots * len(trials))
    return tried


def _smaller(size: Size) -> Size:
    """Return what an SQLite file takes: a tenth of the slots, and a tenth of the rate."""
    return Size(endpoints=min(_SQLITE_RATE, size.endpoints), slots=size.slots // _TENTHS)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


def _table(results: Sequence[Result]) -> Table:
    """Return what is read first; the page has all of it."""
    shown = (*range(2), *range(5, 9), len(HEAD) - 1)
    table = Table(*(HEAD[column] for column in shown))
    for result in results:
        cells = row(result)
        style = "" if result.sound else "bold red"
        table.add_row(*(cells[column] for column in shown), style=style)
    return table


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def _noise(load_before: float) -> str:
    processors = os.cpu_count() or 1
    if load_before < processors / 4:
        return f"The machine ({processors} processors) did nothing else when it began."
    return (
        f"The machine ({processors} processors) was busy with other work when it began, with a"
        f" load of {load_before:.1f}: lateness and recovery are worse for it."
    )


def _options() -> Namespace:
    parser = ArgumentParser(prog="tools/soak", description=__doc__)
    parser.add_argument(
        "--slots",
        type=int,
        default=1_000_000,
        metavar="N",
        help="slots in total, shared out among the faults; a tenth share on SQLite (a million)",
    )
    parser.add_argument("--rate", type=int, default=1000, metavar="N", help="slots a second (1000)")
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="only this fault; repeatable"
    )
    parser.add_argument("--list", action="store_true", help="say what there is, and try nothing")
    parser.add_argument(
        "--write", action="store_true", help="write table and plot into docs/reliability.md"
    )
    return parser.parse_args()
