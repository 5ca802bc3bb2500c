"""Hints on the wire."""

from typing import Annotated, Literal

from cronicorn_domain.model.hint import Author
from pydantic import Field

from cronicorn_api.wire.values import Instant, Maybe, Milliseconds, PlannedInstant, Wire

_LIFE_MOST = 3660 * 24 * 60
Minutes = Annotated[int, Field(ge=1, le=_LIFE_MOST)]


class IntervalHintGiven(Wire):
    """Another interval for a while."""

    interval_ms: Milliseconds
    ttl_minutes: Minutes = 60
    reason: str | None = None


class OneShotHintGiven(Wire):
    """One run: at an instant, or so long from now."""

    next_run_at: PlannedInstant | None = None
    next_run_in_ms: Milliseconds | None = None
    ttl_minutes: Minutes = 60
    reason: str | None = None


class HintBody(Wire):
    """A hint."""

    id: str
    kind: Literal["interval", "oneshot"]
    author: Author
    interval_ms: Maybe[int] = None
    next_run_at: Maybe[Instant] = None
    created_at: Instant
    expires_at: Instant
    reason: Maybe[str] = None


class EndedHintBody(HintBody):
    """A hint with its life: how it ended, if it has, or that another goes before it."""

    ended: Maybe[Literal["expired", "cleared", "consumed", "outranked"]] = None
    ended_at: Maybe[Instant] = None
    run_id: Maybe[str] = None


class HintList(Wire):
    """Hints, the newest first, and where the list goes on if it does."""

    hints: list[EndedHintBody]
    next_cursor: Maybe[str] = None
