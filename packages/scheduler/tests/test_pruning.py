"""Pruning: history past its retention goes, in small steps and out of the way."""

from datetime import timedelta
from itertools import pairwise

import pytest
from cronicorn_domain.model.run import RunStatus


async def test_history_past_retention_is_pruned(rig):
    """Runs whose slot is older than the retention go; younger ones stay."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working(retention=timedelta(hours=2))

    await rig.until(5 * 3600 + 30)

    slots = [run.slot for run in rig.runs()]
    assert timedelta(hours=2) <= rig.clock.now() - min(slots) <= timedelta(hours=3.3)
    assert sum(event.runs for event in worker.told("history_pruned")) == 300 - len(slots)


async def test_pruning_takes_small_steps(rig):
    """No step deletes more than its limit, and there is a rest between two."""
    await rig.endpoints(25, seconds=600)
    rig.working("one")
    await rig.until(650)
    worker = rig.working("two", retention=timedelta(seconds=1), prune_batch=10)

    await rig.until(750)

    steps = [at for name, at in worker.connection.asked if name == "unit"]
    assert [event.runs for event in worker.told("history_pruned")] == [10, 10, 5]
    _, *pruned = steps  # the first looks for what a quota has put off
    assert [later - step for step, later in pairwise(pruned)] == [timedelta(milliseconds=250)] * 2


async def test_history_may_be_kept_for_ever(rig):
    """Without a retention nothing is pruned."""
    await rig.an_endpoint(seconds=3600)
    worker = rig.working(retention=None)

    await rig.until(2 * 3600 + 1)

    assert len(rig.runs()) == 2
    assert worker.told("history_pruned") == []
    assert worker.connection.count("clear") == 0


async def test_each_tenant_keeps_so_many_runs(rig):
    """Of what the retention leaves, the newest are kept, as many as there may be."""
    await rig.an_endpoint(seconds=60)
    rig.working(retention=None, runs_most=5)

    await rig.until(3600 + 30 * 60)

    slots = sorted(run.slot for run in rig.runs())
    assert len(slots) < 5 + 80
    assert rig.clock.now() - slots[-1] < timedelta(seconds=61)


async def test_room_is_made_before_anything_is_pruned(rig):
    """At once when the worker begins, and each time it prunes."""
    worker = rig.working(retention=timedelta(days=2))

    await rig.until(35 * 60)

    asked = [(name, at) for name, at in worker.connection.asked if name in {"prepare", "clear"}]
    assert [name for name, _ in asked] == ["prepare", *["clear", "prepare"] * 2]
    assert asked[0][1] == rig.after(0)


async def test_room_is_made_before_anything_is_claimed(rig):
    """What would run before would be kept where no room can be made for it any more."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working()
    worker.connection.latency = timedelta(milliseconds=100)

    await rig.until(5)

    asked = dict(reversed(worker.connection.asked))
    assert asked["claim"] - asked["prepare"] == timedelta(milliseconds=100)


@pytest.mark.parametrize("without", ["down", "refused", "broken"])
async def test_claims_wait_for_room_only_where_it_can_be_had(rig, without):
    """Where none can be made, by an outage, for want of rights or by a fault, work begins soon."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working(room_patience=timedelta(seconds=1))
    setattr(worker.connection, without, {"prepare"})

    await rig.until(5)

    asked = dict(reversed(worker.connection.asked))
    assert asked["claim"] - asked["prepare"] <= timedelta(seconds=1)


async def test_a_store_that_refuses_room_is_pruned_all_the_same(rig):
    """Whoever may not make or drop any is told so, and history still goes in time."""
    await rig.an_endpoint(seconds=10)
    worker = rig.working(retention=timedelta(seconds=5))
    worker.connection.refused = {"prepare", "clear"}

    await rig.until(85)

    assert len(rig.runs()) < 8
    assert {event.part for event in worker.told("part_failed")} == {"prune"}
    assert worker.told("history_pruned") != []


async def test_pruning_is_not_in_the_way(rig):
    """While every place is taken, nothing is pruned."""
    await rig.endpoints(2, seconds=600)
    worker = rig.working(concurrency=2, answer=rig.taking(300), prune_first=timedelta(seconds=700))

    await rig.until(899)
    before = worker.connection.count("unit")
    await rig.until(901)

    # The first looked for what a quota has put off.
    assert (before, worker.connection.count("unit")) == (1, 2)


async def test_running_runs_are_not_pruned(rig):
    """A run that is under way stays, however old its slot."""
    await rig.an_endpoint(seconds=600)
    rig.working(retention=timedelta(seconds=1), answer=rig.taking(1000))

    await rig.until(900)

    assert [run.status for run in rig.runs()] == [RunStatus.RUNNING]


async def test_pruning_outlasts_an_outage(rig):
    """A step that meets an outage is made again later (trap T31)."""
    await rig.an_endpoint(seconds=10)
    worker = rig.working(retention=timedelta(seconds=5))
    worker.connection.down = {"unit"}

    await rig.until(85)
    assert len(rig.runs()) == 8
    worker.connection.down = set()
    await rig.until(89)

    assert rig.runs() == []
