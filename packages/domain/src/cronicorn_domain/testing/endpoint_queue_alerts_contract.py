"""What happens to endpoints is told by those alerts that want to know, once."""

from cronicorn_domain.identity import TenantId, new_uuid
from cronicorn_domain.model.alert import Alert, Occasion
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.rules import EndpointRule, Notify, RuleSet
from cronicorn_domain.model.rulings import Ruling
from cronicorn_domain.model.run import FailureKind, Outcome
from cronicorn_domain.ports.endpoint_queue import Deferral, Settled
from cronicorn_domain.testing.builders import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    an_alert,
    an_endpoint,
    cron,
    failed,
    succeeded,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

FAILED = failed()
WELL = succeeded()


class EndpointQueueAlertsContract(StoreSuite):
    """Streaks and their ends, quarantines and deferrals: with the write that makes them so."""

    async def add_watched(self, *alerts: Alert) -> Endpoint:
        """Keep alerts, and an endpoint of every minute by the clock."""
        async with self.unit() as unit:
            for alert in alerts:
                await unit.alerts.add(alert)
        return await self.add(an_endpoint(await self.add_job(), schedule=cron("* * * * *")))

    async def play(self, *outcomes: Outcome, first: int = 0) -> None:
        """Run slots, minute by minute, each with its outcome."""
        for number, outcome in enumerate(outcomes, start=first):
            await self.run_once(FIRST_SLOT + number * MINUTE, outcome)

    async def told(self) -> list[tuple[str, str, int]]:
        """Take everything that is to be told: by which alert, of what, after how many failures."""
        now = FIRST_SLOT + DAY
        async with self.unit() as unit:
            due = await unit.alerts.take(limit=100, now=now, keep_until=now + 100 * DAY)
        found = [(each.notice.at, each.alert.name, each) for each in due]
        return [
            (name, each.notice.occasion.value, each.notice.failures)
            for _, name, each in sorted(found, key=lambda one: one[:2])
        ]

    async def test_a_streak_is_told_once_at_its_threshold(self) -> None:
        """Each alert has its own, and its end is told by those that told of it."""
        await self.add_watched(an_alert("soon", threshold=1), an_alert("late", threshold=3))

        await self.play(FAILED, FAILED, WELL)

        assert await self.told() == [("soon", "failing", 1), ("soon", "recovered", 2)]
        await self.play(FAILED, FAILED, FAILED, FAILED, WELL, WELL, first=3)
        assert await self.told() == [
            ("soon", "failing", 1),
            ("late", "failing", 3),
            ("late", "recovered", 4),
            ("soon", "recovered", 4),
        ]

    async def test_what_goes_well_is_not_told(self) -> None:
        """Nor is a failure of ours, which is none of the target's."""
        await self.add_watched(an_alert(threshold=1))

        await self.play(WELL, failed(FailureKind.SIGNING), WELL)

        assert await self.told() == []

    async def test_an_alert_tells_what_it_is_about(self) -> None:
        """Not of another tenant's, of another job's, of other occasions, nor while it is off."""
        other_job = await self.add_job("other")
        recovered = frozenset({Occasion.RECOVERED})
        await self.add_watched(
            an_alert("theirs", tenant=TenantId(new_uuid()), threshold=1),
            an_alert("other job", job_id=other_job.id, threshold=1),
            an_alert("off", enabled=False, threshold=1),
            an_alert("recoveries", occasions=recovered, threshold=1),
        )

        await self.play(FAILED, FAILED, WELL)

        assert await self.told() == [("recoveries", "recovered", 2)]

    async def test_an_alert_that_is_younger_than_the_streak_hears_of_it(self) -> None:
        """With the next failure, whatever its number."""
        await self.add_watched()
        await self.play(FAILED, FAILED, FAILED)

        async with self.unit() as unit:
            await unit.alerts.add(an_alert(threshold=2))
        await self.play(FAILED, FAILED, first=3)

        assert await self.told() == [("alert", "failing", 4)]

    async def test_each_endpoint_has_its_own_streak(self) -> None:
        """Settled together, each is told of by its own count."""
        first = await self.add_watched(an_alert(threshold=2))
        async with self.unit() as unit:
            job = await unit.catalog.get_job(first.tenant, first.job_id)
        await self.add(an_endpoint(job, "second", schedule=cron("* * * * *")))

        for number in range(2):
            now = FIRST_SLOT + number * MINUTE
            runs = (await self.claim(now)).runs
            await self.queue.start([run.lease.token for run in runs], now=now)
            by_name = {"health": FAILED, "second": WELL if number else FAILED}
            ended = [(run, by_name[run.endpoint.name]) for run in runs]
            await self.settle_all(ended, now + SECOND)

        assert await self.told() == [("alert", "failing", 2)]

    async def test_a_streak_that_somebody_resets_begins_anew(self) -> None:
        """Its first failure forgets what was told before."""
        endpoint = await self.add_watched(an_alert(threshold=2))
        await self.play(FAILED, FAILED)
        async with self.unit() as unit:
            await unit.catalog.reset_failures(
                endpoint.tenant, endpoint.id, now=FIRST_SLOT + 90 * SECOND
            )

        await self.play(FAILED, FAILED, first=2)

        assert await self.told() == [("alert", "failing", 2), ("alert", "failing", 2)]

    async def test_a_quarantine_is_told(self) -> None:
        """With the reason, by the claim that sets the endpoint aside."""
        endpoint = await self.add_watched(an_alert(threshold=9))
        await self.given.corrupt_schedule(endpoint.id)

        batch = await self.claim(FIRST_SLOT)

        assert endpoint.id in batch.quarantined
        assert await self.told() == [("alert", "quarantined", 0)]

    async def test_a_rule_tells_people_why(self) -> None:
        """With the end of its run, beside what else there is to tell of it, and not each time."""
        rule = EndpointRule(when="body.low", then=(Notify(),), reason="the stock is low")
        await self.add_watched(an_alert("all", threshold=1), an_alert("threes", threshold=3))
        job = await self.add_job("ruled")
        ruled = an_endpoint(job, "ruled", rules=RuleSet(rules=(rule,)), schedule=cron("* * * * *"))
        await self.add(ruled)
        for number in range(2):
            now = FIRST_SLOT + number * MINUTE
            for run in (await self.claim(now)).runs:
                assert await self.start(run, now) is None
                held = (rule,) if run.endpoint.name == "ruled" else ()
                outcome = FAILED if held and not number else WELL
                await self.settle(run, now + SECOND, outcome=outcome, ruling=Ruling(held=held))

        assert await self.told() == [
            ("all", "failing", 1),
            ("all", "rule", 0),
            ("threes", "rule", 0),
            ("all", "recovered", 1),
        ]

    async def test_a_deferral_is_told(self) -> None:
        """Once: until its end the endpoint is not claimed again, trap T02."""
        await self.add_watched(an_alert(threshold=9))
        run = await self.claim_one(FIRST_SLOT)
        deferral = Deferral(until=FIRST_SLOT + HOUR, reason="the quota is used up")

        released = await self.queue.release([run.lease.token], now=FIRST_SLOT, deferral=deferral)

        assert released == {run.lease.token: Settled.ACCEPTED}
        await self.expect_nothing_due(FIRST_SLOT + MINUTE)
        assert await self.told() == [("alert", "deferred", 0)]
