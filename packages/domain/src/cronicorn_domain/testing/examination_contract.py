"""The examination: it shows a store at work as it is, and finds no fault in a healthy one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cronicorn_domain.identity import EndpointId, WorkerId
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.finding import Ailment, Finding
from cronicorn_domain.model.planning import AiMode, Planning
from cronicorn_domain.policies.diagnosing import (
    Thresholds,
    analyses_lost,
    analyses_overdue,
    counts_that_differ,
    examined,
    leases_lost,
    queued_in_vain,
    runs_without_end,
    slots_overdue,
    sums_that_differ,
)
from cronicorn_domain.ports.examination import Examination
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_oneshot,
    a_settlement,
    an_endpoint,
    an_interval_hint,
    at,
    failed,
    succeeded,
)
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import LEASE, StoreSuite

LIMITS = Thresholds()
LIMIT = 100
ONE_PER_HOST = Caps(per_host=1)


class ExaminedStore(Store, Protocol):
    """A store that can be examined."""

    @property
    def examination(self) -> Examination:
        """The examination of the store."""
        ...


class ExaminationContract(StoreSuite):
    """What holds for an examination; ``given.examination`` is the one under test."""

    given: ExaminedStore

    async def findings(self, now: datetime) -> list[Finding]:
        """Examine the store as its doctor does, but for what only one sort of store has."""
        looked = self.given.examination
        since = now - LIMITS.look_back
        overdue = await looked.overdue(before=now - LIMITS.overdue, limit=LIMIT)
        workers = await self.given.workers.list_workers()
        runs = await looked.runs_left_open(since=since, until=now, limit=LIMIT)
        held = await looked.held_analyses(now=now, limit=LIMIT)
        late = await looked.overdue_analyses(before=now - LIMITS.analysis, limit=LIMIT)
        miscounts = await looked.miscounts(since=since, until=now, limit=LIMIT)
        sums = await looked.wrong_sums(since=since, until=now, limit=LIMIT)
        found = [
            *slots_overdue(overdue, workers, now, LIMITS),
            *leases_lost(await looked.leases(limit=LIMIT), now, LIMITS),
            *analyses_lost(held, now, LIMITS),
            *analyses_overdue(late, held, now, LIMITS),
            *queued_in_vain(await looked.strays(limit=LIMIT)),
            *runs_without_end(runs),
            *counts_that_differ(miscounts),
            *sums_that_differ(sums),
        ]
        async for batch in looked.endpoints(since=since, batch=2):
            found += [finding for each in batch for finding in examined(each, now)]
        return found

    async def add_named(self, name: str) -> Endpoint:
        """Keep one more endpoint of one minute, in a job of its own."""
        return await self.add(an_endpoint(await self.add_job(f"job of {name}"), name))

    async def test_an_empty_store_is_healthy(self) -> None:
        """Nothing is wrong where nothing is."""
        assert await self.findings(EPOCH) == []

    async def test_every_endpoint_is_seen_once(self) -> None:
        """The walk comes to each, whatever the size of its steps."""
        added = {(await self.add_named(f"n{n}")).id for n in range(5)}
        seen: list[EndpointId] = []
        async for batch in self.given.examination.endpoints(since=EPOCH, batch=2):
            seen += [each.endpoint_id for each in batch]

        assert (len(seen), set(seen)) == (5, added)

    async def test_a_store_at_work_is_healthy(self) -> None:
        """Runs that succeeded, failed, were given back or lost, and hints, leave no fault."""
        first, second, *_ = [await self.add_named(f"n{n}") for n in range(4)]
        await self.offer(first, an_interval_hint(20 * SECOND))
        await self.offer(second, a_oneshot(at("12:00:30")))
        for number in range(1, 10):
            await self._live(EPOCH + number * MINUTE, number)
            assert await self.findings(EPOCH + number * MINUTE + 3 * LEASE) == []

    async def _live(self, now: datetime, number: int) -> None:
        """Run what is due: one after the other succeeds, fails, is lost, or is given back."""
        ended = []
        for place, run in enumerate((await self.claim(now)).runs):
            token = run.lease.token
            if place == 3 and number % 3 == 0:
                await self.release(run, now)
                continue
            await self.start(run, now)
            if place == 2 and number % 4 == 0:
                continue
            outcome = failed() if place == 1 else succeeded()
            ended.append(a_settlement(token, started_at=now, ended_at=now, outcome=outcome))
        await self.queue.settle(ended, now=now)
        await self.reap(now + 2 * LEASE)
        for run in (await self.claim(now + 2 * LEASE)).runs:
            await self.start(run, now + 2 * LEASE)
            await self.settle(run, now + 2 * LEASE, started_at=now + 2 * LEASE)

    async def test_what_is_due_for_long_is_shown(self) -> None:
        """The longest overdue first; what is leased is in hands."""
        first, second = await self.add_named("a"), await self.add_named("b")
        late = at("12:01:00")

        found = await self.given.examination.overdue(before=late, limit=1)
        assert [each.due_at for each in found] == [late]
        assert {each.name for each in found} <= {first.name, second.name}
        await self.claim(late, limit=5)
        assert list(await self.given.examination.overdue(before=late, limit=5)) == []

    async def hold_two_back(self, now: datetime) -> list[Endpoint]:
        """Keep three endpoints at a host, let one of them run, and return those without room."""
        job = await self.add_job()
        added = [await self.add(an_endpoint(job, f"n{n}")) for n in range(3)]
        return await self._held_back(added, now)

    async def _held_back(self, added: Sequence[Endpoint], now: datetime) -> list[Endpoint]:
        batch = await self.claim(now, caps=ONE_PER_HOST, lease_for=HOUR)
        assert (len(batch.runs), batch.held_back) == (1, 2)
        ran = batch.runs[0].endpoint.id
        return [each for each in added if each.id != ran]

    async def test_what_waits_for_room_is_healthy(self) -> None:
        """Caps hold it back, and it is planned as ever."""
        held = {each.id for each in await self.hold_two_back(at("12:01:00"))}

        found = await self.findings(at("12:01:10"))

        assert [each for each in found if each.endpoint_id in held] == []
        assert {each.ailment for each in found} == {Ailment.WORKER_GONE}

    async def test_what_waits_for_room_for_long_is_shown(self) -> None:
        """With the lane that it waits in, as any slot that nobody takes."""
        held = {each.id for each in await self.hold_two_back(at("12:01:00"))}
        looked = self.given.examination

        found = await looked.overdue(before=at("12:01:00"), limit=5)
        assert {each.endpoint_id for each in found} == held
        assert {(each.due_at, each.lane) for each in found} == {
            (at("12:01:00"), "host shop.example")
        }
        assert len(await looked.overdue(before=at("12:01:00"), limit=1)) == 1
        assert list(await looked.overdue(before=at("12:00:59"), limit=5)) == []

    async def test_what_was_paused_has_not_waited_for_room_since_its_slot(self) -> None:
        """It could be claimed from the end of its pause on, and no sooner."""
        job = await self.add_job()
        added = [await self.add(an_endpoint(job, f"n{n}")) for n in range(3)]
        for each in added:
            await self.pause(each, at("12:00:30"), until=at("12:05:00"))
        await self._held_back(added, at("12:05:00"))

        looked = self.given.examination
        assert list(await looked.overdue(before=at("12:04:59"), limit=5)) == []
        found = await looked.overdue(before=at("12:05:00"), limit=5)
        assert [each.due_at for each in found] == [at("12:05:00")] * 2

    async def test_planning_anew_leaves_in_its_lane_what_waits_for_room(self) -> None:
        """It is planned as it should be, and stays out of the way of the others."""
        held = [each.id for each in await self.hold_two_back(at("12:01:00"))]

        changed = await self.given.examination.replan(held, now=at("12:01:10"))

        found = await self.given.examination.overdue(before=at("12:01:00"), limit=5)
        assert (changed, {each.lane for each in found}) == (0, {"host shop.example"})
        assert (await self.claim(at("12:01:11"), caps=ONE_PER_HOST)).held_back == 0

    async def test_a_lease_is_shown_with_its_worker(self) -> None:
        """When its worker was seen last, or that it is not known."""
        await self.add_minutely()
        run = await self.start_one(at("12:01:00"))

        (lease,) = await self.given.examination.leases(limit=5)
        assert (lease.token, lease.worker) == (run.lease.token, run.lease.worker)
        assert (lease.until, lease.seen_at) == (run.lease.until, None)

    async def test_a_look_of_the_planner_is_shown_until_it_is_over(self) -> None:
        """With its worker while it lasts; what nobody looks at is late, and since when."""
        job = await self.add_job()
        planned = an_endpoint(job, planning=Planning(mode=AiMode.AUTO))
        await self.add(planned)
        looked, late = self.given.examination, at("12:20:00")
        async with self.unit() as unit:
            await unit.analyses.enrol(now=EPOCH)
        (overdue,) = await looked.overdue_analyses(before=late, limit=5)
        async with self.unit() as unit:
            await unit.analyses.take(worker=WorkerId("w"), limit=1, lease_for=5 * MINUTE, now=EPOCH)

        (held,) = await looked.held_analyses(now=EPOCH, limit=5)
        assert (held.endpoint_id, held.worker, held.until) == (planned.id, "w", at("12:05:00"))
        assert (held.name, held.seen_at) == (planned.name, None)
        assert (overdue.endpoint_id, overdue.name) == (planned.id, planned.name)
        assert overdue.due_at == EPOCH
        assert list(await looked.held_analyses(now=held.until, limit=5)) == []
        assert list(await looked.overdue_analyses(before=at("12:04:59"), limit=5)) == []
        (again,) = await looked.overdue_analyses(before=held.until, limit=5)
        assert again.due_at == held.until

    async def test_planning_anew_changes_nothing_that_is_right(self) -> None:
        """Whatever is planned stays as it is, and is due when it was."""
        endpoint = await self.add_minutely()
        before = await self.queue.next_due()

        changed = await self.given.examination.replan([endpoint.id], now=at("12:00:30"))

        assert changed == 0
        assert await self.queue.next_due() == before
        assert await self.findings(at("12:00:30")) == []

    async def test_a_leased_endpoint_is_not_planned_anew(self) -> None:
        """The end of its run plans it."""
        endpoint = await self.add_minutely()
        run = await self.start_one(at("12:01:00"))

        assert await self.given.examination.replan([endpoint.id], now=at("12:01:01")) == 0
        (still,) = await self.given.examination.leases(limit=5)
        assert still.token == run.lease.token
