"""Who may catch a fault: the members' tests, the simulation, and the checker of random lives."""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tools.plant.running import run
from tools.plant.suites import ordered_tests

SEEDS = 60


class Verdict(StrEnum):
    """What a catcher made of a fault."""

    CAUGHT = "caught"
    MISSED = "missed"
    HUNG = "hung"
    """It did not end in time: a sign, but a slow machine gives it, too. It is no catch."""
    UNSURE = "unsure"
    """What had failed did not fail again, with the fault still there. It is no catch."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """A verdict with what showed it: the first test that failed, or the first seed."""

    verdict: Verdict
    by: str = ""
    seconds: float = 0.0
    failed: str = ""
    """The whole name of the test that failed."""

    @property
    def caught(self) -> bool:
        """Say whether the fault would have been noticed."""
        return self.verdict is Verdict.CAUGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Catcher:
    """
    Somebody who succeeds on sound code, and ends with exit code 1 when a fault was found.

    Attributes:
        sees: Where a fault must be to be seen by it: beginnings of paths; empty: anywhere.
        look: The command, for a fault in these files of the copy at a root; it stops at the first
            thing that fails.
        sign: Finds in what the command prints what that was, as named groups.
        named: How that is called in the table.
        again: The command that looks at that alone.
    """

    name: str
    sees: tuple[str, ...]
    look: Callable[[Path, frozenset[str]], Sequence[str]]
    sign: re.Pattern[str]
    named: str
    again: Callable[[re.Match[str]], Sequence[str]]

    def can_see(self, files: frozenset[str]) -> bool:
        """Say whether a fault in ``files`` can reach this catcher at all."""
        return not self.sees or any(each.startswith(self.sees) for each in files)

    def judge(
        self,
        root: Path,
        files: frozenset[str],
        *,
        seconds_most: float,
        left_out: Sequence[str] = (),
    ) -> Catch:
        """
        Look for a fault in ``files`` of the copy at ``root``: what fails has to fail twice.

        ``left_out`` names tests whose word does not count.
        """
        leaving_out = [f"--deselect={each}" for each in left_out]
        command = (*self.look(root, files), *leaving_out)
        ran = run(command, root, seconds_most=seconds_most)
        found = self.sign.search(ran.output)
        by = self.named.format(**found.groupdict()) if found else ""
        verdict = Verdict.BROKEN
        if ran.code is None or (found and "Timeout (>" in found.group()):
            verdict = Verdict.HUNG
        elif ran.code == 0:
            verdict = Verdict.MISSED
        elif ran.code == 1 and found:
            twice = run(self.again(found), root, seconds_most=seconds_most)
            verdict = Verdict.CAUGHT if twice.code == 1 else Verdict.UNSURE
        else:
            by = "\n".join(ran.output.splitlines()[-15:])
        failed = found["file"] + found["what"] if found and "file" in found.groupdict() else ""
        return Catch(verdict=verdict, by=by, seconds=ran.seconds, failed=failed)


_PYTEST = (
    *(sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider"),
    *("--hypothesis-profile", "hasty"),
)
_FAILED_TEST = re.compile(
    r"^(?:FAILED|ERROR) (?P<file>\S*?(?P<where>[^/\s]+)::)(?P<what>.+?)(?: - .*)?$", re.MULTILINE
)

_TEST = "{where}::{what}"


def _look_by_tests(root: Path, files: frozenset[str]) -> Sequence[str]:
    return (*_PYTEST, "-x", *ordered_tests(root, files))


def _test_again(found: re.Match[str]) -> Sequence[str]:
    return (*_PYTEST, found["file"] + found["what"])


def _look_by_lives(_: Path, __: frozenset[str]) -> Sequence[str]:
    return (*_PYTEST, "-x", "tests/checker/test_lives.py")


def _look_by_seeds(_: Path, __: frozenset[str]) -> Sequence[str]:
    seeds = ("--seeds", str(SEEDS), "--processes", "1")
    return (sys.executable, "tools/simulate", *seeds, "--first", "--no-shrink")


def _seed_again(found: re.Match[str]) -> Sequence[str]:
    seed = ("--profile", found["where"], "--seed", found["what"])
    return (sys.executable, "tools/simulate", *seed, "--no-shrink")


_DOMAIN = "packages/domain/"
_MEMORY = "packages/adapter-memory/"

CATCHERS: Sequence[Catcher] = (
    Catcher(
        name="suite",
        sees=(),
        look=_look_by_tests,
        sign=_FAILED_TEST,
        named=_TEST,
        again=_test_again,
    ),
    Catcher(
        name="simulation",
        sees=(_DOMAIN, _MEMORY, "packages/scheduler/"),
        look=_look_by_seeds,
        sign=re.compile(r"^Seed (?P<what>\d+) of '(?P<where>\w+)' breaks", re.MULTILINE),
        named="{where} {what}",
        again=_seed_again,
    ),
    Catcher(
        name="checker",
        sees=(_DOMAIN,),
        look=_look_by_lives,
        sign=_FAILED_TEST,
        named=_TEST,
        again=_test_again,
    ),
)
