"""The table of who caught what, for people: in the terminal and in docs/reliability.md."""

import re
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from tools.plant.catcher import CATCHERS, Catch, Verdict
from tools.plant.copied import ROOT
from tools.plant.trying import Trial

PAGE = ROOT / "docs" / "reliability.md"
BEGIN = "<!-- planted faults: begin -->"
END = "<!-- planted faults: end -->"

_COLOURS = {
    Verdict.CAUGHT: "green",
    Verdict.MISSED: "dim",
    Verdict.HUNG: "yellow",
    Verdict.UNSURE: "yellow",
    Verdict.BROKEN: "red",
}


def in_colour(trials: Sequence[Trial]) -> Table:
    """Return the table for a terminal."""
    table = Table("fault", "caught by", "first sign")
    for trial in trials:
        names = " ".join(f"[{_COLOURS[it.verdict]}]{name}[/]" for name, it in trial.catches.items())
        sign = next((each.by for each in trial.catches.values() if each.caught), "")
        colour = "green" if trial.caught else "bold red"
        table.add_row(f"[{colour}]{trial.fault.name}[/]", names, escape(sign))
    return table


def as_markdown(trials: Sequence[Trial], *, commit: str) -> str:
    """Return the table for the page: a row a fault, a column a catcher."""
    names = [each.name for each in CATCHERS]
    head = ["fault", "what is wrong", *names]
    rows = [head, ["---"] * len(head)]
    rows += [
        [trial.fault.name, trial.fault.sentence, *(_cell(trial.catches.get(n)) for n in names)]
        for trial in trials
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([_sum(trials, commit), "", *lines])


def _sum(trials: Sequence[Trial], commit: str) -> str:
    caught = sum(trial.caught for trial in trials)
    seconds = sum(each.seconds for trial in trials for each in trial.catches.values())
    by = ", ".join(
        f"{sum(_by(trial, each.name) for trial in trials)} by the {each.name}" for each in CATCHERS
    )
    return (
        f"Of {len(trials)} faults planted at commit {commit}, {caught} were caught: {by}. "
        f"The catchers worked for {seconds / 60:.0f} minutes."
    )


def _by(trial: Trial, catcher: str) -> bool:
    return catcher in trial.catches and trial.catches[catcher].caught


def write_page(trials: Sequence[Trial], *, commit: str, page: Path = PAGE) -> None:
    """
    Put the table between the page's marks.

    Raises:
        ValueError: the page has no such marks.
    """
    text = page.read_text("utf-8")
    marked = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not marked.search(text):
        raise ValueError(f"{page} has no place for the table: give it {BEGIN} and {END}")
    table = f"{BEGIN}\n{as_markdown(trials, commit=commit)}\n{END}"
    page.write_text(marked.sub(lambda _: table, text), "utf-8")


def _cell(catch: Catch | None) -> str:
    """Say what showed it; empty: this catcher cannot see it."""
    if catch is None:
        return ""
    return f"`{catch.by.replace('|', ' ')}`" if catch.caught else catch.verdict.value
