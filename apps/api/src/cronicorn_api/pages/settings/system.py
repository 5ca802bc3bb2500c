"""How the system itself does."""

from dataclasses import dataclass
from typing import Final

from cronicorn_domain.model.worker import Worker
from cronicorn_management.system.reading import Lateness, System, read_system
from fastapi import Response

from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.outcomes import OUTCOMES, Outcome
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.shapes import exact, length, percent
from cronicorn_api.pages.frame.viewer import TheViewer
from cronicorn_api.pages.settings.sections import tabs_at

router: Final = pages_router()
_HERE: Final = "/settings/system"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerView:
    """A worker in the list."""

    name: str
    state: Outcome
    word: str
    seen: Moment
    since: Moment
    concurrency: str
    version: str
    zone_data: str
    other_zone_data: bool
    skew: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemView:
    """The system on its page."""

    sentence: str
    workers: tuple[WorkerView, ...]
    lateness: tuple[tuple[str, str], ...]
    looked_at: int
    lost: str
    runs: str
    kept: str
    zone_data: str


def system_view(system: System, zones: Zones) -> SystemView:
    """Show the system."""
    workers = tuple(_worker(each, system, zones) for each in system.workers)
    tally, late = system.last_day, system.lateness
    return SystemView(
        sentence=_sentence(system),
        workers=workers,
        lateness=() if late is None else _lateness(late),
        looked_at=0 if late is None else late.runs,
        lost=exact(tally.our_failure),
        runs=exact(tally.runs),
        kept=percent(tally.runs - tally.our_failure, tally.runs),
        zone_data=system.zone_data,
    )


def _worker(of: Worker, system: System, zones: Zones) -> WorkerView:
    silent = system.is_silent(of)
    return WorkerView(
        name=of.name,
        state=OUTCOMES["late" if silent else "active"],
        word="silent" if silent else "working",
        seen=zones.moment(of.seen_at),
        since=zones.moment(of.started_at),
        concurrency=exact(of.concurrency),
        version=of.version,
        zone_data=of.zone_data,
        other_zone_data=of.zone_data != system.zone_data,
        skew=length(of.clock_skew),
    )


def _lateness(of: Lateness) -> tuple[tuple[str, str], ...]:
    return (("Half within", length(of.median)), ("99 % within", length(of.p99)),
            ("The latest", length(of.most)))  # fmt: skip


def _sentence(system: System) -> str:
    live = sum(not system.is_silent(each) for each in system.workers)
    silent = len(system.workers) - live
    if not live:
        return "No worker is there: nothing runs. Start one, or this service with --with-worker."
    beside = f", {silent} silent" if silent else ""
    lost = system.last_day.our_failure
    return (
        f"{live} {'worker works' if live == 1 else 'workers work'}{beside};"
        f" {exact(lost) if lost else 'nothing was'} lost in the last 24 hours."
    )


@router.get(_HERE)
async def system(viewer: TheViewer) -> Response:
    """Tell how the system does, to who administers it."""
    view = None
    if viewer.may_administer:
        view = system_view(await read_system(viewer.desk, viewer.caller), viewer.zones)
    return viewer.page("settings/system", tabs=tabs_at(_HERE), view=view)
