"""The way of a database from one revision to another, and what is told of it while it goes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from cronicorn_adapter_sql.migrating.tree import Step, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """A migration is being applied, or undone, as the ``number``-th of so many."""

    step: Step
    undone: bool
    number: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """It is done, and lasting, where a step is a transaction of its own (PostgreSQL)."""

    step: Step
    undone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUp:
    """Something else has to end first. It is tried again after a pause, for so many tries."""

    reason: str
    tried: int = 0
    tries: int = 0


Event = Began | Finished | HeldUp
Tell = Callable[[Event], None]


def silently(_: Event) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """
    How migrations deal with locks that others hold.

    A lock is waited for shortly, since whoever comes after the wait has to queue behind it; then
    the step is undone, and tried again after a pause in which the others can go on.
    """

    lock: timedelta = timedelta(seconds=2)
    pause: timedelta = timedelta(seconds=1)
    tries: int = 60


@dataclass(slots=True, kw_only=True)
class Journey:
    """What Alembic's environment reports to; it outlives the tries."""

    tree: Tree
    target: str | None
    tell: Tell
    patience: Patience
    done: list[Step] = field(default_factory=list)
    _ahead: Iterator[Began] = field(default_factory=lambda: iter(()))
    _at: Began | None = None

    def wait_for_others(self) -> None:
        """Tell that another process migrates the database."""
        self.tell(HeldUp(reason="another process is migrating this database"))

    def depart(self, found: str | None) -> None:
        """Begin, alone now, from the revision that the database is at."""
        self.tree.refuse_unknown(found)
        steps = self.tree.steps(found=found, target=self.target)
        undone = not self.tree.reaches_up(found=found, target=self.target)
        self._ahead = iter(
            [
                Began(step=step, undone=undone, number=number, count=len(steps))
                for number, step in enumerate(steps, start=1)
            ]
        )
        self._begin_next()

    def arrive(self) -> None:
        """Note that the step under way is done, and begin the next one."""
        at = self._at
        assert at is not None
        self.done.append(at.step)
        self.tell(Finished(step=at.step, undone=at.undone))
        self._begin_next()

    def _begin_next(self) -> None:
        self._at = next(self._ahead, None)
        if self._at is not None:
            self.tell(self._at)
