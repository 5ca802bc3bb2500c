"""The command: plays the scenarios, prints what came of them, and writes page and plots."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.adaptation.measuring import measure
from tools.adaptation.stories import every_story
from tools.adaptation.telling import page, plot

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print and write; the exit code is 1 when a scenario misses what is aimed at."""
    parser = argparse.ArgumentParser(
        prog="adaptation", description="Play the scenarios of docs/adaptation.md, and write it."
    )
    parser.add_argument("--docs", type=Path, default=DOCS, metavar="FOLDER", help="write here")
    options = parser.parse_args(arguments)
    measured = []
    for story in every_story():
        found = measure(story)
        measured.append(found)
        for compared in (found.ruled, found.planned):
            way = compared.adapted
            print(
                f"{story.title}, {way.name}: {way.count} calls, mean reaction {way.average};"
                f" {compared.sooner:.1f} times sooner at equal calls,"
                f" {compared.fewer:.1f} times fewer calls at equal reaction"
            )
    folder = options.docs / "adaptation"
    folder.mkdir(parents=True, exist_ok=True)
    for each in measured:
        (folder / f"{each.story.name}.svg").write_text(plot(each), encoding="utf-8")
    (options.docs / "adaptation.md").write_text(page(measured), encoding="utf-8")
    return 0 if all(each.reached for each in measured) else 1
