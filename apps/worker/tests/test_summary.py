"""The summary adds up what the scheduler told and what the store recorded."""

from collections import Counter
from datetime import timedelta
from typing import Any

from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, RunId, Token, WorkerId, new_uuid
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.outcome_kind import OutcomeKind
from cronicorn_domain.model.run import Blocked, Failed, FailureKind
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.ports.endpoint_queue import Reaped
from cronicorn_domain.testing.builders import EPOCH, HOUR, MINUTE, SECOND, a_job, an_endpoint
from cronicorn_scheduler.observing import (
    EndpointHealed,
    EndpointQuarantined,
    LeaseWasLost,
    ReleaseReason,
    RunAbandoned,
    RunReaped,
    RunReleased,
)
from cronicorn_worker.watching.outcomes import MARKS
from cronicorn_worker.watching.slots_not_run import SlotsNotRun, slots_not_run
from cronicorn_worker.watching.summary import Summary
from cronicorn_worker.watching.tally import Tally

NOTHING = SlotsNotRun(counts=Counter())


def summed(tally: Tally, not_run: SlotsNotRun | None = NOTHING) -> Summary:
    """Return the summary of ten seconds."""
    return Summary(worked_for=10 * SECOND, tally=tally, not_run=not_run)


def test_an_idle_worker_has_little_to_tell() -> None:
    """No runs, no lateness, and no division by none of them."""
    assert summed(Tally()).text().splitlines() == [
        "Summary",
        "  worked for   10s",
        "  runs         0",
        "  lateness     no run has started in time",
        "  not run      no slot was left out",
        "  quarantined  none",
    ]


def test_runs_are_counted_by_what_came_of_them(runs: Any) -> None:
    """Each settled run once, in the same words as in the API."""
    tally = Tally()
    timeout = Failed(kind=FailureKind.TIMEOUT, message="timed out")
    for outcome in (None, None, timeout, Blocked(message="private")):
        run = runs.claimed()
        tally.record(runs.started(run))
        tally.record(runs.settled(run, outcome))

    summary = summed(tally)

    assert "runs         4: 2 success, 1 timeout, 1 blocked" in summary.text()
    assert summary.fields()["outcomes"] == {"success": 2, "timeout": 1, "blocked": 1}


def test_lateness_is_told_in_milliseconds(runs: Any) -> None:
    """The start against the due instant: percentiles, the exact mean and the most."""
    tally = Tally()
    for late in (1, 2, 3, 94):
        tally.record(runs.started(runs.claimed(), late=timedelta(milliseconds=late)))

    fields = summed(tally).fields()

    assert fields["late_mean_ms"] == 25.0
    assert fields["late_most_ms"] == 94.0
    assert abs(float(str(fields["late_p50_ms"])) - 2.0) <= 0.1
    assert abs(float(str(fields["late_p99_ms"])) - 94.0) <= 2.5


def test_what_was_missed_does_not_count_as_lateness(runs: Any) -> None:
    """Slots of an outage are made up for hours late; that does not spoil the percentiles."""
    tally = Tally()
    for late in (timedelta(milliseconds=2), MINUTE, 2 * HOUR, MINUTE + SECOND):
        tally.record(runs.started(runs.claimed(), late=late))
    tally.record(runs.started(runs.claimed(source=Source.CATCH_UP), late=SECOND))

    summary = summed(tally)

    assert (tally.lateness.count, tally.made_up_for.count) == (2, 3)
    assert summary.fields()["late_most_ms"] == 60_000
    assert summary.fields()["made_up_for"] == 3
    assert summary.fields()["made_up_for_late_most_ms"] == 7_200_000
    assert "made up for  3 missed slots, at most 2 h late" in summary.text()


def test_a_start_before_its_time_is_told(runs: Any) -> None:
    """Trap T10: should it ever happen, the summary says so."""
    tally = Tally()
    tally.record(runs.started(runs.claimed(), late=timedelta(milliseconds=-1)))

    assert "1 too early" in summed(tally).text()


def test_slots_not_run_are_told_by_fate_and_reason() -> None:
    """The commonest reasons of each fate, and how many slots it took."""
    counts = Counter(
        {
            (Fate.COALESCED, "passed before the run ahead of them had ended"): 7,
            (Fate.COALESCED, "claimed 2 min late"): 3,
            (Fate.COALESCED, "claimed 3 min late"): 1,
            (Fate.SKIPPED, "skipped on request"): 1,
        }
    )

    text = summed(Tally(), SlotsNotRun(counts=counts, partial=True)).text()

    assert (
        "11 coalesced (passed before the run ahead of them had ended; claimed 2 min late; …)"
        in text
    )
    assert "1 skipped (skipped on request) (of those looked at)" in text
    assert "unknown: the database could not be asked" in summed(Tally(), None).text()


def test_troubles_are_told_when_there_were_any(runs: Any) -> None:
    """Given back, lost, taken over, quarantined: lines that a good day does not have."""
    tally = Tally()
    healed, broken = EndpointId(new_uuid()), EndpointId(new_uuid())
    reaped = Reaped(
        token=Token(9),
        endpoint_id=healed,
        tenant=DEFAULT_TENANT,
        run_id=RunId(new_uuid()),
        worker=WorkerId("gone"),
        given_back=False,
    )
    tally.record(RunReleased(run=runs.claimed(), reason=ReleaseReason.STOPPING))
    tally.record(LeaseWasLost(run=runs.claimed()))
    tally.record(RunAbandoned(run=runs.claimed()))
    tally.record(RunReaped(reaped=reaped))
    tally.record(EndpointQuarantined(endpoint_id=healed, reason="no cron"))
    tally.record(EndpointQuarantined(endpoint_id=broken, reason="its cron has lost a field"))
    tally.record(EndpointHealed(endpoint_id=healed))

    text = summed(tally).text()

    assert "given back   1 claimed runs, unsent" in text
    assert "lost         2 runs, 1 of them abandoned by this worker; their slots" in text
    assert "taken over   1 runs" in text
    assert f"quarantined  1; {broken}: its cron has lost a field" in text


async def test_slots_not_run_are_asked_of_the_store() -> None:
    """Records of slots are counted from this worker's start on, over all endpoints."""
    store = MemoryStore()
    units = MemoryUnitsOfWork(store)
    job = a_job()
    endpoints = [an_endpoint(job, f"e{n}") for n in range(3)]
    async with units.begin() as unit:
        await unit.catalog.add_job(job)
        for endpoint in endpoints:
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.catalog.skip_next_slot(DEFAULT_TENANT, endpoints[0].id, now=EPOCH)
        for endpoint in endpoints:
            await unit.catalog.skip_next_slot(DEFAULT_TENANT, endpoint.id, now=EPOCH + MINUTE)
        await unit.commit()

    found = await slots_not_run(units, DEFAULT_TENANT, EPOCH + SECOND)

    assert found.counts == {(Fate.SKIPPED, "skipped on request"): 3}
    assert not found.partial


def test_every_outcome_has_a_mark_of_its_own() -> None:
    """Marks differ by shape, so that colour is not needed to read them."""
    assert set(MARKS) == set(OutcomeKind)
    assert len({mark.sign for mark in MARKS.values()}) == len(OutcomeKind)
    assert len({mark.plain for mark in MARKS.values()}) == len(OutcomeKind)
    assert {kind.value for kind in FailureKind} <= {kind.value for kind in OutcomeKind}
