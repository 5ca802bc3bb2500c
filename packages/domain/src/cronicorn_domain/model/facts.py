"""What an expression may ask about: an answer, and what stands around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.run import Body

_NOT_KEPT = Body()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    How one run of an endpoint ended.

    Attributes:
        succeeded: What the run counts as.
        status: The HTTP status; 0 where nothing was answered.
        body: What was answered, as far as it is kept.
        headers: The response's; names in any case.
        duration: From the start of the run to its end.
    """

    succeeded: bool
    status: int = 0
    body: Body = _NOT_KEPT
    headers: tuple[tuple[str, str], ...] = ()
    duration: timedelta = NO_TIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many runs of the latest hour succeeded, and how many the target failed."""

    successes: int = 0
    failures: int = 0


NONE_COUNTED = Tally()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """
    What there is to be asked about when a run has ended, at ``now``.

    Attributes:
        answer: The run that just ended.
        failures: Failures in a row, this run among them.
        health: The latest hour before this run.
        previous: The run before; None: there was none.
        siblings: The latest answer of each endpoint of the job, by name. One that never ran, or
            that nobody asked about, is not among them.
    """

    now: datetime
    answer: Answer
    failures: int = 0
    health: Tally = NONE_COUNTED
    previous: Answer | None = None
    siblings: Mapping[str, Answer] = field(default_factory=dict)
