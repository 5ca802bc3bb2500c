"""The governor's worked cases: setup, next slot, due instant and source."""

from datetime import UTC, datetime, timedelta

import pytest
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, HintId, JobId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Endpoint, Guardrails, HttpRequest
from cronicorn_domain.model.hint import Author, IntervalHint, OneShotHint
from cronicorn_domain.model.state import EndpointState
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, Schedule
from cronicorn_domain.testing.story import FAILURE, SUCCESS, Story

MIDNIGHT = datetime(2025, 1, 1, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def story(
    schedule: Schedule,
    *,
    created: datetime,
    floor: timedelta = SECOND,
    shortest: timedelta | None = None,
    longest: timedelta | None = None,
) -> Story:
    endpoint = Endpoint(
        id=EndpointId(new_uuid()),
        tenant=DEFAULT_TENANT,
        job_id=JobId(new_uuid()),
        name="case",
        request=HttpRequest(url="http://example.com/"),
        schedule=schedule,
        anchor=created,
        created_at=created,
        updated_at=created,
        guardrails=Guardrails(shortest=shortest, longest=longest),
    )
    return Story.of(endpoint, floor=floor)


def every(length: timedelta) -> IntervalSchedule:
    return IntervalSchedule(every=length)


def cron(text: str, zone: str = "UTC") -> CronSchedule:
    return CronSchedule(expression=CronExpression.parse(text), timezone=zone)


def hint(
    told: Story, length: timedelta, *, life: timedelta = HOUR, author: Author = Author.AI
) -> IntervalHint:
    return IntervalHint(
        id=HintId(new_uuid()),
        author=author,
        every=length,
        created_at=told.now,
        expires_at=told.now + life,
    )


def ran(
    told: Story, slot: datetime, *, lasts: timedelta = SECOND, late: timedelta = timedelta()
) -> Story:
    """Run the slot that is planned, which must be the one named."""
    planned = told.next
    assert planned is not None
    assert planned.slot == slot
    told.at(planned.due_at + late)
    told.run(lasts=lasts)
    return told


def expect(told: Story, slot: datetime, source: Source, *, due: datetime | None = None) -> None:
    decision = told.next
    assert decision is not None
    assert (decision.slot, decision.source) == (slot, source)
    assert decision.due_at == (due or slot)


def test_success_goes_on_at_the_next_grid_slot() -> None:
    """An interval of 15 s that ran at 12:00:00 runs next at 12:00:15."""
    told = ran(story(every(15 * SECOND), created=NOON - 15 * SECOND), NOON)

    expect(told, NOON + 15 * SECOND, Source.BASELINE_INTERVAL)


def test_slots_that_pass_during_a_run_are_coalesced() -> None:
    """A run of 20 s over a 15 s interval leaves a record and goes on at 12:00:30 (trap T23)."""
    told = ran(story(every(15 * SECOND), created=NOON - 15 * SECOND), NOON, lasts=20 * SECOND)

    expect(told, NOON + 30 * SECOND, Source.BASELINE_INTERVAL)
    assert [(each.first, each.count) for each in told.records] == [(NOON + 15 * SECOND, 1)]


def test_the_first_failure_doubles_the_interval_at_once() -> None:
    """Backoff counts the run that has just failed (trap T04)."""
    told = story(every(MINUTE), created=NOON - MINUTE)
    told.run(FAILURE)

    expect(told, NOON + 2 * MINUTE, Source.BASELINE_INTERVAL)


def test_the_first_success_goes_back_to_the_rhythm_at_once() -> None:
    """After failures one success brings the normal interval back (trap T04)."""
    told = story(every(15 * SECOND), created=NOON - 15 * SECOND)
    told.having(failures=2)
    told.run(SUCCESS)
    slot = told.runs[-1].slot

    expect(told, slot + 15 * SECOND, Source.BASELINE_INTERVAL)


def test_the_longest_guardrail_ends_a_backoff() -> None:
    """Nine failures of a minutely endpoint with a longest of 5 min wait 5 min."""
    told = story(every(MINUTE), created=NOON - MINUTE, longest=5 * MINUTE)
    told.having(failures=9, last_slot=NOON, last_start=NOON, last_end=NOON)

    expect(told, NOON + 5 * MINUTE, Source.CLAMPED_MAX)


def test_backoff_never_silences_a_daily_endpoint_for_weeks() -> None:
    """
    Five failures of a daily interval cost one day: the first slot at or after 25 h (trap T49).
    """
    day = timedelta(days=1)
    told = story(every(day), created=MIDNIGHT - day)
    told.at(MIDNIGHT + SECOND)
    told.having(failures=5, last_slot=MIDNIGHT, last_start=MIDNIGHT, last_end=MIDNIGHT + SECOND)

    expect(told, MIDNIGHT + 2 * day, Source.BASELINE_INTERVAL)


def test_cron_stays_on_its_grid_after_a_slow_run() -> None:
    """A minutely cron run that ended at 12:01:10 goes on at 12:02:00 (trap T09)."""
    told = ran(story(cron("* * * * *"), created=NOON - MINUTE), NOON, lasts=70 * SECOND)

    expect(told, NOON + 2 * MINUTE, Source.BASELINE_CRON)


def test_the_shortest_holds_back_the_start_and_leaves_the_slot() -> None:
    """Started 20 s late under a shortest of 60 s, the next cron slot starts at 12:01:14."""
    told = story(cron("* * * * *"), created=NOON - MINUTE, shortest=MINUTE)
    ran(told, NOON, late=20 * SECOND)

    expect(told, NOON + MINUTE, Source.BASELINE_CRON, due=NOON + 74 * SECOND)


def test_a_oneshot_leaves_the_grid_where_it_is() -> None:
    """
    After a one-shot at 00:02 an hourly interval goes on at 01:00, with no extra run (trap T03).
    """
    told = ran(story(every(HOUR), created=MIDNIGHT - HOUR), MIDNIGHT)
    told.offer(
        OneShotHint(
            id=HintId(new_uuid()),
            author=Author.API,
            at=MIDNIGHT + 2 * MINUTE,
            created_at=told.now,
            expires_at=MIDNIGHT + HOUR,
        )
    )
    told.run()

    assert told.runs[-1].plan.decision.source is Source.API_ONESHOT
    expect(told, MIDNIGHT + HOUR, Source.BASELINE_INTERVAL)


def test_a_tightening_hint_whose_first_slot_has_passed_is_due_now() -> None:
    """Ten minutes after the last slot, a hint of 60 s means now (trap T01)."""
    told = ran(story(every(HOUR), created=MIDNIGHT - HOUR), MIDNIGHT).at(MIDNIGHT + 10 * MINUTE)
    told.offer(hint(told, MINUTE))

    expect(told, MIDNIGHT + 10 * MINUTE, Source.AI_INTERVAL)


def relaxed(life: timedelta) -> Story:
    told = ran(story(every(5 * MINUTE), created=MIDNIGHT - 5 * MINUTE), MIDNIGHT)
    told.at(MIDNIGHT + MINUTE).offer(hint(told, 30 * MINUTE, life=life))
    return told


def test_a_relaxing_hint_replaces_the_rhythm() -> None:
    """A hint of 30 min over an interval of 5 min moves the next slot to 00:30."""
    expect(relaxed(HOUR), MIDNIGHT + 30 * MINUTE, Source.AI_INTERVAL)


def test_clearing_a_hint_replans_from_now() -> None:
    """A relaxing hint cleared at 00:02 gives 00:05 back at once (trap T01)."""
    told = relaxed(HOUR).at(MIDNIGHT + 2 * MINUTE)
    told.clear_hints()

    expect(told, MIDNIGHT + 5 * MINUTE, Source.BASELINE_INTERVAL)


def test_a_relaxing_hint_that_ends_before_it_acts_holds_to_its_end() -> None:
    """A hint of 30 min that lives to 00:16 leaves 00:20, the first baseline slot behind its end."""
    expect(relaxed(15 * MINUTE), MIDNIGHT + 20 * MINUTE, Source.BASELINE_INTERVAL)


def test_a_hint_does_not_act_at_its_very_end() -> None:
    """Equal is expired: a hint of 30 min that lives to 00:30 leaves 00:35, not 00:30 (trap T44)."""
    expect(relaxed(29 * MINUTE), MIDNIGHT + 35 * MINUTE, Source.BASELINE_INTERVAL)


def test_a_tightening_hint_never_lengthens_a_gap() -> None:
    """A hint of 45 min on an hourly endpoint gives 00:45, and then 01:00 (trap T49)."""
    told = ran(story(every(HOUR), created=MIDNIGHT - HOUR), MIDNIGHT).at(MIDNIGHT + 10 * MINUTE)
    told.offer(hint(told, 45 * MINUTE))
    expect(told, MIDNIGHT + 45 * MINUTE, Source.AI_INTERVAL)
    told.run()

    expect(told, MIDNIGHT + HOUR, Source.BASELINE_INTERVAL)


def test_the_tenants_floor_stands_against_the_longest() -> None:
    """Interval 45 s, longest 30 s, floor 60 s: the floor wins (trap T17)."""
    told = story(every(45 * SECOND), created=NOON - 30 * SECOND, longest=30 * SECOND, floor=MINUTE)
    told.having(last_slot=NOON, last_start=NOON, last_end=NOON + SECOND)

    expect(told, NOON + MINUTE, Source.CLAMPED_MIN)


def test_an_endpoint_paused_for_days_resumes_with_one_run() -> None:
    """
    Hourly with a longest of 5 min, paused three days: one run now, then on the grid (trap T45).
    """
    told = ran(story(every(HOUR), created=NOON - 5 * MINUTE, longest=5 * MINUTE), NOON)
    told.pause(OPEN_ENDED)
    assert told.claimable_from is None
    resumed_at = NOON + timedelta(days=3, seconds=42)
    told.at(resumed_at).resume()
    run = told.run()

    assert (run.at, run.slot) == (resumed_at, NOON + timedelta(days=3))
    assert run.plan.decision.source is Source.CLAMPED_MAX
    expect(told, NOON + timedelta(days=3, minutes=5), Source.CLAMPED_MAX)
    assert [each.count for each in told.records] == [3 * 24 * 12 - 1]


@pytest.mark.parametrize("author", [Author.AI, Author.RULE, Author.RESPONSE])
def test_a_persons_hint_outranks_any_other(author: Author) -> None:
    """A person's hint is not replaced by one of ai, rule or response while it lives."""
    told = ran(story(every(HOUR), created=MIDNIGHT - HOUR), MIDNIGHT)
    told.offer(hint(told, 20 * MINUTE, author=Author.API))
    told.at(told.now + SECOND).offer(hint(told, 10 * MINUTE, author=author))

    expect(told, MIDNIGHT + 20 * MINUTE, Source.API_INTERVAL)


def test_the_state_begins_empty() -> None:
    """A new endpoint has no past."""
    assert EndpointState().next_plan is None
