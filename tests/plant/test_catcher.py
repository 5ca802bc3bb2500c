"""A catch is one: what failed fails again, and slow is not wrong."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.plant.catcher import CATCHERS, Catch, Catcher, Verdict

FILES = frozenset({"packages/domain/src/cronicorn_domain/policies/settling.py"})
FAILS = "print('FAILED here'); raise SystemExit(1)"
PASSES = "raise SystemExit(0)"
BREAKS = "print('FAILED here'); raise SystemExit(2)"
HANGS = "import time; time.sleep(60)"


def judged(look: str, again: str, root: Path, *, seconds_most: float = 60) -> Catch:
    """Have a catcher judge whose two commands are these lines of Python."""

    def python(line: str) -> Sequence[str]:
        return (sys.executable, "-c", line)

    catcher = Catcher(
        name="any",
        sees=(),
        look=lambda _, __: python(look),
        sign=re.compile("FAILED (?P<what>.*)"),
        named="<{what}>",
        again=lambda _: python(again),
    )
    return catcher.judge(root, FILES, seconds_most=seconds_most)


@pytest.mark.parametrize(
    ("look", "again", "verdict"),
    [
        (FAILS, FAILS, Verdict.CAUGHT),
        (FAILS, PASSES, Verdict.UNSURE),
        (PASSES, FAILS, Verdict.MISSED),
        (BREAKS, FAILS, Verdict.BROKEN),
        ("print('FAILED Timeout (>1s)'); raise SystemExit(1)", FAILS, Verdict.HUNG),
    ],
)
def test_only_what_fails_twice_is_a_catch(
    look: str, again: str, verdict: Verdict, tmp_path: Path
) -> None:
    """A test that fails once, or a command that cannot run, has seen nothing."""
    catch = judged(look, again, tmp_path)

    assert catch.verdict is verdict
    assert catch.caught == (verdict is Verdict.CAUGHT)


def test_what_never_ends_is_ended_and_is_no_catch(tmp_path: Path) -> None:
    """A busy machine makes anything slow; so a run that is cut short proves nothing."""
    assert judged(HANGS, FAILS, tmp_path, seconds_most=0.01).verdict is Verdict.HUNG


def test_a_catch_tells_what_showed_it(tmp_path: Path) -> None:
    """The first test that failed, or the seed, is named for the table."""
    assert judged(FAILS, FAILS, tmp_path).by == "<here>"


@pytest.mark.parametrize(
    ("name", "output", "by"),
    [
        (
            "suite",
            "FAILED packages/domain/tests/test_a.py::Of::test_b[x - y] - assert 1 == 2",
            "test_a.py::Of::test_b[x",
        ),
        ("suite", "ERROR packages/domain/tests/test_a.py::test_b", "test_a.py::test_b"),
        ("simulation", "Seed 7 of 'mixed' breaks a promise:", "mixed 7"),
    ],
)
def test_signs_are_read_from_what_is_printed(name: str, output: str, by: str) -> None:
    """What pytest and the simulation print of a failure names the test or the seed."""
    catcher = next(each for each in CATCHERS if each.name == name)
    found = catcher.sign.search(f"first\n{output}\nlast")

    assert found is not None
    assert catcher.named.format(**found.groupdict()).startswith(by)


def test_who_cannot_see_a_fault_is_not_asked() -> None:
    """A fault of the SQL store is out of reach of the simulation, which plays over memory."""
    seen_by = [
        each.name
        for each in CATCHERS
        if each.can_see(frozenset({"packages/adapter-sql/src/cronicorn_adapter_sql/claim.py"}))
    ]

    assert seen_by == ["suite"]
