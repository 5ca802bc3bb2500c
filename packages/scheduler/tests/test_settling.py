"""Settling: results go in groups, survive an outage, and are never dropped in silence."""

from datetime import timedelta

import pytest
from cronicorn_domain.model.run import RunStatus
from cronicorn_domain.ports.endpoint_queue import Settled


async def test_results_are_settled_together(rig):
    """Runs that end within a few milliseconds cost one settle, and one start."""
    await rig.endpoints(60)
    worker = rig.working()

    await rig.until(61)

    assert worker.connection.sizes["start"] == [60]
    assert worker.connection.sizes["settle"] == [60]


async def test_a_settle_is_bounded(rig):
    """No settle carries more than a batch; what is left goes with the next."""
    await rig.endpoints(60)
    worker = rig.working(batch=25)

    await rig.until(61)

    assert worker.connection.sizes["settle"] == [25, 25, 10]
    assert len(worker.told("run_settled")) == 60


async def test_a_result_waits_a_few_milliseconds_at_most(rig):
    """The settle does not wait for company longer than its window."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working(answer=rig.taking(1))

    await rig.until(62)

    settles = [at for name, at in worker.connection.asked if name == "settle"]
    assert settles == [rig.after(61.005)]


async def test_a_result_survives_an_outage(rig):
    """A result that the store cannot take is handed over again until it does (trap T31)."""
    await rig.endpoints(5, seconds=600)
    worker = rig.working(answer=rig.taking(1))

    await rig.until(600.5)
    worker.connection.down = {"all"}
    await rig.until(640)
    assert worker.told("run_settled") == []
    worker.connection.down = set()
    await rig.until(650)

    assert len(worker.told("run_settled")) == 5
    assert {run.finished_at for run in rig.runs()} == {rig.after(601)}
    assert [run.status for run in rig.runs()] == [RunStatus.SUCCESS] * 5


async def test_an_outage_is_told_once(rig):
    """However many parts meet an outage and however often, it is told once, and its end once."""
    await rig.endpoints(5, seconds=5)
    worker = rig.working(answer=rig.taking(1))

    await rig.until(50.5)
    worker.connection.down = {"all"}
    await rig.until(110)
    worker.connection.down = set()
    await rig.until(120)

    (recovered,) = worker.told("store_recovered")
    assert len(worker.told("store_unavailable")) == 1
    assert timedelta(seconds=59) <= recovered.lasted <= timedelta(seconds=64)


@pytest.mark.parametrize("part", ["claim", "next_due", "start", "settle", "reap", "synchronize"])
async def test_a_partial_outage_is_told_once(rig, part):
    """A store that answers everything but one kind of question is one outage, not many."""
    await rig.endpoints(3, seconds=10)
    worker = rig.working()

    await rig.until(25)
    worker.connection.down = {part}
    await rig.until(100)
    worker.connection.down = set()
    await rig.until(140)

    assert len(worker.told("store_unavailable")) == 1
    assert len(worker.told("store_recovered")) == 1


async def test_an_outage_is_met_with_patience(rig):
    """While the store is away it is asked less and less often, but at least every other second."""
    await rig.an_endpoint(seconds=5)
    worker = rig.working()

    await rig.until(20.5)
    worker.connection.down = {"all"}
    before = worker.connection.counts()
    await rig.until(140.5)

    asked = worker.connection.counts() - before
    assert 60 <= asked["claim"] <= 100
    assert 60 <= asked["reap"] <= 100


async def test_everything_goes_on_after_an_outage(rig):
    """Slots come back to their grid by themselves once the store answers (trap T31)."""
    await rig.endpoints(3, seconds=10)
    worker = rig.working()

    await rig.until(25)
    worker.connection.down = {"all"}
    await rig.until(57)
    worker.connection.down = set()
    await rig.until(101)

    starts = sorted({run.started_at for run in rig.runs() if run.started_at > rig.after(62)})
    assert starts == [rig.after(each) for each in (70, 80, 90, 100)]


async def test_an_answer_lost_on_the_way_settles_once(rig):
    """A settle whose answer was lost is repeated, and the second one changes nothing (trap T07)."""
    endpoint = await rig.an_endpoint(seconds=600)
    worker = rig.working()
    worker.connection.lost = {"settle"}

    await rig.until(600.5)
    worker.connection.lost = set()
    await rig.until(610)

    (run,) = rig.runs()
    assert run.status is RunStatus.SUCCESS
    assert rig.store.tables.endpoints[endpoint.id].state.run_count == 1
    assert rig.store.tables.leases == {}


async def test_one_result_that_cannot_be_settled_harms_itself_alone(rig):
    """A result whose settle fails is told, and the others of its group are settled (trap T15)."""
    endpoints = await rig.endpoints(4, seconds=600)
    worker = rig.worker()
    settle = worker.connection.settle

    async def broken(settlements, *, now):
        if any(rig.store.tables.leases.get(s.token) == endpoints[2].id for s in settlements):
            raise ValueError("no store can hold this")
        return await settle(settlements, now=now)

    worker.connection.settle = broken
    worker.begin()
    await rig.until(601)

    (told,) = worker.told("run_broken")
    assert told.run.endpoint.id == endpoints[2].id
    assert len(worker.told("run_settled")) == 3


async def test_one_result_that_times_out_does_not_hold_up_the_others(rig):
    """A result that only ever times out keeps no other from being settled (trap T15)."""
    endpoints = await rig.endpoints(4, seconds=600)
    worker = rig.worker()
    settle = worker.connection.settle

    async def blocked(settlements, *, now):
        ids = {rig.store.tables.leases.get(each.token) for each in settlements}
        if endpoints[0].id in ids:
            worker.connection.down = {"settle"}
        try:
            return await settle(settlements, now=now)
        finally:
            worker.connection.down = set()

    worker.connection.settle = blocked
    worker.begin()
    await rig.until(605)

    settled = {event.run.endpoint.id for event in worker.told("run_settled")}
    assert settled == {endpoint.id for endpoint in endpoints[1:]}


async def test_a_result_that_comes_too_late_is_told_as_lost(rig):
    """A result whose lease was reaped is refused by the store, and told (traps T07, T25)."""
    await rig.an_endpoint(seconds=600)
    worker = rig.worker()
    worker.connection.settle = _refuses
    worker.begin()

    await rig.until(601)

    assert len(worker.told("lease_lost")) == 1
    assert worker.told("run_settled") == []


async def _refuses(settlements, *, now):
    return {each.token: Settled.LOST for each in settlements}
