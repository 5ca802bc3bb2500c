"""The tree of migrations: one line of revisions, and what may be named on it."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from cronicorn_domain.errors import InvalidInput, SchemaMismatch

HEAD: Final = "head"
BASE: Final = "base"
OUR_TREE: Final = "cronicorn_adapter_sql:migrations"
"""Where the migrations lie; what works on them can be tried with another tree."""

_TARGET: Final = re.compile(r"(?P<name>[A-Za-z0-9_]*)(?P<steps>[+-][0-9]{1,9})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A migration that is to be applied or undone, with the first sentence of its description."""

    revision: str
    title: str


@dataclass(frozen=True, slots=True)
class Tree:
    """The migrations of a place, the oldest first."""

    place: str
    line: tuple[Script, ...]

    @property
    def head(self) -> str | None:
        """The newest revision; None where there is no migration at all."""
        return self.line[-1].revision if self.line else None

    @property
    def folder(self) -> Path:
        """Where the files of the migrations are."""
        return Path(ScriptDirectory.from_config(self.config()).versions)

    def config(self, output: TextIO | None = None) -> Config:
        """Configure Alembic for them; SQL that is written, and not run, goes to ``output``."""
        # Without a file: what is configured is part of the package.
        config = Config(output_buffer=output or sys.stdout)
        config.set_main_option("script_location", self.place)
        config.set_main_option("path_separator", "os")
        return config

    def steps(self, *, found: str | None, target: str | None) -> tuple[Step, ...]:
        """Return the migrations between two revisions, in the order in which they would run."""
        start, end = self._place(found), self._place(target)
        between = self.line[start:end] if start <= end else self.line[end:start][::-1]
        return tuple(step_of(script) for script in between)

    def reaches_up(self, *, found: str | None, target: str | None) -> bool:
        """Say whether the target is at the revision that was found, or ahead of it."""
        return self._place(found) <= self._place(target)

    def resolve(self, target: str, *, found: str | None) -> str | None:
        """
        Return the revision that a target means, seen from the one that was found; None: no tables.

        Raises:
            InvalidInput: it is not written like a target, or there is no such revision.
        """
        written = _TARGET.fullmatch(target)
        if written is None or not target:
            raise self._refused(target, "it is not written like one")
        name, steps = written["name"], written["steps"]
        start = self._place(found) if not name else self._named(name, target)
        place = start + int(steps or 0)
        if not 0 <= place <= len(self.line):
            raise self._refused(target, f"the migrations end at {self._end(place)}")
        return self.line[place - 1].revision if place else None

    def resolve_down(self, target: str, *, found: str | None) -> str | None:
        """
        Return the revision that a downgrade's target means; its end has to be named ``base``.

        How far a number of steps goes depends on where the database is, and with the last step
        everything goes that is stored.

        Raises:
            InvalidInput: it is no target, or takes every table without saying so.
        """
        resolved = self.resolve(target, found=found)
        if resolved is None and found is not None and target != BASE:
            raise InvalidInput(
                f"cannot go to revision {target!r}: no migration is left below {found}, so that it"
                " would drop every table with all that is stored; name base, if that is what you"
                " want",
                field="target",
                remedy=f"name {BASE}, or a revision",
            )
        return resolved

    def refuse_unknown(self, found: str | None) -> None:
        """Raise ``SchemaMismatch`` where a database is at a revision that is not on the line."""
        if found is None or found in self._revisions:
            return
        expected = self.head or BASE
        raise SchemaMismatch(
            f"the database is at revision {found}, which this version does not know (its newest is"
            f" {expected}): a newer version made it, so install that one, or it is another"
            " program's, so name another one",
            found=found,
            expected=expected,
        )

    @property
    def _revisions(self) -> Sequence[str]:
        return [script.revision for script in self.line]

    def _place(self, revision: str | None) -> int:
        return 0 if revision is None else self._revisions.index(revision) + 1

    def _named(self, name: str, target: str) -> int:
        if name in {HEAD, BASE}:
            return len(self.line) if name == HEAD else 0
        if name not in self._revisions:
            raise self._refused(target, "there is no such revision")
        return self._place(name)

    def _end(self, place: int) -> str:
        return BASE if place < 0 else self.head or BASE

    def _refused(self, target: str, reason: str) -> InvalidInput:
        return refused_target(target, f"{reason} (there are {', '.join(self._revisions)})")


def refused_target(target: str, reason: str) -> InvalidInput:
    """Say why a target is none that can be gone to, and what may be one."""
    remedy = "name a revision, head, base, or a number of steps such as +1 or -1"
    return InvalidInput(
        f"cannot go to revision {target!r}: {reason}; {remedy}", field="target", remedy=remedy
    )


def read_tree(place: str) -> Tree:
    """Read the migrations of a place (``package:folder``, or a path)."""
    empty = Tree(place, ())
    scripts = ScriptDirectory.from_config(empty.config()).walk_revisions()
    return Tree(place, tuple(reversed(list(scripts))))


def step_of(script: Script) -> Step:
    """Describe a migration itself, whichever way it goes."""
    return Step(revision=script.revision, title=" ".join((script.doc or "").split()))
