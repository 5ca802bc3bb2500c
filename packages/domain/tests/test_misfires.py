"""Slots missed by more than the grace: what runs, what is passed over, and what is recorded."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, JobId, new_uuid
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Bounds, Endpoint, HttpRequest, Misfire, MisfirePolicy
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from cronicorn_domain.testing.story import Story

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def endpoint(policy: MisfirePolicy, schedule: Schedule | None = None, limit: int = 3) -> Endpoint:
    return Endpoint(
        id=EndpointId(UUID(int=7)),
        tenant=DEFAULT_TENANT,
        job_id=JobId(new_uuid()),
        name="late",
        request=HttpRequest(url="http://example.com/"),
        schedule=schedule or IntervalSchedule(every=10 * MINUTE),
        anchor=NOON,
        created_at=NOON,
        updated_at=NOON,
        misfire=Misfire(policy=policy, catch_up_limit=limit),
    )


def told(policy: MisfirePolicy, **fields: object) -> Story:
    return Story.of(replace(endpoint(policy), **fields))  # type: ignore[arg-type]


def test_a_claim_within_the_grace_is_no_misfire() -> None:
    """
    A slot claimed exactly at the end of its grace runs as it is, under every policy (trap T44).
    """
    for policy in MisfirePolicy:
        story = told(policy).at(NOON + 11 * MINUTE)
        run = story.claim()

        assert run is not None
        assert (run.slot, run.plan.decision.source) == (
            NOON + 10 * MINUTE,
            Source.BASELINE_INTERVAL,
        )
        assert not story.records


def test_run_once_runs_the_newest_missed_slot_and_records_the_others() -> None:
    """After an outage there is one run, now, and back to the rhythm (trap T45)."""
    story = told(MisfirePolicy.RUN_ONCE).at(NOON + 65 * MINUTE)
    run = story.run()

    assert run.slot == NOON + HOUR
    record = story.records[0]
    assert (record.fate, record.count) == (Fate.COALESCED, 5)
    assert (record.first, record.last) == (NOON + 10 * MINUTE, NOON + 50 * MINUTE)
    assert story.next is not None
    assert story.next.slot == NOON + 70 * MINUTE


def test_skip_runs_the_newest_slot_if_it_is_within_the_grace() -> None:
    """Only slots older than the grace are passed over."""
    story = told(MisfirePolicy.SKIP).at(NOON + HOUR + 30 * SECOND)
    run = story.run()

    assert run.slot == NOON + HOUR
    assert [(each.fate, each.count) for each in story.records] == [(Fate.SKIPPED, 5)]


def test_skip_passes_everything_over_and_then_runs_however_late() -> None:
    """There are never two skips in a row, so that load cannot starve an endpoint (trap T45)."""
    story = told(MisfirePolicy.SKIP).at(NOON + 65 * MINUTE)

    assert story.claim() is None
    assert [(each.fate, each.count) for each in story.records] == [(Fate.SKIPPED, 6)]
    assert story.next is not None
    assert story.next.slot == NOON + 70 * MINUTE

    story.at(NOON + 95 * MINUTE)
    run = story.claim()

    assert run is not None
    assert run.slot == NOON + 70 * MINUTE


def test_catch_up_runs_the_newest_missed_slots_in_order() -> None:
    """The newest three are noted and run each with its own slot, apart by the floor only."""
    story = told(MisfirePolicy.CATCH_UP).at(NOON + 65 * MINUTE)
    runs = [story.run(lasts=timedelta()) for _ in range(3)]

    assert [run.slot for run in runs] == [NOON + minutes * MINUTE for minutes in (40, 50, 60)]
    assert {run.plan.decision.source for run in runs} == {Source.CATCH_UP}
    assert runs[1].at - runs[0].at == SECOND * 9 / 10
    assert [(each.fate, each.count) for each in story.records] == [(Fate.COALESCED, 3)]
    assert story.next is not None
    assert story.next.slot == NOON + 70 * MINUTE


def test_slots_that_pass_while_catching_up_are_coalesced() -> None:
    """Catching up does not breed more to catch up."""
    story = told(MisfirePolicy.CATCH_UP).at(NOON + 65 * MINUTE)
    for _ in range(3):
        story.run(lasts=6 * MINUTE)

    assert story.records[-1].count == 2
    assert story.records[-1].first == NOON + 70 * MINUTE
    assert story.next is not None
    assert story.next.slot == NOON + 90 * MINUTE


def test_an_edit_of_the_schedule_coalesces_what_was_noted() -> None:
    """Slots of a schedule that is no more are not caught up."""
    story = told(MisfirePolicy.CATCH_UP).at(NOON + 65 * MINUTE)
    story.run()
    story.edit(schedule=IntervalSchedule(every=HOUR))

    assert story.records[-1].count == 2
    assert not story.state.noted
    assert story.next is not None
    assert story.next.slot == story.now + HOUR


def test_a_released_catch_up_notes_its_slot_again() -> None:
    """What a claim took from the noted slots comes back with the release (trap T48)."""
    story = told(MisfirePolicy.CATCH_UP).at(NOON + 65 * MINUTE)
    first = story.claim()
    story.release()
    again = story.run()

    assert first is not None
    assert (again.slot, again.plan.attempt) == (first.slot, 2)
    assert [run.slot for run in (story.run(), story.run())] == [
        NOON + 50 * MINUTE,
        NOON + 60 * MINUTE,
    ]


def test_a_single_instant_ends_under_every_policy() -> None:
    """A once that was missed is run or skipped, and is then finished (trap T45)."""
    for policy in MisfirePolicy:
        story = Story.of(endpoint(policy, OnceSchedule(at=NOON + MINUTE))).at(NOON + 5 * HOUR)
        if story.claim() is not None:
            story.start()
            story.settle()

        assert story.next is None
        assert len(story.started) == (0 if policy is MisfirePolicy.SKIP else 1)


def test_jitter_is_not_lateness() -> None:
    """The grace counts from the due instant, which jitter has moved (trap T47)."""
    story = told(MisfirePolicy.SKIP, jitter=9 * MINUTE)
    assert story.next is not None
    delay = story.next.due_at - story.next.slot
    assert delay > MINUTE, "this endpoint's hash must exceed the grace"
    run = story.run()

    assert run.slot == NOON + 10 * MINUTE
    assert not story.records


def test_missed_slots_end_with_the_bounds() -> None:
    """A slot behind the end is none, so it is not the newest missed one."""
    story = told(MisfirePolicy.RUN_ONCE, bounds=Bounds(ends_at=NOON + 35 * MINUTE))
    story.at(NOON + 5 * HOUR)
    run = story.run()

    assert run.slot == NOON + 30 * MINUTE
    assert story.next is None
