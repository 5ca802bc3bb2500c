"""A tenant's runs from above: sums that outlive them, and the list of those that are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from cronicorn_domain.identity import DEFAULT_TENANT, RunId, TenantId, new_uuid
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.durations import step_of
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Blocked, FailureKind, Outcome
from cronicorn_domain.ports.board import LATENESS_STEPS
from cronicorn_domain.ports.endpoint_queue import ClaimedRun
from cronicorn_domain.ports.overview import Holdings, NamedRun, Overview, Selection, Tally
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    an_endpoint,
    at,
    every,
    failed,
    succeeded,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

OTHER_TENANT = TenantId(new_uuid())
DAY_OF_TESTS = Selection(since=EPOCH, until=EPOCH + DAY)


class OverviewContract(StoreSuite):
    """What holds for sums and lists over all runs of a tenant."""

    async def add_named(
        self, job: str, *names: str, tenant: TenantId = DEFAULT_TENANT
    ) -> list[Endpoint]:
        """Keep a job with minutely endpoints."""
        kept = await self.add_job(job, tenant=tenant)
        return [await self.add(an_endpoint(kept, name)) for name in names]

    async def run_due(
        self, now: datetime, outcomes: Mapping[Endpoint, Outcome | None]
    ) -> dict[Endpoint, ClaimedRun]:
        """Run everything that is due for a second; what has no outcome stays under way."""
        by_id = {endpoint.id: endpoint for endpoint in outcomes}
        claimed = {by_id[run.lease.endpoint_id]: run for run in (await self.claim(now)).runs}
        for endpoint, run in claimed.items():
            await self.start(run, now)
            if (outcome := outcomes[endpoint]) is not None:
                await self.settle(run, now + SECOND, outcome, started_at=now)
        return claimed

    async def run_minutely(self, count: int) -> None:
        """Run the first slots of the only endpoint there is."""
        for number in range(count):
            await self.run_once(FIRST_SLOT + number * MINUTE)

    async def test_without_runs_there_is_nothing(self) -> None:
        """No sums, no runs, no count; and what there is besides is counted."""
        await self.add_named("shop", "health", "stock")
        async with self.unit() as unit:
            overview, tenant = unit.overview, DEFAULT_TENANT
            sums = [
                await overview.hours(tenant, DAY_OF_TESTS),
                await overview.jobs(tenant, DAY_OF_TESTS),
                await overview.busiest(tenant, DAY_OF_TESTS, limit=5),
                await overview.newest_runs(tenant, DAY_OF_TESTS, limit=5),
            ]
            count = await overview.count_runs(tenant, DAY_OF_TESTS)
            holdings = await overview.holdings(tenant, now=EPOCH)

        assert sums == [[], [], [], []]
        assert count == 0
        assert holdings == Holdings(jobs=1, endpoints=2, paused=0)

    async def test_what_is_archived_does_not_stand_and_what_is_paused_does(self) -> None:
        """An endpoint of a paused job is paused; a pause that ends now has ended."""
        resting, open_ended, gone = await self.add_named("shop", "a", "b", "c")
        (of_paused,) = await self.add_named("store", "d")
        (of_archived,) = await self.add_named("depot", "e")
        await self.add_named("theirs", "f", tenant=OTHER_TENANT)
        await self.pause(resting, EPOCH, until=EPOCH + HOUR)
        await self.pause(open_ended, EPOCH)
        await self.archive(gone, EPOCH)
        async with self.unit() as unit:
            await unit.catalog.pause_job(DEFAULT_TENANT, of_paused.job_id, now=EPOCH)
            await unit.catalog.archive_job(DEFAULT_TENANT, of_archived.job_id, now=EPOCH)

        async with self.unit() as unit:
            during = await unit.overview.holdings(DEFAULT_TENANT, now=EPOCH + MINUTE)
            behind = await unit.overview.holdings(DEFAULT_TENANT, now=EPOCH + HOUR)

        assert during == Holdings(jobs=2, endpoints=3, paused=3)
        assert behind == Holdings(jobs=2, endpoints=3, paused=2)

    async def test_each_outcome_is_counted_where_it_belongs(self) -> None:
        """By who answers for it; only what was requested and ended has a duration."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), lasts=3 * SECOND)
        await self.run_once(at("12:02:00"), failed())
        await self.run_once(at("12:04:00"), failed(FailureKind.SIGNING))
        await self.run_once((await self.decision(endpoint)).due_at, Blocked(message="held back"))

        async with self.unit() as unit:
            hours = await unit.overview.hours(DEFAULT_TENANT, DAY_OF_TESTS)
            (job,) = await unit.overview.jobs(DEFAULT_TENANT, DAY_OF_TESTS)
            (busy,) = await unit.overview.busiest(DEFAULT_TENANT, DAY_OF_TESTS, limit=3)

        whole = Tally()
        for hour in hours:
            whole = whole.plus(hour.tally)
        assert whole == Tally(
            success=1,
            target_failure=1,
            our_failure=1,
            not_attempted=1,
            timed=3,
            duration=5 * SECOND,
        )
        assert (whole.runs, job.tally, busy.tally) == (4, whole, whole)
        assert (job.name, busy.name, busy.job_name) == ("shop", "health", "shop")
        assert busy.last_start == (await self.state(endpoint)).last_start

    async def test_sums_are_told_by_hour_and_source(self) -> None:
        """Each hour with its own beginning, the earliest first."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:59:00"))
        await self.run_now(endpoint, at("12:59:10"))
        await self.run_once(at("12:59:10"))
        await self.run_once(at("13:00:00"))

        async with self.unit() as unit:
            hours = await unit.overview.hours(DEFAULT_TENANT, DAY_OF_TESTS)
            manual = await unit.overview.hours(
                DEFAULT_TENANT,
                replace(DAY_OF_TESTS, source=Source.MANUAL),
            )

        found = [(each.begins_at, each.source, each.tally.success) for each in hours]
        assert found == [
            (at("12:00:00"), Source.BASELINE_INTERVAL, 1),
            (at("12:00:00"), Source.MANUAL, 1),
            (at("13:00:00"), Source.BASELINE_INTERVAL, 1),
        ]
        assert [each.source for each in manual] == [Source.MANUAL]

    async def test_endpoints_are_summed_up_by_stretches_of_time(self) -> None:
        """Each begins with its edge and ends with the next; empty ones are left out."""
        endpoint = await self.add_minutely()
        await self.run_minutely(5)
        edges = [at("12:02:00"), at("12:04:00"), at("12:04:30"), at("12:05:00")]
        window = Selection(since=EPOCH, until=at("12:06:00"))

        async with self.unit() as unit:
            overview = unit.overview
            found = await overview.stretches(DEFAULT_TENANT, [endpoint.id], window, edges=edges)
            of_none = await overview.stretches(DEFAULT_TENANT, [], window, edges=edges)
            never = await overview.stretches(DEFAULT_TENANT, [endpoint.id], window, edges=[])

        assert [(each.endpoint_id, each.begins_at, each.tally.success) for each in found] == [
            (endpoint.id, at("12:02:00"), 2),
            (endpoint.id, at("12:04:00"), 1),
            (endpoint.id, at("12:05:00"), 1),
        ]
        assert of_none == never == []

    async def test_how_long_and_how_late_runs_were_is_counted_by_steps(self) -> None:
        """By stretches, of all or of one job or source; what was never requested is not counted."""
        (health,) = await self.add_named("shop", "health")
        await self.add_named("store", "stock")
        held_back = Blocked(message="held back")
        rounds: Sequence[tuple[int, Outcome]] = [(1, succeeded()), (3, failed()), (1, held_back)]
        for number, (lasts, outcome) in enumerate(rounds):
            due = (await self.decision(health)).due_at
            began = due + 4 * number * SECOND
            for run in (await self.claim(due)).runs:
                await self.start(run, began)
                await self.settle(run, began + lasts * SECOND, outcome, started_at=began)
        edges = [EPOCH, at("12:02:00"), at("12:30:00")]
        of_shop = replace(DAY_OF_TESTS, job_id=health.job_id)
        by_hand = replace(DAY_OF_TESTS, source=Source.MANUAL)

        async with self.unit() as unit:
            overview, mine = unit.overview, DEFAULT_TENANT
            first, second = await overview.spreads(mine, DAY_OF_TESTS, edges=edges)
            shops = await overview.spreads(mine, of_shop, edges=edges)
            later = await overview.spreads(mine, DAY_OF_TESTS, edges=edges[1:])
            none = [
                await overview.spreads(mine, DAY_OF_TESTS, edges=[]),
                await overview.spreads(mine, by_hand, edges=edges),
                await overview.spreads(OTHER_TENANT, DAY_OF_TESTS, edges=edges),
                await overview.spreads(OTHER_TENANT, of_shop, edges=edges),
            ]

        assert (first.begins_at, second.begins_at) == (EPOCH, at("12:02:00"))
        assert first.durations == {step_of(SECOND): 2}
        assert first.lateness == {0: 2}
        assert second.durations == {step_of(3 * SECOND): 2}
        (step,) = second.lateness
        assert LATENESS_STEPS[step - 1] < 4 * SECOND <= LATENESS_STEPS[step]
        assert [sum(each.durations.values()) for each in shops] == [1, 1]
        assert later == [second]
        assert none == [[], [], [], []]

    async def test_the_busiest_come_first(self) -> None:
        """By how many runs they had, jobs and endpoints alike, as far as was asked for."""
        seldom, often = await self.add_named("shop", "seldom", "often")
        (other,) = await self.add_named("store", "other")
        outcomes = dict.fromkeys((seldom, often, other), failed())
        await self.run_due(FIRST_SLOT, outcomes)
        await self.pause(seldom, FIRST_SLOT + 2 * SECOND)
        await self.pause(other, FIRST_SLOT + 2 * SECOND)
        await self.run_due((await self.decision(often)).due_at, outcomes)

        async with self.unit() as unit:
            most = await unit.overview.busiest(DEFAULT_TENANT, DAY_OF_TESTS, limit=1)
            jobs = await unit.overview.jobs(DEFAULT_TENANT, DAY_OF_TESTS)
            of_store = await unit.overview.busiest(
                DEFAULT_TENANT,
                replace(DAY_OF_TESTS, job_id=other.job_id),
                limit=5,
            )

        assert [(each.name, each.tally.runs) for each in most] == [("often", 2)]
        assert [(each.name, each.tally.runs) for each in jobs] == [("shop", 3), ("store", 1)]
        assert [each.name for each in of_store] == ["other"]

    @pytest.mark.parametrize(
        ("since", "until", "count"),
        [
            ("12:01:00", "12:03:00", 3),
            ("12:02:00", "12:02:00", 1),
            ("12:02:30", "12:02:59", 1),
            ("12:04:00", "13:00:00", 0),
        ],
    )
    async def test_a_window_has_both_its_ends(self, since: str, until: str, count: int) -> None:
        """To the minute; trap T41."""
        await self.add_minutely()
        await self.run_minutely(3)
        window = Selection(since=at(since), until=at(until))

        async with self.unit() as unit:
            hours = await unit.overview.hours(DEFAULT_TENANT, window)

        assert sum(each.tally.success for each in hours) == count

    async def test_the_newest_runs_are_listed_page_by_page(self) -> None:
        """Of all endpoints, none twice and none left out; what is under way is among them."""
        health, stock = await self.add_named("shop", "health", "stock")
        await self.run_due(FIRST_SLOT, {health: failed(), stock: failed()})
        now = (await self.decision(health)).due_at
        await self.run_due(now, {health: None, stock: None})
        found: list[RunId] = []
        last: RunId | None = None
        async with self.unit() as unit:
            overview = unit.overview
            while page := await overview.newest_runs(
                DEFAULT_TENANT, DAY_OF_TESTS, limit=3, before=last
            ):
                found += [each.run.id for each in page]
                last = found[-1]
            whole = await overview.newest_runs(DEFAULT_TENANT, DAY_OF_TESTS, limit=9)
            behind = await overview.newest_runs(DEFAULT_TENANT, DAY_OF_TESTS, limit=9, offset=3)
            count = await overview.count_runs(DEFAULT_TENANT, DAY_OF_TESTS)

        slots = [each.run.slot for each in whole]
        assert found == [each.run.id for each in whole]
        assert len(set(found)) == count == 4
        assert slots == sorted(slots, reverse=True)
        assert [each.run.id for each in behind] == found[3:]
        assert {(each.endpoint_name, each.job_name) for each in whole} == {
            ("health", "shop"),
            ("stock", "shop"),
        }

    async def test_runs_are_listed_by_job_source_and_window(self) -> None:
        """And counted likewise."""
        (health,) = await self.add_named("shop", "health")
        (stock,) = await self.add_named("store", "stock")
        await self.run_due(FIRST_SLOT, dict.fromkeys((health, stock), failed()))
        selections = (
            replace(DAY_OF_TESTS, job_id=stock.job_id),
            replace(DAY_OF_TESTS, source=Source.MANUAL),
            Selection(since=EPOCH, until=FIRST_SLOT - SECOND),
            Selection(since=FIRST_SLOT, until=FIRST_SLOT),
        )

        async with self.unit() as unit:
            lists = [
                [each.endpoint_name for each in await self.newest(unit.overview, which)]
                for which in selections
            ]
            counts = [await unit.overview.count_runs(DEFAULT_TENANT, which) for which in selections]

        assert [sorted(names) for names in lists] == [["stock"], [], [], ["health", "stock"]]
        assert counts == [1, 0, 0, 2]

    async def newest(self, overview: Overview, which: Selection) -> Sequence[NamedRun]:
        """List runs of the tenant of these tests."""
        return await overview.newest_runs(DEFAULT_TENANT, which, limit=9)

    async def test_what_is_anothers_is_neither_counted_nor_listed(self) -> None:
        """By no way, nor by naming their job, their endpoint or their run."""
        (theirs,) = await self.add_named("theirs", "health", tenant=OTHER_TENANT)
        run = (await self.run_due(FIRST_SLOT, {theirs: failed()}))[theirs]
        of_their_job = replace(DAY_OF_TESTS, job_id=theirs.job_id)

        async with self.unit() as unit:
            overview, mine = unit.overview, DEFAULT_TENANT
            for which in (DAY_OF_TESTS, of_their_job):
                assert await overview.hours(mine, which) == []
                assert await overview.jobs(mine, which) == []
                assert await overview.busiest(mine, which, limit=5) == []
                assert await overview.stretches(mine, [theirs.id], which, edges=[EPOCH]) == []
                assert await overview.newest_runs(mine, which, limit=5) == []
                assert await overview.count_runs(mine, which) == 0
            before = run.lease.run_id
            assert await overview.newest_runs(mine, DAY_OF_TESTS, limit=5, before=before) == []
            assert len(await overview.hours(OTHER_TENANT, of_their_job)) == 1

    async def test_sums_outlive_their_runs(self) -> None:
        """Pruned runs are counted and not listed; older sums are told by hours, then by days."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=every(50 * MINUTE)))
        for _ in range(20):
            await self.run_once((await self.decision(endpoint)).due_at)
        window = Selection(since=EPOCH - DAY, until=EPOCH + 9 * DAY)

        for now in (EPOCH + 4 * DAY, EPOCH + 100 * DAY):
            await self.prune_at(now)
            async with self.unit() as unit:
                hours = await unit.overview.hours(DEFAULT_TENANT, window)
                (busy,) = await unit.overview.busiest(DEFAULT_TENANT, window, limit=2)
                listed = await unit.overview.count_runs(DEFAULT_TENANT, window)
                spreads = await unit.overview.spreads(DEFAULT_TENANT, window, edges=[window.since])
                of_job = replace(window, job_id=job.id)
                of_one = await unit.overview.spreads(DEFAULT_TENANT, of_job, edges=[window.since])
            assert sum(each.tally.success for each in hours) == busy.tally.success == 20
            assert listed == 0
            assert spreads == of_one
            assert [sum(each.lateness.values()) for each in spreads] == [20]
        assert [each.begins_at for each in hours] == [
            EPOCH.replace(hour=0),
            EPOCH.replace(hour=0) + DAY,
        ]

    async def test_sums_are_the_same_before_and_after_they_are_made(self) -> None:
        """Whatever is added up meanwhile, where windows begin and end, and what ends hours late."""
        await self.add_minutely("slow")
        slow = await self.start_one(FIRST_SLOT)
        often = await self.add(
            an_endpoint(await self.add_job("often"), schedule=every(13 * MINUTE))
        )
        for _ in range(18):
            await self.run_once((await self.decision(often)).due_at)
        india = timezone(timedelta(hours=5, minutes=30))
        windows = [
            # Told as in India, whose hours begin at half past.
            Selection(since=at(since).astimezone(india), until=at(until).astimezone(india))
            for since, until in (
                ("00:00:00", "23:00:00"),
                ("12:00:00", "12:59:59"),
                ("12:14:00", "12:40:00"),
                ("12:14:00", "14:18:00"),
                ("13:00:00", "15:59:59"),
                ("15:20:00", "23:00:00"),
            )
        ]
        counts = [18, 4, 2, 9, 14, 3]
        for now in map(at, ("13:10:00", "13:25:00", "14:25:00", "15:25:00", "23:00:00")):
            await self.prune_at(now)
            for window, count in zip(windows, counts, strict=True):
                assert await self.counted(window) == (count, count, count), (now, window)

        await self.settle(slow, at("23:30:00"))
        for now in (at("23:45:00"), EPOCH + 3 * DAY):
            await self.prune_at(now)
            assert await self.counted(windows[0]) == (19, 19, 19), now
            assert await self.counted(windows[1]) == (5, 5, 5), now

    async def counted(self, window: Selection) -> tuple[int, int, int]:
        """Count the runs of a window by hours, by jobs and by endpoints."""
        async with self.unit() as unit:
            hours = await unit.overview.hours(DEFAULT_TENANT, window)
            jobs = await unit.overview.jobs(DEFAULT_TENANT, window)
            busiest = await unit.overview.busiest(DEFAULT_TENANT, window, limit=10)
        by_hour, by_job, by_endpoint = (
            sum(each.tally.runs for each in sums) for sums in (hours, jobs, busiest)
        )
        return by_hour, by_job, by_endpoint

    async def prune_at(self, now: datetime) -> None:
        """Delete all that is a day old at an instant."""
        left = True
        while left:
            async with self.unit() as unit:
                left = bool((await unit.runs.prune(before=now - DAY, limit=100, now=now)).most)
