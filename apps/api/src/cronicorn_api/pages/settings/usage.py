"""How much of its plan a tenant has used."""

from dataclasses import dataclass
from typing import Final

from cronicorn_management.usage.reading import Usage, read_usage
from fastapi import Response

from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.shapes import exact, percent
from cronicorn_api.pages.frame.viewer import TheViewer
from cronicorn_api.pages.settings.sections import tabs_at

router: Final = pages_router()
_HERE: Final = "/settings/usage"
_PRACTICALLY_NONE: Final = 1_000_000_000
"""A limit as high as it can be configured is told as none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterView:
    """How much there is of something, of how much there may be; ``width`` is in percent."""

    of: str
    used: str
    limit: str | None
    part: str
    width: float
    over: bool
    about: str


def meters(usage: Usage) -> list[MeterView]:
    """Show what is used."""
    plan = usage.allowance
    return [
        _meter("Endpoints", usage.endpoints, plan.endpoints, "that are not archived"),
        _meter("Runs", usage.runs, plan.runs_a_month, "since this month began, in UTC"),
        _meter("Model tokens", usage.tokens, plan.tokens_a_month, "since this month began, in UTC"),
    ]


def _meter(of: str, used: int, limit: int, about: str) -> MeterView:
    endless = limit >= _PRACTICALLY_NONE
    return MeterView(
        of=of,
        used=exact(used),
        limit=None if endless else exact(limit),
        part="" if endless else percent(used, limit),
        width=0 if endless or limit == 0 else min(100.0, round(100 * used / limit, 2)),
        over=not endless and used >= limit,
        about=about,
    )


@router.get(_HERE)
async def usage(viewer: TheViewer) -> Response:
    """Tell how much is used."""
    async with viewer.desk.reading(viewer.caller) as work:
        used = await read_usage(work)
    return viewer.page(
        "settings/usage", tabs=tabs_at(_HERE), meters=meters(used), plan=used.allowance
    )
