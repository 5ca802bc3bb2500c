"""The scheduler's life: begin, drain, stop; and what happens when a part of it cannot go on."""

import asyncio
from datetime import timedelta

import pytest
from cronicorn_domain.errors import StoreRefused
from cronicorn_domain.model.run import FailureKind, RunStatus
from cronicorn_domain.testing.builders import a_oneshot, succeeded
from cronicorn_scheduler.observing import RunStarted
from cronicorn_scheduler.supervising import PartDied


async def test_a_stop_lets_running_requests_finish(rig):
    """After a stop what is running ends and is settled, and nothing more is claimed."""
    await rig.endpoints(3, seconds=10)
    worker = rig.working(answer=rig.taking(8))

    await rig.until(11)
    await worker.stop()

    assert rig.clock.now() == rig.after(18.005)
    assert [run.status for run in rig.runs()] == [RunStatus.SUCCESS] * 3
    assert rig.store.tables.leases == {}
    assert [event.name for event in worker.events[-1:]] == ["scheduler_stopped"]
    assert [event.held for event in worker.told("scheduler_draining")] == [3]


async def test_an_idle_scheduler_stops_at_once(rig):
    """With nothing in hand a stop takes no time."""
    await rig.an_endpoint(seconds=600)
    worker = rig.working()

    await rig.until(7.25)
    await worker.stop()

    assert rig.clock.now() == rig.after(7.25)


async def test_a_stop_before_the_start(rig):
    """A scheduler can be stopped without having been started; it then asks nothing of the store."""
    worker = rig.worker()

    worker.scheduler.request_stop()
    worker.begin()
    await worker.ended()

    assert worker.connection.asked == []
    assert [event.name for event in worker.events] == ["scheduler_started", "scheduler_stopped"]


async def test_a_stop_during_the_first_measurement(rig):
    """A stop while the store cannot be reached yet ends without having claimed."""
    worker = rig.worker()
    worker.connection.down = {"all"}
    worker.begin()

    await rig.until(5)
    await worker.stop()

    assert rig.clock.now() == rig.after(5)
    assert set(worker.connection.counts()) == {"synchronize"}


async def test_a_stop_after_the_end(rig):
    """A stop that comes after the end, once or twice, changes nothing."""
    worker = rig.working()

    await rig.until(1)
    await worker.stop()
    told = len(worker.events)
    worker.scheduler.request_stop()
    worker.scheduler.request_stop()

    assert len(worker.events) == told


async def test_a_second_stop_ends_faster(rig):
    """A second stop takes the grace away: requests are cancelled, their leases left to reapers."""
    await rig.endpoints(2, seconds=600)
    worker = rig.working(answer=rig.taking(20))

    await rig.until(601)
    worker.scheduler.request_stop()
    await rig.until(603)
    await worker.stop()

    assert rig.clock.now() == rig.after(603)
    assert len(worker.told("run_abandoned")) == 2
    assert [run.status for run in rig.runs()] == [RunStatus.RUNNING] * 2


async def test_the_grace_has_an_end(rig):
    """A request that outlasts the grace is cancelled; the reaper of another makes it a lost run."""
    await rig.an_endpoint(seconds=600)
    worker = rig.working(answer=rig.taking(300), drain_grace=timedelta(seconds=30))

    await rig.until(601)
    await worker.stop()
    ended_at = rig.clock.now()
    rig.working("two")
    await rig.until(650)

    assert ended_at == rig.after(631)
    assert len(worker.told("run_abandoned")) == 1
    assert [run.failure_kind for run in rig.runs()] == [FailureKind.ABANDONED, None]


async def test_a_claim_under_way_is_given_back(rig):
    """What a claim brings after the stop is released and due again at once (trap T48)."""
    endpoint = await rig.an_endpoint(seconds=600)
    worker = rig.working()
    worker.connection.latency = timedelta(milliseconds=100)
    await rig.until(600.05)

    await worker.stop()

    (released,) = worker.told("run_released")
    assert released.reason == "stopping"
    assert worker.dispatcher.dispatches == []
    assert [run.status for run in rig.runs()] == [RunStatus.CANCELED]
    assert rig.store.due_rows[endpoint.id].due_at <= rig.clock.now()


async def test_what_a_released_claim_consumed_is_pending_again(rig):
    """A one-shot whose run was given back is run by the next worker (trap T48)."""
    endpoint = await rig.an_endpoint(seconds=600)
    await rig.offer(endpoint, a_oneshot(rig.after(100)))
    first = rig.working("one")
    first.connection.latency = timedelta(milliseconds=100)
    await rig.until(100.05)
    await first.stop()

    second = rig.working("two")
    await rig.until(120)

    assert first.dispatcher.dispatches == []
    assert [d.slot for d in second.dispatcher.dispatches] == [rig.after(100)]


async def test_runs_that_wait_for_the_store_are_given_back_in_the_end(rig):
    """After the grace, runs that could not be started are released as soon as that is possible."""
    await rig.endpoints(3, seconds=600)
    worker = rig.working(drain_grace=timedelta(seconds=4))
    worker.connection.down = {"start"}

    await rig.until(601)
    await worker.stop()

    assert len(worker.told("run_released")) == 3
    assert worker.connection.sizes["release"] == [3]
    assert rig.store.tables.leases == {}


async def test_a_start_that_crossed_the_end_of_the_grace_is_not_released(rig):
    """A run that the store has as started when its start is given up is left to the reaper."""
    await rig.an_endpoint(seconds=600)
    worker = rig.working(drain_grace=timedelta(seconds=1))
    worker.connection.lost = {"start"}

    await rig.until(600.5)
    await worker.stop()

    assert worker.dispatcher.dispatches == []
    assert len(worker.told("run_abandoned")) == 1
    assert len(rig.store.tables.leases) == 1


async def test_results_that_no_store_takes_are_not_dropped_in_silence(rig):
    """A result that cannot be settled before the end is told, with what it was."""
    await rig.an_endpoint(seconds=600)
    worker = rig.working(answer=rig.taking(1), drain_grace=timedelta(seconds=4))

    await rig.until(600.5)
    worker.connection.down = {"all"}
    await worker.stop()

    (dropped,) = worker.told("result_dropped")
    assert dropped.settlement.outcome == succeeded()
    assert rig.clock.now() == rig.after(600.5 + 4 + 2)


async def test_releases_that_no_store_takes_are_told(rig):
    """A claim that cannot be given back before the end is told, too."""
    await rig.an_endpoint(seconds=600)
    worker = rig.working(drain_grace=timedelta(seconds=4))
    worker.connection.down = {"start", "release"}

    await rig.until(600.5)
    await worker.stop()

    assert len(worker.told("run_abandoned")) == 1


async def test_a_result_is_settled_even_in_a_hurry(rig):
    """A result that is there when the grace is taken away is still settled."""
    await rig.an_endpoint(seconds=600)
    worker = rig.working(answer=rig.taking(1))

    await rig.until(601.001)
    worker.scheduler.request_stop()
    await worker.stop()

    assert [run.status for run in rig.runs()] == [RunStatus.SUCCESS]


async def test_a_scheduler_runs_once(rig):
    """Running it again is an error of who does so."""
    worker = rig.working()
    await rig.until(1)
    await worker.stop()

    with pytest.raises(RuntimeError, match="runs once"):
        await worker.scheduler.run()


@pytest.mark.parametrize("part", ["claim", "reap", "heal", "unit", "renew"])
async def test_a_part_that_cannot_go_on_is_an_error(rig, part):
    """A loop that fails again and again ends the scheduler with that error, not in silence."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working(answer=rig.taking(30))
    worker.connection.broken = {part}

    with pytest.raises(PartDied, match="has a bug") as died:
        await worker.ended()

    failures = worker.told("part_failed")
    assert [failure.in_a_row for failure in failures] == [1, 2, 3, 4, 5]
    assert isinstance(died.value.__cause__, ValueError)
    assert worker.events[-1].name == "scheduler_stopped"


async def test_a_dying_scheduler_drains(rig):
    """When a part cannot go on, what is running is still finished and settled."""
    await rig.endpoints(3, seconds=60)
    worker = rig.working(answer=rig.taking(20))

    await rig.until(61)
    worker.connection.broken = {"reap"}
    with pytest.raises(PartDied):
        await worker.ended()

    assert len(worker.told("run_settled")) == 3


async def test_a_part_that_fails_now_and_then_goes_on(rig):
    """Single errors of a loop are told, and it begins anew; they do not add up over hours."""
    await rig.an_endpoint(seconds=60)
    worker = rig.working()

    for minute in range(2, 20, 2):
        await rig.until(minute * 60 + 30.01)
        worker.connection.broken = {"reap"}
        while worker.events[-1].name != "part_failed":
            await rig.until(rig.elapsed() + 0.1)
        worker.connection.broken = set()
    await rig.until(20 * 60 + 30)

    in_a_row = [event.in_a_row for event in worker.told("part_failed")]
    assert in_a_row.count(1) == 9
    assert max(in_a_row) <= 2
    assert len(worker.told("run_settled")) == 20


async def test_a_refusal_of_the_store_is_no_outage(rig):
    """A store that answers no is not asked for ever: trying again does not help (trap T31)."""
    worker = rig.worker()
    worker.connection.claim = _refuses
    worker.begin()

    with pytest.raises(PartDied, match="the disk is full"):
        await worker.ended()

    assert worker.told("store_unavailable") == []


async def test_an_observer_that_fails_harms_nothing(rig):
    """Errors of whoever listens go to the loop's handler and not to the runs."""
    await rig.endpoints(2)
    heard = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    worker = rig.working(observer=FailingObserver())

    await rig.until(61)
    await worker.stop()

    assert [run.status for run in rig.runs()] == [RunStatus.SUCCESS] * 2
    assert {context["message"] for context in heard} == {"the observer failed on run_started"}


async def test_without_an_observer_nothing_is_told(rig):
    """Nobody has to listen."""
    await rig.an_endpoint(seconds=60)
    scheduler = rig.unobserved()
    task = asyncio.create_task(scheduler.run())

    await rig.until(61)
    scheduler.request_stop()
    await task

    assert len(rig.runs()) == 1


async def test_a_crash_leaves_no_task_behind(rig):
    """Cancelling the scheduler ends everything it had begun."""
    await rig.endpoints(5, seconds=60)
    before = asyncio.all_tasks()
    worker = rig.working(answer=rig.taking(30))

    await rig.until(61)
    assert len(asyncio.all_tasks() - before) > 10
    await worker.crash()

    assert asyncio.all_tasks() == before


async def test_a_stop_leaves_no_task_behind(rig):
    """After the end nothing of the scheduler runs any more."""
    await rig.endpoints(5, seconds=60)
    before = asyncio.all_tasks()
    worker = rig.working(answer=rig.taking(3))

    await rig.until(61)
    await worker.stop()

    assert asyncio.all_tasks() == before


async def test_quarantined_endpoints_get_another_chance(rig):
    """A worker that starts lets out of quarantine what can be read after all (trap T15)."""
    endpoint = await rig.an_endpoint(seconds=60)
    rig.store.tables.endpoints[endpoint.id].unreadable = "no such zone"
    first = rig.working("one")
    await rig.until(61)
    await first.stop()
    rig.store.tables.endpoints[endpoint.id].unreadable = None

    second = rig.working("two")
    await rig.until(121)

    assert [event.endpoint_id for event in second.told("endpoint_healed")] == [endpoint.id]
    assert [run.started_at for run in rig.runs()] == [rig.after(120)]


async def test_healing_waits_for_the_store(rig):
    """Healing is tried until the store answers (trap T31)."""
    worker = rig.working()
    worker.connection.down = {"heal"}

    await rig.until(10)
    worker.connection.down = set()
    await rig.until(20)

    assert worker.connection.count("heal") > 4
    assert len(worker.told("store_recovered")) == 1


async def _refuses(**_):
    raise StoreRefused("the disk is full")


class FailingObserver:
    """Fails on one kind of event."""

    def record(self, event):
        if isinstance(event, RunStarted):
            raise BrokenPipeError
