"""From when on an endpoint can be claimed: what the due table holds."""

from datetime import datetime

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.state import EndpointState, Situation


def claimable_from(situation: Situation, now: datetime) -> datetime | None:
    """
    Return the instant from which the endpoint can be claimed, never before ``now``; None: never.

    An open-ended pause, an archived endpoint, a job that is not active, a quarantine and a lease
    take it out; a pause with an end puts it off. A sibling's trigger fires a paused endpoint once.
    """
    state, endpoint = situation.state, situation.endpoint
    plan = state.next_plan
    if plan is None or situation.lease is not None or state.quarantine is not None:
        return None
    if endpoint.archived_at is not None or situation.job_state is not JobState.ACTIVE:
        return None
    due_at = max(plan.decision.due_at, now)
    if fires_despite_pause(state) or not endpoint.paused_at(now):
        return due_at
    return _end_of_pause(endpoint, due_at)


def fires_despite_pause(state: EndpointState) -> bool:
    """Say whether what fires next is a sibling's trigger of a paused endpoint."""
    return state.urgent is not None and state.urgent.kind is Kind.TRIGGER


def _end_of_pause(endpoint: Endpoint, due_at: datetime) -> datetime | None:
    assert endpoint.pause is not None  # the caller has seen that it holds
    if endpoint.pause.until >= OPEN_ENDED:
        return None
    return max(due_at, endpoint.pause.until)
