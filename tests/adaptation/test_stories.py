"""The scenarios of docs/adaptation.md: the same figures each time, and what is aimed at."""

from datetime import timedelta
from pathlib import Path

import pytest

from tools.adaptation.measuring import Measured, measure
from tools.adaptation.stories import daily_report, flash_sale, month_end
from tools.adaptation.telling import page, plot

DAY = timedelta(days=1)
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(
    scope="module", params=[flash_sale, daily_report, month_end], ids=lambda story: story.__name__
)
def measured(request: pytest.FixtureRequest) -> Measured:
    """Play one in all its ways."""
    return measure(request.param())


def test_rules_and_a_model_reach_what_is_aimed_at(measured: Measured) -> None:
    """Half of the calls at equal reaction, or five times sooner at equal calls."""
    for each in (measured.ruled, measured.planned):
        assert each.reached
        assert each.adapted.average < measured.usual.average


def test_the_page_and_the_plot_are_what_the_command_writes(measured: Measured) -> None:
    """No figure is written by hand: whoever changes the engine writes the page anew."""
    written = (DOCS / "adaptation.md").read_text(encoding="utf-8")
    chapter = page([measured]).partition("## ")[2]

    assert chapter.strip() in written
    drawn = (DOCS / "adaptation" / f"{measured.story.name}.svg").read_text(encoding="utf-8")
    assert drawn == plot(measured)


def test_a_quota_that_is_used_up_puts_off_once_and_blinds(measured: Measured) -> None:
    """Trap T02: who goes on as before sees nothing until the month is over; others stay within."""
    if measured.story.world.runs_left is None:
        assert measured.usual.longest_gap < DAY
        return
    assert measured.usual.count == measured.story.world.runs_left
    for each in (measured.ruled, measured.planned):
        assert each.adapted.count < measured.usual.count
        assert measured.usual.longest_gap > 10 * each.adapted.longest_gap
