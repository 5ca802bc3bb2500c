"""Slots noted for catching up: they run in order, apart by the tenant's floor only."""

from datetime import datetime

from cronicorn_domain.model.decision import Kind, Plan, Rule, Source, Weighed
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.due_instants import planned


def next_noted(situation: Situation) -> Plan | None:
    """Plan the oldest noted slot; None: there is none. No hint, jitter or backoff touches it."""
    noted = situation.state.noted
    return noted_plan(situation, noted[0]) if noted else None


def noted_plan(situation: Situation, slot: datetime) -> Plan:
    """Plan one slot that was missed and is to be caught up."""
    candidate = Candidate(
        slot=slot,
        source=Source.CATCH_UP,
        kind=Kind.RECURRING,
        trail=[Weighed(Rule.CATCH_UP, slot)],
    )
    return planned(situation, candidate)
