"""What a model proposes for an endpoint, before it is known what of it is granted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.wording import instant_in_words, length_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeInterval:
    """Run at another interval for a while."""

    every: timedelta
    life: timedelta
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeRun:
    """Run once at an instant; the life is counted from there."""

    at: datetime
    life: timedelta
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposePause:
    """Do not run until an instant."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeClearing:
    """End the hints that rules and models have written; a person's stay."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeTrigger:
    """Run another endpoint of the job once, also one that is paused."""

    name: str
    reason: str


Proposal = ProposeInterval | ProposeRun | ProposePause | ProposeClearing | ProposeTrigger


def in_words(proposal: Proposal) -> str:
    """Tell what is proposed, as a clause: ``run every 30 s for 1 h``."""
    match proposal:
        case ProposeInterval(every=every, life=life):
            return f"run every {length_in_words(every)} for {length_in_words(life)}"
        case ProposeRun(at=at):
            return f"run once at {instant_in_words(at)}"
        case ProposePause(until=until):
            return f"pause until {instant_in_words(until)}"
        case ProposeClearing():
            return "clear the hints of rules and models"
        case ProposeTrigger(name=name):
            return f"run {name} once"
