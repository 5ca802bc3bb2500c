"""Replays: what a set of rules would have made of answers that were recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Failed, Succeeded


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """
    An answer that was recorded: what it counted as, from which instant on, and how long it took.

    It says how the target stood from ``at`` until the next one; in between nobody looked.
    """

    at: datetime
    outcome: Succeeded | Failed
    took: timedelta = NO_TIME


class Cut(StrEnum):
    """Why a replay is of less than was asked for."""

    ANSWERS = "answers"
    CALLS = "calls"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """
    What is known of an endpoint and its siblings in a window.

    Attributes:
        endpoint: As it now stands, its rules aside.
        answers: Its own, the oldest first.
        siblings: Those of other endpoints of the job, by name, of those that rules ask about.
        floor: The tenant's.
        cut: There are more answers, which are older and were left out.
    """

    endpoint: Endpoint
    answers: tuple[Recorded, ...]
    siblings: Mapping[str, tuple[Recorded, ...]] = field(default_factory=dict)
    floor: timedelta
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A run that would have been, and what planned it."""

    at: datetime
    source: Source


@dataclass(frozen=True, slots=True)
class Unseen:
    """
    How long a change of the target would have stayed unseen.

    ``least``: if it came right when it was recorded. ``most``: if it came earlier, at the worst
    instant behind the answer before.
    """

    least: timedelta
    most: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """
    The calls of one way to schedule, and what they would have seen.

    Attributes:
        calls: In their order.
        longest_gap: The longest time without a call, the ends of the window among them.
        gap_begins_at: Where that begins.
        unseen: For each change of the replay, in its order.
    """

    calls: tuple[Call, ...]
    longest_gap: timedelta
    gap_begins_at: datetime
    unseen: tuple[Unseen, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer of which other rules hold than of the one before; ``held`` are their numbers."""

    at: datetime
    held: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule, by its number from 1, that would have acted, and what it would have done."""

    at: datetime
    rule: int
    does: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTold:
    """
    How often a rule would have held, acted, and could not be answered, with the latest reason.
    """

    number: int
    when: str
    held: int = 0
    acted: int = 0
    first_acted_at: datetime | None = None
    last_acted_at: datetime | None = None
    not_there: int = 0
    faults: int = 0
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """
    What rules would have made of recorded answers, beside the same schedule without any.

    Attributes:
        begins_at: From the first answer on, or from where the window begins.
        ends_at: The end of the last answer; behind it nothing is known.
        answers: So many were recorded in between.
        recorded: The instants at which the target was really called.
        fixed: Without rules.
        ruled: With them.
        turns: Where the answers begin, or cease, to be what rules are about.
        firings: What rules would have done, in order.
        rules: Each of them.
        cut: Why it is of less than was asked for; None: it is not.
    """

    begins_at: datetime
    ends_at: datetime
    answers: int
    recorded: tuple[datetime, ...]
    fixed: Course
    ruled: Course
    turns: tuple[Turn, ...]
    firings: tuple[Firing, ...]
    rules: tuple[RuleTold, ...]
    cut: Cut | None = None

    @property
    def saved(self) -> int:
        """So many calls fewer than without rules; below zero: more."""
        return len(self.fixed.calls) - len(self.ruled.calls)


ASSUMED: Final = (
    "At each instant the target is taken to answer as in the latest recorded run due by then.",
    "What it would have said between two recorded runs is not known.",
    "Calls have no effect: one that rules add or save changes no later answer.",
    "Both ways begin without hints, pauses and failures, and know the endpoint as it now stands.",
    "What people, models and siblings did in that time is left out.",
    "Each run counts as what it was recorded as; the condition of success is not judged again.",
    "Siblings that rules trigger are told, and not run.",
)
"""What a replay takes for granted, in sentences."""
