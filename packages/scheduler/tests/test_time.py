"""Time: the store's alone, measured before anything happens; no machine's clock matters."""

import ast
from datetime import timedelta
from pathlib import Path

import cronicorn_scheduler.service
import pytest


@pytest.mark.parametrize("off", [timedelta(minutes=-7), timedelta(minutes=7)])
async def test_a_wrong_clock_changes_nothing(rig, off):
    """Minutes between a machine's clock and the store's make nothing early or late (trap T26)."""
    await rig.endpoints(3, seconds=60)
    right = rig.working("right")
    wrong = rig.working("wrong", off=off)

    await rig.until(190)

    starts = sorted(run.started_at for run in rig.runs())
    assert starts == [rig.after(each) for each in (60, 120, 180) for _ in range(3)]
    assert right.told("lease_lost") + wrong.told("lease_lost", "run_reaped") == []


async def test_nothing_happens_by_an_unmeasured_clock(rig):
    """Until the clock was measured nothing is claimed, reaped or pruned (traps T26, T31)."""
    await rig.an_endpoint(seconds=60)
    worker = rig.worker(off=timedelta(hours=1))
    worker.connection.down = {"synchronize"}
    worker.begin()

    await rig.until(30)
    asked = set(worker.connection.counts())
    worker.connection.down = set()
    await rig.until(61)

    assert asked == {"synchronize"}
    assert [run.started_at for run in rig.runs()] == [rig.after(60)]


async def test_the_clock_is_measured_again_and_again(rig):
    """A clock that drifts is set right within a minute."""
    worker = rig.working()

    await rig.until(10)
    worker.clock.off = timedelta(milliseconds=200)
    await rig.until(301)

    assert worker.clock.off == timedelta()
    assert 7 <= worker.connection.count("synchronize") <= 8


async def test_a_measurement_that_fails_changes_nothing(rig):
    """Without an answer the last measurement stands, and everything goes on."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working()

    await rig.until(1)
    worker.connection.down = {"synchronize"}
    await rig.until(601)

    assert len(worker.told("run_settled")) == 10
    assert len(worker.told("store_unavailable")) == 1


async def test_a_clock_set_back_makes_nothing_early(rig):
    """When a measurement sets the clock back between claim and start, the start waits (T26)."""
    await rig.an_endpoint(seconds=60)
    worker = rig.worker()
    worker.connection.latency = timedelta(milliseconds=10)
    worker.begin()
    await rig.until(45)
    worker.clock.off = timedelta(milliseconds=30)
    await rig.until(59.975)

    worker.clock.off = timedelta()
    await rig.until(61)

    (started,) = worker.told("run_started")
    assert rig.runs()[0].claimed_at >= rig.after(60)
    assert started.started_at >= rig.after(60)
    starts = [at for name, at in worker.connection.asked if name == "start"]
    assert min(starts) >= rig.after(60)


def test_time_comes_from_the_clock_alone():
    """No module reads the machine's clock, or sleeps by another than the port (trap T26)."""
    folder = Path(cronicorn_scheduler.service.__file__).parent
    sources = [ast.parse(file.read_text("utf-8")) for file in folder.glob("*.py")]
    calls = {
        ast.unparse(node.func)
        for source in sources
        for node in ast.walk(source)
        if isinstance(node, ast.Call)
    }
    imports = {
        name.name
        for source in sources
        for node in ast.walk(source)
        if isinstance(node, ast.Import)
        for name in node.names
    }

    assert len(sources) > 15
    assert "time" not in imports
    assert (
        not {"asyncio.sleep", "asyncio.timeout", "asyncio.wait_for", "datetime.now", "loop.time"}
        & calls
    )
