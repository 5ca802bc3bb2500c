"""The recurring slots of an endpoint as a sequence that can be stepped, searched and counted."""

from datetime import datetime, timedelta

from cronicorn_domain.instants import MICROSECOND, NO_TIME
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import IntervalHint
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


def in_force(situation: Situation, slot: datetime, hint: IntervalHint | None) -> Rhythm | None:
    """
    Return the slots that follow ``slot`` as they would be planned, with hint and guardrails.

    A hint and a longest below the schedule's gap count from ``slot``; so does an interval below the
    shortest, in as many steps of its grid as the shortest takes. None for a single instant.
    """
    shortest = shortest_of(situation)
    if hint is not None:
        return Grid(slot, max(hint.every, shortest))
    rhythm = rhythm_of(situation.endpoint)
    longest = situation.endpoint.guardrails.longest
    if isinstance(rhythm, Grid):
        return (
            rhythm
            if rhythm.step >= shortest
            else Grid(slot, -(-shortest // rhythm.step) * rhythm.step)
        )
    if rhythm is None or longest is None:
        return rhythm
    following = rhythm.next_after(slot)
    off_grid = following is None or following - slot > max(longest, shortest)
    return Grid(slot, max(longest, shortest)) if off_grid else rhythm
