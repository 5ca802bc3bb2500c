"""Step 3: one-shot hints and siblings' triggers compete with the recurring candidate."""

from collections.abc import Iterable
from datetime import datetime

from cronicorn_domain.instants import MILLISECOND, floor_millisecond
from cronicorn_domain.model.decision import Kind, Rule, Source, Weighed
from cronicorn_domain.model.hint import OneShotHint, Trigger, TriggerKind
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.bounds import within_bounds
from cronicorn_domain.policies.candidate import Candidate


def earliest_oneshot(situation: Situation, now: datetime) -> Candidate | None:
    """
    Return the earliest pending one-shot or sibling's trigger within the bounds, or None.

    Bounds judge it like any slot: an instant before ``starts_at`` or behind ``ends_at`` is no
    candidate.
    """
    pending = [each for each in _pending(situation, now) if within_bounds(situation, each.at)]
    if not pending:
        return None
    first = min(pending, key=lambda each: (each.at, each.id))
    return oneshot_candidate(situation, first)


def _pending(situation: Situation, now: datetime) -> list[OneShotHint | Trigger]:
    """A paused endpoint's triggers are urgent, and do not compete."""
    if not situation.hints and not situation.triggers:
        return []
    hints = [
        hint for hint in situation.hints if isinstance(hint, OneShotHint) and hint.expires_at > now
    ]
    if situation.endpoint.paused_at(now):
        return [*hints]
    return [*hints, *pending_triggers(situation, TriggerKind.SIBLING, now)]


def pending_triggers(situation: Situation, kind: TriggerKind, now: datetime) -> list[Trigger]:
    """Return the triggers of one kind that live at ``now``."""
    return [each for each in situation.triggers if each.kind is kind and each.expires_at > now]


def oneshot_candidate(situation: Situation, proposal: OneShotHint | Trigger) -> Candidate:
    """
    Turn one proposal into a candidate at its instant, or a millisecond on where that is taken.

    The trail tells the instant that was asked for.
    """
    slot = _slot_of(situation, proposal)
    reason = proposal.reason or ""
    if isinstance(proposal, OneShotHint):
        source, kind, rule = Source(f"{proposal.author}-oneshot"), Kind.ONESHOT, Rule.ONESHOT
    elif proposal.kind is TriggerKind.SIBLING:
        source, kind, rule = Source.TRIGGER, Kind.TRIGGER, Rule.TRIGGER
    else:
        source, kind, rule = Source.MANUAL, Kind.MANUAL, Rule.MANUAL
    return Candidate(
        slot=slot,
        source=source,
        kind=kind,
        trail=[Weighed(rule, floor_millisecond(proposal.at), reason)],
        origin=proposal.id,
        trace=None if isinstance(proposal, OneShotHint) else proposal.trace,
    )


def _slot_of(situation: Situation, proposal: OneShotHint | Trigger) -> datetime:
    """One that was planned before, and maybe given back, keeps its slot."""
    state = situation.state
    for plan in (state.plan, state.urgent):
        if plan is not None and plan.origin == proposal.id:
            return plan.slot
    instant = floor_millisecond(proposal.at)
    passed = state.last_slot is not None and instant <= state.last_slot
    rhythm = situation.endpoint.rhythm if passed else None
    of_the_rhythm = rhythm is not None and rhythm.latest_until(instant) == instant
    return untaken(state, instant, also=(instant,) if of_the_rhythm else ())


def untaken(state: EndpointState, instant: datetime, *, also: Iterable[datetime] = ()) -> datetime:
    """
    Move an instant on by milliseconds until no slot that is known of the endpoint is there.

    Whatever has started had its slot no later than its start.
    """
    if state.last_start is not None and instant <= state.last_start:
        instant = floor_millisecond(state.last_start) + MILLISECOND
    taken = {state.last_slot, state.latest_slot, *state.noted, *also}
    while instant in taken:
        instant += MILLISECOND
    return instant
