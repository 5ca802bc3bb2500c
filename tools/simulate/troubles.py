"""
What can break: the lines between workers and the store, the workers, their clocks, the targets.

A trouble begins ``after`` the beginning and lasts for a while. One that names no worker is
everybody's.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Call(StrEnum):
    """What a worker asks of the store."""

    CLAIM = "claim"
    START = "start"
    RENEW = "renew"
    SETTLE = "settle"
    RELEASE = "release"
    REAP = "reap"
    NEXT_DUE = "next_due"
    HEAL = "heal"
    PRUNE = "prune"
    READ = "read"
    SYNCHRONIZE = "synchronize"


ALL_CALLS = frozenset(Call)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfLine:
    name: str
    after: timedelta
    lasts: timedelta
    worker: str | None
    calls: frozenset[Call] = ALL_CALLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable(_OfLine):
    """Calls do not arrive; the worker hears so after ``hangs``."""

    hangs: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersLost(_OfLine):
    """Calls are carried out, and the worker hears that the store is away."""

    hangs: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersLate(_OfLine):
    """Calls are carried out at once and answered ``by`` later."""

    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsLate(_OfLine):
    """Calls travel for ``by`` before they are carried out, as of when they were made."""

    by: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsDoubled(_OfLine):
    """Calls are carried out, and once more ``by`` later; ``second``: that answer is the one."""

    by: timedelta
    second: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeupsLost(_OfLine):
    """Nobody tells the worker that something became due earlier."""


LineTrouble = Unreachable | AnswersLost | AnswersLate | CallsLate | CallsDoubled | WakeupsLost


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """The worker ends at the n-th step from then on, at whatever await that is."""

    name: str
    after: timedelta
    worker: str
    steps: int
    back_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """
    Nothing of the worker runs for a while, from the n-th step on, as after a SIGSTOP.

    Its monotonic clock may stand still, too, as when a virtual machine is moved.
    """

    name: str
    after: timedelta
    worker: str
    steps: int
    lasts: timedelta
    clock_stands: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The worker is asked to stop in good order, twice if it is to hurry; another follows."""

    name: str
    after: timedelta
    worker: str
    hurry: bool
    back_after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep:
    """The worker's clock falls behind by so much, or runs ahead, until it is measured again."""

    name: str
    after: timedelta
    worker: str
    by: timedelta


class Misbehaviour(StrEnum):
    """What a target may do instead of answering."""

    FAILING = "failing"
    HANGING = "hanging"
    CRAWLING = "crawling"
    BLOCKED = "blocked"
    RAISING = "raising"
    OUR_FAULT = "our fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTrouble:
    """An endpoint's target misbehaves; None: every target does."""

    name: str
    after: timedelta
    lasts: timedelta
    endpoint: str | None
    how: Misbehaviour


class Outage(StrEnum):
    """How a whole host fails whoever calls it."""

    REFUSING = "refusing"
    SILENT = "silent"
    FAILING = "failing"
    BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDown:
    """A host fails all that call it, whatever their own targets would answer."""

    name: str
    after: timedelta
    lasts: timedelta
    host: str
    how: Outage


ProcessTrouble = Crash | Stop | Leave | ClockStep
Trouble = LineTrouble | ProcessTrouble | TargetTrouble | HostDown
