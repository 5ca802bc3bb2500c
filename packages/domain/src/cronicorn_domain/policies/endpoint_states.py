"""The state machine of an endpoint: pauses, archive, and what may trigger it."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.errors import ForbiddenTransition
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.hint import TriggerKind
from cronicorn_domain.model.job import JobState


def paused(endpoint: Endpoint, pause: Pause, now: datetime) -> Endpoint:
    """Pause, or replace the pause that holds. Raises ``ForbiddenTransition`` when archived."""
    check_unarchived(endpoint, "be paused")
    return endpoint if endpoint.pause == pause else replace(endpoint, pause=pause, updated_at=now)


def resumed(endpoint: Endpoint, now: datetime) -> Endpoint:
    """End a pause; without one it stays as it is. Raises ``ForbiddenTransition`` when archived."""
    check_unarchived(endpoint, "be resumed")
    return endpoint if endpoint.pause is None else replace(endpoint, pause=None, updated_at=now)


def archived(endpoint: Endpoint, now: datetime) -> Endpoint:
    """Archive; an archived one stays as it is."""
    if endpoint.archived_at is not None:
        return endpoint
    return replace(endpoint, archived_at=now, updated_at=now)


def restored(endpoint: Endpoint, now: datetime) -> Endpoint:
    """Bring an archived endpoint back. Raises ``ForbiddenTransition`` when it is not archived."""
    if endpoint.archived_at is None:
        raise ForbiddenTransition("endpoint", endpoint.id, state="active", verb="be restored")
    return replace(endpoint, archived_at=None, updated_at=now)


def check_unarchived(endpoint: Endpoint, verb: str) -> None:
    """Refuse with ``ForbiddenTransition`` what an archived endpoint does not take."""
    if endpoint.archived_at is not None:
        raise ForbiddenTransition("endpoint", endpoint.id, state="archived", verb=verb)


def check_triggerable(
    endpoint: Endpoint, job_state: JobState, kind: TriggerKind, now: datetime
) -> None:
    """
    Refuse with ``ForbiddenTransition`` a trigger that could not fire.

    Archived endpoints and jobs that are not active take none; a paused endpoint takes a sibling's,
    which fires it once, but no run by hand.
    """
    check_unarchived(endpoint, "be run")
    if job_state is not JobState.ACTIVE:
        raise ForbiddenTransition("job", endpoint.job_id, state=job_state, verb="run endpoints")
    if kind is TriggerKind.MANUAL and endpoint.paused_at(now):
        raise ForbiddenTransition("endpoint", endpoint.id, state="paused", verb="be run")
