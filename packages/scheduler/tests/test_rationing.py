"""Runs of tenants that have a quota: started as far as it goes, and put off behind it."""

from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from cronicorn_adapter_memory.clock import LoopClock
from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard, UsageBook
from cronicorn_adapter_memory.switched_quota_guard import SwitchedQuotaGuard
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Pause
from cronicorn_domain.model.quota import Meter, Pace, Quota, Quotas
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.policies.quotas import month_of
from cronicorn_domain.ports.endpoint_queue import EndpointQueue
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_scheduler.outages import Line
from cronicorn_scheduler.rationing import RationedStarting

OTHER = TenantId(new_uuid())
MONTH_ENDS = month_of(EPOCH).ends


def limited(limit: int | None, *, pace: Pace | None = None) -> Quotas:
    """Give the default tenant a quota of runs."""
    return Quotas(tenants={(DEFAULT_TENANT, Meter.RUNS): Quota(limit=limit, pace=pace)})


class CountedGuard(SwitchedQuotaGuard):
    """A guard that counts what it is asked, and may be out of reach."""

    def __init__(self, quotas, book=None):
        super().__init__(MemoryQuotaGuard(quotas, book))
        self.asked = []
        self.down = set()

    async def reserve(self, tenant, amount, meter=Meter.TOKENS, **rest):
        self._reach("reserve")
        return await super().reserve(tenant, amount, meter, **rest)

    async def settle(self, reservation, used, **rest):
        self._reach("settle")
        await super().settle(reservation, used, **rest)

    def _reach(self, call):
        self.asked.append(call)
        if call in self.down:
            raise StoreUnavailable("the guard does not answer")


async def used(guard, now=EPOCH):
    """Return the runs that were counted."""
    return (await guard.standing(DEFAULT_TENANT, Meter.RUNS, now=now)).used


async def test_runs_start_up_to_the_limit_and_are_put_off_behind_it(rig):
    """Three of five runs go out; the other two are deferred to the month's end, trap T02."""
    await rig.endpoints(5)
    guard = CountedGuard(limited(3))
    worker = rig.working(quota=guard)

    await rig.until(3600)

    assert len(worker.dispatcher.dispatches) == 3
    deferred = [each for each in worker.told("run_released") if each.reason == "deferred"]
    assert {each.deferral.until for each in deferred} == {MONTH_ENDS}
    assert await used(guard) == 3
    assert rig.store.tables.leases == {}


async def test_each_endpoint_is_deferred_once(rig):
    """Nothing spins: an hour later there was one claim more for each, and no other, trap T02."""
    await rig.endpoints(5)
    worker = rig.working(quota=CountedGuard(limited(0)))

    await rig.until(3600)

    assert worker.dispatcher.dispatches == []
    assert len(worker.told("run_claimed")) == len(worker.told("run_released")) == 5


async def test_the_next_month_begins_afresh(rig):
    """At its first instant all run again, and what passed is recorded as deferred."""
    hour, begun = timedelta(hours=1), MONTH_ENDS - timedelta(hours=6)
    rig.clock = LoopClock(begun)
    endpoint = await rig.an_endpoint(seconds=3600)
    guard = CountedGuard(limited(2))
    worker = rig.working(quota=guard)

    await rig.clock.sleep_until(MONTH_ENDS + timedelta(minutes=90))

    starts = [run.started_at for run in rig.runs() if run.started_at is not None]
    assert starts == [begun + hour, begun + 2 * hour, MONTH_ENDS, MONTH_ENDS + hour]
    (record,) = rig.store.tables.records.of(endpoint.id)
    assert record.fate is Fate.DEFERRED
    assert (record.first, record.last, record.count) == (begun + 3 * hour, MONTH_ENDS - hour, 3)
    assert await used(guard, MONTH_ENDS) == 2
    assert worker.told("part_failed") == []


async def test_tenants_without_a_quota_are_not_asked_about(rig):
    """The path of their runs stays as it was: the guard hears nothing of them."""
    await rig.endpoints(3)
    guard = CountedGuard(Quotas(tenants={(OTHER, Meter.RUNS): Quota(limit=1)}))
    worker = rig.working(quota=guard)

    await rig.until(200)

    assert len(worker.dispatcher.dispatches) == 9
    assert guard.asked == []


async def test_several_workers_together_keep_the_limit(rig):
    """Whoever starts them, no more runs go out than there is room for."""
    await rig.endpoints(40)
    book = UsageBook()
    workers = [
        rig.working(f"worker-{n}", quota=CountedGuard(limited(25), book), claim_batch=7)
        for n in range(3)
    ]

    await rig.until(90)

    assert sum(len(worker.dispatcher.dispatches) for worker in workers) == 25


async def test_what_starts_together_is_asked_for_together(rig):
    """A batch costs one reservation and one charge, however many runs it has."""
    await rig.endpoints(50)
    guard = CountedGuard(limited(1000))
    worker = rig.working(quota=guard)

    await rig.until(70)

    assert len(worker.dispatcher.dispatches) == 50
    assert len(guard.asked) <= 4


async def test_a_start_that_is_refused_is_not_charged(rig):
    """A run that a pause stopped before it started costs nothing."""
    endpoint = await rig.an_endpoint(seconds=60)
    guard = CountedGuard(limited(10))
    worker = rig.working(quota=guard)
    worker.connection.latency = timedelta(milliseconds=100)

    await rig.until(60.15)
    await rig.pause(endpoint, Pause(until=OPEN_ENDED))
    await rig.until(70)

    assert [each.reason for each in worker.told("run_released")] == ["paused"]
    standing = await guard.standing(DEFAULT_TENANT, Meter.RUNS, now=rig.clock.now())
    assert (standing.used, standing.held) == (0, 0)


async def test_a_guard_that_does_not_answer_lets_nothing_start(rig):
    """Its tenants' runs are put off by a moment, and go out when it answers again."""
    await rig.an_endpoint(seconds=60)
    guard = CountedGuard(limited(10))
    guard.down = {"reserve"}
    worker = rig.working(quota=guard)

    await rig.until(80)
    assert worker.dispatcher.dispatches == []
    assert [each.reason for each in worker.told("run_released")] == ["deferred"]
    guard.down = set()
    await rig.until(100)

    assert len(worker.dispatcher.dispatches) == 1
    assert worker.told("store_unavailable", "part_failed") == []


async def test_what_could_not_be_charged_is_charged_with_the_next_start(rig):
    """A run that started counts, also when the guard went away a moment later."""
    await rig.an_endpoint(seconds=60)
    guard = CountedGuard(limited(10))
    guard.down = {"settle"}
    worker = rig.working(quota=guard)

    await rig.until(70)
    assert len(worker.dispatcher.dispatches) == 1
    assert await used(guard) == 0
    guard.down = set()
    await rig.until(130)

    assert await used(guard) == 2


async def test_too_many_at_once_are_put_off_by_what_the_pace_asks_for(rig):
    """A burst is no exhausted month: the run goes out after the wait."""
    await rig.an_endpoint("one", seconds=60)
    await rig.an_endpoint("two", seconds=61)
    guard = CountedGuard(limited(None, pace=Pace(asks=1, per=timedelta(seconds=10))))
    worker = rig.working(quota=guard)

    await rig.until(75)

    starts = [run.started_at for run in rig.runs() if run.started_at is not None]
    assert starts == [rig.after(60), rig.after(70)]
    (released,) = worker.told("run_released")
    assert released.deferral.until == rig.after(70)


@pytest.mark.parametrize("held", [1, 2])
async def test_what_is_only_held_by_others_is_waited_for(rig, held):
    """While the last runs are about to start somewhere, the month is not over yet."""
    await rig.an_endpoint(seconds=60)
    guard = CountedGuard(limited(held))
    await guard.reserve(DEFAULT_TENANT, held, Meter.RUNS, now=EPOCH, lasts=timedelta(seconds=65))
    guard.asked.clear()
    worker = rig.working(quota=guard)

    await rig.until(100)

    (released,) = worker.told("run_released")
    assert released.deferral.until < rig.after(100)
    assert len(worker.dispatcher.dispatches) == 1


class BrokenQueue:
    """A queue that starts what it is asked to, but for the first ask of one token."""

    def __init__(self, broken, error):
        self.broken, self.error, self.asked = broken, error, []

    async def start(self, tokens, *, now):
        self.asked.append(tuple(tokens))
        if self.broken in tokens and self.error is not None:
            error, self.error = self.error, None
            raise error
        return dict.fromkeys(tokens)


def a_claim(tenant):
    """Give as much of a claimed run as is asked about."""
    return SimpleNamespace(
        lease=SimpleNamespace(token=new_uuid()),
        endpoint=SimpleNamespace(tenant=tenant),
        plan=SimpleNamespace(decision=SimpleNamespace(due_at=EPOCH)),
    )


@pytest.mark.parametrize("error", [StoreUnavailable("away"), KeyError("a fault")])
async def test_what_fails_in_between_is_neither_charged_twice_nor_held(error):
    """A tenant's runs that have started stay started, and others' room is given back."""
    both = Quota(limit=10)
    guard = MemoryQuotaGuard(Quotas(every={Meter.RUNS: both}))
    first, second = a_claim(DEFAULT_TENANT), a_claim(OTHER)
    queue = BrokenQueue(second.lease.token, error)
    line = cast("Line", None)  # nothing goes along it: the call itself is made here
    starting = RationedStarting(
        cast("EndpointQueue", queue), guard, clock=LoopClock(EPOCH), line=line, limit=10
    )

    with suppress(type(error)):
        await starting._start([first, second])
    held = (await guard.standing(OTHER, Meter.RUNS, now=EPOCH)).held
    answers = await starting._start([first, second])

    assert held == 0
    assert set(answers) == {first.lease.token, second.lease.token}
    assert await used(guard) == (await guard.standing(OTHER, Meter.RUNS, now=EPOCH)).used == 1
    assert queue.asked.count((first.lease.token,)) == 1
    assert starting._answered == {}
