"""What the doctor makes of what was seen: where something begins to be worth telling."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from cronicorn_domain.identity import EndpointId, Token, WorkerId, new_uuid
from cronicorn_domain.model.finding import Ailment, Finding, Mending
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.model.worker import Worker
from cronicorn_domain.policies.diagnosing import (
    Thresholds,
    analyses_lost,
    analyses_overdue,
    examined,
    leases_lost,
    queued_in_vain,
    room_missing,
    slots_overdue,
    transactions_too_old,
    workers_apart,
)
from cronicorn_domain.policies.eligibility import claimable_from
from cronicorn_domain.policies.replanning import replan
from cronicorn_domain.ports.examination import (
    ExaminedEndpoint,
    HeldAnalysis,
    HeldLease,
    OldTransaction,
    OverdueAnalysis,
    OverdueSlot,
    QueuedPlace,
    StrayEntry,
)
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_job,
    a_oneshot,
    an_endpoint,
    every,
    once,
)

LIMITS = Thresholds()
ENDPOINT = EndpointId(new_uuid())
LEASE = HeldLease(
    token=Token(7),
    endpoint_id=ENDPOINT,
    worker=WorkerId("w"),
    until=EPOCH + 10 * SECOND,
    seen_at=EPOCH,
)
LOOK = HeldAnalysis(
    endpoint_id=ENDPOINT,
    name="health",
    worker=WorkerId("w"),
    until=EPOCH + 5 * MINUTE,
    seen_at=EPOCH,
)
WORKER = Worker(
    name=WorkerId("w"),
    started_at=EPOCH,
    seen_at=EPOCH,
    concurrency=1,
    version="1",
    zone_data="2025b",
    clock_skew=timedelta(),
    floor=SECOND,
)


def sorts(findings: list[Finding]) -> list[Ailment]:
    """Name the sorts of findings."""
    return [finding.ailment for finding in findings]


@pytest.mark.parametrize(("seen", "remedy"), [(EPOCH, "A worker is alive"), (None, "No worker is")])
def test_the_remedy_of_an_overdue_slot_depends_on_who_is_alive(seen, remedy: str) -> None:
    """Where nobody is, one is to be started; else its log tells why it does not take the slot."""
    slot = OverdueSlot(endpoint_id=ENDPOINT, name="health", due_at=EPOCH - 2 * MINUTE)
    workers = [WORKER] if seen else [replace(WORKER, seen_at=EPOCH - MINUTE)]

    (finding,) = slots_overdue([slot], workers, EPOCH, LIMITS)

    assert finding.remedy.startswith(remedy)
    assert "has been due for 2 min" in finding.what


@pytest.mark.parametrize(
    ("lease", "later", "expected"),
    [
        (LEASE, timedelta(), []),
        (replace(LEASE, seen_at=EPOCH - 30 * SECOND), timedelta(), []),
        (replace(LEASE, seen_at=EPOCH - 31 * SECOND), timedelta(), [Ailment.WORKER_GONE]),
        (replace(LEASE, seen_at=None), timedelta(), [Ailment.WORKER_GONE]),
        (LEASE, 24 * SECOND, []),
        (LEASE, 25 * SECOND, [Ailment.LEASE_PAST_ITS_END]),
    ],
)
def test_a_lease_is_lost_by_its_worker_or_its_end(lease, later, expected) -> None:
    """Thirty seconds of silence, or fifteen beyond the end, which the reaper needs at most."""
    assert sorts(list(leases_lost([lease], EPOCH + later, LIMITS))) == expected


def test_only_what_ran_out_may_be_taken_away() -> None:
    """A lease that lasts is its worker's, whoever has not heard of that one."""
    gone = replace(LEASE, seen_at=None)

    (lasting,) = leases_lost([gone], EPOCH, LIMITS)
    (over,) = leases_lost([gone], EPOCH + MINUTE, LIMITS)

    assert (lasting.mending, over.mending) == (None, Mending.REAP)


@pytest.mark.parametrize(
    ("held", "remedy"),
    [
        ([], "No planner is at work"),
        ([replace(LOOK, seen_at=EPOCH - MINUTE)], "No planner is at work"),
        ([LOOK], "A planner is at work, and behind"),
    ],
)
def test_the_remedy_of_a_late_look_depends_on_who_looks(held, remedy: str) -> None:
    """Where nobody holds a session, or only who is gone, a planner is to be started."""
    late = OverdueAnalysis(endpoint_id=ENDPOINT, name="health", due_at=EPOCH - 20 * MINUTE)

    (finding,) = analyses_overdue([late], held, EPOCH, LIMITS)

    assert finding.remedy.startswith(remedy)
    assert "was to be looked at by the AI planner 20 min ago" in finding.what


def test_a_look_whose_worker_is_gone_is_told() -> None:
    """Until then nobody else may look; of a worker that lives nothing is told."""
    gone = replace(LOOK, seen_at=EPOCH - MINUTE)

    (finding,) = analyses_lost([LOOK, gone], EPOCH, LIMITS)

    assert sorts([finding]) == [Ailment.WORKER_GONE]
    assert finding.what == "is held by worker w, which was last seen 1 min ago"
    assert finding.remedy == "Wait until 12:05:00 UTC: then another planner may look."


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (5 * SECOND, None),
        (6 * SECOND, "has a clock 6 s ahead of the database's"),
        (-10 * MINUTE, "has a clock 10 min behind the database's"),
    ],
)
def test_a_clock_may_be_off_by_five_seconds(skew: timedelta, words: str | None) -> None:
    """Beyond that it is told, and which way."""
    worker = replace(WORKER, clock_skew=skew)
    found = list(workers_apart([worker], "2025b", EPOCH, LIMITS))

    assert [finding.what for finding in found] == ([] if words is None else [words])


@pytest.mark.parametrize(
    ("of_worker", "ours", "subjects"),
    [
        ("2025b", "2025b", []),
        ("2024a", "2025b", ["worker w"]),
        ("2025b", "2024b", []),
        ("2023c", "2023c", ["this installation"]),
        ("2022a", "2023c", ["worker w", "this installation"]),
    ],
)
def test_zone_data_is_old_beside_newer_ones_or_by_the_year(of_worker, ours, subjects) -> None:
    """The newest in use is the measure; and that of the year before last is too old by itself."""
    worker = replace(WORKER, zone_data=of_worker)

    found = list(workers_apart([worker], ours, EPOCH, LIMITS))

    assert [finding.subject for finding in found] == subjects
    assert set(sorts(found)) <= {Ailment.ZONE_DATA_OLD}


def test_who_is_gone_is_not_judged() -> None:
    """A worker that crashed an hour ago has neither clock nor zone data."""
    gone = replace(WORKER, seen_at=EPOCH - 60 * MINUTE, clock_skew=MINUTE, zone_data="2001a")

    assert list(workers_apart([gone], "2025b", EPOCH, LIMITS)) == []


def test_each_finding_has_a_remedy() -> None:
    """A sentence that says what to do."""
    old = OldTransaction(process="process 7", state="idle in transaction", age=6 * MINUTE)
    found = [*transactions_too_old([old]), *room_missing([date(2025, 1, 2)])]

    assert sorts(found) == [Ailment.OLD_TRANSACTION, Ailment.PARTITION_MISSING]
    assert all(finding.remedy.endswith(".") for finding in found)
    assert found[0].what == "has had a transaction open for 6 min (idle in transaction)"


def test_a_plan_is_right_by_any_floor_that_a_worker_has_told() -> None:
    """Workers may have had different ones; only what none of them would plan is told."""
    endpoint = an_endpoint(a_job(), schedule=once(EPOCH + MINUTE))
    situation = Situation(
        job_state=JobState.ACTIVE,
        endpoint=endpoint,
        state=EndpointState(last_start=EPOCH + 59 * SECOND),
        floor=10 * SECOND,
    )
    planned = replace(situation, state=replan(situation, EPOCH).state)
    due_at = claimable_from(planned, EPOCH)
    assert due_at == EPOCH + 68 * SECOND
    place = QueuedPlace(since=due_at, slot=EPOCH + MINUTE, host="shop.example")
    seen = ExaminedEndpoint(
        endpoint_id=endpoint.id,
        situation=replace(planned, floor=SECOND),
        unreadable=None,
        place=place,
    )

    (told,) = examined(seen, EPOCH)
    assert told.ailment is Ailment.PLAN_DIFFERS
    assert list(examined(seen, EPOCH, floors=[SECOND, 10 * SECOND])) == []
    assert sorts(list(examined(seen, EPOCH, floors=[SECOND]))) == [Ailment.PLAN_DIFFERS]


@pytest.mark.parametrize(
    ("seen_at", "remedy"), [(EPOCH, "More comes due there"), (None, "No worker is alive")]
)
def test_what_waits_for_room_is_told_with_its_cap(seen_at, remedy: str) -> None:
    """Where a worker is alive, the cap is what keeps it; else nobody is there to let it in."""
    slot = OverdueSlot(
        endpoint_id=ENDPOINT, name="health", due_at=EPOCH - HOUR, lane="host shop.example"
    )
    workers = [] if seen_at is None else [WORKER]

    (finding,) = slots_overdue([slot], workers, EPOCH, LIMITS)

    assert finding.what.endswith("waits for room under the cap of host shop.example")
    assert finding.remedy.startswith(remedy)


def test_a_stray_place_is_taken_out_by_its_key() -> None:
    """By the endpoint alone its right place would go, too; in a lane it has no instant to tell."""
    early = StrayEntry(endpoint_id=ENDPOINT, due_at=EPOCH)
    held = replace(early, due_at=EPOCH + 7000 * 365 * DAY, lane="host shop.example")

    found = list(queued_in_vain([early, held]))

    assert [each.mending for each in found] == [Mending.TAKE_OUT] * 2
    assert [(each.endpoint_id, each.due_at) for each in found] == [
        (ENDPOINT, early.due_at),
        (ENDPOINT, held.due_at),
    ]
    assert found[1].what == "waits for room (host shop.example), and does not know of it"


def test_a_hint_that_ended_behind_its_slot_is_left_to_the_claim() -> None:
    """Until its start, which something else puts off, nobody writes that it is over."""
    endpoint = an_endpoint(a_job(), schedule=every(HOUR))
    situation = Situation(
        job_state=JobState.ACTIVE,
        endpoint=endpoint,
        state=EndpointState(last_start=EPOCH + 5 * SECOND),
        hints=(a_oneshot(EPOCH + 10 * SECOND, life=10 * SECOND),),
        floor=30 * SECOND,
    )
    planned = replace(situation, state=replan(situation, EPOCH).state)
    place = QueuedPlace(since=EPOCH + 32 * SECOND, slot=EPOCH + 10 * SECOND, host="shop.example")
    seen = ExaminedEndpoint(
        endpoint_id=endpoint.id, situation=planned, unreadable=None, place=place
    )

    assert claimable_from(planned, EPOCH) == place.since
    assert list(examined(seen, EPOCH + 25 * SECOND)) == []
    ahead = replace(seen, situation=replace(planned, hints=()))
    assert sorts(list(examined(ahead, EPOCH + 9 * SECOND))) == [Ailment.PLAN_DIFFERS]
