"""The recurring slots of an endpoint as a sequence that can be stepped, searched and counted."""

from datetime import datetime, timedelta

from cronicorn_domain.instants import MICROSECOND, NO_TIME
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.state import Situation
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.grid import Grid
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Rhythm


def rhythm_of(endpoint: Endpoint) -> Rhythm | None:
    """Return the schedule's own recurring slots; None for a single instant."""
    match endpoint.schedule:
        case CronSchedule() as cron:
            return cron
        case IntervalSchedule(every=every):
            longest = endpoint.guardrails.longest
            return Grid(endpoint.anchor, every if longest is None else min(every, longest))
        case OnceSchedule():
            return None


def shortest_of(situation: Situation) -> timedelta:
    """Return the least distance between slots: the guardrail's or the tenant's floor."""
    return max(situation.endpoint.guardrails.shortest or NO_TIME, situation.floor)


def first_at_or_after(rhythm: Rhythm, instant: datetime) -> datetime | None:
    """Return the first slot that does not lie before ``instant``."""
    return rhythm.next_after(instant - MICROSECOND)
