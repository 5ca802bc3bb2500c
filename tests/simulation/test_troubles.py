"""Each trouble does to a worker what it says, and the promises hold."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from cronicorn_domain.identity import EndpointId, JobId, TenantId, WorkerId
from cronicorn_domain.model.endpoint import Endpoint, HttpRequest
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.run import FailureKind, RunStatus
from cronicorn_domain.schedules.schedule import IntervalSchedule
from cronicorn_scheduler.settings import SchedulerSettings

from tools.checker.history import LeaseEnd
from tools.simulate.judging import judge
from tools.simulate.participants import Newcomer, Target, Worker, identity
from tools.simulate.scenario import Scenario
from tools.simulate.troubles import (
    AnswersLate,
    AnswersLost,
    Call,
    CallsDoubled,
    CallsLate,
    ClockStep,
    Crash,
    Leave,
    Stop,
    Trouble,
    Unreachable,
    WakeupsLost,
)
from tools.simulate.world import Course, play

BEGINS_AT = datetime.fromisoformat("2025-01-01T12:00:00+00:00")
SECOND = timedelta(seconds=1)
JOB = Job(
    id=JobId(identity(0, "job")),
    tenant=TenantId(identity(0, "tenant")),
    name="job",
    created_at=BEGINS_AT,
    updated_at=BEGINS_AT,
)
ENDPOINT = Endpoint(
    id=EndpointId(identity(0, "e1")),
    tenant=JOB.tenant,
    job_id=JOB.id,
    name="e1",
    request=HttpRequest(url="http://e1.example/"),
    schedule=IntervalSchedule(every=30 * SECOND),
    anchor=BEGINS_AT,
    created_at=BEGINS_AT,
    updated_at=BEGINS_AT,
)
SLOW = Target(seed=0, failing=0.0, lengths=(5 * SECOND,))


def a_world(*troubles: Trouble, workers: int = 1) -> Scenario:
    """Return two minutes of an endpoint that runs every half minute and takes five seconds."""
    return Scenario(
        seed=0,
        begins_at=BEGINS_AT,
        lasts=120 * SECOND,
        peace=55 * SECOND,
        floor=SECOND,
        jobs=(JOB,),
        newcomers=(Newcomer(name="e1", after=timedelta(), endpoint=ENDPOINT, target=SLOW),),
        workers=tuple(Worker(name=f"w{n + 1}") for n in range(workers)),
        settings=SchedulerSettings(worker=WorkerId("any")),
        troubles=troubles,
    )


def ends(course: Course) -> list[LeaseEnd | None]:
    """Return how the leases ended, in the order of their claims."""
    return [lease.end for lease in course.history.leases]


def line(calls: set[Call], **more: object) -> dict[str, object]:
    """Return the members of a line trouble from the first slot on, for half a minute."""
    common = {"name": "t1", "after": 29 * SECOND, "lasts": 30 * SECOND, "worker": None}
    return {**common, "calls": frozenset(calls), **more}


def test_without_trouble_every_slot_is_run_once() -> None:
    """Five slots in not quite three minutes, each settled."""
    course = play(a_world())

    assert ends(course) == [LeaseEnd.SETTLED] * 5
    assert course.broken == ()


def test_a_crash_while_a_request_is_under_way_loses_the_run() -> None:
    """The lease runs out, the reaper takes it, and the slot is run again by who follows."""
    crash = Crash(name="t1", after=32 * SECOND, worker="w1", steps=0, back_after=SECOND)

    course = play(a_world(crash))

    first, second, *_ = course.history.runs
    assert ends(course)[:2] == [LeaseEnd.REAPED, LeaseEnd.SETTLED]
    assert first.failure_kind is FailureKind.ABANDONED
    assert (second.slot, second.attempt) == (first.slot, 2)
    assert course.history.requests[0].ended_at is None


def test_a_worker_that_stands_still_past_its_lease_settles_nothing() -> None:
    """Another takes the slot over meanwhile, and what the first one has to say comes too late."""
    stop = Stop(
        name="t1", after=32 * SECOND, worker="w1", steps=0, lasts=20 * SECOND, clock_stands=True
    )

    courses = [play(a_world(stop, workers=2)) for stop in (stop, _of(stop, "w2"))]

    lost = [course for course in courses if LeaseEnd.REAPED in ends(course)]
    assert len(lost) == 1
    assert [run.attempt for run in lost[0].history.runs][:2] == [1, 2]


def _of(stop: Stop, worker: str) -> Stop:
    return Stop(
        name=stop.name,
        after=stop.after,
        worker=worker,
        steps=stop.steps,
        lasts=stop.lasts,
        clock_stands=stop.clock_stands,
    )


def test_a_claim_whose_answer_is_lost_is_given_back() -> None:
    """Nobody starts the run; the reaper gives it back, and the slot gets its next attempt."""
    lost = AnswersLost(**line({Call.CLAIM}, hangs=SECOND, lasts=2 * SECOND))  # type: ignore[arg-type]

    course = play(a_world(lost))

    first, second, *_ = course.history.runs
    assert first.status is RunStatus.CANCELED
    assert (second.slot, second.attempt) == (first.slot, 2)
    assert len(course.history.requests) == len(course.history.runs) - 1


def test_a_settle_that_is_carried_out_twice_counts_once() -> None:
    """The second one finds no lease, whichever of the two answers arrives."""
    for second in (False, True):
        doubled = CallsDoubled(**line({Call.SETTLE}, by=SECOND, second=second))  # type: ignore[arg-type]

        course = play(a_world(doubled))

        assert course.faults["CallsDoubled"] == 1
        assert ends(course) == [LeaseEnd.SETTLED] * 5


@pytest.mark.parametrize(
    "trouble",
    [
        Unreachable(**line(set(Call), hangs=SECOND)),  # type: ignore[arg-type]
        AnswersLate(**line({Call.START, Call.SETTLE}, by=14 * SECOND)),  # type: ignore[arg-type]
        CallsLate(**line({Call.RENEW, Call.SETTLE}, by=14 * SECOND)),  # type: ignore[arg-type]
        WakeupsLost(**line(set(Call))),  # type: ignore[arg-type]
        ClockStep(name="t1", after=29 * SECOND, worker="w1", by=3 * SECOND),
        Leave(name="t1", after=32 * SECOND, worker="w1", hurry=True, back_after=SECOND),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
def test_the_promises_hold_in_each_trouble(trouble: Trouble) -> None:
    """Alone, in a small world: slots are run or recorded, and nothing is left behind."""
    verdict = judge(a_world(trouble, workers=2))

    assert verdict.sound
    # A slot that was lost three times counts a failure, and the backoff leaves out the next.
    assert verdict.slots in {4, 5}


@pytest.mark.parametrize("after", [32.4, 32.5, 32.75])
def test_who_hears_of_the_store_again_a_moment_later_than_others_keeps_its_lease(
    after: float,
) -> None:
    """Behind an outage the reaper waits: leases that ended in it are renewed by who is alive."""
    begins = after * SECOND
    everybody = Unreachable(
        name="t1",
        after=begins,
        lasts=17 * SECOND,
        worker=None,
        calls=frozenset(Call),
        hangs=timedelta(),
    )
    longer = replace(everybody, name="t2", lasts=18.5 * SECOND, worker="w1")
    world = a_world(everybody, longer, workers=2)
    (newcomer,) = world.newcomers
    long = replace(newcomer, target=replace(SLOW, lengths=(28 * SECOND,)))

    course = play(replace(world, newcomers=(long,)))

    first, *_ = course.history.leases
    assert (first.worker, first.end) == ("w1.1", LeaseEnd.SETTLED)
    assert any(until < said_at for (_, until), (said_at, _) in pairwise(first.promised))
    assert LeaseEnd.REAPED not in ends(course)
