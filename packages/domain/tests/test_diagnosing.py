"""What the doctor makes of what was seen: where something begins to be worth telling."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from cronicorn_domain.identity import EndpointId, Token, WorkerId, new_uuid
from cronicorn_domain.model.finding import Ailment, Finding, Mending
from cronicorn_domain.model.worker import Worker
from cronicorn_domain.policies.diagnosing import (
    Thresholds,
    analyses_lost,
    analyses_overdue,
    leases_lost,
    room_missing,
    slots_overdue,
    transactions_too_old,
    workers_apart,
)
from cronicorn_domain.ports.examination import (
    HeldAnalysis,
    HeldLease,
    OldTransaction,
    OverdueAnalysis,
    OverdueSlot,
)
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND

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
