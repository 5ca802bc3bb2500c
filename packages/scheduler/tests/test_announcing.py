"""Workers tell of themselves, and nothing depends on it."""

from datetime import timedelta
from itertools import pairwise

from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.run import RunStatus
from cronicorn_domain.model.worker import Worker
from cronicorn_domain.schedules.zones import tzdata_version
from cronicorn_domain.testing.builders import EPOCH


async def test_a_worker_tells_of_itself(rig):
    """Since when it works, how much it takes on, by which zones and floor, and its clock's skew."""
    rig.working("one", concurrency=7, floor=timedelta(seconds=5))

    await rig.until(12)

    (worker,) = await rig.registry.list_workers()
    assert (worker.name, worker.concurrency) == ("one", 7)
    assert worker.started_at == EPOCH
    assert rig.clock.now() - worker.seen_at < timedelta(seconds=10)
    assert worker.zone_data == tzdata_version()
    assert worker.clock_skew == timedelta()
    assert worker.floor == timedelta(seconds=5)
    assert worker.version


async def test_it_tells_every_few_seconds(rig):
    """The words lie ten to twelve seconds apart, by chance, so that workers do not go in step."""
    worker = rig.working()

    await rig.until(60)

    told = [at for name, at in worker.connection.asked if name == "announce"]
    gaps = [later - earlier for earlier, later in pairwise(told)]
    assert all(timedelta(seconds=10) <= gap <= timedelta(seconds=12) for gap in gaps)
    assert len(set(gaps)) > 1


async def test_a_clean_stop_takes_it_off_the_list(rig):
    """Who stopped is not listed as if it had crashed."""
    worker = rig.working("one")
    rig.working("two")

    await rig.until(7)
    await worker.stop()

    assert [each.name for each in await rig.registry.list_workers()] == ["two"]


async def test_who_crashed_stays_for_a_day(rig):
    """One that was killed is still listed, with when it was seen last, until a day has passed."""
    gone = Worker(
        name=WorkerId("long ago"),
        started_at=EPOCH - timedelta(days=9),
        seen_at=EPOCH - timedelta(days=1, seconds=1),
        concurrency=1,
        version="1",
        zone_data="2026a",
        clock_skew=timedelta(),
        floor=timedelta(seconds=1),
    )
    await rig.registry.announce(gone)
    worker = rig.working("one")
    await rig.until(7)
    await worker.crash()

    rig.working("two")
    await rig.until(14)

    assert [each.name for each in await rig.registry.list_workers()] == ["one", "two"]


async def test_runs_go_on_when_it_cannot_tell(rig):
    """A registry that does not answer keeps no run from its time, and no scheduler from its end."""
    await rig.an_endpoint(seconds=10)
    worker = rig.working()
    worker.connection.down = {"announce", "forget", "leave"}

    await rig.until(35)
    await worker.stop()

    assert [run.status for run in rig.runs()] == [RunStatus.SUCCESS] * 3
    assert rig.clock.now() == rig.after(35)
