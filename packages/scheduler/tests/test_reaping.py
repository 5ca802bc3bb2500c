"""Reaping: what a lost worker leaves behind goes on elsewhere, soon and once."""

import asyncio
from datetime import timedelta

import pytest
from cronicorn_domain.model.endpoint import Delivery
from cronicorn_domain.model.run import FailureKind, OutcomeClass, RunStatus
from cronicorn_domain.testing.builders import succeeded


async def test_a_lost_worker_is_replaced_with_the_same_key(rig):
    """After a crash the slot is run again elsewhere, and the receiver can recognise it."""
    await rig.an_endpoint(seconds=600)
    first = rig.working("one", answer=rig.taking(30))
    second = rig.worker("two", answer=rig.taking(1))

    await rig.until(602)
    await first.crash()
    second.begin()
    await rig.until(620)

    lost, repeat = rig.runs()
    (before,), (after,) = first.dispatcher.dispatches, second.dispatcher.dispatches
    assert (lost.failure_kind, lost.outcome_class) == (FailureKind.ABANDONED, OutcomeClass.OURS)
    assert (repeat.status, repeat.attempt) == (RunStatus.SUCCESS, 2)
    assert before.idempotency_key == after.idempotency_key
    assert before.run_id != after.run_id


async def test_a_lost_lease_is_reaped_within_two_seconds(rig):
    """From the end of a lease to the repeat it takes no more than two seconds."""
    for n in range(10):
        await rig.until(n * 0.31)
        await rig.an_endpoint(f"health-{n}", seconds=600)
    first = rig.working("one", answer=_never, renew_every=timedelta(seconds=3))
    second = rig.worker("two")

    await rig.until(604)
    await first.crash()
    ends = {row.endpoint.id: row.lease.until for row in rig.store.tables.endpoints.values()}
    second.begin()
    await rig.until(630)

    waits = [run.claimed_at - ends[run.endpoint_id] for run in rig.runs() if run.worker == "two"]
    assert len(waits) == 10
    assert max(waits) <= timedelta(seconds=2)


async def test_a_worker_that_comes_back_reaps_after_the_reprieve(rig):
    """A worker alone that is started after a crash takes over what had ended meanwhile."""
    await rig.an_endpoint(seconds=600)
    first = rig.working("one", answer=_never)

    await rig.until(601)
    await first.crash()
    await rig.until(620)
    second = rig.working("two")
    await rig.until(622.9)
    assert second.told("run_settled") == []
    await rig.until(624.6)

    assert len(second.told("run_settled")) == 1


async def test_a_lost_run_is_no_failure_of_the_target(rig):
    """A worker's loss is not counted against the endpoint (trap T48)."""
    endpoint = await rig.an_endpoint(seconds=600)
    first = rig.working("one", answer=_never)

    await rig.until(601)
    await first.crash()
    rig.working("two")
    await rig.until(615)

    assert rig.store.tables.endpoints[endpoint.id].state.failures == 0


async def test_at_most_once_is_not_repeated(rig):
    """By choice a slot whose run was lost is not run again."""
    await rig.an_endpoint(seconds=600, delivery=Delivery.AT_MOST_ONCE)
    first = rig.working("one", answer=_never)

    await rig.until(601)
    await first.crash()
    second = rig.working("two")
    await rig.until(700)

    assert len(second.told("run_reaped")) == 1
    assert second.dispatcher.dispatches == []


async def test_a_claim_that_never_started_is_given_back(rig):
    """A worker that dies between claim and start costs a little time and no attempt (trap T48)."""
    await rig.an_endpoint(seconds=600, delivery=Delivery.AT_MOST_ONCE)
    first = rig.working("one")
    first.connection.down = {"start"}

    await rig.until(601)
    await first.crash()
    second = rig.working("two")
    await rig.until(620)

    canceled, run = rig.runs()
    assert (canceled.status, run.status) == (RunStatus.CANCELED, RunStatus.SUCCESS)
    assert [event.reaped.given_back for event in second.told("run_reaped")] == [True]


async def test_a_lost_claim_answer_is_given_back(rig):
    """Leases whose answer was lost on the way are given back by the reaper, and run (trap T31)."""
    await rig.endpoints(3, seconds=600)
    worker = rig.working()

    await rig.until(599.9)
    worker.connection.lost = {"claim"}
    await rig.until(600.5)
    worker.connection.lost = set()
    await rig.until(615)

    assert len(worker.told("run_reaped")) == 3
    assert len(worker.told("run_settled")) == 3
    assert len(worker.dispatcher.dispatches) == 3


async def test_a_reaped_run_stays_reaped(rig):
    """What a worker brings after its lease was reaped changes nothing (traps T07, T25)."""
    await rig.an_endpoint(seconds=600)
    first = rig.working("one", answer=rig.taking(14))

    await rig.until(601)
    first.connection.down = {"renew", "reap", "settle", "claim", "next_due"}
    rig.working("two", answer=rig.taking(0.1))
    await rig.until(616)
    reaped = rig.runs()
    first.connection.down = set()
    await rig.until(640)

    assert rig.runs() == reaped
    assert [run.failure_kind for run in reaped] == [FailureKind.ABANDONED, None]
    assert len(first.told("lease_lost")) == 1


async def test_a_finished_run_is_not_reaped(rig):
    """A settled run has no lease left that could be reaped (trap T25)."""
    await rig.an_endpoint(seconds=600)
    worker = rig.working(answer=rig.taking(1))

    await rig.until(700)

    assert worker.told("run_reaped") == []
    assert [run.status for run in rig.runs()] == [RunStatus.SUCCESS]


@pytest.mark.parametrize(("down", "shares"), [("all", "claim_batch"), ("renew", "concurrency")])
async def test_an_outage_makes_no_lost_runs(rig, down, shares):
    """
    Leases that ended because nobody could renew are renewed before anyone reaps (trap T31).

    That is so when the store is away, and when it refuses this worker's own renewals alone: so it
    may refuse those of the others.
    """
    await rig.endpoints(4, seconds=600)
    each = {shares: 2, "answer": rig.taking(90)}  # renewals fail only where there is something held
    workers = [rig.working(name, **each) for name in ("one", "two")]

    await rig.until(601)
    for worker in workers:
        worker.connection.down = {down}
    await rig.until(640)
    for worker in workers:
        worker.connection.down = set()
    await rig.until(700)

    assert [event for worker in workers for event in worker.told("run_reaped", "lease_lost")] == []
    assert [run.status for run in rig.runs()] == [RunStatus.SUCCESS] * 4


async def test_a_newcomer_leaves_others_the_time_to_renew(rig):
    """A worker that starts as an outage ends does not take the leases of those alive (trap T31)."""
    await rig.endpoints(4, seconds=600)
    first = rig.working("one", answer=rig.taking(90))

    await rig.until(601)
    first.connection.down = {"all"}
    await rig.until(640)
    second = rig.working("two")
    await rig.until(640.1)
    first.connection.down = set()
    await rig.until(700)

    assert [*first.told("lease_lost", "run_reaped"), *second.told("run_reaped")] == []
    assert [run.status for run in rig.runs()] == [RunStatus.SUCCESS] * 4


async def test_a_store_that_stood_still_makes_no_lost_runs(rig):
    """Answers that came very late are as good as none: nobody reaps right after them (trap T31)."""
    await rig.endpoints(4, seconds=600)
    first = rig.working("one", answer=rig.taking(90))
    second = rig.working("two", answer=rig.taking(90))

    await rig.until(601)
    first.connection.latency = second.connection.latency = timedelta(seconds=13)
    await rig.until(614)
    first.connection.latency = second.connection.latency = timedelta()
    await rig.until(700)

    assert [*first.told("run_reaped", "lease_lost"), *second.told("run_reaped")] == []
    assert [run.status for run in rig.runs()] == [RunStatus.SUCCESS] * 4


async def test_one_late_answer_does_not_keep_the_reaper(rig):
    """A store that is merely slow is reaped all the same, within two seconds and its delay."""
    await rig.an_endpoint(seconds=600)
    first = rig.working("one", answer=_never)
    second = rig.working("two")
    second.connection.latency = timedelta(milliseconds=800)

    await rig.until(604)
    await first.crash()
    ends = {row.endpoint.id: row.lease.until for row in rig.store.tables.endpoints.values()}
    await rig.until(640)

    (repeat,) = [run for run in rig.runs() if run.attempt == 2]
    assert repeat.claimed_at - ends[repeat.endpoint_id] <= timedelta(seconds=5)


async def test_many_lost_leases_are_reaped_without_a_pause(rig):
    """A full batch of the reaper is followed by another at once."""
    await rig.endpoints(50, seconds=600)
    first = rig.working("one", answer=_never)

    await rig.until(601)
    await first.crash()
    await rig.until(620)
    second = rig.working("two", batch=20)
    await rig.until(624.6)

    assert [size for size in second.connection.sizes["reap"] if size] == [20, 20, 20]
    assert len(second.told("run_reaped")) == 50


async def _never(dispatch):
    await asyncio.Event().wait()
    return succeeded()
