"""Alerts as people give them: judged, changed member by member, tried, removed."""

import pytest
from cronicorn_domain.errors import (
    InvalidInput,
    LimitReached,
    NotFound,
    RefusedUrl,
    TooManyRequests,
)
from cronicorn_domain.identity import JobId, new_uuid
from cronicorn_domain.model.alert import OCCASIONS, Email, Occasion, Webhook
from cronicorn_domain.testing.builders import MINUTE
from cronicorn_management.alerts.changing import change_alert
from cronicorn_management.alerts.creating import ALERTS_MOST, create_alert
from cronicorn_management.alerts.reading import list_alerts, read_alert
from cronicorn_management.alerts.removing import remove_alert
from cronicorn_management.alerts.settings import AlertChanges, AlertSettings
from cronicorn_management.alerts.trying import RATE, try_alert

URL = "http://pager.example/"


async def created(office, name="pager", **members):
    """Create an alert by webhook, unless another way is given."""
    if "email" not in members:
        members.setdefault("url", URL)
    async with office.changing() as work:
        return await create_alert(work, AlertSettings(name=name, **members))


async def changed(office, alert, **changes):
    """Change an alert."""
    async with office.changing() as work:
        return await change_alert(work, alert.id, AlertChanges(**changes))  # type: ignore[typeddict-item]


async def test_an_alert_has_its_defaults(office) -> None:
    """Of everything, at three failures, of all jobs."""
    alert = await created(office)

    assert (alert.way, alert.occasions, alert.threshold) == (Webhook(URL), OCCASIONS, 3)
    assert (alert.job_id, alert.enabled) == (None, True)
    async with office.reading() as work:
        assert await read_alert(work, alert.id) == alert
        assert (await list_alerts(work)).items == [alert]


async def test_one_way_replaces_the_other(office) -> None:
    """And null sets a member back, trap T12."""
    job = await office.a_job()
    alert = await created(office, threshold=5, job_id=job.id)

    mailed = await changed(office, alert, email="ada@example.org")
    back = await changed(office, alert, url=URL, threshold=None, job_id=None)

    assert (mailed.way, mailed.threshold, mailed.job_id) == (Email("ada@example.org"), 5, job.id)
    assert (back.way, back.threshold, back.job_id) == (Webhook(URL), 3, None)


async def test_writing_what_stands_changes_nothing(office) -> None:
    """Neither the alert nor the audit, trap T50."""
    alert = await created(office)
    office.clock.advance_to(office.clock.now() + MINUTE)

    assert await changed(office, alert, threshold=3, url=URL) == alert

    assert await office.deeds() == ["create"]


@pytest.mark.parametrize(
    ("members", "refusal"),
    [
        ({"url": None, "email": None}, InvalidInput),
        ({"url": URL, "email": "ada@example.org"}, InvalidInput),
        ({"threshold": 0}, InvalidInput),
        ({"occasions": frozenset()}, InvalidInput),
        ({"email": "nobody"}, InvalidInput),
        ({"job_id": JobId(new_uuid())}, NotFound),
    ],
)
async def test_what_cannot_be_meant_is_refused(office, members, refusal) -> None:
    """Nothing of it is kept."""
    with pytest.raises(refusal):
        await created(office, **members)

    async with office.reading() as work:
        assert (await list_alerts(work)).items == []


async def test_a_webhook_is_judged_by_the_egress_rules(office) -> None:
    """When it is written, as an endpoint's URL is."""
    with pytest.raises(RefusedUrl):
        await created(office, url=office.metadata)


async def test_a_tenant_has_so_many_alerts(office) -> None:
    """More are refused, with the number."""
    for number in range(ALERTS_MOST):
        await created(office, f"alert {number}")

    with pytest.raises(LimitReached):
        await created(office, "one too many")


async def test_an_alert_is_tried_by_what_tells_everything(office) -> None:
    """Also while it is off: it waits for a worker, and says who tried it."""
    alert = await created(office, enabled=False, occasions=frozenset({Occasion.FAILING}))

    await try_alert(office.desk, office.ada, alert.id)

    async with office.changing() as work:
        now = work.now
        (due,) = await work.alerts.take(limit=9, now=now, keep_until=now + MINUTE)
    assert due.notice.occasion is Occasion.TEST
    assert office.ada.actor in due.notice.message


async def test_a_removed_alert_is_gone(office) -> None:
    """With what it had still to tell; the audit tells what was done."""
    alert = await created(office)
    await try_alert(office.desk, office.ada, alert.id)
    async with office.changing() as work:
        await remove_alert(work, alert.id)

    async with office.changing() as work:
        now = work.now
        assert await work.alerts.take(limit=9, now=now, keep_until=now + MINUTE) == []
    assert await office.deeds() == ["create", "remove"]


async def test_alerts_are_tried_so_often_a_minute(office) -> None:
    """Each trial is a letter to whomever an alert names: nobody is flooded by the operator."""
    alert = await created(office)
    for _ in range(RATE.count):
        await try_alert(office.desk, office.ada, alert.id)

    with pytest.raises(TooManyRequests):
        await try_alert(office.desk, office.ada, alert.id)


async def test_another_tenants_alert_is_not_tried(office) -> None:
    """It does not exist for whoever else asks."""
    alert = await created(office)

    with pytest.raises(NotFound):
        await try_alert(office.desk, office.stranger, alert.id)


@pytest.mark.parametrize("verb", [read_alert, remove_alert, change_alert])
async def test_another_tenants_alert_does_not_exist(office, verb) -> None:
    """Whatever is asked of it."""
    alert = await created(office)
    more = [{"threshold": 1}] if verb is change_alert else []

    with pytest.raises(NotFound):
        async with office.changing(office.stranger) as work:
            await verb(work, alert.id, *more)

    async with office.reading(office.stranger) as work:
        assert (await list_alerts(work)).items == []
