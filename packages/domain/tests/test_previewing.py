"""The next fire times, told before they come."""

from datetime import UTC, datetime, timedelta

from cronicorn_domain.identity import HintId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Bounds, Pause
from cronicorn_domain.model.hint import Author, IntervalHint
from cronicorn_domain.policies.explaining import explain
from cronicorn_domain.policies.previewing import PREVIEW_MOST, Assumption, preview
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import OnceSchedule
from cronicorn_domain.testing.story import FAILURE, Story, told

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def hint(story: Story, every: timedelta, life: timedelta) -> None:
    story.offer(
        IntervalHint(
            id=HintId(new_uuid()),
            author=Author.AI,
            every=every,
            created_at=story.now,
            expires_at=story.now + life,
            reason="queue grows",
        )
    )


def test_preview_tells_what_then_happens() -> None:
    """Each decision told is the one that a run at its due instant carries."""
    story = told(MINUTE)
    hint(story, 20 * SECOND, 2 * MINUTE)
    foreseen = preview(story.situation, count=8, now=story.now)
    lived = tuple(story.run(lasts=timedelta()).plan.decision for _ in range(8))

    assert foreseen == lived
    assert {each.source for each in foreseen} == {Source.AI_INTERVAL, Source.BASELINE_INTERVAL}


def test_preview_can_assume_failures() -> None:
    """Under failures the rhythm stretches, and the sentence of each decision says so."""
    story = told(MINUTE)
    slots = [
        each.slot for each in preview(story.situation, count=3, now=NOON, assume=Assumption.FAILED)
    ]

    assert slots == [NOON + minutes * MINUTE for minutes in (1, 3, 7)]


def test_preview_ends_with_the_schedule_and_at_its_limit() -> None:
    """A finished schedule has no more to tell, and no preview tells more than a hundred."""
    bounded = told(MINUTE, bounds=Bounds(max_runs=3))

    assert len(preview(bounded.situation, count=10, now=NOON)) == 3
    assert len(preview(told(MINUTE).situation, count=1000, now=NOON)) == PREVIEW_MOST


def test_preview_of_an_endpoint_that_is_not_run_is_empty() -> None:
    """Paused without an end, nothing comes next."""
    story = told(MINUTE, pause=Pause(until=OPEN_ENDED))

    assert preview(story.situation, count=3, now=NOON) == ()


def test_explain_names_the_schedule() -> None:
    """The plain case: the schedule says so."""
    cron = CronSchedule(expression=CronExpression.parse("0 3 * * *"), timezone="Europe/Berlin")
    story = told(MINUTE, schedule=cron)

    assert explain(story.situation, NOON).sentence == (
        "It runs next, due 2025-01-02 02:00:00 UTC: "
        "its schedule says cron 0 3 * * * (Europe/Berlin)."
    )


def test_explain_names_the_hint_and_its_reason() -> None:
    """Who changed the rhythm, to what, and why."""
    story = told(MINUTE)
    hint(story, 20 * SECOND, MINUTE)

    assert explain(story.situation, NOON).sentence == (
        "It runs next, due 2025-01-01 12:00:20 UTC: "
        "a hint of the planner sets the interval, every 20 s (queue grows)."
    )


def test_explain_names_the_backoff() -> None:
    """After failures the sentence counts them."""
    story = told(MINUTE)
    story.run(FAILURE)

    assert "it backs off, since 1 failed in a row" in explain(story.situation, story.now).sentence


def test_every_condition_has_its_sentence() -> None:
    """Paused, archived, finished, quarantined and running endpoints say what holds them."""
    paused = told(MINUTE, pause=Pause(until=NOON + MINUTE, reason="release"))
    archived = told(MINUTE, archived_at=NOON)
    finished = told(MINUTE, schedule=OnceSchedule(at=NOON + SECOND))
    finished.run()
    broken = told(MINUTE)
    broken.having(quarantine="the expression is empty")
    running = told(MINUTE)
    running.claim_when_due()

    conditions = {
        explain(each.situation, NOON).condition
        for each in (paused, archived, finished, broken, running)
    }

    assert conditions == {
        Condition.PAUSED,
        Condition.ARCHIVED,
        Condition.FINISHED,
        Condition.QUARANTINED,
        Condition.RUNNING,
    }
    assert explain(paused.situation, NOON).sentence == (
        "It is paused until 2025-01-01 12:01:00 UTC (release)."
    )
