"""Step 1: what the schedule itself proposes."""

from datetime import datetime

from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Kind, Rule, Source, Weighed
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.backoff import stretched
from cronicorn_domain.policies.candidate import Candidate
from cronicorn_domain.policies.rhythm import first_at_or_after
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.grid import Grid
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule


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


def baseline(
    situation: Situation, after: datetime, *, with_backoff: bool = True
) -> Candidate | None:
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
        case IntervalSchedule() as interval:
            failures = state.failures if with_backoff else 0
            return _interval(situation, interval, after, failures)
        case OnceSchedule(at=at):
            return _candidate(at, Source.BASELINE_ONCE) if _is_open(state, at) else None


def _interval(
    situation: Situation, interval: IntervalSchedule, after: datetime, failures: int
) -> Candidate | None:
    endpoint = situation.endpoint
    longest = endpoint.guardrails.longest
    clamped = longest is not None and longest < interval.every
    step = longest if longest is not None and clamped else interval.every
    source = Source.CLAMPED_MAX if clamped else Source.BASELINE_INTERVAL
    grid = Grid(endpoint.anchor, step)
    slot = grid.next_after(after)
    if slot is None:
        return None
    candidate = _candidate(slot, source)
    if failures:
        earliest = reference_slot(situation) + stretched(interval.every, failures)
        if slot < earliest and (later := first_at_or_after(grid, earliest)) is not None:
            candidate.slot = later
            candidate.trail.append(Weighed(Rule.BACKOFF, later, f"{failures} failed in a row"))
    return candidate


def _candidate(slot: datetime, source: Source) -> Candidate:
    return Candidate(
        slot=slot, source=source, kind=Kind.RECURRING, trail=[Weighed(Rule.BASELINE, slot)]
    )


def _is_open(state: EndpointState, at: datetime) -> bool:
    return state.last_slot is None or state.last_slot < at
