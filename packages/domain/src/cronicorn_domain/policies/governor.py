"""
The governor: the pure function that chooses the next fire time, and says why.

The steps, in order: the baseline proposes (1), an interval hint may replace it (2), the shortest
guardrail corrects the slot (4), one-shots and triggers compete with it (3), the longest corrects
what won (5), jitter and the distance of starts make it a due instant (4, 6), and the bounds have
the last word (7).
"""

from datetime import datetime

from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.bounds import used_up
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.catching_up import next_noted
from cronicorn_domain.policies.due_instants import planned
from cronicorn_domain.policies.guardrails import (
    keep_longest,
    keep_shortest,
    latest_allowed,
    latest_slot,
)
from cronicorn_domain.policies.interval_hints import recurring
from cronicorn_domain.policies.oneshots import earliest_oneshot


def govern(situation: Situation, *, after: datetime, now: datetime) -> Plan | None:
    """
    Plan the next occurrence; None: the endpoint is finished.

    ``after`` is the instant the next recurring slot must lie behind; it also lies behind the last
    slot and where the rhythm begins. Runs by hand, repeats and plans that stand are weighed before
    this (see ``standing``); slots noted for catching up go first.
    """
    if used_up(situation):
        return None
    if (noted := next_noted(situation)) is not None:
        return noted
    regular = recurring(situation, _behind(situation, after), now)
    if regular is not None:
        # Before the comparison: what a one-shot competes with is where the slot really lies.
        keep_shortest(situation, regular)
    oneshot = earliest_oneshot(situation, now)
    winner = _earlier(regular, oneshot)
    if winner is None:
        return None
    plan = _finish(situation, winner, now)
    if plan is None and oneshot is not None and winner is not oneshot:
        return _finish(situation, oneshot, now)
    return plan


def _behind(situation: Situation, after: datetime) -> datetime:
    state, endpoint = situation.state, situation.endpoint
    begun = state.rhythm_from or endpoint.created_at
    return max(after, begun) if state.last_slot is None else max(after, begun, state.last_slot)


def _earlier(regular: Candidate | None, oneshot: Candidate | None) -> Candidate | None:
    """A tie goes to the recurring one; its claim then serves the other, too."""
    if regular is None or (oneshot is not None and oneshot.slot < regular.slot):
        return oneshot
    return regular


def _finish(situation: Situation, candidate: Candidate, now: datetime) -> Plan | None:
    keep_longest(candidate, latest_allowed(situation, now))
    plan = planned(situation, candidate, latest=latest_slot(situation))
    ends_at = situation.endpoint.bounds.ends_at
    return None if ends_at is not None and plan.slot > ends_at else plan
