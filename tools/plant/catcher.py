"""Who may catch a fault: the members' tests, and the simulation with its checker."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tools.plant.copied import environment_of

SECONDS_AT_MOST = 900
"""For one catcher: a fault may well make the code wait for ever, and that is a catch, too."""


class Verdict(StrEnum):
    """What a catcher made of a fault."""

    CAUGHT = "caught"
    MISSED = "missed"
    HUNG = "hung"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """A verdict with what showed it: the first test that failed, or the first finding."""

    catcher: str
    verdict: Verdict
    by: str = ""

    @property
    def caught(self) -> bool:
        """Say whether the fault would have been noticed."""
        return self.verdict in {Verdict.CAUGHT, Verdict.HUNG}


@dataclass(frozen=True, slots=True, kw_only=True)
class Catcher:
    """
    A command that succeeds on sound code, and ends with exit code 1 when it has found a fault.

    ``first`` finds in its output what it was that failed. ``needs`` is what a fault must touch for
    the command to be able to see it; empty: anything.
    """

    name: str
    command: Sequence[str]
    first: re.Pattern[str]
    needs: tuple[str, ...] = ()

    def sees(self, files: frozenset[str]) -> bool:
        """Say whether a fault in ``files`` can reach this catcher at all."""
        return not self.needs or any(each.startswith(self.needs) for each in files)

    def judge(self, root: Path) -> Catch:
        """Run the command in the copy at ``root``."""
        try:
            done = subprocess.run(
                self.command,
                cwd=root,
                env=environment_of(root),
                capture_output=True,
                text=True,
                timeout=SECONDS_AT_MOST,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Catch(catcher=self.name, verdict=Verdict.HUNG, by="it never came to an end")
        found = self.first.search(done.stdout)
        by = found.group(1) if found else ""
        match done.returncode:
            case 0:
                return Catch(catcher=self.name, verdict=Verdict.MISSED)
            case 1 if found:
                return Catch(catcher=self.name, verdict=Verdict.CAUGHT, by=by)
            case _:
                end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
                return Catch(catcher=self.name, verdict=Verdict.BROKEN, by=end)


def _pytest(member: str, *needs: str) -> Catcher:
    options = ("-x", "-q", "-p", "no:cacheprovider", "-n0")
    return Catcher(
        name=Path(member).name,
        command=(sys.executable, "-m", "pytest", member, *options),
        first=re.compile(r"^(?:FAILED|ERROR) \S*?([^/\s]+::\S+)", re.MULTILINE),
        needs=needs,
    )


_PURE = "packages/domain/"
_MEMORY = "packages/adapter-memory/"

CATCHERS: Sequence[Catcher] = (
    _pytest("packages/domain", _PURE),
    _pytest("packages/adapter-memory", _PURE, _MEMORY),
    _pytest("packages/scheduler", _PURE, _MEMORY, "packages/scheduler/"),
    Catcher(
        name="simulation",
        command=(sys.executable, "tools/simulate", "--seeds", "60", "--no-shrink"),
        first=re.compile(r"^FOUND (\S.*)$", re.MULTILINE),
        needs=(_PURE, _MEMORY, "packages/scheduler/"),
    ),
    _pytest("packages/adapter-sql", _PURE, "packages/adapter-sql/"),
    _pytest("packages/adapter-http", "packages/adapter-http/"),
    _pytest("apps/worker", "apps/worker/"),
)
"""In the order in which they are asked: the quick ones first."""
