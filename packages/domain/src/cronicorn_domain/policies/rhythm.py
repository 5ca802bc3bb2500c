"""How close recurring slots may lie, and the first of them from an instant on."""

from datetime import datetime, timedelta

from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.state import Situation
from cronicorn_domain.schedules.schedule import Rhythm


def shortest_of(situation: Situation) -> timedelta:
    """Return the least distance between slots: the guardrail's or the tenant's floor."""
    shortest, floor = situation.endpoint.guardrails.shortest, situation.floor
    return floor if shortest is None else max(shortest, floor)


def first_at_or_after(rhythm: Rhythm, instant: datetime) -> datetime | None:
    """Return the first slot that does not lie before ``instant``."""
    return rhythm.next_after(instant - MICROSECOND)
