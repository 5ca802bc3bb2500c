"""When the AI planner looks at an endpoint: what is due, what brings it forward, what follows."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.alert import Happening, Occasion
from cronicorn_domain.model.session import Analysis

STREAKS: Final = frozenset({3, 10, 30, 100})
"""So many failures in a row are worth a look, at the endpoint and at its siblings."""
AGAIN_LEAST: Final = timedelta(minutes=5)
"""So long after a look there is no other one, whatever happens."""
AGAIN_USUAL: Final = timedelta(hours=6)
"""After a look that did not say when to look again."""
AGAIN_MOST: Final = timedelta(days=7)
_BACKOFF_MOST: Final = timedelta(hours=12)
_DOUBLINGS_MOST: Final = 8


def enrolled(endpoint_id: EndpointId, tenant: TenantId, job_id: JobId, now: datetime) -> Analysis:
    """Return the first analysis of an endpoint: it is due at once."""
    return Analysis(
        endpoint_id=endpoint_id,
        tenant=tenant,
        job_id=job_id,
        next_at=now,
        cause="the planner has not looked at it yet",
        not_before=now,
    )


def is_worth_a_look(happening: Happening) -> bool:
    """Say whether the planner looks at an endpoint, and at its siblings, because of a happening."""
    match happening.occasion:
        case Occasion.FAILING:
            return happening.failures in STREAKS
        case Occasion.RECOVERED:
            return happening.failures >= min(STREAKS)
        case _:
            return False


def cause_of(happening: Happening, *, sibling: bool) -> str:
    """Tell why, as a clause."""
    whose = "an endpoint of its job" if sibling else "it"
    if happening.occasion is Occasion.RECOVERED:
        return f"{whose} has recovered from {happening.failures} failures in a row"
    return f"{whose} has failed {happening.failures} times in a row"


def cause_by_rule(reason: str) -> str:
    """Tell that a rule asked for it, as a clause."""
    return f"a rule asked for it: {reason}"


def brought_forward(analysis: Analysis, cause: str, now: datetime) -> Analysis:
    """
    Return the analysis as something that has happened leaves it; itself, if it is due already.

    While a session is under way what happens is for the next one: it has not seen it.
    """
    if analysis.leased_at(now):
        return _noted(analysis, cause, now)
    next_at = max(now, analysis.not_before)
    if analysis.next_at <= next_at:
        return analysis
    return replace(analysis, next_at=next_at, cause=cause)


def _noted(analysis: Analysis, cause: str, now: datetime) -> Analysis:
    """Return the analysis with something that its session does not know; the first is told."""
    taken_at = now if analysis.taken_at is None else analysis.taken_at
    if analysis.next_at > taken_at:
        return analysis
    return replace(analysis, next_at=max(now, taken_at + MICROSECOND), cause=cause)


def finished(analysis: Analysis, *, again_at: datetime, failures: int, now: datetime) -> Analysis:
    """
    Return the analysis as the end of its session leaves it: its endpoint is looked at again then.

    What happened during the session comes first, but not sooner than a while after this look.
    """
    not_before = min(again_at, now + AGAIN_LEAST) if failures == 0 else again_at
    happened = analysis.taken_at is not None and analysis.next_at > analysis.taken_at
    if happened:
        next_at = min(again_at, max(not_before, analysis.next_at))
        cause = analysis.cause
    else:
        next_at, cause = again_at, "its time had come"
    return replace(
        analysis,
        next_at=next_at,
        cause=cause,
        not_before=not_before,
        failures=failures,
        lease=None,
        worker=None,
        leased_until=None,
        taken_at=None,
    )


def released(analysis: Analysis) -> Analysis:
    """Return the analysis as one that was taken and not made: it is due as before."""
    return replace(analysis, lease=None, worker=None, leased_until=None, taken_at=None)


def lapsed(analysis: Analysis) -> Analysis:
    """
    Return the analysis as one whose lease has ended before its session did.

    It counts as a failure: whatever ended the worker may be what it looked at, and each time a
    model was asked. The first time it is due at once, for another worker; later it waits.
    """
    assert analysis.leased_until is not None, "it was leased"
    next_at = analysis.next_at
    if analysis.failures:
        wait = again_after_failures(analysis.failures)
        next_at = max(next_at, analysis.leased_until + wait)
    return replace(released(analysis), failures=analysis.failures + 1, next_at=next_at)


def again_after(asked_for: timedelta | None) -> timedelta:
    """Return after how long an endpoint is looked at again, of what a session has asked for."""
    if asked_for is None:
        return AGAIN_USUAL
    return min(max(asked_for, AGAIN_LEAST), AGAIN_MOST)


def again_after_failures(failures: int) -> timedelta:
    """Return the wait after so many sessions in a row that failed: each time twice as long."""
    return min(AGAIN_LEAST * (1 << min(failures, _DOUBLINGS_MOST)), _BACKOFF_MOST)
