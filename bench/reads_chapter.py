"""The chapter of the report on what the API reads, in Markdown."""

import time
from collections.abc import Iterator, Sequence

from bench.api_filling import DAYS, Filling
from bench.api_reads import READS_LEAST, TOGETHER, Measured, Took
from bench.machine import Quiet
from bench.tables import table


def chapter(
    measured: Measured,
    *,
    times: int,
    machine: Sequence[str],
    quiet: Quiet,
) -> str:
    """Tell what was filled, how long each route took, and what a second holds."""
    return "\n\n".join(_told(measured, times, machine, quiet))


def _told(
    measured: Measured,
    times: int,
    machine: Sequence[str],
    quiet: Quiet,
) -> Iterator[str]:
    pages, dashboard = measured.fillings
    state = f"Not quiet: {'; '.join(quiet.faults)}." if quiet.faults else "It was quiet."
    yield (
        f"Measured on {time.strftime('%Y-%m-%d', time.gmtime())} by `uv run bench reads`, on"
        f" {'; '.join(machine)}, which API, database and benchmark share. {state} One process of"
        f" the API over one PostgreSQL, which holds {_in_words(pages)} of one tenant, whose pages"
        f" are turned, and {_in_words(dashboard)} of another, whose dashboard is looked at, all of"
        f" the last {DAYS} days. Each page was asked for {times} times, another endpoint or job"
        " each time, one request after the other."
    )
    yield table(("route", "p50 ms", "p99 ms", "at most", "reached"), map(_row, measured.routes))
    reached = measured.reads_a_second >= READS_LEAST
    yield (
        f"{TOGETHER} clients that ask for one job each, again and again, with a key, are answered"
        f" {measured.reads_a_second:,.0f} times a second; at least {READS_LEAST} are aimed at,"
        f" which is {'reached' if reached else '**missed**'}."
    )


def _in_words(filling: Filling) -> str:
    return f"{filling.jobs * filling.endpoints:,} endpoints with {filling.runs:,} runs"


def _row(took: Took) -> Sequence[str]:
    reached = "yes" if took.p99 <= took.route.most else "**no**"
    return took.route.name, f"{took.p50:.1f}", f"{took.p99:.1f}", f"{took.route.most:g}", reached
