"""What Now and lists say, made of nothing but values."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cronicorn_api.pages.endpoints.asked import asked_in
from cronicorn_api.pages.endpoints.standing import failing_since, row_of, spark_of
from cronicorn_api.pages.endpoints.views import told_total
from cronicorn_api.pages.frame.look import Look, Times
from cronicorn_api.pages.frame.moments import Zones
from cronicorn_api.pages.now.views import (
    HOUR_HEIGHT,
    hour_view,
    needs_of,
    sentence_of,
    strip_view,
)
from cronicorn_domain.identity import EndpointId, JobId, RunId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Decision, Kind, Plan, Source
from cronicorn_domain.model.endpoint import Pause
from cronicorn_domain.model.run import OutcomeClass, RunStatus
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.model.state import EndpointState
from cronicorn_domain.ports.board import Counts, LatestRun, MinuteTally, Standing
from cronicorn_domain.ports.overview import Tally
from cronicorn_domain.testing.builders import EPOCH, HOUR, MINUTE, SECOND, every
from cronicorn_management.dashboard.moment import LastHour, Now, Outlook


def zones(now: datetime = EPOCH) -> Zones:
    """Return somebody's clock in UTC."""
    return Zones(look=replace(Look(), times=Times.UTC), now=now)


def standing(condition: Condition = Condition.ACTIVE, **members) -> Standing:
    """Return a minutely endpoint that does well."""
    decision = Decision(slot=EPOCH + MINUTE, due_at=EPOCH + MINUTE, source=Source.BASELINE_INTERVAL)
    plan = Plan(decision=decision, kind=Kind.RECURRING)
    given = {
        "id": EndpointId(new_uuid()),
        "job_id": JobId(new_uuid()),
        "job_name": "shop",
        "name": "health",
        "url": "http://shop.example",
        "method": "GET",
        "schedule": every(MINUTE),
        "shortest": None,
        "longest": None,
        "state": EndpointState(plan=plan, last_slot=EPOCH),
        "condition": condition,
        "created_at": EPOCH,
        **members,
    }
    return Standing(**given)


def a_run(judged: OutcomeClass | None, number: int = 0) -> LatestRun:
    """Return a run of a minute."""
    status = RunStatus.RUNNING if judged is None else RunStatus.FAILED
    return LatestRun(
        id=RunId(new_uuid()),
        slot=EPOCH - number * MINUTE,
        status=RunStatus.SUCCESS if judged is OutcomeClass.SUCCESS else status,
        outcome_class=judged,
        status_code=None,
        started_at=None,
        finished_at=None if judged is None else EPOCH,
    )


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (Counts(), "There are no endpoints yet."),
        (Counts(endpoints=812), "All well of 812; 0 running, 0 paused."),
        (
            Counts(endpoints=812, failing=3, late=1, deferred=2, running=4, paused=5),
            "3 failing, 1 late, 2 deferred of 812; 4 running, 5 paused.",
        ),
    ],
)
def test_all_is_said_in_a_sentence(counts: Counts, words: str) -> None:
    """What is wrong comes first; where nothing is, that is said."""
    assert sentence_of(counts) == words


@pytest.mark.parametrize(
    ("given", "css", "words"),
    [
        (standing(), "ok", "active"),
        (standing(state=EndpointState(failures=7)), "target-failed", "7 failed"),
        (standing(claimable_from=EPOCH - 4 * MINUTE), "late", "4 m late"),
        (standing(Condition.PAUSED, pause=Pause(until=OPEN_ENDED)), "not-run", "paused"),
        (
            standing(Condition.QUARANTINED, state=EndpointState(quarantine="no")),
            "late",
            "set aside",
        ),
    ],
)
def test_a_state_has_a_mark_and_a_word(given: Standing, css: str, words: str) -> None:
    """The colour is never alone, and late is not down."""
    row = row_of(given, (), zones())

    assert (row.state.css, row.state_words) == (css, words)


def test_a_hint_in_force_is_told_beside_the_schedule() -> None:
    """How often it runs now, and who asked for it."""
    decision = Decision(slot=EPOCH + 30 * SECOND, due_at=EPOCH, source=Source.AI_INTERVAL)
    state = EndpointState(plan=Plan(decision=decision, kind=Kind.RECURRING), last_slot=EPOCH)

    row = row_of(standing(state=state), (), zones())

    assert (row.schedule, row.adapted) == ("every 1 min", "now 30 s, AI")


def test_the_newest_run_is_on_the_right() -> None:
    """Bars end at the right edge, and words say what they show."""
    runs = [a_run(OutcomeClass.TARGET), *(a_run(OutcomeClass.SUCCESS, n) for n in range(1, 40))]

    spark = spark_of(runs)

    assert (len(spark.bars), spark.bars[-1].css) == (30, "target-failed")
    assert spark.bars[-1].x == 116
    assert spark.words == "last 30 runs: 29 ok, 1 failed"
    assert spark_of([]).words == "never run"
    assert spark_of([a_run(None)]).bars[0].x == 116


def last_hour(*minutes: MinuteTally, **more) -> LastHour:
    """Return an hour that began an hour before noon."""
    tally = Tally()
    for each in minutes:
        tally = tally.plus(each.tally)
    given = {"not_run": {}, "yesterday": Tally(), "lateness": None, **more}
    return LastHour(since=EPOCH - HOUR, minutes=minutes, tally=tally, **given)


def test_the_slots_of_an_hour_add_up() -> None:
    """Those that ran and those that did not, beside yesterday's."""
    minute = MinuteTally(
        begins_at=EPOCH - 3 * MINUTE, tally=Tally(success=4790, target_failure=15, not_attempted=2)
    )
    hour = last_hour(
        minute,
        not_run={Fate.SKIPPED: 3, Fate.BLOCKED: 2, Fate.COALESCED: 2},
        yesterday=Tally(success=4700),
        lateness=(timedelta(milliseconds=20), timedelta(milliseconds=300)),
    )

    view = hour_view(hour)

    assert view.slots == "4,812"
    assert [each.number for each in view.parts] == ["4,790", "15", "0", "7"]
    assert (view.rate, view.before) == ("80", "78")
    assert view.lateness == ("20 ms", "300 ms")


def test_since_when_all_is_well_is_told() -> None:
    """By the last minute of the hour in which a run failed; without one nothing did."""
    failed = MinuteTally(begins_at=EPOCH - 2 * MINUTE, tally=Tally(success=9, our_failure=1))
    well = MinuteTally(begins_at=EPOCH - MINUTE, tally=Tally(success=10))

    def well_since(*minutes: MinuteTally) -> str | None:
        now = Now(
            at=EPOCH,
            counts=Counts(endpoints=1),
            needy=(),
            latest={},
            last_hour=last_hour(*minutes),
            outlook=Outlook(minutes={}),
        )
        told = needs_of(now, zones()).well_since
        return None if told is None else told.clock

    assert well_since(failed, well) == "11:59:00"
    assert well_since(well) is None


def test_since_when_and_how_something_fails_is_told() -> None:
    """By its latest runs; a run of ours is none of its failures, and more may lie before them."""
    failing = standing(state=EndpointState(failures=2))
    down = replace(a_run(OutcomeClass.TARGET), status_code=503)
    first = a_run(OutcomeClass.TARGET, 2)
    before = [a_run(None), down, a_run(OutcomeClass.OURS, 1), replace(first, finished_at=None)]

    well = [*before, a_run(OutcomeClass.SUCCESS, 3)]
    assert failing_since(failing, well, zones()) == "since 11:58:00, HTTP 503"
    assert failing_since(failing, [down], zones()) == "since before 12:00:00, HTTP 503"
    assert failing_since(failing, [], zones()) == ""
    assert failing_since(standing(), before, zones()) == ""


def test_one_failure_among_ten_thousand_is_seen() -> None:
    """Three pixels at least, and within the drawing."""
    minute = MinuteTally(begins_at=EPOCH - MINUTE, tally=Tally(success=9_999, target_failure=1))

    bars = {each.css: each for each in hour_view(last_hour(minute)).bars}

    assert bars["target-failed"].height == 3
    assert bars["target-failed"].y + bars["target-failed"].height == HOUR_HEIGHT
    assert all(each.y >= 0 for each in bars.values())


def test_the_strip_says_where_the_peak_is() -> None:
    """On the clock of who looks, the first of several."""
    ahead = Outlook(minutes={EPOCH + 12 * MINUTE: 340, EPOCH + 13 * MINUTE: 340, EPOCH: 2})
    view = strip_view(last_hour(), ahead, zones(), EPOCH + 30 * SECOND)
    empty = strip_view(last_hour(), Outlook(minutes={}), zones(), EPOCH)

    assert view.peak_at is not None
    assert (view.peak_at.clock, view.peak) == ("12:12:00", "340")
    assert view.words == "0 runs in the last 5 minutes, 682 planned in the next 15"
    assert (empty.peak_at, empty.peak) == (None, "nothing is planned in the next 15 minutes")


def test_what_is_to_come_in_this_minute_stands_on_what_has_been() -> None:
    """Neither hides the other, and both are within the drawing."""
    minute = MinuteTally(begins_at=EPOCH, tally=Tally(success=9))
    view = strip_view(last_hour(minute), Outlook(minutes={EPOCH: 9}), zones(), EPOCH + SECOND)

    been, to_come = view.bars
    assert to_come.y + to_come.height == been.y
    assert to_come.y >= 0


def test_totals_stop_where_nobody_counts() -> None:
    """Behind ten thousand it is only said that there are more."""
    assert told_total(10_000) == "10,000"
    assert told_total(10_001) == "10,000+"


def test_an_address_says_what_it_shows() -> None:
    """Filters and order come back as they were asked, and nothing else."""
    asked = asked_in({"q": " cat & dog ", "state": "failing", "sort": "worst", "page": "9"})

    assert asked.path() == "/endpoints?q=cat+%26+dog&state=failing&sort=worst"
    assert asked.wanted.failing
    assert asked_in({}).path() == "/endpoints"
