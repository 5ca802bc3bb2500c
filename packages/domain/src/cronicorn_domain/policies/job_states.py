"""The state machine of a job: active, paused, archived."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.errors import ForbiddenTransition
from cronicorn_domain.model.job import Job, JobState


def paused(job: Job, now: datetime) -> Job:
    """Pause an active job; a paused one stays as it is. Raises ``ForbiddenTransition``."""
    _refuse_archived(job, "be paused")
    return _moved(job, JobState.PAUSED, now)


def resumed(job: Job, now: datetime) -> Job:
    """Resume a paused job; an active one stays as it is. Raises ``ForbiddenTransition``."""
    _refuse_archived(job, "be resumed")
    return _moved(job, JobState.ACTIVE, now)


def archived(job: Job, now: datetime) -> Job:
    """Archive a job from any state; an archived one stays as it is."""
    if job.state is JobState.ARCHIVED:
        return job
    return replace(job, state=JobState.ARCHIVED, archived_at=now, updated_at=now)


def restored(job: Job, now: datetime) -> Job:
    """Make an archived job active. Raises ``ForbiddenTransition`` from any other state."""
    if job.state is not JobState.ARCHIVED:
        raise ForbiddenTransition("job", job.id, state=job.state, verb="be restored")
    return replace(job, state=JobState.ACTIVE, archived_at=None, updated_at=now)


def check_open(job: Job, verb: str) -> None:
    """Refuse with ``ForbiddenTransition`` what an archived job does not take."""
    _refuse_archived(job, verb)


def _moved(job: Job, state: JobState, now: datetime) -> Job:
    return job if job.state is state else replace(job, state=state, updated_at=now)


def _refuse_archived(job: Job, verb: str) -> None:
    if job.state is JobState.ARCHIVED:
        raise ForbiddenTransition("job", job.id, state=job.state, verb=verb)
