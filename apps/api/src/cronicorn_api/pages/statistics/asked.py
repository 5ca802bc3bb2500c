"""What an address asks of the statistics: which days, and of which job."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import JobId
from cronicorn_management.dashboard.windows import DAYS_USUAL, Window, window_of
from fastapi import Depends, Query

from cronicorn_api.pages.frame.viewer import TheViewer

_DAYS_MOST: Final = 366
_Text = Annotated[str, Query(max_length=100)]
_From = Annotated[str, Query(max_length=100, alias="from")]
_Days = Annotated[int | None, Query(ge=1, le=_DAYS_MOST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    What an address asks for.

    Attributes:
        days: So many days were chosen by one of the presets; None: by dates.
        query: What an address says to ask for the same; empty, or with its question mark.
    """

    window: Window
    days: int | None
    job: JobId | None
    query: str


def asked_of(
    *,
    viewer: TheViewer,
    days: _Days = None,
    since: _From = "",
    until: _Text = "",
    job: _Text = "",
) -> Asked:
    """Read the address: dates as whole days of the shown zone. Raises ``InvalidInput``."""
    here = viewer.here()
    start, end = _day(since, field="from"), _day(until, field="until")
    given = {"days": "" if days is None else str(days), "from": since, "until": until, "job": job}
    chosen = DAYS_USUAL if days is None and start is None and end is None else days
    if start is None and days is not None:
        last = end or viewer.now.astimezone(here).date()
        start = last - timedelta(days=days - 1)
    asked = {name: value for name, value in given.items() if value}
    return Asked(
        window=window_of(start, end, timezone=here.key, now=viewer.now),
        days=chosen,
        job=_job(job),
        query=f"?{urlencode(asked)}" if asked else "",
    )


TheAsked = Annotated[Asked, Depends(asked_of)]


def _day(text: str, *, field: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is no date", field=field, remedy="give one such as 2025-01-31"
        ) from None


def _job(text: str) -> JobId | None:
    if not text:
        return None
    try:
        return JobId(UUID(text))
    except ValueError:
        raise InvalidInput("that is no job", field="job", remedy="choose one of the list") from None
