"""What an edit makes of an endpoint whose stored configuration cannot be read."""

from dataclasses import replace
from datetime import datetime, timedelta

from cronicorn_domain.identity import JobId
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.editing import mended

from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.situations import ReadEndpoint, UnreadableEndpoint


def in_its_place(endpoint: Endpoint, row: Columns, now: datetime) -> Endpoint:
    """Return the endpoint in the place of a row, of whose configuration nothing counts."""
    until = row["paused_until"]
    return mended(
        endpoint,
        now,
        job_id=JobId(row["job_id"]),
        created_at=row["created_at"],
        archived_at=row["archived_at"],
        pause=None if until is None else Pause(until=until, reason=row["pause_reason"]),
        external_key=row["external_key"],
    )


def well_again(
    endpoint: Endpoint, read: UnreadableEndpoint, job_state: JobState, floor: timedelta
) -> tuple[ReadEndpoint, Situation]:
    """Return what a mended endpoint counts as having been, and what it is now."""
    situation = Situation(
        job_state=job_state,
        endpoint=endpoint,
        state=replace(read.state, quarantine=None),
        hints=read.hints,
        triggers=read.triggers,
        lease=read.lease,
        floor=floor,
    )
    before = ReadEndpoint(
        situation=replace(situation, state=read.state),
        due_at=read.due_at,
        revision=read.revision,
        edition=read.edition,
    )
    return before, situation
