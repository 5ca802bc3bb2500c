"""What catchers found out is kept as it goes, for the code it was found out about."""

from pathlib import Path

import pytest

from tools.plant.catcher import Catch, Verdict
from tools.plant.fault import every_fault
from tools.plant.results import Results
from tools.plant.suites import members_of, ordered_tests
from tools.plant.table import BEGIN, END, write_page
from tools.plant.trying import Trial

ROOT = Path(__file__).parents[2]
CAUGHT = Catch(verdict=Verdict.CAUGHT, by="test_a.py::test_b[x|y]", seconds=1.0)


def test_who_is_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    """Another process finds every result that was kept before, and the newest of each."""
    file = tmp_path / "kept" / "results.jsonl"
    Results(file, "code").keep("fault", "version", "suite", CAUGHT)

    again = Results(file, "code")

    assert again.of("fault", "version", "suite") == CAUGHT
    assert again.of("fault", "another version", "suite") is None


def test_what_was_found_out_about_other_code_is_forgotten(tmp_path: Path) -> None:
    """A table never mixes the code of two days."""
    file = tmp_path / "results.jsonl"
    Results(file, "code").keep("fault", "version", "suite", CAUGHT)
    Results(file, "other code")

    assert Results(file, "code").known == {}


@pytest.mark.parametrize("verdict", [Verdict.HUNG, Verdict.UNSURE, Verdict.BROKEN])
def test_what_proved_nothing_is_tried_again(verdict: Verdict, tmp_path: Path) -> None:
    """Who goes on does not take a slow machine's word for it."""
    results = Results(tmp_path / "results.jsonl", "code")
    results.keep("fault", "version", "suite", Catch(verdict=verdict))

    assert results.of("fault", "version", "suite") is None


def test_the_nearest_tests_go_first() -> None:
    """A fault shows soonest in tests that speak of its module; properties take long."""
    files = frozenset({"packages/domain/src/cronicorn_domain/schedules/cron.py"})
    tests = ordered_tests(ROOT, files)
    places = {Path(test).name: place for place, test in enumerate(tests)}

    assert members_of(files)[0] == "packages/domain"
    assert places["test_cron.py"] < places["test_transitions.py"] < places["test_claiming.py"]
    assert places["test_claiming.py"] < places["test_governor_properties.py"]


def test_the_table_says_who_saw_what_at_which_commit(tmp_path: Path) -> None:
    """A cell names the sign, no sign breaks a cell, and the page keeps the rest of its text."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nbehind\n", "utf-8")
    fault = every_fault()[0]
    catches = {"suite": CAUGHT, "simulation": Catch(verdict=Verdict.HUNG)}

    write_page([Trial(fault=fault, catches=catches)], commit="abc", page=page)

    text = page.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("behind\n")
    assert "old" not in text
    assert "1 faults planted at commit abc, 1 were caught: 1 by the suite, 0 by" in text
    assert f"| {fault.name} | {fault.sentence} | `test_a.py::test_b[x y]` | hung |  |" in text
