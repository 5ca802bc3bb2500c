"""Alerts: of what people want to be told, and by which way."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from cronicorn_domain.errors import InvalidInput, LimitReached, NotFound
from cronicorn_domain.identity import AlertId, JobId
from cronicorn_domain.model.alert import OCCASIONS, THRESHOLD_USUAL, Alert, Occasion
from cronicorn_management.alerts.changing import change_alert
from cronicorn_management.alerts.creating import create_alert
from cronicorn_management.alerts.reading import list_alerts, read_alert
from cronicorn_management.alerts.removing import remove_alert
from cronicorn_management.alerts.settings import AlertChanges, AlertSettings, settings_of_alert
from cronicorn_management.alerts.trying import try_alert
from cronicorn_management.jobs.listing import list_jobs
from cronicorn_management.pages import PAGE_MOST
from fastapi import Path, Response

from cronicorn_api.pages.frame.forms import Fields, Form, Lists
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.said import Undo
from cronicorn_api.pages.frame.seen import version_of
from cronicorn_api.pages.frame.told import NO_FAULTS, Fault, Faults, faults_of
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.settings.sections import tabs_at

router: Final = pages_router()
_HERE: Final = "/settings/alerts"
_Alert = Annotated[UUID, Path(alias="alertId")]
OCCASION_WORDS: Final = {
    Occasion.FAILING: "An endpoint keeps failing",
    Occasion.RECOVERED: "It has recovered",
    Occasion.QUARANTINED: "An endpoint is quarantined",
    Occasion.DEFERRED: "A quota puts an endpoint off",
    Occasion.RULE: "A rule of an endpoint tells",
    Occasion.BUDGET: "A month's quota is nearly used up",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """An alert in the list."""

    id: str
    name: str
    way: str
    to: str
    occasions: str
    job: str | None
    enabled: bool


def alert_view(alert: Alert, jobs: dict[JobId, str]) -> AlertView:
    """Show an alert."""
    settings = settings_of_alert(alert)
    words = [word for each, word in _occasions() if each in alert.occasions]
    listed = "; ".join([*words[:1], *(f"{each[0].lower()}{each[1:]}" for each in words[1:])])
    told = listed.replace("keeps failing", f"has failed {alert.threshold} times in a row")
    return AlertView(
        id=str(alert.id),
        name=alert.name,
        way="POST to" if settings.url else "Letter to",
        to=settings.url or settings.email or "",
        occasions=told,
        job=None if alert.job_id is None else jobs.get(alert.job_id, str(alert.job_id)),
        enabled=alert.enabled,
    )


def _occasions() -> list[tuple[str, str]]:
    known = [(each.value, OCCASION_WORDS.get(each, each.value)) for each in Occasion]
    return [each for each in known if Occasion(each[0]) in OCCASIONS]


@router.get(_HERE)
async def alerts(viewer: TheViewer) -> Response:
    """List alerts."""
    async with viewer.desk.reading(viewer.caller) as work:
        page = await list_alerts(work, limit=PAGE_MOST)
        jobs = await list_jobs(work, limit=PAGE_MOST)
    names = {each.job.id: each.job.name for each in jobs.items}
    shown = [alert_view(each, names) for each in page.items]
    return viewer.page("settings/alerts", tabs=tabs_at(_HERE), alerts=shown)


@router.get(f"{_HERE}/new")
async def blank(viewer: TheViewer) -> Response:
    """Ask for a new alert."""
    given: Lists = {
        "name": [""],
        "way": ["url"],
        "url": [""],
        "email": [""],
        "occasions": sorted(OCCASIONS),
        "threshold": [str(THRESHOLD_USUAL)],
        "job": [""],
    }
    return await _form(viewer, given)


@router.post(f"{_HERE}/new")
async def create(viewer: TheViewer, fields: Fields) -> Response:
    """Create an alert."""
    try:
        settings = _read(fields)
        async with viewer.desk.changing(viewer.caller) as work:
            alert = await create_alert(work, settings)
    except (InvalidInput, NotFound, LimitReached) as refusal:
        return await _form(viewer, fields, faults=faults_of(refusal, _NAMES), status=422)
    return viewer.back(_HERE, f"{alert.name} tells what happens from now on.")


@router.get(f"{_HERE}/{{alertId}}")
async def edit(viewer: TheViewer, alert_id: _Alert) -> Response:
    """Ask what an alert is to be."""
    async with viewer.desk.reading(viewer.caller) as work:
        alert = await read_alert(work, AlertId(alert_id))
    return await _form(viewer, _typed(alert), of=alert_id)


@router.post(f"{_HERE}/{{alertId}}")
async def change(viewer: TheViewer, alert_id: _Alert, fields: Fields) -> Response:
    """Change an alert, unless somebody was faster."""
    try:
        settings = _read(fields)
        changes = AlertChanges(
            name=settings.name,
            url=settings.url,
            email=settings.email,
            occasions=settings.occasions,
            threshold=settings.threshold,
            job_id=settings.job_id,
        )
        async with viewer.desk.changing(viewer.caller) as work:
            stands = await read_alert(work, AlertId(alert_id))
            if _last(fields, "seen") not in {"", _seen(stands)}:
                return await _stale(viewer, fields, stands)
            alert = await change_alert(work, AlertId(alert_id), changes)
    except InvalidInput as refusal:
        faults = faults_of(refusal, _NAMES)
        return await _form(viewer, fields, faults=faults, status=422, of=alert_id)
    return viewer.back(_HERE, f"{alert.name} is changed.")


@router.post(f"{_HERE}/{{alertId}}/switch")
async def switch(viewer: TheViewer, alert_id: _Alert, form: Form) -> Response:
    """Switch an alert on or off."""
    on = form.get("on") == "yes"
    async with viewer.desk.changing(viewer.caller) as work:
        alert = await change_alert(work, AlertId(alert_id), AlertChanges(enabled=on))
    undo = Undo(action=f"{_HERE}/{alert_id}/switch", fields=(("on", "no" if on else "yes"),))
    return viewer.back(_HERE, f"{alert.name} is {'on' if on else 'off'}.", undo)


@router.post(f"{_HERE}/{{alertId}}/test")
async def test(viewer: TheViewer, alert_id: _Alert, form: Form) -> Response:
    """Have an alert tell that somebody tries it."""
    del form
    await try_alert(viewer.desk, viewer.caller, AlertId(alert_id))
    return viewer.back(_HERE, "It will tell that it is tried: a worker sends that within seconds.")


@router.post(f"{_HERE}/{{alertId}}/remove")
async def remove(viewer: TheViewer, alert_id: _Alert, form: Form) -> Response:
    """Forget an alert, and what it had still to tell."""
    async with viewer.desk.changing(viewer.caller) as work:
        await remove_alert(work, AlertId(alert_id))
    return viewer.back(_HERE, f"{form.get('name', 'The alert')} is removed.")


_NAMES: Final = {"job_id": "job", "enabled": "name"}


def _typed(alert: Alert) -> Lists:
    settings = settings_of_alert(alert)
    return {
        "name": [alert.name],
        "way": ["url" if settings.url is not None else "email"],
        "url": [settings.url or ""],
        "email": [settings.email or ""],
        "occasions": sorted(alert.occasions),
        "threshold": [str(alert.threshold)],
        "job": ["" if alert.job_id is None else str(alert.job_id)],
        "seen": [_seen(alert)],
    }


def _seen(alert: Alert) -> str:
    """Name the version by what the form edits: switching an alert keeps nobody from saving."""
    to = settings_of_alert(alert)
    occasions = sorted(alert.occasions)
    return version_of(alert.name, to.url, to.email, occasions, alert.threshold, alert.job_id)


async def _stale(viewer: Viewer, fields: Lists, stands: Alert) -> Response:
    """Tell what differs by now, beside what was typed."""
    theirs = _typed(stands)
    apart = "; ".join(
        f"{name} {', '.join(theirs[name]) or 'nothing'!r}"
        for name in ("name", "url", "email", "occasions", "threshold", "job")
        if theirs[name] != fields.get(name, [""])
    )
    told = Faults(
        (
            Fault(
                field="",
                message="Somebody has changed it since you began. Otherwise than yours it has:"
                f" {apart or 'nothing'}. Save again to put yours in its place.",
            ),
        )
    )
    given = {**theirs, "occasions": [], **fields, "seen": theirs["seen"]}
    return await _form(viewer, given, faults=told, status=409, of=stands.id)


def _read(fields: Lists) -> AlertSettings:
    """Read what was typed. Raises ``InvalidInput``."""
    by_url = _last(fields, "way") != "email"
    threshold, job = _last(fields, "threshold"), _last(fields, "job")
    if not threshold.isdecimal() or len(threshold) > len("1000"):
        raise InvalidInput("this is no count", field="threshold", remedy="give 1 to 1000")
    try:
        job_id = JobId(UUID(job)) if job else None
    except ValueError:
        raise InvalidInput("there is no such job", field="job", remedy="choose one") from None
    occasions = [each for each in fields.get("occasions", ()) if each in set(OCCASIONS)]
    return AlertSettings(
        name=_last(fields, "name"),
        url=_last(fields, "url") if by_url else None,
        email=None if by_url else _last(fields, "email"),
        occasions=frozenset(Occasion(each) for each in occasions),
        threshold=int(threshold),
        job_id=job_id,
    )


def _last(fields: Lists, name: str) -> str:
    return fields.get(name, [""])[-1].strip()


async def _form(
    viewer: Viewer,
    given: Lists,
    *,
    faults: Faults = NO_FAULTS,
    status: int = 200,
    of: UUID | None = None,
) -> Response:
    async with viewer.desk.reading(viewer.caller) as work:
        jobs = await list_jobs(work, limit=PAGE_MOST)
    choices = [("", "All jobs"), *((str(each.job.id), each.job.name) for each in jobs.items)]
    chosen = _last(given, "job")
    if chosen not in dict(choices):
        choices.append((chosen, f"Job {chosen}"))
    return viewer.page(
        "settings/alert",
        status=status,
        tabs=tabs_at(_HERE),
        action=f"{_HERE}/{of or 'new'}",
        new=of is None,
        given=given,
        faults=faults,
        jobs=choices,
        more=jobs.more,
        occasions=_occasions(),
    )
