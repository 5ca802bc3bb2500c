"""Step 3: one-shot hints and siblings' triggers compete with the recurring candidate."""

from collections.abc import Iterable
from datetime import datetime

from cronicorn_domain.instants import MILLISECOND, floor_millisecond
from cronicorn_domain.model.decision import Kind, Rule, Source, Weighed
from cronicorn_domain.model.hint import OneShotHint, Trigger, TriggerKind
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.candidate import Candidate


def earliest_oneshot(situation: Situation, now: datetime) -> Candidate | None:
    """
    Return the earliest pending one-shot or sibling's trigger within the bounds, or None.

    Bounds judge it like any slot: an instant before ``starts_at`` or behind ``ends_at`` is no
    candidate.
    """
    pending = [
        each for each in pending_oneshots(situation, now) if within_bounds(situation, each.at)
    ]
    if not pending:
        return None
    first = min(pending, key=lambda each: (each.at, each.id))
    return oneshot_candidate(situation, first)


def pending_oneshots(situation: Situation, now: datetime) -> list[OneShotHint | Trigger]:
    """Return the one-shot hints and siblings' triggers that live at ``now``."""
    hints = [
        hint for hint in situation.hints if isinstance(hint, OneShotHint) and hint.expires_at > now
    ]
    return [*hints, *pending_triggers(situation, TriggerKind.SIBLING, now)]


def pending_triggers(situation: Situation, kind: TriggerKind, now: datetime) -> list[Trigger]:
    """Return the triggers of one kind that live at ``now``."""
    return [each for each in situation.triggers if each.kind is kind and each.expires_at > now]


def oneshot_candidate(situation: Situation, proposal: OneShotHint | Trigger) -> Candidate:
    """
    Turn one proposal into a candidate at its instant, or a millisecond on where that is taken.
    """
    slot = untaken(situation.state, floor_millisecond(proposal.at))
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
        trail=[Weighed(rule, slot, reason)],
        origin=proposal.id,
    )


def untaken(state: EndpointState, instant: datetime, *, also: Iterable[datetime] = ()) -> datetime:
    """Move an instant on by milliseconds until no occurrence of the endpoint has it as its slot."""
    taken = {state.last_slot, state.latest_slot, *state.noted, *also}
    while instant in taken:
        instant += MILLISECOND
    return instant


def within_bounds(situation: Situation, instant: datetime) -> bool:
    """Say whether an instant lies within ``starts_at`` and ``ends_at``, both included."""
    bounds = situation.endpoint.bounds
    return (bounds.starts_at is None or instant >= bounds.starts_at) and (
        bounds.ends_at is None or instant <= bounds.ends_at
    )
