"""Step 1: what the schedule itself proposes."""

from datetime import datetime, timedelta

from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Kind, Rule, Source, Weighed
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.backoff import stretched
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.rhythm import first_at_or_after, shortest_of
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.grid import Grid
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule
from cronicorn_domain.wording import length_in_words


def origin_of(endpoint: Endpoint) -> datetime:
    """Return the instant from which an endpoint that never ran is counted."""
    starts_at = endpoint.bounds.starts_at
    return endpoint.created_at if starts_at is None else max(endpoint.created_at, starts_at)


def reference_slot(situation: Situation) -> datetime:
    """Return the slot that intervals are counted from: the last one, else the origin."""
    last, starts_at = situation.state.last_slot, situation.endpoint.bounds.starts_at
    if last is None:
        return origin_of(situation.endpoint)
    return last if starts_at is None else max(last, starts_at)


def baseline(situation: Situation, after: datetime) -> Candidate | None:
    """
    Return the schedule's first slot strictly after ``after`` and within its start; None: no more.

    An interval waits longer after failures, and its grid is as fine as the longest guardrail asks.
    A single instant stands until it was run or skipped, also when it has passed.
    """
    endpoint, state = situation.endpoint, situation.state
    starts_at = endpoint.bounds.starts_at
    if starts_at is not None and after < starts_at:
        after = starts_at - MICROSECOND
    match endpoint.schedule:
        case CronSchedule() as cron:
            slot = cron.next_after(after)
            return None if slot is None else _candidate(slot, Source.BASELINE_CRON)
        case IntervalSchedule(every=every):
            return _interval(situation, every, after)
        case OnceSchedule(at=at):
            begun = starts_at is None or at >= starts_at
            open_still = state.last_slot is None or state.last_slot < at
            return _candidate(at, Source.BASELINE_ONCE) if begun and open_still else None


def _interval(situation: Situation, every: timedelta, after: datetime) -> Candidate | None:
    grid, source = _grid_of(situation, every)
    slot = grid.next_after(after)
    if slot is None:
        return None
    candidate = _candidate(slot, source)
    if source is Source.CLAMPED_MIN:
        length = length_in_words(grid.step)
        candidate.trail.append(Weighed(Rule.SHORTEST_SLOT, slot, length))
    if failures := situation.state.failures:
        earliest = reference_slot(situation) + stretched(every, failures)
        if slot < earliest and (later := first_at_or_after(grid, earliest)) is not None:
            candidate.slot = later
            candidate.trail.append(Weighed(Rule.BACKOFF, later, f"{failures} failed in a row"))
    return candidate


def _grid_of(situation: Situation, every: timedelta) -> tuple[Grid, Source]:
    """An interval below the shortest has no grid of its own: it goes on from the last slot."""
    grid, last = situation.endpoint.rhythm, situation.state.last_slot
    assert isinstance(grid, Grid)  # an interval's rhythm
    shortest = shortest_of(situation)
    if grid.step < shortest and last is not None:
        return Grid(last, shortest), Source.CLAMPED_MIN
    return grid, Source.BASELINE_INTERVAL if grid.step == every else Source.CLAMPED_MAX


def _candidate(slot: datetime, source: Source) -> Candidate:
    return Candidate(
        slot=slot, source=source, kind=Kind.RECURRING, trail=[Weighed(Rule.BASELINE, slot)]
    )
