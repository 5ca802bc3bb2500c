"""What of the rules that hold is granted, and what becomes of the endpoint by it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID, uuid5

from cronicorn_domain.identity import HintId, TriggerId
from cronicorn_domain.instants import LATEST, ceil_millisecond
from cronicorn_domain.model.endpoint import Pause
from cronicorn_domain.model.hint import (
    TRIGGER_LIFE,
    Author,
    Hint,
    IntervalHint,
    OneShotHint,
    Trigger,
    TriggerKind,
)
from cronicorn_domain.model.rules import (
    Action,
    Analyze,
    ClearHints,
    EndpointRule,
    Every,
    Notify,
    PauseFor,
    RunIn,
    TriggerSibling,
)
from cronicorn_domain.model.rulings import Rest, Ruling, SiblingTrigger
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.endpoint_states import paused
from cronicorn_domain.policies.following import leased_plan
from cronicorn_domain.wording import length_in_words

CLEARED_BY_RULES: Final = frozenset({Author.RULE, Author.AI})
_CONDITION_SHOWN: Final = 120
ActionT = TypeVar("ActionT", Every, RunIn, PauseFor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """
    What the rules that held make of an endpoint.

    Attributes:
        hints: New ones, at most an interval and a single run.
        cleared: Hints that are over.
        pause: The endpoint is to be paused.
        siblings: Other endpoints of the job that are to run once.
        notice: What people are to be told; None: nothing.
        analysis: Why the planner is to look at the endpoint; None: it is not.
        resting: The rules that rest now.
        remark: What is worth telling of the run.
    """

    hints: tuple[Hint, ...] = ()
    cleared: tuple[HintId, ...] = ()
    pause: Pause | None = None
    siblings: tuple[SiblingTrigger, ...] = ()
    notice: str | None = None
    analysis: str | None = None
    resting: tuple[Rest, ...] = ()
    remark: str | None = None

    def heeded(self, situation: Situation, now: datetime) -> Situation:
        """
        Return the situation with what is granted, so that it is planned from.

        What is cleared holds until the run is over: its end clears it behind that.
        """
        state, endpoint = situation.state, situation.endpoint
        if self.pause is not None:
            endpoint = paused(endpoint, self.pause, now)
        return replace(
            situation,
            state=replace(state, resting=self.resting),
            endpoint=endpoint,
            hints=(*situation.hints, *self.hints),
        )


def granted(situation: Situation, ruling: Ruling, ended_at: datetime, now: datetime) -> Granted:
    """
    Say what is granted of what the rules said about the run that ended at ``ended_at``.

    Lengths count from then; a hint holds from ``now`` on, when it is written, and one whose life is
    over by then is none. Rules that were edited away meanwhile, or rest, say nothing. An interval
    hint of the same length is left as it is while more than half of its life is ahead, and a single
    run while one is to come. What is told to people and to the planner rests for the rule's life
    where the rule itself does not rest. Who paused or archived the endpoint has the say; guardrails
    and the floor are weighed when the next run is planned, as for every hint.
    """
    rules = situation.endpoint.rules
    held = [each for each in ruling.held if each in rules.rules]
    if rules.shadow:
        would = [f"would {rule_in_words(rule)}" for rule in held]
        return Granted(resting=situation.state.resting, remark=_joined([*ruling.remarks, *would]))
    return _Granting(situation, held, ended_at, now).granted(ruling.remarks)


def sibling_trigger(sibling: SiblingTrigger, now: datetime) -> Trigger:
    """Return what a sibling is given; the same for the same run, however often it is applied."""
    return Trigger(
        id=sibling.id,
        kind=TriggerKind.SIBLING,
        at=now,
        expires_at=now + TRIGGER_LIFE,
        reason=sibling.reason,
    )


class _Granting:
    """The rules that held after one run, none of them resting."""

    def __init__(
        self, situation: Situation, held: list[EndpointRule], ended_at: datetime, now: datetime
    ) -> None:
        resting = situation.state.resting
        self._still = tuple(each for each in resting if each.until > ended_at)
        keys = {each.key for each in self._still}
        self._held = [each for each in held if each.key not in keys]
        self._telling = [
            each
            for each in self._held
            if each.told_key not in keys
            and any(isinstance(action, Notify | Analyze) for action in each.then)
        ]
        self._situation = situation
        self._ended_at = ended_at
        self._now = now
        self._cleared = self._clear()
        self._left = [each for each in situation.hints if each.id not in self._cleared]

    def granted(self, remarks: tuple[str, ...]) -> Granted:
        hints = [each for each in (self._interval(), self._single_run()) if each is not None]
        analysis = self._why_told(Analyze)
        return Granted(
            hints=tuple(hints),
            cleared=self._cleared,
            pause=self._pause(),
            siblings=tuple(self._siblings()),
            notice=self._why_told(Notify),
            analysis=analysis,
            resting=(*self._still, *self._rests()),
            remark=_joined(
                remarks if analysis is None else (*remarks, f"asks for an analysis: {analysis}")
            ),
        )

    def _rests(self) -> Iterator[Rest]:
        for rule in self._held:
            if rule.cooldown is not None:
                yield Rest(rule.key, ceil_millisecond(self._ended_at + rule.cooldown))
            elif rule in self._telling:
                yield Rest(rule.told_key, ceil_millisecond(self._ended_at + rule.life))

    def _why_told(self, kind: type[Notify] | type[Analyze]) -> str | None:
        """Say why somebody is told; several rules that tell at once are told in one."""
        reasons = [
            why_of_rule(rule)
            for rule in self._telling
            if any(isinstance(each, kind) for each in rule.then)
        ]
        return "; ".join(dict.fromkeys(reasons)) or None

    def _clear(self) -> tuple[HintId, ...]:
        if not any(isinstance(each, ClearHints) for rule in self._held for each in rule.then):
            return ()
        return tuple(
            each.id
            for each in self._situation.hints
            if each.author in CLEARED_BY_RULES and each.expires_at > self._ended_at
        )

    def _interval(self) -> IntervalHint | None:
        first = self._first(Every)
        if first is None or self._situation.endpoint.archived_at is not None:
            return None
        rule, action = first
        expires_at = self._ended_at + rule.life
        if expires_at <= self._now:
            return None
        if any(
            isinstance(each, IntervalHint)
            and each.author is Author.RULE
            and each.every == action.interval
            and each.expires_at - self._ended_at > rule.life / 2
            for each in self._left
        ):
            return None
        return IntervalHint(
            id=HintId(self._new_id("interval")),
            author=Author.RULE,
            every=action.interval,
            created_at=self._now,
            expires_at=expires_at,
            reason=why_of_rule(rule),
        )

    def _single_run(self) -> OneShotHint | None:
        first = self._first(RunIn)
        if first is None or self._situation.endpoint.archived_at is not None:
            return None
        rule, action = first
        at = ceil_millisecond(self._ended_at + action.delay)
        to_come = any(
            isinstance(each, OneShotHint)
            and each.author is Author.RULE
            and self._ended_at < each.at <= at
            for each in self._left
        )
        if to_come or at >= LATEST:
            return None
        return OneShotHint(
            id=HintId(self._new_id("run")),
            author=Author.RULE,
            at=at,
            created_at=self._ended_at,
            expires_at=at + rule.life,
            reason=why_of_rule(rule),
        )

    def _pause(self) -> Pause | None:
        first, endpoint = self._first(PauseFor), self._situation.endpoint
        if first is None or endpoint.archived_at is not None or endpoint.paused_at(self._ended_at):
            return None
        rule, action = first
        return Pause(
            until=ceil_millisecond(self._ended_at + action.length), reason=why_of_rule(rule)
        )

    def _siblings(self) -> Iterator[SiblingTrigger]:
        named: set[str] = {self._situation.endpoint.name}
        for rule in self._held:
            for action in rule.then:
                if isinstance(action, TriggerSibling) and action.name not in named:
                    named.add(action.name)
                    trigger_id = TriggerId(self._new_id(f"trigger {action.name}"))
                    yield SiblingTrigger(trigger_id, action.name, why_of_rule(rule))

    def _first(self, kind: type[ActionT]) -> tuple[EndpointRule, ActionT] | None:
        found = (
            (rule, action)
            for rule in self._held
            for action in rule.then
            if isinstance(action, kind)
        )
        return next(found, None)

    def _new_id(self, kind: str) -> UUID:
        """Return the same for the same run: a transition that is applied again writes the same."""
        plan = leased_plan(self._situation)
        run = f"{plan.slot.isoformat()} {plan.attempt}"
        return uuid5(self._situation.endpoint.id, f"{run} {kind}")


def why_of_rule(rule: EndpointRule) -> str:
    """Tell why a rule acts, as the hints and pauses it makes tell it."""
    return rule.reason or f"the rule {_shown(rule.when)} holds"


def rule_in_words(rule: EndpointRule) -> str:
    """Tell what a rule does and when, in one line: ``run every 30 s, since status >= 500``."""
    return f"{', '.join(action_in_words(each) for each in rule.then)}, since {_shown(rule.when)}"


def action_in_words(action: Action) -> str:
    """Tell what an action does: ``run every 30 s``."""
    match action:
        case Every(interval):
            return f"run every {length_in_words(interval)}"
        case RunIn(delay):
            return f"run again in {length_in_words(delay)}"
        case PauseFor(length):
            return f"pause for {length_in_words(length)}"
        case TriggerSibling(name):
            return f"trigger {name}"
        case ClearHints():
            return "clear hints"
        case Notify():
            return "tell people"
        case Analyze():
            return "ask for an analysis"


def _shown(condition: str) -> str:
    line = " ".join(condition.split())
    return line if len(line) <= _CONDITION_SHOWN else f"{line[:_CONDITION_SHOWN]}…"


def _joined(remarks: tuple[str, ...] | list[str]) -> str | None:
    return "; ".join(remarks) or None
