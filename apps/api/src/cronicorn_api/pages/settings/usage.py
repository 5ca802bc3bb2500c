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
    return [
        _meter("Endpoints", usage.endpoints, usage.allowance.endpoints, "that are not archived"),
        _meter("Runs", usage.runs, usage.runs_limit, "since this month began, in UTC"),
        _meter("Model tokens", usage.tokens, usage.tokens_limit, "since this month began, in UTC"),
    ]


def _meter(of: str, used: int, limit: int | None, about: str) -> MeterView:
    return MeterView(
        of=of,
        used=exact(used),
        limit=None if limit is None else exact(limit),
        part="" if limit is None else percent(used, limit),
        width=min(100.0, round(100 * used / limit, 2)) if limit else 0,
        over=limit is not None and used >= limit,
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
