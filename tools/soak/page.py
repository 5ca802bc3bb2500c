"""The table and the plot of a soak, in docs/reliability.md between its marks."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench.plots import Bar, bars, spreads
from bench.processes import ROOT
from tools.soak.result import Result

PAGE: Final = ROOT / "docs" / "reliability.md"
PLOTS: Final = ROOT / "docs" / "soak"
BEGIN: Final = "<!-- soak: begin -->"
END: Final = "<!-- soak: end -->"
_SECOND: Final = 1000
_LEFT_TO_RUN_OUT: Final = "worker killed"
HEAD: Final[Sequence[str]] = (
    *("fault", "slots", "run", "told of", "late p50", "p99", "p99.9", "lost", "doubled"),
    *("two leases", "repeated", "unexplained", "recovery"),
)


def row(result: Result) -> Sequence[str]:
    """Return the cells of a result, in the order of ``HEAD``."""
    it = result.judged
    late: Sequence[str] = ("", "", "")
    if it.lateness is not None:
        late = [_length(each) for each in (it.lateness.p50, it.lateness.p99, it.lateness.p99_9)]
    counts = (it.slots, it.runs, it.told)
    broken = (it.lost, it.doubled, it.two_leases, it.repeated, it.unexplained)
    return (result.name, *map(_count, counts), *late, *map(_count, broken), _recovery(result))


def write_page(
    results: Sequence[Result], *, commit: str, noise: str, page: Path = PAGE, plots: Path = PLOTS
) -> None:
    """
    Put the table between the page's marks, and the plots beside the page.

    Args:
        results: One of each fault.
        commit: What was tried.
        noise: How quiet the machine was, in a sentence.
        page: Where the marks are.
        plots: The folder to draw into.

    Raises:
        ValueError: the page has no such marks.
    """
    text = page.read_text("utf-8")
    marked = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not marked.search(text):
        raise ValueError(f"{page} has no place for the table: give it {BEGIN} and {END}")
    told = f"{BEGIN}\n{as_markdown(results, commit=commit, noise=noise)}\n{END}"
    page.write_text(marked.sub(lambda _: told, text), "utf-8")
    plots.mkdir(exist_ok=True)
    (plots / "recovery.svg").write_text(_recoveries(results), "utf-8")
    (plots / "lateness.svg").write_text(_latenesses(results), "utf-8")


def as_markdown(results: Sequence[Result], *, commit: str, noise: str) -> str:
    """Return a sum in words, the table, and the plots' places."""
    slots = sum(result.judged.slots for result in results)
    bad = [result.name for result in results if not result.sound]
    verdict = f"**Fell short: {', '.join(bad)}.**" if bad else "Every promise was kept."
    rate, lease = results[0].rate, results[0].lease
    head = (
        f"{slots:,} slots at {rate} a second, leases of {lease:g} s, at commit {commit}."
        f" {verdict}{_longest(results)} {noise}"
    )
    rows = [HEAD, ["---", *["---:"] * (len(HEAD) - 1)], *map(row, results)]
    table = [f"| {' | '.join(cells)} |" for cells in rows]
    found = [
        f"- {it.name}: {sentence}"
        for it in results
        for sentence in (*it.judged.findings, *it.raved)
    ]
    plots = (
        "![Seconds from a fault's end until all was well](soak/recovery.svg)",
        "",
        "![Lateness of the first calls with each fault: p50, p99, p99.9](soak/lateness.svg)",
    )
    return "\n".join([head, "", *table, "", *([*found, ""] if found else []), *plots])


def _longest(results: Sequence[Result]) -> str:
    """Say which fault took longest to be got over, once leases are left to run out, and else."""
    told = sorted((it.recovery, it.name) for it in results if it.recovery is not None)[::-1]
    quick = [each for each in told if not each[1].startswith(_LEFT_TO_RUN_OUT)]
    longest = dict.fromkeys((*told[:1], *quick[:1]))
    most = [f"{took:.1f} s ({name})" for took, name in longest]
    return f" Recovery took at most {', apart from killed workers '.join(most)}." if most else ""


def _latenesses(results: Sequence[Result]) -> str:
    late = {
        it.name: {"p50": at.p50, "p99": at.p99, "p99.9": at.p99_9}
        for it in results
        if (at := it.judged.lateness) is not None
    }
    return spreads("Lateness, with what a fault held up", "ms", late)


def _recoveries(results: Sequence[Result]) -> str:
    drawn = [
        Bar(label=it.name, value=it.recovery, least=it.recovery, most=it.recovery)
        for it in results
        if it.recovery is not None
    ]
    return bars("Seconds from the fault's end until all was well", drawn, digits=1)


def _count(number: int) -> str:
    return f"{number:,}"


def _length(milliseconds: float) -> str:
    if milliseconds < _SECOND:
        return f"{milliseconds:.1f} ms"
    return f"{milliseconds / _SECOND:.2f} s"


def _recovery(result: Result) -> str:
    if result.recovery is None:
        return "never" if result.passes else ""
    return f"{result.recovery:.1f} s"
