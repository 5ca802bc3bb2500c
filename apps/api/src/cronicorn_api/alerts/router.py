"""Routes of alerts."""

from typing import Annotated, Any, Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import AlertId, JobId, NoticeId
from cronicorn_domain.model.alert import Alert, KeptNotice
from cronicorn_management.alerts.changing import change_alert
from cronicorn_management.alerts.creating import create_alert
from cronicorn_management.alerts.reading import list_alerts, list_notices, read_alert
from cronicorn_management.alerts.removing import remove_alert
from cronicorn_management.alerts.settings import AlertChanges, AlertSettings, settings_of_alert
from cronicorn_management.alerts.trying import try_alert
from cronicorn_management.pages import PAGE_MOST, PAGE_USUAL
from fastapi import APIRouter, Path, Query, Response, status

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.alerts.schemas import (
    AlertBody,
    AlertList,
    AlertMembers,
    AlertPatch,
    NewAlert,
    NoticeBody,
    NoticeList,
    NoticeStatus,
)
from cronicorn_api.wire.identities import cursor_of, identity

router: Final = APIRouter(prefix="/alerts", tags=["alerts"])
PathAlert = Annotated[str, Path(alias="alertId")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MOST)]


@router.get("", operation_id="listAlerts")
async def list_all(
    desk: TheDesk, caller: TheCaller, limit: Limit = PAGE_MOST, cursor: str | None = None
) -> AlertList:
    """List alerts, the oldest first."""
    async with desk.reading(caller) as work:
        page = await list_alerts(work, limit=limit, after=cursor_of(cursor, AlertId))
    bodies = [_shown(each) for each in page.items]
    return AlertList(alerts=bodies, next_cursor=bodies[-1].id if page.more else None)


@router.post("", status_code=status.HTTP_201_CREATED, operation_id="createAlert")
async def create(desk: TheDesk, caller: TheCaller, given: NewAlert) -> AlertBody:
    """Create an alert."""
    settings = AlertSettings(name=given.name, **_read(given))
    async with desk.changing(caller) as work:
        return _shown(await create_alert(work, settings))


@router.get("/{alertId}", operation_id="getAlert")
async def read(desk: TheDesk, caller: TheCaller, alert_id: PathAlert) -> AlertBody:
    """Read an alert."""
    async with desk.reading(caller) as work:
        return _shown(await read_alert(work, identity("alert", alert_id, AlertId)))


@router.patch("/{alertId}", operation_id="changeAlert")
async def change(
    desk: TheDesk, caller: TheCaller, alert_id: PathAlert, given: AlertPatch
) -> AlertBody:
    """Change some members of an alert."""
    changes: AlertChanges = AlertChanges(**_read(given))  # type: ignore[typeddict-item]
    if "name" in given.model_fields_set:
        if given.name is None:
            raise InvalidInput("an alert has a name", field="name", remedy="leave it out")
        changes["name"] = given.name
    async with desk.changing(caller) as work:
        return _shown(await change_alert(work, identity("alert", alert_id, AlertId), changes))


@router.delete("/{alertId}", status_code=204, operation_id="deleteAlert")
async def delete(desk: TheDesk, caller: TheCaller, alert_id: PathAlert) -> None:
    """Forget an alert, and what it had still to tell."""
    async with desk.changing(caller) as work:
        await remove_alert(work, identity("alert", alert_id, AlertId))


@router.post("/{alertId}/test", status_code=202, operation_id="testAlert", response_class=Response)
async def test(desk: TheDesk, caller: TheCaller, alert_id: PathAlert) -> Response:
    """Have it tell that somebody tries it; a worker sends it within seconds."""
    await try_alert(desk, caller, identity("alert", alert_id, AlertId))
    return Response(status_code=202)


@router.get("/{alertId}/notices", operation_id="listNotices")
async def list_told(
    desk: TheDesk,
    caller: TheCaller,
    alert_id: PathAlert,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST)] = PAGE_USUAL,
    cursor: str | None = None,
) -> NoticeList:
    """List what an alert has told and still has to, the newest first; told ones last some weeks."""
    async with desk.reading(caller) as work:
        page = await list_notices(
            work,
            identity("alert", alert_id, AlertId),
            limit=limit,
            before=cursor_of(cursor, NoticeId),
        )
    bodies = [_notice(each) for each in page.items]
    return NoticeList(notices=bodies, next_cursor=bodies[-1].id if page.more else None)


def _notice(kept: KeptNotice) -> NoticeBody:
    notice = kept.notice
    ended = NoticeStatus.TOLD if kept.error is None else NoticeStatus.GIVEN_UP
    return NoticeBody(
        id=str(notice.id),
        occasion=notice.occasion,
        at=notice.at,
        status=NoticeStatus.WAITING if kept.ended_at is None else ended,
        tries=kept.tries,
        endpoint_id=None if notice.endpoint_id is None else str(notice.endpoint_id),
        failures=notice.failures or None,
        message=notice.message,
        next_try_at=kept.next_at,
        ended_at=kept.ended_at,
        error=kept.error,
    )


def _read(given: AlertMembers) -> dict[str, Any]:
    """Read the members that are there, null or not."""
    there = given.model_fields_set
    read: dict[str, Any] = {
        name: getattr(given, name)
        for name in ("url", "email", "threshold", "enabled")
        if name in there
    }
    if "occasions" in there:
        read["occasions"] = None if given.occasions is None else frozenset(given.occasions)
    if "job_id" in there:
        job_id = given.job_id
        read["job_id"] = None if job_id is None else identity("job", job_id, JobId)
    return read


def _shown(alert: Alert) -> AlertBody:
    settings = settings_of_alert(alert)
    return AlertBody(
        id=str(alert.id),
        name=alert.name,
        url=settings.url,
        email=settings.email,
        occasions=sorted(alert.occasions),
        threshold=alert.threshold,
        job_id=None if alert.job_id is None else str(alert.job_id),
        enabled=alert.enabled,
        created_at=alert.created_at,
        updated_at=alert.updated_at,
    )
