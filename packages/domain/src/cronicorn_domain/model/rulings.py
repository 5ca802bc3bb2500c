"""What rules said about an answer, before it is known what of it is granted."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cronicorn_domain.identity import TriggerId
from cronicorn_domain.model.rules import EndpointRule
from cronicorn_domain.model.run import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """
    What the rules of an endpoint said about one answer.

    Attributes:
        held: The rules whose condition holds, in their order.
        remarks: What is worth telling a person: conditions that could not be answered.
    """

    held: tuple[EndpointRule, ...] = ()
    remarks: tuple[str, ...] = ()


NO_RULING: Final = Ruling()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """
    What is made of the end of a run before it is settled.

    Attributes:
        outcome: What the run counts as, by the endpoint's own condition.
        ruling: What the endpoint's rules say about it.
    """

    outcome: Outcome
    ruling: Ruling = NO_RULING


@dataclass(frozen=True, slots=True)
class Rest:
    """A rule that has acted, by its key, does not act again before an instant; equal is over."""

    key: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SiblingTrigger:
    """Another endpoint of the job, by its name, is to run once; ``id`` is the trigger's."""

    id: TriggerId
    name: str
    reason: str
