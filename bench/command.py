"""The command: which sizes, scenarios and systems, and what comes after."""

import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.api_filling import Filling
from bench.api_reads import filled_database, measure_reads
from bench.contest import Contest
from bench.machine import described, look
from bench.measurement import Measurement
from bench.page_reads import measure_pages
from bench.pages_chapter import pages_chapter
from bench.postgres import server
from bench.processes import GaveUp
from bench.profiling import record
from bench.reads_chapter import chapter
from bench.report import DOCUMENT, PAGES, READS, write
from bench.results import Results, merged, new_file, newest_file
from bench.rule_cost import judged, paces, told
from bench.systems.all_systems import SYSTEMS, select
from bench.tables import TABLES
from bench.trials import FULL, QUICK, SCENARIOS, Size
from bench.versions import versions

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_console = Console()
_PROFILED_RATE = 1000
_PROFILED_SECONDS = 10

Only = Annotated[
    str, typer.Option(metavar="SCENARIO,…", help=f"Of {', '.join(SCENARIOS)}.  [default: by size]")
]
Systems = Annotated[
    str,
    typer.Option(
        metavar="NAME,…", help=f"Of {', '.join(each.name for each in SYSTEMS)}.  [default: all]"
    ),
]


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Less than half an hour.  [default]")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Everything, several times: hours.")] = False,
    only: Only = "",
    systems: Systems = "",
    rounds: Annotated[int, typer.Option(help="How often; 0: as the size has it.", min=0)] = 0,
    rates: Annotated[
        str, typer.Option(metavar="N,…", help="Fires a second.  [default: by size]")
    ] = "",
) -> None:
    """Measure this project, its floors and its peers; `bench report` tells of it."""
    if context.invoked_subcommand is not None:
        return
    if quick and full:
        raise typer.BadParameter("--quick and --full do not go together")
    size = _size(FULL if full else QUICK, rounds, rates)
    try:
        chosen = select([each for each in systems.split(",") if each])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    contest = Contest(size=size, scenarios=_scenarios(only, size), systems=chosen)
    _run(contest, profiled=not (only or systems))


def _size(size: Size, rounds: int, rates: str) -> Size:
    try:
        given = tuple(int(each) for each in rates.split(",") if each)
    except ValueError:
        raise typer.BadParameter("--rates takes whole numbers, apart by commas") from None
    return replace(
        size,
        rounds=rounds or size.rounds,
        slow=rounds or size.slow,
        rates=given or size.rates,
        ladder=given or size.ladder,
    )


def _scenarios(only: str, size: Size) -> list[str]:
    named = [each.strip() for each in only.split(",") if each.strip()]
    if unknown := sorted(set(named) - set(SCENARIOS)):
        raise typer.BadParameter(
            f"no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}"
        )
    return [each for each in SCENARIOS if each in (named or size.scenarios)]


def _run(contest: Contest, *, profiled: bool) -> None:
    quiet = look()
    for fault in quiet.faults:
        _console.print(f"The machine is not quiet: {fault}.", style="yellow")
    file = new_file(contest.size.name)
    with server() as database:
        results = Results(
            size=contest.size.name,
            command=shlex.join(["uv", "run", "bench", *sys.argv[1:]]),
            began=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            machine=described(),
            versions=versions(contest.systems, database),
            quiet=quiet,
            measurements=contest.measured,
        )
        columns = (
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=_console) as progress:
            task = progress.add_task("", total=len(contest.heats()))
            for measured in contest.run(
                database, lambda heat: progress.update(task, description=heat.title)
            ):
                progress.advance(task)
                results.write(file)
                if measured is not None:
                    _say(_line(measured))
    if profiled:
        results = replace(results, cost=_cost())
        results.write(file)
    _show(contest)
    _say(f"Kept in {file}. `uv run bench report` makes docs/benchmarks.md of it.")


def _cost() -> str:
    """Tell the cost of a fire; py-spy comes from a registry, and may not be allowed to look."""
    try:
        return record(postgres=True, rate=_PROFILED_RATE, seconds=_PROFILED_SECONDS, functions=0)
    except (GaveUp, OSError, subprocess.CalledProcessError) as error:
        return f"It could not be sampled this time: {error}."


def _line(measured: Measurement) -> str:
    what = f"{measured.scenario} {measured.label}: {measured.system}"
    if measured.failed:
        return f"{what} failed: {measured.failed}"
    if not measured.seconds:
        return f"{what}: {measured.endpoints:,} endpoints stored in {measured.stored_in:,.1f} s"
    late = measured.lateness
    told = f", late {late.p50:.1f}/{late.p99:.1f} ms (p50/p99)" if late else ""
    return f"{what}: {measured.fires:,.0f} fires/s{told}"


def _show(contest: Contest) -> None:
    for scenario in contest.scenarios:
        own = [each for each in contest.measured if each.scenario == scenario]
        if own:
            _console.print(f"\n{scenario}", style="bold")
            _say(TABLES[scenario](own))


def _say(text: str) -> None:
    _console.print(text, soft_wrap=True, markup=False, highlight=False)


@app.command()
def report(
    results: Annotated[
        list[Path] | None,
        typer.Argument(help="Files of results, put together.  [default: the newest]"),
    ] = None,
) -> None:
    """Write docs/benchmarks.md and its plots from results."""
    try:
        written = write(merged([Results.read(each) for each in results or [newest_file()]]))
    except FileNotFoundError as error:
        raise typer.BadParameter(str(error)) from error
    for file in written:
        _say(f"wrote {file}")


@app.command()
def profile(
    *,
    sqlite: Annotated[bool, typer.Option("--sqlite", help="On SQLite, not PostgreSQL.")] = False,
    rate: Annotated[int, typer.Option(help="Fires a second.", min=1)] = 500,
    seconds: Annotated[int, typer.Option(help="For so long.", min=1)] = 10,
    stacks: Annotated[
        Path | None, typer.Option(help="Keep py-spy's raw samples here, for a flame graph.")
    ] = None,
    processes: Annotated[
        int, typer.Option(help="Of several one is sampled, and set beside a single one.", min=1)
    ] = 1,
) -> None:
    """Tell the cost of one fire by part, sampled by py-spy."""
    told = record(
        postgres=not sqlite, rate=rate, seconds=seconds, stacks=stacks, processes=processes
    )
    _say(told)


@app.command()
def rules(
    *,
    times: Annotated[int, typer.Option(help="How often an answer is judged.", min=10)] = 300,
    rate: Annotated[int, typer.Option(help="Fires a second that are due.", min=100)] = 5000,
    seconds: Annotated[float, typer.Option(help="How long a pace is measured.", min=1)] = 8,
    rounds: Annotated[int, typer.Option(help="How often, in turn.", min=1)] = 3,
) -> None:
    """Tell what ten rules cost, if none holds and if one does: an answer, and a worker's pace."""
    quiet = look()
    for fault in quiet.faults:
        _console.print(f"The machine is not quiet: {fault}.", style="yellow")
    answers = [
        judged(size, times=times, holds=holds)
        for size in (1024, 100 * 1024)
        for holds in (False, True)
    ]
    with server() as database:
        pace = paces(database, rate=rate, seconds=seconds, rounds=rounds)
    for line in told(answers, pace):
        _say(line)


Runs = Annotated[int, typer.Option(help="Runs of the large tenant.", min=1)]
Endpoints = Annotated[int, typer.Option(help="Its endpoints.", min=100)]
Database = Annotated[
    str | None,
    typer.Option(help="One that `bench fill` keeps; it is written to.", metavar="URL"),
]
Tell = Annotated[
    bool, typer.Option("--tell", help="Write the chapter that `bench report` includes.")
]


@app.command()
def fill(*, runs: Runs = 10_000_000, endpoints: Endpoints = 100_000) -> None:
    """Fill a PostgreSQL with months of work of two tenants, and keep it until interrupted."""
    began = time.monotonic()
    with filled_database(_fillings(runs, endpoints)) as url:
        _say(f"filled in {time.monotonic() - began:,.0f} s; it is there until Ctrl-C:\n{url}")
        with suppress(KeyboardInterrupt):
            signal.pause()


@app.command()
def reads(
    *,
    runs: Runs = 10_000_000,
    endpoints: Endpoints = 100_000,
    times: Annotated[int, typer.Option(help="How often each route is asked.", min=10)] = 300,
    seconds: Annotated[float, typer.Option(help="How long a rate is measured.", min=1)] = 5,
    database: Database = None,
    tell: Tell = False,
) -> None:
    """Tell how long the API takes to read from a PostgreSQL that holds months of work."""
    quiet = look()
    with _filled(database, runs, endpoints) as url:
        measured = measure_reads(url, times=times, seconds=seconds)
    told = chapter(measured, times=times, machine=[*described().values()], quiet=quiet)
    _say(told)
    if tell:
        _keep(READS, told)


@app.command()
def pages(
    *,
    runs: Runs = 10_000_000,
    endpoints: Endpoints = 100_000,
    times: Annotated[int, typer.Option(help="How often each page is asked for.", min=10)] = 100,
    tabs: Annotated[int, typer.Option(help="Tabs that look at this moment.", min=1)] = 50,
    seconds: Annotated[float, typer.Option(help="How long questions are counted.", min=10)] = 60,
    database: Database = None,
    tell: Tell = False,
) -> None:
    """Tell how long the dashboard takes over months of work, and what live pages cost."""
    quiet = look()
    with _filled(database, runs, endpoints) as url:
        measured = measure_pages(url, times=times, tabs=tabs, seconds=seconds)
    told = pages_chapter(measured, times=times, machine=[*described().values()], quiet=quiet)
    _say(told)
    if tell:
        _keep(PAGES, told)


def _fillings(runs: int, endpoints: int) -> Sequence[Filling]:
    return (
        Filling(jobs=100, endpoints=endpoints // 100, runs=runs),
        Filling(jobs=10, endpoints=100, runs=max(1000, runs // 10)),
    )


def _filled(database: str | None, runs: int, endpoints: int) -> AbstractContextManager[str]:
    """Give the URL of a database that was filled before, or of one that is filled now."""
    if database is None:
        return filled_database(_fillings(runs, endpoints))
    return nullcontext(database)


def _keep(chapter_file: str, told: str) -> None:
    file = DOCUMENT.with_suffix("") / chapter_file
    file.write_text(f"{told}\n", "utf-8")
    _say(f"wrote {file}")
