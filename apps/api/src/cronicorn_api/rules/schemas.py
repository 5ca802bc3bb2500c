"""Rules on the wire."""

from typing import Annotated

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.replay import Cut
from cronicorn_domain.model.rules import RULES_MOST
from pydantic import Field

from cronicorn_api.wire.values import GivenInstant, Instant, Maybe, Milliseconds, Wire

NAMES_MOST = 100
"""No rule names more siblings."""


class ThenGiven(Wire):
    """What a rule is to do; at least one of them."""

    every_ms: Milliseconds | None = None
    run_in_ms: Milliseconds | None = None
    pause_for_ms: Milliseconds | None = None
    trigger: Annotated[list[str], Field(max_length=NAMES_MOST, default_factory=list)]
    clear: bool = False
    notify: bool = False
    analyze: bool = False


class RuleGiven(Wire):
    """When an answer says something, do something."""

    when: str
    then: ThenGiven
    for_ms: Milliseconds | None = None
    cooldown_ms: Milliseconds | None = None
    reason: str | None = None


class RulesGiven(Wire):
    """All rules of an endpoint, in their order; with ``shadow`` they only tell what they would."""

    rules: Annotated[list[RuleGiven], Field(max_length=RULES_MOST)]
    shadow: bool = False


class ThenBody(Wire):
    """What a rule does."""

    every_ms: Maybe[int] = None
    run_in_ms: Maybe[int] = None
    pause_for_ms: Maybe[int] = None
    trigger: Maybe[list[str]] = None
    clear: Maybe[bool] = None
    notify: Maybe[bool] = None
    analyze: Maybe[bool] = None


class RuleBody(Wire):
    """When an answer says something, do something."""

    when: str
    then: ThenBody
    for_ms: int
    cooldown_ms: Maybe[int] = None
    reason: Maybe[str] = None


class ReplayGiven(Wire):
    """
    What is to be replayed: rules, or those of the endpoint, over the runs of a window.

    Slots lie from ``since`` to ``until``; without them it is the last day.
    """

    rules: Annotated[list[RuleGiven], Field(max_length=RULES_MOST)] | None = None
    since: GivenInstant | None = None
    until: GivenInstant | None = None


class CallBody(Wire):
    """A call that would have been, and what planned it."""

    at: Instant
    source: Source


class UnseenBody(Wire):
    """How long a change of the target stayed unseen: at least, and at worst."""

    least_ms: int
    most_ms: int


class CourseBody(Wire):
    """
    The calls of one way to schedule.

    ``calls`` are left out where there are more than 2 000; ``perPart`` counts them in as many equal
    parts of the window. ``reaction`` is the median and the worst over the changes; absent where the
    target did not change.
    """

    count: int
    longest_gap_ms: int
    gap_begins_at: Instant
    reaction_median_ms: Maybe[int] = None
    reaction_worst_ms: Maybe[int] = None
    per_part: list[int]
    calls: Maybe[list[CallBody]] = None


class TurnBody(Wire):
    """
    A change of the target: other rules hold of its answer than of the one before.

    ``held`` are their numbers from 1; ``fixed`` and ``ruled`` how long it stayed unseen.
    """

    at: Instant
    held: list[int]
    fixed: UnseenBody
    ruled: UnseenBody


class FiringBody(Wire):
    """What a rule would have done."""

    at: Instant
    rule: int
    does: list[str]


class RuleToldBody(Wire):
    """How often a rule would have held, acted, and could not be answered."""

    number: int
    when: str
    held: int
    acted: int
    first_acted_at: Maybe[Instant] = None
    last_acted_at: Maybe[Instant] = None
    not_there: int
    faults: int
    fault: Maybe[str] = None


class ReplayBody(Wire):
    """
    What rules would have made of recorded answers, beside the same schedule without any.

    ``recorded`` counts real calls by parts of the window. ``assumptions`` say what cannot be known.
    ``cut`` says why it is of less than was asked for: more ``answers`` than are read, more
    ``calls`` than are made, or more ``time`` than it may take; it is of the newest answers, or of
    the time up to ``endsAt``.
    """

    begins_at: Instant
    ends_at: Instant
    answers: int
    saved: int
    recorded: list[int]
    fixed: CourseBody
    ruled: CourseBody
    turns: list[TurnBody]
    rules: list[RuleToldBody]
    firings: list[FiringBody]
    firings_left_out: Maybe[int] = None
    turns_left_out: Maybe[int] = None
    cut: Maybe[Cut] = None
    assumptions: list[str]
