"""The last check before a request is sent."""

from datetime import datetime

from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.following import leased_plan
from cronicorn_domain.ports.endpoint_queue import StartRefusal


def start_refusal(situation: Situation, now: datetime) -> StartRefusal | None:
    """
    Say why the leased run may not start at ``now``; None: it may.

    A lease that ends at ``now`` is lost. A sibling's trigger starts on a paused endpoint, not on an
    archived one, nor in a job that is not active.
    """
    if situation.lease is None or situation.lease.until <= now:
        return StartRefusal.LOST
    if situation.endpoint.archived_at is not None or situation.job_state is JobState.ARCHIVED:
        return StartRefusal.ARCHIVED
    if situation.job_state is JobState.PAUSED:
        return StartRefusal.PAUSED
    triggered = leased_plan(situation).kind is Kind.TRIGGER
    if situation.endpoint.paused_at(now) and not triggered:
        return StartRefusal.PAUSED
    return None
