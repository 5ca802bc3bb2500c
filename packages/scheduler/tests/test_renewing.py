"""Leases: kept alive beside the run, and what becomes of a request whose lease is lost."""

import asyncio
from datetime import timedelta

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.run import RunStatus
from cronicorn_domain.testing.builders import succeeded


async def test_a_run_longer_than_any_lease_is_one_run(rig):
    """A request that outlives its lease's length many times is sent once (trap T06)."""
    await rig.an_endpoint(seconds=600)
    first = rig.working("one", answer=rig.taking(300))
    second = rig.working("two", answer=rig.taking(300))

    await rig.until(1000)

    (run,) = rig.runs()
    assert run.status is RunStatus.SUCCESS
    assert len(first.dispatcher.dispatches + second.dispatcher.dispatches) == 1
    assert first.told("lease_lost") + second.told("run_reaped") == []


async def test_a_queue_of_slow_endpoints_runs_each_once(rig):
    """Endpoints that wait behind slow ones are not run twice while they wait (trap T06)."""
    endpoints = await rig.endpoints(12, seconds=3600)
    workers = [rig.working(name, concurrency=2, answer=rig.taking(45)) for name in ("one", "two")]

    await rig.until(3600 + 300)

    sent = [d.endpoint_id for worker in workers for d in worker.dispatcher.dispatches]
    assert sorted(sent) == sorted(endpoint.id for endpoint in endpoints)
    assert len(rig.runs()) == 12


async def test_a_lost_lease_cancels_its_request(rig):
    """A worker whose lease was reaped ends the request and settles nothing (trap T07)."""
    await rig.an_endpoint(seconds=600)
    ended: list[object] = []
    worker = rig.working(answer=_noting_the_end(rig, ended))

    await rig.until(601)
    worker.connection.down = {"all"}
    other = rig.working("two")
    await rig.until(613)
    worker.connection.down = set()
    await rig.until(620)

    assert len(other.told("run_reaped")) == 1
    assert [at < rig.after(617) for at in ended] == [True]
    assert [event.name for event in worker.events].count("lease_lost") == 1
    assert worker.connection.count("settle") == 0
    assert [run.status for run in rig.runs()] == [RunStatus.FAILED, RunStatus.SUCCESS]


async def test_a_lost_lease_ends_no_other_request(rig):
    """Only the request whose lease is gone is cancelled (trap T15)."""
    endpoints = await rig.endpoints(3, seconds=600)
    worker = rig.working(answer=rig.taking(30))

    await rig.until(601)
    for lease in _leases(rig):
        if lease.endpoint_id == endpoints[1].id:
            _expire(rig, lease)
    await rig.until(640)

    lost = [event.run.endpoint.id for event in worker.told("lease_lost")]
    settled = {event.run.endpoint.id for event in worker.told("run_settled")}
    assert lost == [endpoints[1].id]
    assert settled >= {endpoints[0].id, endpoints[2].id}


async def test_a_dispatcher_that_ignores_the_cancellation_settles_nothing(rig):
    """Even when a request of a lost lease comes to an end, its result is not settled (trap T07)."""
    await rig.an_endpoint(seconds=600)

    async def stubborn(dispatch):
        if dispatch.attempt > 1:
            return succeeded()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return succeeded()

    worker = rig.working(answer=stubborn)
    await rig.until(601)
    _expire(rig, _leases(rig)[0])
    await rig.until(605)

    (settled,) = worker.told("run_settled")
    assert len(worker.told("lease_lost")) == 1
    assert settled.run.plan.attempt == 2
    assert sum(worker.connection.sizes["settle"]) == 1


async def test_a_result_that_was_taken_is_not_called_lost(rig):
    """A renewal that crosses an accepted settle on the way does not make its run a lost one."""
    await rig.an_endpoint(seconds=600)
    worker = rig.worker(answer=rig.taking(1.9), settle_window=NO_TIME)
    worker.begin()

    await rig.until(601)
    worker.connection.latency = timedelta(seconds=2)
    await rig.until(620)

    assert worker.connection.count("renew") > 0
    assert len(worker.told("run_settled")) == 1
    assert worker.told("lease_lost") == []


async def test_leases_are_renewed_together(rig):
    """Renewing costs a call every three seconds, not one per run."""
    await rig.endpoints(50, seconds=600)
    worker = rig.working(answer=rig.taking(30))

    await rig.until(630)

    assert worker.connection.count("renew") == 10
    assert set(worker.connection.sizes["renew"]) == {50}


async def test_many_leases_are_renewed_in_bounded_batches(rig):
    """No renewal carries more than a batch."""
    await rig.endpoints(50, seconds=600)
    worker = rig.working(answer=rig.taking(5), batch=20)

    await rig.until(604)

    assert worker.connection.sizes["renew"] == [20, 20, 10]


async def test_a_run_that_is_over_soon_is_never_renewed(rig):
    """Renewals are counted from the claim, so that short runs cost none, whenever they begin."""
    await rig.an_endpoint(seconds=7)
    worker = rig.working(answer=rig.taking(2))

    await rig.until(200)

    assert len(rig.runs()) == 28
    assert worker.connection.count("renew") == 0


async def test_a_lease_that_came_late_is_renewed_in_time(rig):
    """What counts is when the claim was sent: its answer was five seconds on the way."""
    await rig.an_endpoint(seconds=600)
    worker = rig.working(answer=rig.taking(30))

    await rig.until(595)
    worker.connection.latency = timedelta(seconds=5)
    await rig.until(660)

    claimed_at = rig.runs()[0].claimed_at
    renewed_at = next(at for name, at in worker.connection.asked if name == "renew")
    assert renewed_at - claimed_at == timedelta(seconds=5)
    assert [run.attempt for run in rig.runs()] == [1]


async def test_leases_are_renewed_during_a_drain(rig):
    """A stop does not let the leases of what still runs end (trap T06)."""
    await rig.an_endpoint(seconds=600)
    worker = rig.working(answer=rig.taking(25))

    await rig.until(600.5)
    other = rig.working("two")
    await worker.stop()

    assert len(worker.told("run_settled")) == 1
    assert other.told("run_reaped") == []


async def test_leases_are_renewed_while_a_result_waits(rig):
    """Leases live on while their results cannot be settled (trap T06)."""
    await rig.an_endpoint(seconds=600)
    worker = rig.working(answer=rig.taking(1))

    await rig.until(600.5)
    other = rig.working("two")
    worker.connection.down = {"settle"}
    await rig.until(640)
    worker.connection.down = set()
    await rig.until(645)

    assert len(worker.told("run_settled")) == 1
    assert other.told("run_reaped") == []


def _leases(rig):
    endpoints = rig.store.tables.endpoints
    return [endpoints[endpoint_id].lease for endpoint_id in rig.store.tables.leases.values()]


def _expire(rig, lease):
    """Take a lease away behind its worker's back, as a reaper with a later clock would."""
    rig.queue._reap(lease, rig.clock.now())


def _noting_the_end(rig, ended):
    async def answer(dispatch):
        if dispatch.attempt > 1:
            return succeeded()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(rig.clock.now())

    return answer
