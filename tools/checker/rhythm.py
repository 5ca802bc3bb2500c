"""The recurring slots of a schedule, before anything else has a say in them."""

from datetime import datetime, timedelta
from functools import lru_cache

from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule

from tools.checker.cron_slots import CronSlots
from tools.checker.even_slots import EvenSlots

Rhythm = EvenSlots | CronSlots


def rhythm_of(endpoint: Endpoint) -> Rhythm | None:
    """
    Return an endpoint's recurring slots; None for a single instant.

    SEMANTICS §1, step 1: an interval is a grid of ``every``, or of ``max_interval`` if shorter.
    """
    match endpoint.schedule:
        case IntervalSchedule(every=every):
            longest = endpoint.guardrails.longest
            return _even(endpoint.anchor, every if longest is None else min(every, longest))
        case CronSchedule() as schedule:
            return _cron(schedule)
        case OnceSchedule():
            return None


@lru_cache(maxsize=4096)
def _even(anchor: datetime, step: timedelta) -> EvenSlots:
    return EvenSlots(anchor, step)


@lru_cache(maxsize=1024)
def _cron(schedule: CronSchedule) -> CronSlots:
    return CronSlots(schedule)
