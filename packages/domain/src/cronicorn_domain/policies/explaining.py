"""Tells a decision: as data, and as one English sentence made from that data."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Decision, Rule, Source, Weighed
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.eligibility import fires_despite_pause
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule
from cronicorn_domain.wording import instant_in_words, length_in_words

WritesInstants = Callable[[datetime], str]
"""How instants are written in sentences: in UTC, unless whoever reads wants another zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The decision that stands, the condition it stands under, and both in a sentence."""

    condition: Condition
    decision: Decision | None
    sentence: str


def explain(
    situation: Situation, now: datetime, *, at: WritesInstants = instant_in_words
) -> Explanation:
    """Explain what happens next to an endpoint, and why."""
    condition = condition_of(situation, now)
    plan = situation.state.next_plan
    decision = None if plan is None else plan.decision
    return Explanation(
        condition=condition,
        decision=decision,
        sentence=_sentence(situation, condition, decision, at),
    )


def condition_of(situation: Situation, now: datetime) -> Condition:
    """Say where an endpoint stands at ``now``; what hinders it most comes first."""
    endpoint = situation.endpoint
    return condition_under(
        situation.state,
        archived=endpoint.archived_at is not None or situation.job_state is JobState.ARCHIVED,
        paused=situation.job_state is JobState.PAUSED or endpoint.paused_at(now),
        leased=situation.lease is not None,
        now=now,
    )


def condition_under(
    state: EndpointState, *, archived: bool, paused: bool, leased: bool, now: datetime
) -> Condition:
    """Say where an endpoint in a state stands; ``paused``: itself, or its job."""
    if archived:
        return Condition.ARCHIVED
    if state.quarantine is not None:
        return Condition.QUARANTINED
    if leased:
        return Condition.RUNNING
    if paused and not fires_despite_pause(state):
        return Condition.PAUSED
    if state.next_plan is None:
        return Condition.FINISHED
    if state.not_before is not None and state.not_before > now:
        return Condition.DEFERRED
    return Condition.ACTIVE


def reason_of(
    decision: Decision, endpoint: Endpoint, *, at: WritesInstants = instant_in_words
) -> str:
    """Tell why a decision chose its instant, as a clause without a full stop."""
    clauses = [_winner(decision, endpoint, at)]
    clauses += [text for line in decision.trail if (text := _aside(line, at)) is not None]
    return "; ".join(clauses)


def _sentence(
    situation: Situation, condition: Condition, decision: Decision | None, at: WritesInstants
) -> str:
    endpoint = situation.endpoint
    match condition:
        case Condition.ARCHIVED:
            return "It is archived and does not run."
        case Condition.QUARANTINED:
            return f"It is set aside until its schedule is mended: {situation.state.quarantine}."
        case Condition.FINISHED:
            return "It is finished: its schedule has no further slot."
        case Condition.PAUSED:
            return _paused(situation, at)
        case Condition.RUNNING | Condition.ACTIVE | Condition.DEFERRED:
            if decision is None:
                return "It has no plan."
            verb = "It is running" if condition is Condition.RUNNING else "It runs next"
            slot = "" if decision.slot == decision.due_at else f" (slot {at(decision.slot)})"
            wait = _wait(situation, condition, decision, at)
            why = f"{reason_of(decision, endpoint, at=at)}{wait}"
            return f"{verb}, due {at(decision.due_at)}{slot}: {why}."


def _wait(
    situation: Situation, condition: Condition, decision: Decision, at: WritesInstants
) -> str:
    """Tell of a wait whose end a slot falls on: the slot moved on to it has no line of its own."""
    state = situation.state
    told = any(line.rule is Rule.NOT_BEFORE for line in decision.trail)
    if condition is not Condition.DEFERRED or told or state.not_before is None:
        return ""
    why = f", since {state.not_before_reason}" if state.not_before_reason else ""
    return f"; nothing runs before {at(state.not_before)}{why}"


def _paused(situation: Situation, at: WritesInstants) -> str:
    pause = situation.endpoint.pause
    if pause is None:
        return "Its job is paused; it does not run until the job is resumed."
    why = f" ({pause.reason})" if pause.reason else ""
    if pause.until >= OPEN_ENDED:
        return f"It is paused until someone resumes it{why}."
    return f"It is paused until {at(pause.until)}{why}."


def _winner(decision: Decision, endpoint: Endpoint, at: WritesInstants) -> str:
    match decision.source:
        case Source.BASELINE_CRON | Source.BASELINE_INTERVAL | Source.BASELINE_ONCE:
            return f"its schedule says {describe_schedule(endpoint, at=at)}"
        case Source.CLAMPED_MIN:
            return f"the shortest interval{_held_back(decision)} holds it back"
        case Source.CLAMPED_MAX:
            return f"the longest interval{_pulled_in(endpoint)} pulls it in"
        case Source.MANUAL:
            return "someone asked for a run"
        case Source.TRIGGER:
            return "a sibling triggered it"
        case Source.RETRY:
            return "its last attempt is repeated"
        case Source.CATCH_UP:
            return "it catches up on a missed slot"
        case Source.TEST:
            return "it is a test"
        case _:
            return _hinted(decision)


def _hinted(decision: Decision) -> str:
    rules = {Rule.INTERVAL_HINT, Rule.ONESHOT}
    line = next((each for each in decision.trail if each.rule in rules), None)
    author, _, kind = decision.source.partition("-")
    what = "asks for one run" if kind == "oneshot" else "sets the interval"
    told = "" if line is None else line.detail.removeprefix(f"{author}: ")
    detail = f", {told}" if told else ""
    return f"a hint of {_AUTHORS[author]} {what}{detail}"


_AUTHORS = {
    "api": "a person",
    "rule": "a rule",
    "ai": "the planner",
    "response": "the target's response",
}


def _aside(line: Weighed, at: WritesInstants) -> str | None:
    match line.rule:
        case Rule.BACKOFF:
            return f"it backs off, since {line.detail}"
        case Rule.HINT_GIVES_WAY:
            return f"the hint {line.detail} would end before it could act"
        case Rule.SHORTEST_START:
            return "it keeps its distance from the last start"
        case Rule.JITTER:
            return "jitter spreads its start"
        case Rule.NOT_BEFORE:
            why = f", since {line.detail}" if line.detail else ""
            return f"nothing runs before {at(line.instant)}{why}"
        case Rule.MOVED_ON:
            return f"the slot of {at(line.instant)} could not start in time"
        case Rule.MISFIRE | Rule.RETRY | Rule.LOST_RUN | Rule.FORGIVEN:
            return line.detail
        case _:
            return None


def describe_schedule(endpoint: Endpoint, *, at: WritesInstants = instant_in_words) -> str:
    """
    Write the schedule as its owner would: ``every 30 s``, ``cron */5 * * * * (Europe/Berlin)``.
    """
    match endpoint.schedule:
        case CronSchedule(expression=expression, timezone=timezone):
            return f"cron {expression.text} ({timezone})"
        case IntervalSchedule(every=every):
            return f"every {length_in_words(every)}"
        case OnceSchedule(at=instant):
            return f"once, at {at(instant)}"


def _held_back(decision: Decision) -> str:
    """Name the length that holds back: the guardrail's or the tenant's floor."""
    lines = (line.detail for line in decision.trail if line.rule is Rule.SHORTEST_SLOT)
    length = next(lines, "")
    return f" ({length})" if length else ""


def _pulled_in(endpoint: Endpoint) -> str:
    longest = endpoint.guardrails.longest
    return "" if longest is None else f" ({length_in_words(longest)})"
