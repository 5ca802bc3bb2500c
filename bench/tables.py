"""The tables of the report, in Markdown, one function a scenario."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from bench.figures import NOTHING, cell, cpu, figure, late, memory, total
from bench.measurement import Measurement
from bench.systems.all_systems import SYSTEMS
from bench.systems.system import DATABASE, WORKER

Rows = Iterable[Sequence[str]]
_TITLES: Final = {system.name: system.title for system in SYSTEMS}
_LATENESS_HEAD: Final = (
    *("fires/s", "p50 ms", "p99 ms", "p99.9 ms", "most ms"),
    *("missed", "doubled", "early", "worker CPU %", "database CPU %"),
)


def table(head: Sequence[str], rows: Rows, *, texts: int = 1) -> str:
    """Write a table whose first columns are text, and whose others are figures."""
    rule = ["---"] * texts + ["---:"] * (len(head) - texts)
    lines = [_line(head), _line(rule), *map(_line, rows)]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def throughput(measurements: Sequence[Measurement]) -> str:
    """Tell the most that each system fired, and the highest rate that it kept up with."""
    head = ["system", "fires/s", "kept up with", "then p50 ms", "then p99 ms"]
    head += ["worker CPU %", "worker μs/fire", "database μs/fire", "worker MiB", "doubled", "early"]
    return table(head, (_throughput_row(own) for own in by_system(measurements)))


def _throughput_row(own: Sequence[Measurement]) -> Sequence[str]:
    best = best_trial(own)
    kept_up = max((each.rate for each in own if each.kept_up), default=None)
    then = [each for each in own if each.rate == kept_up]
    return (
        _title(own),
        cell(best, lambda each: each.fires),
        NOTHING if kept_up is None else f"{kept_up:,.0f}/s",
        cell(then, late("p50"), 1),
        cell(then, late("p99"), 1),
        cell(best, cpu(WORKER)),
        cell(best, lambda each: each.cpu_per_fire),
        cell(best, lambda each: each.database_per_fire),
        cell(best, memory(WORKER)),
        total(own, lambda each: each.doubled),
        total(own, lambda each: each.early),
    )


def best_trial(own: Sequence[Measurement]) -> Sequence[Measurement]:
    """Return the rounds of the trial in which a system fired most."""
    trials = [list(each) for each in _by_label(own)]
    return max(trials, key=_fires)


def _fires(rounds: Sequence[Measurement]) -> float:
    found = figure(rounds, lambda each: each.fires)
    return found.median if found else 0.0


def lateness(measurements: Sequence[Measurement]) -> str:
    """Tell how late calls were, a table for each rate or size of a burst."""
    labels = dict.fromkeys(each.label for each in measurements)
    parts = []
    for label in labels:
        own = [each for each in measurements if each.label == label]
        rows = (_lateness_row(each) for each in by_system(own))
        parts.append(f"**{label}**\n\n{table(('system', *_LATENESS_HEAD), rows)}")
    return "\n\n".join(parts)


def _lateness_row(own: Sequence[Measurement]) -> Sequence[str]:
    return (
        _title(own),
        cell(own, lambda each: each.fires),
        *(cell(own, late(part), 1) for part in ("p50", "p99", "p99_9", "most")),
        total(own, lambda each: each.missed),
        total(own, lambda each: each.doubled),
        total(own, lambda each: each.early),
        cell(own, cpu(WORKER)),
        cell(own, cpu(DATABASE)),
    )


def stored(measurements: Sequence[Measurement]) -> str:
    """Tell what the same rate costs beside more and more endpoints that are not due."""
    head = ["system, stored endpoints", "fires/s", "p99 ms", "missed", "worker μs/fire"]
    head += ["database μs/fire", "claim μs/fire", "worker MiB"]
    rows = (
        (
            f"{_title(rounds)}, {rounds[0].label}",
            cell(rounds, lambda each: each.fires),
            cell(rounds, late("p99"), 1),
            total(rounds, lambda each: each.missed),
            cell(rounds, lambda each: each.cpu_per_fire),
            cell(rounds, lambda each: each.database_per_fire),
            cell(rounds, lambda each: each.claim_per_fire),
            cell(rounds, memory(WORKER)),
        )
        for own in by_system(measurements)
        for rounds in _by_label(own)
    )
    return table(head, rows)


def old_transaction(measurements: Sequence[Measurement]) -> str:
    """Tell what an open transaction elsewhere costs."""
    head = ["system, transaction", "open for s", "dead rows", "fires/s", "p99 ms", "missed"]
    head += ["worker μs/fire", "database μs/fire", "claim μs/fire"]
    rows = (
        (
            f"{_title(rounds)}, {rounds[0].label}",
            cell(rounds, lambda each: each.transaction_age),
            cell(rounds, lambda each: each.dead_rows),
            cell(rounds, lambda each: each.fires),
            cell(rounds, late("p99"), 1),
            total(rounds, lambda each: each.missed),
            cell(rounds, lambda each: each.cpu_per_fire),
            cell(rounds, lambda each: each.database_per_fire),
            cell(rounds, lambda each: each.claim_per_fire),
        )
        for own in by_system(measurements)
        for rounds in _by_label(own)
    )
    return table(head, rows)


def idle(measurements: Sequence[Measurement]) -> str:
    """Tell what it costs to wait."""
    head = ("system", "schedules", "queries/s", "worker CPU %", "database CPU %", "worker MiB")
    rows = (
        (
            _title(own),
            own[0].label,
            cell(own, lambda each: each.queries, 2),
            cell(own, cpu(WORKER), 1),
            cell(own, cpu(DATABASE), 1),
            cell(own, memory(WORKER)),
        )
        for own in by_system(measurements)
    )
    return table(head, rows)


def load(measurements: Sequence[Measurement]) -> str:
    """Tell how long storing takes."""
    rows = (
        (
            _title(own),
            own[0].label,
            cell(own, lambda each: each.stored_in, 1),
            cell(own, lambda each: each.endpoints / each.stored_in if each.stored_in else None),
        )
        for own in by_system(measurements)
    )
    return table(("system", "endpoints", "seconds", "endpoints/s"), rows)


TABLES: Final[Mapping[str, Callable[[Sequence[Measurement]], str]]] = {
    "throughput": throughput,
    "lateness": lateness,
    "burst": lateness,
    "stored": stored,
    "old transaction": old_transaction,
    "idle": idle,
    "load": load,
}


def by_system(measurements: Sequence[Measurement]) -> Iterator[Sequence[Measurement]]:
    """Give the measurements of each system that is there, in the order of all systems."""
    for system in SYSTEMS:
        if own := [each for each in measurements if each.system == system.name]:
            yield own


def _by_label(own: Sequence[Measurement]) -> Iterator[Sequence[Measurement]]:
    labels = list(dict.fromkeys(each.label for each in own))
    ordered = sorted(own, key=lambda each: labels.index(each.label))
    return (list(rounds) for _, rounds in groupby(ordered, key=lambda each: each.label))


def _title(own: Sequence[Measurement]) -> str:
    failed = any(each.failed for each in own)
    return _TITLES[own[0].system] + (" (failed, see below)" if failed else "")
