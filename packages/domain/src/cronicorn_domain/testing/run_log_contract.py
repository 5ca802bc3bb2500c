"""The history: runs, slots that were not run, their statistics, and what pruning leaves."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import DEFAULT_TENANT, RunId, TenantId, WorkerId, new_uuid
from cronicorn_domain.model.decision import Decision, Kind, Source
from cronicorn_domain.model.durations import percentile, step_of
from cronicorn_domain.model.endpoint import Endpoint, Misfire, MisfirePolicy
from cronicorn_domain.model.run import (
    Blocked,
    Body,
    BodyKind,
    FailureKind,
    OutcomeClass,
    Response,
    Run,
    RunStatus,
    Succeeded,
    Timing,
)
from cronicorn_domain.ports.endpoint_queue import Settled
from cronicorn_domain.ports.run_log import Health, Pruned, RunLog
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    an_endpoint,
    an_interval_hint,
    at,
    every,
    failed,
    succeeded,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, LEASE, StoreSuite

OTHER_TENANT = TenantId(new_uuid())
FOREIGN: dict[str, Callable[[RunLog, Endpoint], Awaitable[object]]] = {
    "list_runs": lambda runs, endpoint: runs.list_runs(OTHER_TENANT, endpoint.id),
    "count_runs": lambda runs, endpoint: runs.count_runs(OTHER_TENANT, endpoint.id),
    "list_slot_records": lambda runs, endpoint: runs.list_slot_records(OTHER_TENANT, endpoint.id),
    "health": lambda runs, endpoint: runs.health(
        OTHER_TENANT, endpoint.id, since=EPOCH, now=EPOCH + HOUR
    ),
}


def a_test_run(endpoint: Endpoint, slot: datetime) -> Run:
    """Return a test run that failed, with everything that a run can have."""
    return Run(
        id=RunId(new_uuid()),
        endpoint_id=endpoint.id,
        tenant=endpoint.tenant,
        decision=Decision(slot=slot, due_at=slot, source=Source.TEST, trail=()),
        kind=Kind.TEST,
        attempt=1,
        worker=WorkerId("api"),
        claimed_at=slot,
        status=RunStatus.FAILED,
        started_at=slot,
        finished_at=slot + SECOND,
        outcome_class=OutcomeClass.TARGET,
        failure_kind=FailureKind.HTTP_STATUS,
        message="answered 500",
        response=Response(
            status_code=500,
            headers=(("content-type", "text/plain"),),
            body=Body(kind=BodyKind.TEXT, text="oh"),
        ),
        timing=Timing(connected=SECOND / 4, first_byte=SECOND / 2, complete=SECOND),
    )


class RunLogContract(StoreSuite):
    """What holds for the history."""

    async def health(
        self, endpoint: Endpoint, *, since: datetime = EPOCH, now: datetime = EPOCH + DAY
    ) -> Health:
        """Read the statistics."""
        async with self.unit() as unit:
            return await unit.runs.health(endpoint.tenant, endpoint.id, since=since, now=now)

    async def prune(self, before: datetime, *, limit: int = 100) -> Pruned:
        """Delete history."""
        async with self.unit() as unit:
            return await unit.runs.prune(before=before, limit=limit, now=EPOCH + DAY)

    async def run_minutely(self, count: int) -> None:
        """Run the only endpoint's first slots."""
        for number in range(count):
            await self.run_once(FIRST_SLOT + number * MINUTE)

    async def test_without_history_there_is_nothing(self) -> None:
        """A new endpoint has no runs, no records, and statistics of nothing."""
        endpoint = await self.add_minutely()

        assert await self.runs(endpoint) == []
        assert await self.records(endpoint) == []
        assert await self.health(endpoint) == Health()

    async def test_runs_are_listed_with_their_answers_if_one_asks(self) -> None:
        """Each with its own; else without: most lists show none of it."""
        endpoint = await self.add_minutely()
        for number in range(3):
            body = Body(kind=BodyKind.TEXT, text=f"answer {number}")
            response = Response(status_code=200, headers=(("x-load", "9"),), body=body)
            outcome = Succeeded(response=response) if number < 2 else failed()
            await self.run_once(FIRST_SLOT + number * MINUTE, outcome)
        async with self.unit() as unit:
            listed = await unit.runs.list_runs(
                endpoint.tenant, endpoint.id, limit=2, offset=0, bodies=True
            )
            all_of_them = await unit.runs.list_runs(endpoint.tenant, endpoint.id, bodies=True)
            bare = await unit.runs.list_runs(endpoint.tenant, endpoint.id)
            read = [await unit.runs.get(endpoint.tenant, each.id) for each in bare]

        assert list(all_of_them) == read
        assert list(listed) == read[:2]
        texts = [each.response.body.text for each in read if each.response is not None]
        assert texts[-2:] == ["answer 1", "answer 0"]
        assert not any(each.response and each.response.body.text for each in bare)

    async def test_a_test_run_is_kept_apart(self) -> None:
        """It is listed and read back whole; neither health nor the schedule knows of it; T36."""
        endpoint = await self.add_minutely()
        before = await self.state(endpoint)
        run = a_test_run(endpoint, FIRST_SLOT + SECOND)

        async with self.unit() as unit:
            await unit.runs.add_test(run)
            await unit.runs.add_test(replace(run, id=RunId(new_uuid())))

        async with self.unit() as unit:
            assert await unit.runs.get(DEFAULT_TENANT, run.id) == run
        assert [each.id for each in await self.runs(endpoint)] == [run.id]
        assert await self.state(endpoint) == before
        await self.run_once(FIRST_SLOT)
        health = await self.health(endpoint)
        assert (health.success_count, health.target_failure_count) == (1, 0)
        assert health.last_run is not None
        assert health.last_run.kind is Kind.RECURRING

    async def test_nobody_keeps_a_test_run_of_anothers_endpoint(self) -> None:
        """It does not exist for them."""
        endpoint = await self.add_minutely()

        async with self.unit() as unit:
            with pytest.raises(NotFound):
                await unit.runs.add_test(
                    replace(a_test_run(endpoint, FIRST_SLOT), tenant=OTHER_TENANT)
                )

    async def test_what_does_not_exist_is_not_found(self) -> None:
        """A run that nobody has is an error."""
        async with self.unit() as unit:
            with pytest.raises(NotFound):
                await unit.runs.get(DEFAULT_TENANT, RunId(new_uuid()))

    async def test_another_tenants_run_does_not_exist(self) -> None:
        """Its id is of no use to anybody else."""
        await self.add_minutely()
        run = await self.run_once(FIRST_SLOT)

        async with self.unit() as unit:
            with pytest.raises(NotFound):
                await unit.runs.get(OTHER_TENANT, run.lease.run_id)

    @pytest.mark.parametrize("verb", FOREIGN)
    async def test_another_tenants_history_does_not_exist(self, verb: str) -> None:
        """Neither runs nor records nor statistics of another's endpoint can be read."""
        endpoint = await self.add_minutely()
        await self.run_once(FIRST_SLOT)

        async with self.unit() as unit:
            with pytest.raises(NotFound):
                await FOREIGN[verb](unit.runs, endpoint)

    async def test_the_newest_runs_come_first(self) -> None:
        """Runs are listed from the latest slot on, page by page, none twice and none left out."""
        endpoint = await self.add_minutely()
        await self.run_minutely(5)
        slots: list[datetime] = []
        last: RunId | None = None
        async with self.unit() as unit:
            while page := await unit.runs.list_runs(
                endpoint.tenant, endpoint.id, limit=2, before=last
            ):
                assert len(page) <= 2
                slots += [run.slot for run in page]
                last = page[-1].id

        assert slots == [FIRST_SLOT + number * MINUTE for number in (4, 3, 2, 1, 0)]

    async def test_pages_can_be_counted_off(self) -> None:
        """So many runs are passed over, and the count tells how many there are to page through."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), failed())
        await self.run_once(at("12:03:00"))
        await self.run_once(at("12:04:00"))
        key = (endpoint.tenant, endpoint.id)
        async with self.unit() as unit:
            page = await unit.runs.list_runs(*key, limit=1, offset=1)
            behind = await unit.runs.list_runs(*key, offset=3)
            counts = [
                await unit.runs.count_runs(*key),
                await unit.runs.count_runs(*key, status=RunStatus.FAILED),
                await unit.runs.count_runs(*key, since=at("12:03:00"), until=at("12:03:00")),
            ]

        assert [run.slot for run in page] == [at("12:03:00")]
        assert behind == []
        assert counts == [3, 1, 1]

    async def test_what_runs_is_counted_and_what_was_pruned_is_not(self) -> None:
        """The count is of what the list has, attempts that were given back included; trap T41."""
        endpoint = await self.add_minutely()
        await self.run_minutely(2)
        await self.prune(at("12:02:00"))
        await self.release(await self.claim_one(at("12:03:00")), at("12:03:00"))
        await self.start_one(at("12:03:00"))

        async with self.unit() as unit:
            count = await unit.runs.count_runs(endpoint.tenant, endpoint.id)
            running = await unit.runs.count_runs(
                endpoint.tenant, endpoint.id, status=RunStatus.RUNNING
            )

        assert (count, running) == (3, 1)
        assert len(await self.runs(endpoint)) == count

    async def test_a_list_goes_on_at_its_own_runs_only(self) -> None:
        """A run of another endpoint, or of another tenant, is no place in the list."""
        endpoint = await self.add_minutely()
        await self.add(an_endpoint(await self.add_job(tenant=OTHER_TENANT), "theirs"))
        foreign: list[RunId] = []
        for now in (FIRST_SLOT, FIRST_SLOT + MINUTE):
            for run in (await self.claim(now)).runs:
                await self.start(run, now)
                await self.settle(run, now + SECOND)
                if run.lease.endpoint_id != endpoint.id:
                    foreign.append(run.lease.run_id)

        async with self.unit() as unit:
            found = await unit.runs.list_runs(endpoint.tenant, endpoint.id, before=foreign[-1])

        assert len(foreign) == 2
        assert found == []

    async def test_a_slot_that_is_caught_up_has_its_place_in_the_list(self) -> None:
        """What counts is the slot, not when it was run; pages go on from wherever they ended."""
        endpoint = await self.add(
            an_endpoint(
                await self.add_job(),
                schedule=every(MINUTE),
                misfire=Misfire(policy=MisfirePolicy.CATCH_UP, catch_up_limit=3),
            )
        )
        await self.run_once(at("12:30:00"))
        await self.run_now(endpoint, at("12:30:02"))
        for _ in range(3):
            due_at = await self.queue.next_due()
            assert due_at is not None
            await self.run_once(max(due_at, at("12:30:02")))
        async with self.unit() as unit:
            page = await unit.runs.list_runs(endpoint.tenant, endpoint.id, limit=2)
            rest = await unit.runs.list_runs(endpoint.tenant, endpoint.id, before=page[-1].id)
            health = await unit.runs.health(
                endpoint.tenant, endpoint.id, since=EPOCH, now=at("13:00:00")
            )

        slots = [run.slot for run in (*page, *rest)]
        assert len(set(slots)) == 4
        assert slots == sorted(slots, reverse=True)
        assert [run.claimed_at for run in (*page, *rest)] != sorted(
            (run.claimed_at for run in (*page, *rest)), reverse=True
        )
        assert health.last_run is not None
        assert health.last_run.id == page[0].id

    async def test_runs_of_one_status_can_be_listed(self) -> None:
        """The limit counts those that match."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), failed())
        await self.run_once(at("12:03:00"))
        await self.run_once(at("12:04:00"))
        await self.claim_one(at("12:05:00"))

        async with self.unit() as unit:
            slots = {
                status: [
                    run.slot
                    for run in await unit.runs.list_runs(
                        endpoint.tenant, endpoint.id, status=status, limit=2
                    )
                ]
                for status in RunStatus
            }

        assert slots == {
            RunStatus.SUCCESS: [at("12:04:00"), at("12:03:00")],
            RunStatus.FAILED: [at("12:01:00")],
            RunStatus.RUNNING: [at("12:05:00")],
            RunStatus.CANCELED: [],
        }

    async def test_lists_leave_bodies_out(self) -> None:
        """A listed run is the run without its body; reading it brings the body."""
        endpoint = await self.add_minutely()
        run = await self.run_once(FIRST_SLOT, succeeded("a long story"))

        (listed,) = await self.runs(endpoint)
        whole = await self.run_row(run)

        assert whole.response is not None
        assert whole.response.body == Body(kind=BodyKind.TEXT, text="a long story")
        assert listed.id == whole.id
        assert listed.response is None or listed.response.body == Body()
        assert (listed.decision, listed.status) == (whole.decision, whole.status)

    async def test_records_come_newest_first(self) -> None:
        """Slots that were not run are listed from the latest on, as far as was asked for."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), lasts=2 * MINUTE + SECOND)
        await self.run_once(at("12:04:00"), lasts=MINUTE + SECOND)
        await self.run_once(at("12:06:00"), lasts=MINUTE + SECOND)

        async with self.unit() as unit:
            records = await unit.runs.list_slot_records(endpoint.tenant, endpoint.id, limit=2)

        assert [record.first for record in records] == [at("12:07:00"), at("12:05:00")]
        assert [record.first for record in await self.records(endpoint)][-1] == at("12:02:00")

    async def test_attempts_of_a_slot_are_all_on_record(self) -> None:
        """Endpoint, slot and attempt together are unique, whatever became of each."""
        endpoint = await self.add_minutely()
        await self.release(await self.claim_one(FIRST_SLOT), FIRST_SLOT)
        await self.start_one(FIRST_SLOT)
        await self.reap(FIRST_SLOT + LEASE)
        await self.run_once(FIRST_SLOT + LEASE)

        runs = await self.runs(endpoint)

        assert [(run.slot, run.attempt) for run in runs] == [
            (FIRST_SLOT, 3),
            (FIRST_SLOT, 2),
            (FIRST_SLOT, 1),
        ]

    async def test_statistics_agree_with_the_runs(self) -> None:
        """Each class is counted as often as the runs have it, attempts given back included."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), failed())
        await self.run_once(at("12:03:00"), failed(FailureKind.TIMEOUT))
        await self.run_once(at("12:07:00"), failed(FailureKind.SIGNING))
        now = (await self.decision(endpoint)).due_at
        await self.run_once(now, Blocked(message="not let out"))
        now = (await self.decision(endpoint)).due_at
        await self.release(await self.claim_one(now), now)
        await self.start_one(now)
        await self.reap(now + LEASE)
        await self.run_once(now + LEASE)
        await self.run_once((await self.decision(endpoint)).due_at)

        health = await self.health(endpoint)

        assert health.success_count == 2
        assert health.target_failure_count == 2
        assert health.our_failure_count == 2
        assert health.not_attempted_count == 2
        assert len(await self.runs(endpoint)) == 8

    async def test_running_runs_are_not_counted(self) -> None:
        """What has not ended has no outcome to count, and is the latest run all the same."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)

        health = await self.health(endpoint)

        assert health.success_count == health.our_failure_count == 0
        assert health.mean_duration is None
        assert health.last_run is not None
        assert health.last_run.id == run.lease.run_id

    async def test_means_are_over_the_attempted_runs(self) -> None:
        """Duration counts from start to end, lateness from due to start."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:01"), lasts=2 * SECOND)
        await self.run_once(at("12:02:03"), lasts=6 * SECOND)
        await self.run_once(at("12:03:50"), Blocked(message="not let out"))

        health = await self.health(endpoint)

        assert health.mean_duration == 4 * SECOND
        assert health.mean_lateness == 2 * SECOND

    async def test_percentiles_are_a_tenth_more_or_less(self) -> None:
        """Half of the runs took no longer than the median, nineteen of twenty than the 95th."""
        endpoint = await self.add_minutely()
        for number in range(20):
            lasts = (10 if number == 19 else 1 if number < 12 else 3) * SECOND
            await self.run_once(FIRST_SLOT + number * MINUTE, lasts=lasts)

        health = await self.health(endpoint)

        assert health.median_duration is not None
        assert health.p95_duration is not None
        assert health.median_duration / SECOND == pytest.approx(1, rel=0.1)
        assert health.p95_duration / SECOND == pytest.approx(3, rel=0.1)

    async def test_a_lost_run_has_no_duration(self) -> None:
        """When a lost run ended nobody knows: the reaper's instant says nothing of the target."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), lasts=2 * SECOND)
        await self.start_one(at("12:02:00"))
        await self.reap(at("12:02:00") + LEASE)

        health = await self.health(endpoint)

        assert (health.our_failure_count, health.mean_duration) == (1, 2 * SECOND)

    async def test_a_streak_ends_with_a_success(self) -> None:
        """The streak is the number of failures since the last success."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), failed())
        await self.run_once(at("12:03:00"), failed())
        assert (await self.health(endpoint)).failure_streak == 2

        last = await self.run_once(at("12:07:00"))

        health = await self.health(endpoint)
        assert health.failure_streak == 0
        assert health.last_run is not None
        assert health.last_run.id == last.lease.run_id

    @pytest.mark.parametrize("seconds", [0, 30])
    async def test_a_window_begins_with_its_minute(self, seconds: int) -> None:
        """The slots from that minute on are counted, the earlier ones are not."""
        endpoint = await self.add_minutely()
        await self.run_minutely(5)

        health = await self.health(endpoint, since=at("12:03:00") + seconds * SECOND)

        assert health.success_count == 3

    async def test_windows_of_days_are_exact(self) -> None:
        """Across hours and days nothing is counted twice or left out."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=every(7 * HOUR)))
        slots = []
        for _ in range(20):
            decision = await self.decision(endpoint)
            await self.run_once(decision.due_at)
            slots.append(decision.slot)

        for since in (EPOCH, *slots, slots[-1] + MINUTE):
            health = await self.health(endpoint, since=since, now=slots[-1] + HOUR)
            assert health.success_count == sum(slot >= since for slot in slots), since

    async def test_statistics_do_not_mix_endpoints(self) -> None:
        """Each endpoint has its own."""
        job = await self.add_job()
        often = await self.add(an_endpoint(job, "often"))
        seldom = await self.add(an_endpoint(job, "seldom", schedule=every(10 * MINUTE)))
        await self.run_minutely(3)

        assert (await self.health(often)).success_count == 3
        assert (await self.health(seldom)).success_count == 0

    async def test_pruning_deletes_what_is_old(self) -> None:
        """Runs and records of slots before the instant go, equal stays."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), lasts=MINUTE + SECOND)
        old = await self.run_once(at("12:03:00"), lasts=MINUTE + SECOND)
        await self.run_once(at("12:05:00"), lasts=MINUTE + SECOND)

        assert await self.prune(at("12:04:00")) == Pruned(runs=2, slot_records=1)
        assert [run.slot for run in await self.runs(endpoint)] == [at("12:05:00")]
        assert [each.first for each in await self.records(endpoint)][1:] == [at("12:04:00")]

        assert await self.prune(at("12:05:00")) == Pruned(runs=0, slot_records=1)
        assert len(await self.runs(endpoint)) == len(await self.records(endpoint)) == 1
        async with self.unit() as unit:
            with pytest.raises(NotFound):
                await unit.runs.get(endpoint.tenant, old.lease.run_id)

    async def test_pruning_goes_in_steps(self) -> None:
        """A step deletes no more than its limit; a smaller number says that it is done."""
        endpoint = await self.add_minutely()
        await self.run_minutely(5)

        counts = [(await self.prune(EPOCH + HOUR, limit=2)).runs for _ in range(3)]

        assert counts == [2, 2, 1]
        assert await self.runs(endpoint) == []

    async def test_pruning_leaves_running_runs(self) -> None:
        """However old its slot is, what runs stays, and can be settled."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)

        assert await self.prune(EPOCH + DAY) == Pruned()

        assert await self.settle(run, FIRST_SLOT + SECOND) is Settled.ACCEPTED
        assert len(await self.runs(endpoint)) == 1

    async def test_pruning_changes_no_plan(self) -> None:
        """State, plan and statistics since then are as they were."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), failed())
        await self.run_once(at("12:03:00"), failed())
        state = await self.state(endpoint)
        counted = (await self.health(endpoint, since=at("12:02:00"))).target_failure_count

        await self.prune(at("12:02:00"))

        assert await self.state(endpoint) == state
        health = await self.health(endpoint, since=at("12:02:00"))
        assert (health.target_failure_count, counted) == (1, 1)
        assert health.failure_streak == 2
        await self.run_once(at("12:07:00"), lasts=timedelta(milliseconds=5))

    async def test_a_tenant_keeps_its_newest_runs(self) -> None:
        """Behind so many of them the others go, whatever their age; other tenants keep theirs."""
        endpoint = await self.add_minutely()
        job = await self.add_job(tenant=OTHER_TENANT)
        other = await self.add(an_endpoint(job, schedule=every(HOUR)))
        await self.run_minutely(3)
        for run in (await self.claim(at("13:00:00"))).runs:
            await self.start(run, at("13:00:00"))
            await self.settle(run, at("13:00:01"))

        async with self.unit() as unit:
            steps = [
                await unit.runs.prune(before=None, limit=limit, now=at("13:00:05"), most=2)
                for limit in (1, 9, 9)
            ]

        assert [pruned.runs for pruned in steps] == [1, 1, 0]
        assert [run.slot for run in await self.runs(endpoint)] == [at("13:00:00"), at("12:03:00")]
        assert len(await self.runs(other)) == 1

    async def test_runs_of_one_slot_are_kept_together(self) -> None:
        """Of many that were due at one instant none goes because there are more than may be."""
        job = await self.add_job()
        for number in range(4):
            await self.add(an_endpoint(job, f"{number}", schedule=every(HOUR)))
        await self._end_all(at("13:00:00"))

        async with self.unit() as unit:
            kept = await unit.runs.prune(before=None, limit=9, now=at("13:00:05"), most=2)
        await self._end_all(at("14:00:00"))
        async with self.unit() as unit:
            pruned = await unit.runs.prune(before=None, limit=9, now=at("14:00:05"), most=2)

        assert (kept.runs, pruned.runs) == (0, 4)

    async def test_a_tenant_keeps_its_newest_slot_records(self) -> None:
        """Behind so many of them the others go, in steps; other tenants keep theirs."""
        endpoint = await self.add_minutely()
        for minute in (1, 3, 5):
            await self.run_once(EPOCH + minute * MINUTE, lasts=MINUTE + SECOND)
        job = await self.add_job(tenant=OTHER_TENANT)
        other = await self.add(an_endpoint(job, schedule=every(HOUR)))
        for run in (await self.claim(at("13:00:00"))).runs:
            await self.start(run, at("13:00:00"))
            if run.lease.endpoint_id == other.id:
                await self.settle(run, at("14:00:01"))

        steps = [await self._keep(1, limit=limit, now=at("14:00:05")) for limit in (1, 9, 9)]

        assert [pruned.slot_records for pruned in steps] == [1, 2, 0]
        assert [each.first for each in await self.records(endpoint)] == [at("12:07:00")]
        assert len(await self.records(other)) == 1

    async def test_slot_records_of_one_slot_are_kept_together(self) -> None:
        """Of many that end with one slot none goes because there are more than may be."""
        job = await self.add_job()
        for number in range(4):
            await self.add(an_endpoint(job, f"{number}", schedule=every(HOUR)))
        await self._end_all(at("13:00:00"), lasts=HOUR + SECOND)
        kept = await self._keep(2, now=at("14:00:05"))
        await self._end_all(at("15:00:00"), lasts=HOUR + SECOND)
        pruned = await self._keep(2, now=at("16:00:05"))

        assert (kept.slot_records, pruned.slot_records) == (0, 4)

    async def test_no_tenant_waits_for_slot_records_of_others(self) -> None:
        """However many have more than they may keep, all are seen to in one go."""
        for _ in range(25):
            job = await self.add_job(tenant=TenantId(new_uuid()))
            await self.add(an_endpoint(job, schedule=every(HOUR)))
        await self._end_all(at("13:00:00"), lasts=HOUR + SECOND)
        await self._end_all(at("15:00:00"), lasts=HOUR + SECOND)

        assert (await self._keep(1, limit=99, now=at("16:00:05"))).slot_records == 25

    async def _keep(self, most: int, *, now: datetime, limit: int = 9) -> Pruned:
        """Prune by number alone."""
        async with self.unit() as unit:
            return await unit.runs.prune(before=None, limit=limit, now=now, most=most)

    async def test_no_tenant_waits_for_others_to_be_pruned(self) -> None:
        """However many have more runs than they may keep, all are seen to in one go."""
        for _ in range(25):
            job = await self.add_job(tenant=TenantId(new_uuid()))
            await self.add(an_endpoint(job, schedule=every(HOUR)))
        await self._end_all(at("13:00:00"))
        await self._end_all(at("14:00:00"))

        async with self.unit() as unit:
            pruned = await unit.runs.prune(before=None, limit=99, now=at("14:00:05"), most=1)

        assert pruned.runs == 25

    async def _end_all(self, now: datetime, *, lasts: timedelta = timedelta()) -> None:
        """Run everything that is due."""
        while batch := (await self.claim(now)).runs:
            for run in batch:
                await self.start(run, now)
                await self.settle(run, now + lasts)

    async def test_statistics_outlive_their_runs(self) -> None:
        """What was counted stays counted when the run itself is gone."""
        endpoint = await self.add_minutely()
        await self.run_once(at("12:01:00"), failed())
        await self.run_once(at("12:03:00"), lasts=3 * SECOND)
        await self.run_once(at("12:04:00"), lasts=SECOND)
        before = await self.health(endpoint)

        await self.prune(at("12:04:00"))

        assert len(await self.runs(endpoint)) == 1
        assert await self.health(endpoint) == before

    async def test_old_statistics_are_told_by_the_hour_and_by_the_day(self) -> None:
        """Minutes are added up to hours, hours to days, and nothing gets lost or counts twice."""
        job = await self.add_job()
        endpoint = await self.add(an_endpoint(job, schedule=every(50 * MINUTE)))
        for _ in range(40):
            await self.run_once((await self.decision(endpoint)).due_at)
        midnight = EPOCH.replace(hour=0) + DAY
        later = (await self.health(endpoint, since=midnight, now=EPOCH + 9 * DAY)).success_count
        end = EPOCH + 200 * DAY

        for now in (EPOCH + 4 * DAY, EPOCH + 30 * DAY, EPOCH + 100 * DAY):
            while (await self.prune_at(now)).most:
                pass
            whole = await self.health(endpoint, since=EPOCH - DAY, now=end)
            assert (whole.success_count, whole.mean_duration) == (40, SECOND)
            assert whole.median_duration == percentile({step_of(SECOND): 1}, 0.5)
            assert (await self.health(endpoint, since=midnight, now=end)).success_count == later

    async def test_statistics_end_some_time(self) -> None:
        """Days that are long over are not kept for ever."""
        endpoint = await self.add_minutely()
        await self.run_minutely(3)
        while (await self.prune_at(EPOCH + 1000 * DAY)).most:
            pass

        health = await self.health(endpoint, since=EPOCH - DAY, now=EPOCH + 1000 * DAY)

        assert health.success_count == 0

    async def prune_at(self, now: datetime) -> Pruned:
        """Delete what is a day old at an instant."""
        async with self.unit() as unit:
            return await unit.runs.prune(before=now - DAY, limit=100, now=now)

    async def test_hints_that_are_over_are_pruned(self) -> None:
        """Those over for a day go, whether they expired, were cleared or consumed; others stay."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, an_interval_hint(HOUR, created_at=at("12:00:10"), life=MINUTE))
        living = an_interval_hint(HOUR, created_at=at("12:00:20"), life=90 * DAY)
        await self.offer(endpoint, living)
        key = (endpoint.tenant, endpoint.id)

        async with self.unit() as unit:
            early = await unit.runs.prune(before=EPOCH + HOUR, limit=9, now=EPOCH + HOUR)
            late = await unit.runs.prune(before=EPOCH + 2 * DAY, limit=9, now=EPOCH + 2 * DAY)
            left = await unit.hints.history(*key, now=EPOCH + 2 * DAY)

        assert (early.hints, late.hints) == (0, 1)
        assert [record.hint for record in left] == [living]
