"""Caps on what is under way at once: never more, nobody else kept waiting, nothing lost."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.model.endpoint import Endpoint, HttpRequest
from cronicorn_domain.model.job import Job
from cronicorn_domain.ports.endpoint_queue import ClaimedRun
from cronicorn_domain.testing.builders import MINUTE, SECOND, a_job, an_endpoint, succeeded
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite

BUSY, QUIET = "busy.example", "quiet.example"
TWO_PER_HOST = Caps(per_host=2)


class EndpointQueueCapsContract(StoreSuite):
    """No tenant and no host has more runs under way than its cap: trap T29."""

    async def add_many(
        self, count: int, host: str = BUSY, *, tenant: TenantId = DEFAULT_TENANT
    ) -> list[Endpoint]:
        """Keep a job with so many endpoints of one minute at a host."""
        job = await self._job_of(tenant)
        request = HttpRequest(url=f"http://{host}/")
        added = [an_endpoint(job, f"{host} {n}", request=request) for n in range(count)]
        async with self.unit() as unit:
            for endpoint in added:
                await unit.catalog.add_endpoint(endpoint, now=endpoint.created_at)
        return added

    async def _job_of(self, tenant: TenantId) -> Job:
        job = a_job(f"job {new_uuid()}", tenant=tenant)
        async with self.unit() as unit:
            await unit.catalog.add_job(job)
        return job

    async def start_all(self, runs: Sequence[ClaimedRun], now: datetime) -> None:
        """Start runs, and expect that all may."""
        refusals = await self.queue.start([each.lease.token for each in runs], now=now)
        assert set(refusals.values()) <= {None}

    async def end_all(self, runs: Sequence[ClaimedRun], now: datetime) -> None:
        """Start and settle runs."""
        await self.start_all(runs, now)
        await self.settle_all([(each, succeeded()) for each in runs], now)

    async def test_a_host_has_no_more_runs_than_its_cap(self) -> None:
        """What is over the cap is told as held back, and claimed when there is room."""
        await self.add_many(5)
        first = await self.claim(FIRST_SLOT, caps=TWO_PER_HOST)
        again = await self.claim(FIRST_SLOT, caps=TWO_PER_HOST)

        assert (len(first.runs), first.held_back) == (2, 3)
        assert again.runs == ()
        await self.end_all(first.runs, FIRST_SLOT)
        second = await self.claim(FIRST_SLOT, caps=TWO_PER_HOST)
        await self.end_all(second.runs, FIRST_SLOT)
        third = await self.claim(FIRST_SLOT, caps=TWO_PER_HOST)
        assert (len(second.runs), len(third.runs)) == (2, 1)
        ran = {each.endpoint.id for each in (*first.runs, *second.runs, *third.runs)}
        assert len(ran) == 5

    async def test_a_tenant_has_no_more_runs_than_its_cap(self) -> None:
        """Whichever hosts they go to, and whoever else runs."""
        other = TenantId(new_uuid())
        await self.add_many(3, BUSY)
        await self.add_many(3, QUIET)
        await self.add_many(3, QUIET, tenant=other)
        batch = await self.claim(FIRST_SLOT, caps=Caps(per_tenant=2))

        running = Counter(each.lease.tenant for each in batch.runs)
        assert running == {DEFAULT_TENANT: 2, other: 2}

    async def test_named_hosts_and_tenants_have_caps_of_their_own(self) -> None:
        """A cap by name stands in place of the general one, larger or smaller."""
        other = TenantId(new_uuid())
        await self.add_many(4, BUSY)
        await self.add_many(4, QUIET, tenant=other)
        caps = Caps(per_host=2, hosts={QUIET: 3}, per_tenant=4, tenants={DEFAULT_TENANT: 1})
        batch = await self.claim(FIRST_SLOT, caps=caps)

        running = Counter(each.endpoint.request.host for each in batch.runs)
        assert running == {BUSY: 1, QUIET: 3}

    async def test_a_full_host_keeps_no_other_waiting(self) -> None:
        """A backlog that has no room, however long overdue, takes no place from others."""
        await self.add_many(20, BUSY)
        quiet = await self.add_many(2, QUIET)
        names = {each.id for each in quiet}
        found: set[object] = set()
        for _ in range(12):
            batch = await self.claim(FIRST_SLOT, limit=2, caps=Caps(hosts={BUSY: 1}))
            found |= {each.endpoint.id for each in batch.runs}

        assert names <= found
        assert len(found) == 3

    async def test_tenants_come_in_turn_among_what_has_room(self) -> None:
        """The backlog of one tenant does not starve another, with caps as without."""
        other = TenantId(new_uuid())
        await self.add_many(20, BUSY)
        later = await self.add_many(2, QUIET, tenant=other)
        for _ in range(10):
            await self.claim(FIRST_SLOT, limit=4, caps=Caps(per_host=3))

        for endpoint in later:
            assert len(await self.runs(endpoint)) == 1

    async def test_claims_at_once_never_go_beyond_a_cap_together(self) -> None:
        """Several workers share the room of a host and of a tenant; none overshoots."""
        added = [*await self.add_many(12, BUSY), *await self.add_many(12, QUIET)]
        handles = [self.given, *[await self.given.another() for _ in range(3)]]
        caps = Caps(per_host=3, per_tenant=5)
        running: list[ClaimedRun] = []
        ran: set[object] = set()
        for _ in range(40):
            batches = await asyncio.gather(
                *(
                    self.claim(FIRST_SLOT, limit=4, worker=f"w{n}", queue=each.queue, caps=caps)
                    for n, each in enumerate(handles)
                )
            )
            running += [run for batch in batches for run in batch.runs]
            hosts = Counter(each.endpoint.request.host for each in running)
            assert len(running) <= 5
            assert max(hosts.values(), default=0) <= 3
            ran |= {each.endpoint.id for each in running}
            await self.end_all(running[:2], FIRST_SLOT)
            running = running[2:]

        assert ran == {each.id for each in added}

    async def test_a_run_that_is_given_back_or_lost_makes_room(self) -> None:
        """Room is what leases leave, however they end."""
        await self.add_many(3)
        one = Caps(per_host=1)
        (first,) = (await self.claim(FIRST_SLOT, caps=one)).runs
        await self.release(first, FIRST_SLOT)
        (second,) = (await self.claim(FIRST_SLOT, caps=one)).runs
        await self.start_all([second], FIRST_SLOT)
        later = FIRST_SLOT + 20 * SECOND
        assert (await self.claim(later, caps=one)).runs == ()
        await self.reap(later)
        assert len((await self.claim(later, caps=one)).runs) == 1

    async def test_what_a_person_does_takes_effect_while_it_waits(self) -> None:
        """An endpoint that waits for room can be paused, archived, moved elsewhere and run now."""
        await self.add_many(1)
        endpoints = await self.add_many(4, BUSY)
        one = Caps(hosts={BUSY: 1})
        batch = await self.claim(FIRST_SLOT, caps=one)
        waiting = [each for each in endpoints if each.id != batch.runs[0].endpoint.id]
        assert batch.held_back == 4
        paused, archived, moved = waiting[:3]
        await self.pause(paused, FIRST_SLOT)
        await self.archive(archived, FIRST_SLOT)
        there = HttpRequest(url=f"http://{QUIET}/")
        await self.change(replace(await self.stored(moved), request=there), FIRST_SLOT)

        (elsewhere,) = (await self.claim(FIRST_SLOT, caps=one)).runs
        assert elsewhere.endpoint.id == moved.id
        await self.end_all(batch.runs, FIRST_SLOT)
        left = [run for _ in range(6) for run in await self._next_run(one)]
        assert {paused.id, archived.id}.isdisjoint(each.endpoint.id for each in left)
        await self.resume(paused, FIRST_SLOT)
        resumed = [run.endpoint.id for _ in range(6) for run in await self._next_run(one)]
        assert resumed == [paused.id]

    async def _next_run(self, caps: Caps) -> Sequence[ClaimedRun]:
        runs = (await self.claim(FIRST_SLOT, caps=caps)).runs
        await self.end_all(runs, FIRST_SLOT)
        return runs

    async def test_waiting_for_room_is_lateness_and_no_loss(self) -> None:
        """A slot that waited within the grace runs with its own instant."""
        await self.add_many(2)
        one = Caps(per_host=1)
        (first,) = (await self.claim(FIRST_SLOT, caps=one, lease_for=MINUTE)).runs
        await self.end_all([first], FIRST_SLOT + 30 * SECOND)
        (second,) = (await self.claim(FIRST_SLOT + 30 * SECOND, caps=one)).runs

        assert second.endpoint.id != first.endpoint.id
        assert second.plan.slot == FIRST_SLOT

    async def test_what_waits_for_room_is_asked_about_again(self) -> None:
        """A worker does not sleep over room that it has made itself."""
        await self.add_many(2)
        one = Caps(per_host=1)
        (first,) = (await self.claim(FIRST_SLOT, caps=one)).runs
        await self.end_all([first], FIRST_SLOT)

        due_at = await self.queue.next_due()
        assert due_at is not None
        assert due_at <= FIRST_SLOT

    async def test_without_caps_what_was_left_waiting_is_found(self) -> None:
        """Caps that were taken away leave nothing behind."""
        await self.add_many(4)
        await self.claim(FIRST_SLOT, caps=Caps(per_host=1))
        other = await self.given.another()
        now, found = FIRST_SLOT, 0
        for _ in range(4):
            batch = await self.claim(now, queue=other.queue, caps=NO_CAPS, lease_for=10 * MINUTE)
            found += len(batch.runs)
            now += 10 * SECOND

        assert found == 3
