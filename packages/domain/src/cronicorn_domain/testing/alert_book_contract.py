"""Alerts: kept, changed and removed by their tenant; and notices, told once each."""

from dataclasses import replace

import pytest

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import DEFAULT_TENANT, AlertId, JobId, NoticeId, TenantId, new_uuid
from cronicorn_domain.model.alert import Alert, DueNotice, Email, Notice, Occasion
from cronicorn_domain.testing.builders import DAY, EPOCH, MINUTE, an_alert, an_endpoint, at
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())


def a_notice(alert: Alert, time: str = "12:00:00") -> Notice:
    """Return what tries an alert."""
    return Notice(
        id=NoticeId(new_uuid()),
        alert_id=alert.id,
        tenant=alert.tenant,
        occasion=Occasion.TEST,
        at=at(time),
        message="ada tries it",
    )


class AlertBookContract(StoreSuite):
    """What holds for alerts and notices."""

    async def keep(self, *alerts: Alert) -> None:
        """Keep alerts, in a unit of their own."""
        async with self.unit() as unit:
            for alert in alerts:
                await unit.alerts.add(alert)

    async def put(self, *notices: Notice) -> None:
        """Keep notices."""
        async with self.unit() as unit:
            for notice in notices:
                await unit.alerts.put(notice)

    async def is_any_due(self, time: str) -> bool:
        """Ask, in a unit that writes nothing."""
        async with self.given.units.begin_reading() as unit:
            return await unit.alerts.is_any_due(now=at(time))

    async def take(self, time: str, limit: int = 10) -> list[DueNotice]:
        """Take what is to be told, for a minute."""
        now = at(time)
        async with self.unit() as unit:
            return list(await unit.alerts.take(limit=limit, now=now, keep_until=now + MINUTE))

    async def test_an_alert_comes_back_as_it_was_kept(self) -> None:
        """By whichever way it tells, and is listed in the order of the ids."""
        alerts = [
            an_alert(),
            an_alert("mail", way=Email("ada@example.org"), threshold=7, enabled=False),
            an_alert("both", occasions=frozenset({Occasion.FAILING, Occasion.RECOVERED})),
        ]
        await self.keep(*alerts, an_alert("theirs", tenant=OTHER_TENANT))

        async with self.unit() as unit:
            assert await unit.alerts.list_alerts(DEFAULT_TENANT) == alerts
            assert await unit.alerts.list_alerts(DEFAULT_TENANT, limit=1) == alerts[:1]
            assert await unit.alerts.list_alerts(DEFAULT_TENANT, after=alerts[0].id) == alerts[1:]
            for alert in alerts:
                assert await unit.alerts.get(DEFAULT_TENANT, alert.id) == alert

    async def test_a_changed_alert_is_as_it_was_written(self) -> None:
        """What it was before is answered."""
        alert = an_alert()
        await self.keep(alert)
        changed = replace(alert, name="pager", threshold=1, updated_at=at("12:30:00"))

        async with self.unit() as unit:
            assert await unit.alerts.change(changed) == alert

        async with self.unit() as unit:
            assert await unit.alerts.get(DEFAULT_TENANT, alert.id) == changed

    async def test_another_tenants_alert_does_not_exist(self) -> None:
        """It is neither read, changed, removed nor tried."""
        alert = an_alert()
        await self.keep(alert)
        theirs = replace(alert, tenant=OTHER_TENANT)

        async with self.unit() as unit:
            for asked in (
                unit.alerts.get(OTHER_TENANT, alert.id),
                unit.alerts.remove(OTHER_TENANT, alert.id),
                unit.alerts.change(theirs),
                unit.alerts.put(a_notice(theirs)),
                unit.alerts.get(DEFAULT_TENANT, AlertId(new_uuid())),
            ):
                with pytest.raises(NotFound):
                    await asked

        assert await self.take("12:00:00") == []

    async def test_with_an_alert_its_notices_go(self) -> None:
        """Nothing is told of what nobody wants to know any more."""
        alert, other = an_alert(), an_alert("other")
        await self.keep(alert, other)
        await self.put(a_notice(alert), a_notice(other))

        async with self.unit() as unit:
            assert await unit.alerts.remove(DEFAULT_TENANT, alert.id) == alert

        assert [each.alert for each in await self.take("12:00:00")] == [other]

    async def test_a_notice_is_taken_by_one_at_a_time(self) -> None:
        """And again when whoever took it has not said by then that it was told; equal is over."""
        alert = an_alert()
        await self.keep(alert)
        notice = a_notice(alert)
        await self.put(notice)

        assert await self.take("11:59:59") == []
        (due,) = await self.take("12:00:00")
        assert due == DueNotice(notice=notice, alert=alert)
        assert await self.take("12:00:59") == []
        assert [each.notice for each in await self.take("12:01:00")] == [notice]

    async def test_whether_anything_is_to_be_told_is_asked_without_taking_it(self) -> None:
        """From its instant on, and no longer when somebody has taken it."""
        alert = an_alert()
        await self.keep(alert)
        await self.put(a_notice(alert))

        assert not await self.is_any_due("11:59:59")
        assert await self.is_any_due("12:00:00")
        assert len(await self.take("12:00:00")) == 1
        assert not await self.is_any_due("12:00:00")

    async def test_the_longest_waiting_are_taken_first(self) -> None:
        """And no more than were asked for."""
        alert = an_alert()
        await self.keep(alert)
        notices = [a_notice(alert, f"12:00:0{second}") for second in (3, 1, 2)]
        await self.put(*notices)

        first = await self.take("12:00:10", limit=2)

        assert {each.notice.at for each in first} == {at("12:00:01"), at("12:00:02")}
        assert [each.notice.at for each in await self.take("12:00:10")] == [at("12:00:03")]

    async def test_what_was_told_is_not_told_again(self) -> None:
        """Nor is what was given up; what was put off is, and knows how often it was tried."""
        alert = an_alert()
        await self.keep(alert)
        told, lost, later = (a_notice(alert) for _ in range(3))
        await self.put(told, lost, later)
        assert len(await self.take("12:00:00")) == 3

        async with self.unit() as unit:
            now = at("12:00:01")
            await unit.alerts.told(told.id, now=now)
            await unit.alerts.put_off(lost.id, until=None, reason="gone", now=now)
            await unit.alerts.put_off(later.id, until=at("12:05:00"), reason="busy", now=now)
            await unit.alerts.told(NoticeId(new_uuid()), now=now)

        assert await self.take("12:04:59") == []
        (due,) = await self.take("12:05:00")
        assert (due.notice, due.tries) == (later, 1)

    async def test_a_notice_names_its_endpoint_and_job(self) -> None:
        """As they are called when it is told."""
        endpoint = await self.add(an_endpoint(await self.add_job("shop"), "health"))
        alert = an_alert()
        await self.keep(alert)
        await self.put(replace(a_notice(alert), endpoint_id=endpoint.id))

        (due,) = await self.take("12:00:00")

        assert (due.job_name, due.endpoint_name) == ("shop", "health")

    async def test_old_notices_are_pruned(self) -> None:
        """Those that have ended before, so many at once; those that wait stay."""
        alert = an_alert()
        await self.keep(alert)
        notices = [a_notice(alert) for _ in range(3)]
        await self.put(*notices)
        async with self.unit() as unit:
            for notice in notices[:2]:
                await unit.alerts.told(notice.id, now=EPOCH)

        async with self.unit() as unit:
            assert await unit.alerts.prune_notices(before=EPOCH, limit=10) == 0
            assert await unit.alerts.prune_notices(before=EPOCH + DAY, limit=1) == 1
            assert await unit.alerts.prune_notices(before=EPOCH + DAY, limit=10) == 1

        assert [each.notice for each in await self.take("12:00:00")] == notices[2:]

    async def test_notices_are_listed_with_what_came_of_them(self) -> None:
        """The newest first, page by page: told, given up with the reason, or waiting."""
        alert, other = an_alert(), an_alert("other")
        await self.keep(alert, other)
        first, second, third = [a_notice(alert, f"12:00:0{second}") for second in range(3)]
        await self.put(third, first, second, a_notice(other))
        async with self.unit() as unit:
            await unit.alerts.put_off(second.id, until=EPOCH, reason="busy", now=EPOCH)
            await unit.alerts.told(first.id, now=EPOCH)
            await unit.alerts.put_off(second.id, until=None, reason="gone", now=EPOCH)

        async with self.unit() as unit:
            listed = await unit.alerts.list_notices(DEFAULT_TENANT, alert.id)
            told = [(each.notice, each.tries, each.ended_at, each.error) for each in listed]
            assert told == [
                (third, 0, None, None),
                (second, 2, EPOCH, "gone"),
                (first, 1, EPOCH, None),
            ]
            assert [each.next_at for each in listed] == [third.at, None, None]
            page = await unit.alerts.list_notices(
                DEFAULT_TENANT, alert.id, limit=1, before=third.id
            )
            assert [each.notice for each in page] == [second]
            with pytest.raises(NotFound):
                await unit.alerts.list_notices(OTHER_TENANT, alert.id)

    async def test_why_a_try_failed_is_forgotten_when_it_is_told(self) -> None:
        """What has ended without a reason was told."""
        alert = an_alert()
        notice = a_notice(alert)
        await self.keep(alert)
        await self.put(notice)
        async with self.unit() as unit:
            await unit.alerts.put_off(notice.id, until=EPOCH, reason="busy", now=EPOCH)
            await unit.alerts.told(notice.id, now=EPOCH)

        async with self.unit() as unit:
            (kept,) = await unit.alerts.list_notices(DEFAULT_TENANT, alert.id)
        assert (kept.ended_at, kept.error) == (EPOCH, None)

    async def test_a_notice_is_put_once(self) -> None:
        """Whoever puts it again hears so, and nothing becomes of it; also once it was told."""
        alert = an_alert()
        notice = a_notice(alert)
        await self.keep(alert)
        async with self.unit() as unit:
            assert await unit.alerts.put_once(notice)
        async with self.unit() as unit:
            assert not await unit.alerts.put_once(replace(notice, message="otherwise"))
            await unit.alerts.told(notice.id, now=EPOCH)
            assert not await unit.alerts.put_once(notice)
            with pytest.raises(NotFound):
                await unit.alerts.put_once(a_notice(an_alert("gone")))

        assert await self.take("12:00:00") == []

    async def test_alerts_about_budgets_are_found(self) -> None:
        """Of all tenants, in the order of their ids; none of a job, and none that is still."""
        about = [an_alert(), an_alert("theirs", tenant=OTHER_TENANT)]
        others = [
            an_alert("still", enabled=False),
            an_alert("of a job", job_id=JobId(new_uuid())),
            an_alert("of failures", occasions=frozenset({Occasion.FAILING})),
        ]
        await self.keep(*about, *others)

        async with self.unit() as unit:
            found = await unit.alerts.list_about_budgets()
            assert found == sorted(about, key=lambda each: each.id)
            assert await unit.alerts.list_about_budgets(limit=1) == found[:1]
            assert await unit.alerts.list_about_budgets(after=found[0].id) == found[1:]
