"""What the governor returns: when, which rule won, and what it weighed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import HintId, TriggerId
from cronicorn_domain.model.trace import Trace


class Source(StrEnum):
    """The rule that won."""

    BASELINE_CRON = "baseline-cron"
    BASELINE_INTERVAL = "baseline-interval"
    BASELINE_ONCE = "baseline-once"
    API_INTERVAL = "api-interval"
    API_ONESHOT = "api-oneshot"
    RULE_INTERVAL = "rule-interval"
    RULE_ONESHOT = "rule-oneshot"
    AI_INTERVAL = "ai-interval"
    AI_ONESHOT = "ai-oneshot"
    RESPONSE_INTERVAL = "response-interval"
    RESPONSE_ONESHOT = "response-oneshot"
    CLAMPED_MIN = "clamped-min"
    CLAMPED_MAX = "clamped-max"
    MANUAL = "manual"
    TRIGGER = "trigger"
    RETRY = "retry"
    CATCH_UP = "catch-up"
    TEST = "test"


class Kind(StrEnum):
    """What sort of occurrence a run belongs to, whichever attempt it is."""

    RECURRING = "recurring"
    ONESHOT = "oneshot"
    TRIGGER = "trigger"
    MANUAL = "manual"
    TEST = "test"


class Rule(StrEnum):
    """The steps that can leave a line in the trail."""

    BASELINE = "baseline"
    BACKOFF = "backoff"
    INTERVAL_HINT = "interval-hint"
    HINT_GIVES_WAY = "hint-gives-way"
    ONESHOT = "oneshot"
    TRIGGER = "trigger"
    MANUAL = "manual"
    RETRY = "retry"
    LOST_RUN = "lost-run"
    FORGIVEN = "forgiven"
    CATCH_UP = "catch-up"
    SHORTEST_SLOT = "shortest-slot"
    SHORTEST_START = "shortest-start"
    LONGEST = "longest"
    JITTER = "jitter"
    NOT_BEFORE = "not-before"
    MOVED_ON = "moved-on"
    MISFIRE = "misfire"


@quickly_made
@dataclass(frozen=True, slots=True)
class Weighed:
    """One line of the trail: a rule, the instant it stood for, and what else is worth knowing."""

    rule: Rule
    instant: datetime
    detail: str = ""


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """
    When an endpoint fires next, and why.

    ``slot`` is the nominal instant of the occurrence; ``due_at`` is when it may start: never before
    the slot, later by jitter, guardrails or a deferral. ``trail`` holds what was weighed, in order.
    """

    slot: datetime
    due_at: datetime
    source: Source
    trail: tuple[Weighed, ...] = ()


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    A decision as it stands for an endpoint, with the past of its slot.

    Attributes:
        decision: When and why.
        kind: The sort of occurrence.
        attempt: The number the next run of this slot gets; it also counts attempts given back.
        tries: Attempts of this slot that the target failed.
        losses: Attempts of this slot that were lost with their worker.
        repeat: A retry, or the successor of a lost run.
        counted: An earlier attempt has started, so the occurrence is in the run count.
        origin: The hint or trigger that planned it; the plan stands no longer than that. None: the
            schedule itself.
        trace: The trace of the call that asked for it; None: its runs have traces of their own.
    """

    decision: Decision
    kind: Kind
    attempt: int = 1
    tries: int = 0
    losses: int = 0
    repeat: bool = False
    counted: bool = False
    origin: HintId | TriggerId | None = None
    trace: Trace | None = None

    @property
    def slot(self) -> datetime:
        """The nominal instant of the occurrence."""
        return self.decision.slot

    @property
    def moved_on(self) -> Weighed | None:
        """The line that tells from which slot a late start made it move on; None: it did not."""
        for line in self.decision.trail:
            if line.rule is Rule.MOVED_ON:
                return line
        return None

    @property
    def first_slot(self) -> datetime:
        """The slot it was planned for first, before a late start made it move on."""
        moved = self.moved_on
        return self.decision.slot if moved is None else moved.instant

    @property
    def on_the_rhythm(self) -> bool:
        """Whether it is a recurring slot planned for its own sake: no repeat, nothing caught up."""
        caught_up = self.decision.source is Source.CATCH_UP
        return self.kind is Kind.RECURRING and not self.repeat and not caught_up
