"""The table of who caught what, for people: in the terminal and in docs/reliability.md."""

import re
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from tools.plant.catcher import CATCHERS, Catch, Verdict
from tools.plant.copied import ROOT
from tools.plant.planting import Trial

PAGE = ROOT / "docs" / "reliability.md"
BEGIN = "<!-- planted faults: begin -->"
END = "<!-- planted faults: end -->"

_SIGNS = {
    Verdict.CAUGHT: "caught",
    Verdict.HUNG: "hung",
    Verdict.MISSED: "missed",
    Verdict.BROKEN: "broken",
}
_COLOURS = {
    Verdict.CAUGHT: "green",
    Verdict.HUNG: "green",
    Verdict.MISSED: "dim",
    Verdict.BROKEN: "red",
}


def in_colour(trials: Sequence[Trial]) -> Table:
    """Return the table for a terminal."""
    table = Table("fault", "caught by", "first sign")
    for trial in trials:
        names = " ".join(f"[{_COLOURS[each.verdict]}]{each.catcher}[/]" for each in trial.catches)
        sign = next((each.by for each in trial.catches if each.caught), "")
        colour = "green" if trial.caught else "bold red"
        table.add_row(f"[{colour}]{trial.fault.name}[/]", names, escape(sign))
    return table


def as_markdown(trials: Sequence[Trial]) -> str:
    """Return the table for the page: a row a fault, a column a catcher."""
    names = [each.name for each in CATCHERS]
    head = ["fault", "what is wrong", *names]
    rows = [head, ["---"] * len(head)]
    for trial in trials:
        by_name = {each.catcher: each for each in trial.catches}
        rows.append(
            [trial.fault.name, trial.fault.sentence, *(_cell(by_name.get(n)) for n in names)]
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write_page(trials: Sequence[Trial], page: Path = PAGE) -> None:
    """
    Put the table between the page's marks.

    Raises:
        ValueError: the page has no such marks.
    """
    text = page.read_text("utf-8")
    marked = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not marked.search(text):
        raise ValueError(f"{page} has no place for the table: give it {BEGIN} and {END}")
    table = f"{BEGIN}\n{as_markdown(trials)}\n{END}"
    page.write_text(marked.sub(lambda _: table, text), "utf-8")


def _cell(catch: Catch | None) -> str:
    return "" if catch is None else _SIGNS[catch.verdict]
