"""The chapter of the report on the dashboard, in Markdown."""

import time
from collections.abc import Iterator, Sequence

from bench.api_filling import DAYS
from bench.machine import Quiet
from bench.page_filling import RUNS_EVERY
from bench.page_reads import (
    PAGE_MOST,
    PAINT_MOST,
    QUERIES_MOST,
    TABS_OF_ONE,
    PagesMeasured,
)
from bench.tables import table


def pages_chapter(
    measured: PagesMeasured,
    *,
    times: int,
    machine: Sequence[str],
    quiet: Quiet,
) -> str:
    """Tell how long pages take, when they are seen, and what live ones cost."""
    return "\n\n".join(_told(measured, times, machine, quiet))


def _told(
    measured: PagesMeasured, times: int, machine: Sequence[str], quiet: Quiet
) -> Iterator[str]:
    state = f"Not quiet: {'; '.join(quiet.faults)}." if quiet.faults else "It was quiet."
    filling = measured.filling
    yield (
        f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())} by `uv run bench pages`, on"
        f" {'; '.join(machine)}, which API, database, browser and benchmark share. {state} One"
        f" process of the API over one PostgreSQL with {filling.jobs * filling.endpoints:,}"
        f" endpoints and {filling.runs:,} runs of one tenant, of the last {DAYS} days; one in a"
        f" hundred fails, one in two hundred is paused. Each page was asked for {times} times, one"
        f" request after the other; {PAGE_MOST:g} ms are aimed at in 99 of 100."
    )
    rows = (
        (
            each.name,
            f"{each.p50:.1f}",
            f"{each.p99:.1f}",
            f"{each.size:.0f}",
            _is(each.p99, PAGE_MOST),
        )
        for each in measured.pages
    )
    yield table(("page", "p50 ms", "p99 ms", "KiB", "reached"), rows)
    if measured.painted:
        yield (
            f"First contentful paint in Chromium, ten loads each; {PAINT_MOST:g} ms are aimed at."
        )
        seen = (
            (each.name, f"{each.usual:.0f}", f"{each.worst:.0f}", _is(each.worst, PAINT_MOST))
            for each in measured.painted
        )
        yield table(("page", "usually ms", "at the worst ms", "reached"), seen)
    yield (
        f"{measured.tabs} tabs that show this moment, of {-(-measured.tabs // TABS_OF_ONE)} people,"
        f" ask the database {measured.quiet_queries:.2f} questions a second together while nothing"
        f" happens, and {measured.busy_queries:.2f} while a run ends every {RUNS_EVERY:g} s and"
        f" every tenth fails; fewer than {QUERIES_MOST:g} are aimed at:"
        f" {_is(max(measured.quiet_queries, measured.busy_queries), QUERIES_MOST)}. What begins and"
        " ends transactions is not counted."
    )


def _is(found: float, most: float) -> str:
    return "yes" if found < most else "**no**"
