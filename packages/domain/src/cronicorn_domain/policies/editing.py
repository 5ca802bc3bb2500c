"""An endpoint is edited: what stays its own, and what the edit touches."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.identity import JobId
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.schedules.schedule import IntervalSchedule


def edited(old: Endpoint, new: Endpoint, now: datetime) -> Endpoint:
    """
    Return ``new`` with what an edit cannot touch taken from ``old``.

    That are identity and key, pause and archive.

    The grid's anchor moves only when the interval or ``starts_at`` changes: to ``starts_at``, else
    to ``now``. If nothing differs, ``old`` itself comes back.
    """
    kept = replace(
        new,
        id=old.id,
        tenant=old.tenant,
        job_id=old.job_id,
        created_at=old.created_at,
        updated_at=old.updated_at,
        pause=old.pause,
        archived_at=old.archived_at,
        anchor=old.anchor,
        external_key=old.external_key,
    )
    if kept == old:
        return old
    anchor = (
        (kept.bounds.starts_at or floor_millisecond(now))
        if _moves_anchor(old, kept)
        else old.anchor
    )
    return replace(kept, anchor=anchor, updated_at=now)


def mended(
    new: Endpoint,
    now: datetime,
    *,
    job_id: JobId,
    created_at: datetime,
    archived_at: datetime | None,
    pause: Pause | None,
    external_key: str | None,
) -> Endpoint:
    """
    Return ``new`` in the place of an endpoint whose configuration cannot be read.

    What an edit cannot touch is given; of the schedule before nothing is known, so its grid begins
    as a new one's does.
    """
    return replace(
        new,
        job_id=job_id,
        created_at=created_at,
        updated_at=now,
        anchor=new.bounds.starts_at or floor_millisecond(now),
        archived_at=archived_at,
        pause=pause,
        external_key=external_key,
    )


def changes_rhythm(old: Endpoint, new: Endpoint) -> bool:
    """Say whether an edit touches schedule, zone or bounds, so that slots are planned from now."""
    return old.schedule != new.schedule or old.bounds != new.bounds or old.anchor != new.anchor


def first_anchor(endpoint: Endpoint) -> datetime:
    """Return the anchor of a new endpoint's grid: ``starts_at``, else its creation."""
    return endpoint.bounds.starts_at or floor_millisecond(endpoint.created_at)


def _moves_anchor(old: Endpoint, new: Endpoint) -> bool:
    other_start = old.bounds.starts_at != new.bounds.starts_at
    other_interval = isinstance(new.schedule, IntervalSchedule) and old.schedule != new.schedule
    return other_start or other_interval
