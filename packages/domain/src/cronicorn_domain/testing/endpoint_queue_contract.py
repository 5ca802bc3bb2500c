"""What a claim brings: what is due, one lease each, in a fair order."""

from datetime import timedelta

import pytest

from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, WorkerId, new_uuid
from cronicorn_domain.instants import MILLISECOND
from cronicorn_domain.model.decision import Kind, Source
from cronicorn_domain.model.run import RunStatus
from cronicorn_domain.ports.endpoint_queue import ClaimBatch
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_oneshot,
    an_endpoint,
    an_interval_hint,
    at,
    cron,
    every,
    once,
)
from cronicorn_domain.testing.store_suite import FIRST_SLOT, LEASE, StoreSuite

OTHER_TENANT = TenantId(new_uuid())


class EndpointQueueContract(StoreSuite):
    """A claim takes what is due, and nothing else."""

    async def test_an_empty_store_has_nothing_to_claim(self) -> None:
        """An empty batch is no error."""
        batch = await self.claim(EPOCH)

        assert batch == ClaimBatch(quarantined={})

    async def test_nothing_is_claimed_before_it_is_due(self) -> None:
        """A millisecond before its instant a slot is not due, trap T10."""
        await self.add_minutely()

        await self.expect_nothing_due(FIRST_SLOT - MILLISECOND)

    async def test_what_is_due_now_is_due(self) -> None:
        """Equal is due, trap T44."""
        endpoint = await self.add_minutely()

        run = await self.claim_one(FIRST_SLOT)

        assert run.endpoint == endpoint
        assert run.plan.decision.slot == FIRST_SLOT

    async def test_the_machine_clock_counts_for_nothing(self) -> None:
        """Only the instants that are given count, though the machine is years ahead, trap T26."""
        await self.add_minutely("early")
        job = await self.add_job("later")
        start = EPOCH + 3000 * DAY
        late = await self.add(an_endpoint(job, created_at=start))

        assert len((await self.claim(FIRST_SLOT, lease_for=LEASE)).runs) == 1
        assert await self.reap(FIRST_SLOT + LEASE - MILLISECOND) == []
        assert await self.next_slot(late) == start + MINUTE

    async def test_a_lease_names_its_holder_and_its_end(self) -> None:
        """A lease belongs to one worker and lasts as long as was asked for."""
        endpoint = await self.add_minutely()

        batch = await self.claim(FIRST_SLOT, worker="b", lease_for=25 * SECOND)

        lease = batch.runs[0].lease
        assert (lease.endpoint_id, lease.tenant) == (endpoint.id, endpoint.tenant)
        assert (lease.worker, lease.until) == (WorkerId("b"), FIRST_SLOT + 25 * SECOND)
        assert lease.started_at is None

    async def test_a_claim_writes_the_run(self) -> None:
        """The run is on record as running, with slot, attempt, decision and worker."""
        await self.add_minutely()

        claimed = await self.claim_one(FIRST_SLOT + SECOND)

        run = await self.run_row(claimed)
        assert run.status is RunStatus.RUNNING
        assert run.decision == claimed.plan.decision
        assert (run.slot, run.attempt, run.kind) == (FIRST_SLOT, 1, Kind.RECURRING)
        assert (run.worker, run.claimed_at) == (WorkerId("a"), FIRST_SLOT + SECOND)
        assert (run.outcome_class, run.finished_at) == (None, None)

    async def test_a_decision_keeps_its_source_and_trail(self) -> None:
        """The decision that planned a run is the one its row carries, line by line."""
        endpoint = await self.add_minutely()
        planned = await self.decision(endpoint)

        run = await self.run_row(await self.claim_one(FIRST_SLOT))

        assert run.decision == planned
        assert run.decision.source is Source.BASELINE_INTERVAL
        assert run.decision.trail != ()

    async def test_a_leased_endpoint_is_not_claimed(self) -> None:
        """While a lease lives nobody else gets its endpoint, also after its end, trap T05."""
        await self.add_minutely()
        await self.claim_one(FIRST_SLOT)

        await self.expect_nothing_due(FIRST_SLOT)
        await self.expect_nothing_due(FIRST_SLOT + LEASE + MINUTE)

    async def test_the_limit_is_kept(self) -> None:
        """A claim leases no more than its limit, and leaves the rest for the next one."""
        job = await self.add_job()
        for number in range(7):
            await self.add(an_endpoint(job, f"endpoint {number}"))

        batches = [await self.claim(FIRST_SLOT, limit=3) for _ in range(4)]

        assert [len(batch.runs) for batch in batches] == [3, 3, 1, 0]

    async def test_the_longest_overdue_goes_first(self) -> None:
        """Within a tenant the oldest due instant is served first."""
        job = await self.add_job()
        for name, length in (("c", 50 * SECOND), ("a", 30 * SECOND), ("b", 40 * SECOND)):
            await self.add(an_endpoint(job, name, schedule=every(length)))

        first = await self.claim(FIRST_SLOT, limit=2)
        second = await self.claim(FIRST_SLOT, limit=2)

        assert [run.endpoint.name for run in first.runs] == ["a", "b"]
        assert [run.endpoint.name for run in second.runs] == ["c"]

    async def test_a_batch_is_ordered_across_tenants(self) -> None:
        """Whoever's they are, the leases come with the longest overdue first."""
        job, other = await self.add_job(), await self.add_job(tenant=OTHER_TENANT)
        for owner, name, length in ((job, "a", 10), (other, "c", 30), (job, "b", 20)):
            await self.add(an_endpoint(owner, name, schedule=every(length * SECOND)))

        batch = await self.claim(FIRST_SLOT)

        assert [run.endpoint.name for run in batch.runs] == ["a", "b", "c"]

    async def test_tenants_come_in_turn(self) -> None:
        """A tenant's backlog, however old, does not keep another's endpoint waiting."""
        crowded = await self.add_job()
        for number in range(10):
            await self.add(an_endpoint(crowded, f"{number}", schedule=every(10 * SECOND)))
        other = await self.add_job(tenant=OTHER_TENANT)
        await self.add(an_endpoint(other, "a"))
        await self.add(an_endpoint(other, "b"))

        batch = await self.claim(FIRST_SLOT, limit=4)

        tenants = [run.lease.tenant for run in batch.runs]
        assert tenants.count(OTHER_TENANT) == tenants.count(DEFAULT_TENANT) == 2

    @pytest.mark.parametrize("limit", [1, 3])
    async def test_a_backlog_keeps_nobody_else_waiting(self, limit: int) -> None:
        """However little a claim takes, another tenant's endpoint is in the first two or three."""
        crowded = await self.add_job()
        for number in range(12):
            await self.add(an_endpoint(crowded, f"{number}", schedule=every(10 * SECOND)))
        other, third = [await self.add_job(tenant=TenantId(new_uuid())) for _ in range(2)]
        lone = await self.add(an_endpoint(other, schedule=every(20 * SECOND)))
        early = [(await self.claim(at("12:00:20"), limit=limit)).runs for _ in range(2)]
        last = await self.add(an_endpoint(third, schedule=every(25 * SECOND)))

        later = [(await self.claim(at("12:00:25"), limit=limit)).runs for _ in range(3)]

        assert lone in [run.endpoint for runs in early for run in runs]
        assert last in [run.endpoint for runs in later for run in runs]

    async def test_everybody_has_a_turn(self) -> None:
        """Of more tenants than a claim has places for, each is served once before any is twice."""
        for number in range(5):
            job = await self.add_job(tenant=TenantId(new_uuid()))
            for name in ("a", "b", "c"):
                schedule = every((10 + number) * SECOND)
                await self.add(an_endpoint(job, name, schedule=schedule))

        claims = [(await self.claim(FIRST_SLOT, limit=2)).runs for _ in range(5)]

        tenants = [run.lease.tenant for runs in claims for run in runs]
        assert {tenants.count(tenant) for tenant in tenants} == {2}

    async def test_shares_differ_by_one_at_most(self) -> None:
        """Where places cannot be shared out evenly, those who had one less are the next."""
        for number in range(3):
            job = await self.add_job(tenant=TenantId(new_uuid()))
            for name in range(8):
                schedule = every((10 + number) * SECOND)
                await self.add(an_endpoint(job, f"{name}", schedule=schedule))

        claims = [(await self.claim(FIRST_SLOT, limit=5)).runs for _ in range(3)]

        tenants = [run.lease.tenant for runs in claims for run in runs]
        assert {tenants.count(tenant) for tenant in tenants} == {5}
        for runs in claims:
            served = [run.lease.tenant for run in runs]
            assert {served.count(tenant) for tenant in served} == {1, 2}

    async def test_what_is_overdue_keeps_its_place(self) -> None:
        """Whoever is written to again and again is not put behind the others each time."""
        endpoint = await self.add_minutely()
        for second in (5, 10):
            hint = an_interval_hint(HOUR, created_at=FIRST_SLOT + second * SECOND)
            await self.offer(endpoint, hint)

        assert await self.queue.next_due() == FIRST_SLOT

    async def test_a_lone_tenant_gets_all_of_a_claim(self) -> None:
        """Turns leave nothing idle: who is alone fills the whole limit."""
        job = await self.add_job()
        for number in range(5):
            await self.add(an_endpoint(job, f"{number}"))

        assert len((await self.claim(FIRST_SLOT, limit=5)).runs) == 5

    async def test_tokens_rise(self) -> None:
        """Each claim's tokens are greater than all before, whoever claims."""
        endpoint = await self.add_minutely()
        tokens = []
        for number in range(3):
            run = await self.run_once(FIRST_SLOT + number * MINUTE)
            tokens.append(run.lease.token)
        other = await self.given.another()
        batch = await self.claim(FIRST_SLOT + 3 * MINUTE, queue=other.queue)
        tokens.append(batch.runs[0].lease.token)

        assert tokens == sorted(set(tokens))
        assert len(await self.runs(endpoint)) == 4

    async def test_the_next_due_instant_is_known(self) -> None:
        """The earliest instant at which something becomes claimable is what a worker sleeps to."""
        job = await self.add_job()
        await self.add(an_endpoint(job, "slow", schedule=every(HOUR)))
        await self.add(an_endpoint(job, "soon", schedule=every(20 * SECOND)))

        assert await self.queue.next_due() == EPOCH + 20 * SECOND

    async def test_what_is_leased_or_paused_is_not_next(self) -> None:
        """Without anything claimable there is no next due instant."""
        endpoint = await self.add_minutely()
        assert await self.queue.next_due() == FIRST_SLOT

        await self.claim_one(FIRST_SLOT)
        assert await self.queue.next_due() is None

        await self.reap(FIRST_SLOT + LEASE)
        await self.pause(endpoint, FIRST_SLOT + LEASE)
        assert await self.queue.next_due() is None

    async def test_a_due_instant_that_has_passed_stays_next(self) -> None:
        """What is overdue is due at once for whoever asks."""
        await self.add_minutely()

        assert await self.queue.next_due() == FIRST_SLOT
        assert len((await self.claim(FIRST_SLOT + HOUR)).runs) == 1

    async def test_a_claim_behind_the_clock_heeds_a_pause(self) -> None:
        """A pause that has just ended holds still for whose clock has not come so far."""
        endpoint = await self.add_minutely()
        until = FIRST_SLOT + timedelta(milliseconds=1)
        await self.pause(endpoint, until, until=until)

        await self.expect_nothing_due(FIRST_SLOT)
        await self.claim_one(until)

    @pytest.mark.parametrize("life", [20 * SECOND, 21 * SECOND])
    async def test_a_oneshot_ends_with_its_life(self, life: timedelta) -> None:
        """Equal is expired: at the end of its life a one-shot is not run any more, trap T44."""
        endpoint = await self.add_minutely()
        await self.offer(endpoint, a_oneshot(at("12:00:10"), life=life))

        batch = await self.claim(at("12:00:30"))

        alive = life > 20 * SECOND
        assert (len(batch.runs), batch.passed) == ((1, 0) if alive else (0, 1))
        assert await self.next_slot(endpoint) == (at("12:00:10") if alive else FIRST_SLOT)

    async def test_each_schedule_kind_fires(self) -> None:
        """Cron, interval and a single instant are claimed at their slots."""
        job = await self.add_job()
        await self.add(an_endpoint(job, "cron", schedule=cron("*/5 * * * *")))
        await self.add(an_endpoint(job, "interval", schedule=every(5 * MINUTE)))
        await self.add(an_endpoint(job, "once", schedule=once(at("12:05:00"))))

        await self.expect_nothing_due(at("12:04:59.999"))
        batch = await self.claim(at("12:05:00"))

        assert {run.endpoint.name: run.plan.decision.source for run in batch.runs} == {
            "cron": Source.BASELINE_CRON,
            "interval": Source.BASELINE_INTERVAL,
            "once": Source.BASELINE_ONCE,
        }
