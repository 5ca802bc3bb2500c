"""Hints: expiring proposals that change the rhythm; and triggers: requests to fire once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import HintId, TriggerId
from cronicorn_domain.instants import LATEST, ceil_millisecond
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.wording import length_in_words

DEFAULT_LIFE = timedelta(minutes=60)
TRIGGER_LIFE = timedelta(minutes=60)
LONGEST_LIFE = timedelta(days=3660)


class Author(StrEnum):
    """Who proposed it. ``api`` is a person or a program acting for one, and outranks the others."""

    API = "api"
    RULE = "rule"
    AI = "ai"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalHint:
    """Replaces the rhythm by another interval while it lives: ``created_at`` to ``expires_at``."""

    id: HintId
    author: Author
    every: timedelta
    created_at: datetime
    expires_at: datetime
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse an interval or a life that is none."""
        if not timedelta(seconds=1) <= self.every <= LONGEST_LIFE:
            raise InvalidInput(
                f"a hint of every {length_in_words(self.every)} is not possible",
                field="interval",
                remedy="give a length from 1s to 3660d",
            )
        _check_life(self.created_at, self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneShotHint:
    """Asks for one run at an instant; its life is counted from there, and ends with it, unrun."""

    id: HintId
    author: Author
    at: datetime
    created_at: datetime
    expires_at: datetime
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse an instant that lies behind, and a life that is none."""
        object.__setattr__(self, "at", ceil_millisecond(self.at))
        if self.at >= LATEST:
            raise InvalidInput(
                "the instant is too far ahead",
                field="next_run_at",
                remedy="give one before the year 9000",
            )
        if self.at < self.created_at:
            raise InvalidInput(
                "the instant lies behind", field="next_run_at", remedy="give one that lies ahead"
            )
        _check_life(self.at, self.expires_at)


Hint = IntervalHint | OneShotHint


class TriggerKind(StrEnum):
    """By hand (run now), or from a sibling's rule or AI."""

    MANUAL = "manual"
    SIBLING = "sibling"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """
    A request to fire once, due at once. It lives for an hour and is then over, unrun.

    ``trace`` is that of the call that asked, if it is in one: the run goes on with it.
    """

    id: TriggerId
    kind: TriggerKind
    at: datetime
    expires_at: datetime
    reason: str | None = None
    trace: Trace | None = None


def _check_life(start: datetime, end: datetime) -> None:
    if not timedelta() < end - start <= LONGEST_LIFE:
        raise InvalidInput(
            "the life of the hint is not possible",
            field="ttl",
            remedy="give a life from 1ms to 3660d",
        )
