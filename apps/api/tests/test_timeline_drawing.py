"""What a timeline draws of what happened: from values to places, without a browser."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from cronicorn_api.pages.frame.outcomes import OUTCOMES
from cronicorn_api.pages.timeline.drawing import drawing_of
from cronicorn_api.pages.timeline.flags import flags_of, in_force_at
from cronicorn_api.pages.timeline.marks import (
    AXIS,
    LEAST,
    TALL,
    late_height,
    marks_of,
    stacks_of,
)
from cronicorn_api.pages.timeline.rhythm import gaps_by_column, gaps_of, merged
from cronicorn_api.pages.timeline.scale import columns_of, scale_of, step_of, ticks_of
from cronicorn_api.pages.timeline.values import (
    number_at,
    paths_in,
    points_of_answers,
    steps_of,
    thresholds_of,
    values_of,
)
from cronicorn_api.pages.timeline.why import why_of
from cronicorn_domain.identity import RunId, WorkerId, new_uuid
from cronicorn_domain.model.decision import Decision, Kind, Rule, Source, Weighed
from cronicorn_domain.model.endpoint import Guardrails
from cronicorn_domain.model.hint import Author
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.rules import EndpointRule, Every, RuleSet
from cronicorn_domain.model.run import Body, BodyKind, FailureKind, OutcomeClass, Run, RunStatus
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.ports.chronicle import Answered, Stretch
from cronicorn_domain.ports.hint_book import HintEnd, HintRecord
from cronicorn_domain.ports.overview import Tally
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_job,
    a_oneshot,
    an_endpoint,
    an_interval_hint,
    every,
)
from cronicorn_management.history.pauses import PauseSpan
from cronicorn_management.history.timeline import Timeline

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = EPOCH + HOUR


def a_run(slot: datetime, **members) -> Run:
    """Return a run that was in time and went well, unless it says otherwise."""
    source = members.pop("source", Source.BASELINE_INTERVAL)
    due_at = members.pop("due_at", slot)
    given = {
        "id": RunId(new_uuid()),
        "endpoint_id": ENDPOINT.id,
        "tenant": ENDPOINT.tenant,
        "decision": Decision(slot=slot, due_at=due_at, source=source),
        "kind": Kind.RECURRING,
        "attempt": 1,
        "worker": WorkerId("a"),
        "claimed_at": due_at,
        "status": RunStatus.SUCCESS,
        "started_at": due_at,
        "finished_at": due_at + SECOND,
        "outcome_class": OutcomeClass.SUCCESS,
    }
    return Run(**{**given, **members})


ENDPOINT = an_endpoint(
    a_job(),
    schedule=every(5 * MINUTE),
    guardrails=Guardrails(shortest=MINUTE, longest=15 * MINUTE),
    created_at=EPOCH - DAY,
)
FAILED = {
    "status": RunStatus.FAILED,
    "failure_kind": FailureKind.HTTP_STATUS,
    "outcome_class": OutcomeClass.TARGET,
}
OURS = {
    "status": RunStatus.FAILED,
    "failure_kind": FailureKind.ABANDONED,
    "outcome_class": OutcomeClass.OURS,
}


def a_record(first: datetime, last: datetime | None = None, **members) -> SlotRecord:
    """Return a record of slots that were skipped."""
    given = {"fate": Fate.SKIPPED, "reason": "it was late", "count": 1, "recorded_at": first}
    return SlotRecord(first=first, last=last or first, **{**given, **members})


def a_timeline(**members) -> Timeline:
    """Return the last hour of an endpoint in which nothing happened, unless it says otherwise."""
    situation = Situation(
        job_state=JobState.ACTIVE, endpoint=ENDPOINT, state=EndpointState(last_slot=EPOCH)
    )
    given = {
        "situation": situation,
        "job_name": "shop",
        "since": EPOCH,
        "until": NOW,
        "now": NOW,
        "stretches": (),
        "runs": (),
        "slot_records": (),
        "hints": (),
        "pauses": (),
        "healths": {},
        "answers": (),
        "upcoming": (),
        "nearest": None,
    }
    return Timeline(**{**given, **members})


SCALE = scale_of(EPOCH, NOW, now=NOW)


def test_fifteen_percent_of_what_ends_now_is_to_come() -> None:
    """And nothing of a window that ended before."""
    assert SCALE.x(NOW) == 85
    assert SCALE.x(EPOCH) == 0
    assert SCALE.x(EPOCH - DAY) == 0
    assert SCALE.x(NOW + DAY) == 100
    assert scale_of(EPOCH, NOW, now=NOW + HOUR).x(NOW) == 100


def test_ten_runs_are_ten_marks() -> None:
    """Each of them is drawn, where it was due."""
    runs = [a_run(EPOCH + number * 5 * MINUTE) for number in range(10)]

    marks = marks_of(runs, (), (), SCALE)

    assert len(marks) == 10
    assert [mark.x for mark in marks] == [SCALE.x(run.slot) for run in runs]
    assert {(mark.outcome.css, mark.height) for mark in marks} == {("ok", 18)}


def test_what_becomes_of_a_slot_has_a_shape_of_its_own() -> None:
    """A failure is taller than a success, ours another than the target's; a letter is not run."""
    marks = marks_of(
        [a_run(EPOCH, **FAILED), a_run(EPOCH + MINUTE, **OURS), a_run(EPOCH + 2 * MINUTE)],
        [a_record(EPOCH + (3 + number) * MINUTE, fate=fate) for number, fate in enumerate(Fate)],
        (),
        SCALE,
    )

    assert [mark.outcome.name for mark in marks[:3]] == ["target_failure", "our_failure", "success"]
    assert [mark.height for mark in marks[:3]] == [TALL, TALL, 18]
    assert [mark.outcome.letter for mark in marks[3:]] == ["s", "c", "d", "b", "x"]


def test_a_run_that_sent_nothing_is_told_once() -> None:
    """By the record, which has the reason."""
    canceled = a_run(
        EPOCH, status=RunStatus.CANCELED, started_at=None, outcome_class=OutcomeClass.NOT_ATTEMPTED
    )

    marks = marks_of([canceled], [a_record(EPOCH, fate=Fate.BLOCKED)], (), SCALE)

    assert [mark.outcome.name for mark in marks] == ["blocked"]


@pytest.mark.parametrize(
    ("late", "height"),
    [(999 * timedelta(milliseconds=1), 0), (SECOND, 2), (10 * MINUTE, 16), (DAY, 16)],
    ids=["below a second", "a second", "ten minutes", "a day"],
)
def test_lateness_hangs_by_its_logarithm(late: timedelta, height: int) -> None:
    """From a second on, and no further than for ten minutes."""
    assert late_height(late) == height
    assert late_height(late + MINUTE) >= height


def test_what_is_under_way_reaches_to_now() -> None:
    """So that it is seen how long it takes already."""
    running = a_run(
        EPOCH + 30 * MINUTE, status=RunStatus.RUNNING, finished_at=None, outcome_class=None
    )

    (mark,) = marks_of([running], (), (), SCALE)

    assert (mark.outcome.css, mark.until) == ("running", 85)


def test_one_failure_in_ten_thousand_is_seen() -> None:
    """In a column of its step, at the base, and three pixels high at least."""
    since = NOW - 7 * DAY
    stretches = [
        Stretch(
            begins_at=since + number * HOUR,
            lasts=HOUR,
            tally=Tally(success=60, target_failure=1 if number == 99 else 0, timed=60),
        )
        for number in range(166)
    ]
    columns = columns_of(since, NOW, UTC_ZONE)
    scale = scale_of(since, NOW, now=NOW)

    stacks = stacks_of(stretches, (), columns, scale)

    assert len(columns) <= 240
    failed = [part for stack in stacks for part in stack.parts if part.outcome.name != "success"]
    assert len(failed) == 1
    assert failed[0].height >= LEAST
    assert failed[0].y + failed[0].height == AXIS
    assert sum(stack.count for stack in stacks) == 166 * 60 + 1


def test_slots_of_a_record_are_spread_over_its_columns() -> None:
    """As evenly as they lay, and not one of them is lost."""
    columns = columns_of(EPOCH, EPOCH + 10 * HOUR, UTC_ZONE, most=11)
    record = a_record(EPOCH, EPOCH + 5 * HOUR, count=100, fate=Fate.COALESCED)
    scale = scale_of(EPOCH, EPOCH + 10 * HOUR, now=EPOCH + 10 * HOUR)

    stacks = stacks_of((), [record], columns, scale)

    assert sum(stack.count for stack in stacks) == 100
    assert [stack.count for stack in stacks] == [20] * 5


@pytest.mark.parametrize("length", [HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY, 800 * DAY], ids=str)
def test_columns_are_whole_steps_and_few(length: timedelta) -> None:
    """Two hundred and forty at most, and together they hold the window."""
    columns = columns_of(NOW - length, NOW, BERLIN)

    assert len(columns) <= 240
    assert columns[0].begins_at <= NOW - length
    assert columns[-1].ends_at > NOW
    assert all(one.ends_at == other.begins_at for one, other in pairwise(columns))


def test_days_are_those_of_the_zone_also_when_clocks_change() -> None:
    """A day is 23 or 25 hours long then."""
    since = datetime(2025, 3, 28, 23, tzinfo=UTC)

    columns = columns_of(since, since + 4 * DAY, BERLIN, most=6)

    assert {column.begins_at.astimezone(BERLIN).hour for column in columns} == {0}
    assert timedelta(hours=23) in {column.ends_at - column.begins_at for column in columns}
    assert step_of(4 * DAY, most=6) == DAY


def test_ticks_are_round_times_of_the_zone() -> None:
    """So many as have room."""
    ticks = ticks_of(scale_of(EPOCH, EPOCH + DAY, now=EPOCH + DAY), BERLIN)

    assert len(ticks) <= 9
    assert [tick.text for tick in ticks if tick.day] == ["Jan 2"]
    assert all(tick.text.endswith(":00") for tick in ticks if not tick.day)


def test_the_rhythm_dips_for_a_hints_life_and_returns() -> None:
    """Gaps are those between slots, whatever came of them."""
    slots = [0, 5, 10, 11, 12, 13, 18, 23]
    runs = [a_run(EPOCH + minute * MINUTE) for minute in slots]

    gaps = gaps_of(runs, ())

    assert [gap.length / MINUTE for gap in gaps] == [5, 5, 1, 1, 1, 5, 5]


def test_retries_and_runs_by_hand_make_no_gap() -> None:
    """A repeat has its slot's place, and what a person asks for is on no rhythm."""
    runs = [
        a_run(EPOCH),
        a_run(EPOCH, attempt=2),
        a_run(EPOCH + 2 * MINUTE, kind=Kind.MANUAL, source=Source.MANUAL),
        a_run(EPOCH + 5 * MINUTE),
    ]

    assert [gap.length for gap in gaps_of(runs, ())] == [5 * MINUTE]


def test_slots_that_were_not_run_keep_their_rhythm() -> None:
    """Those of a record lay evenly."""
    record = a_record(EPOCH + 5 * MINUTE, EPOCH + 25 * MINUTE, count=5)

    gaps = gaps_of([a_run(EPOCH), a_run(EPOCH + 30 * MINUTE)], [record])

    assert {gap.length for gap in gaps} == {5 * MINUTE}


def test_gaps_too_narrow_to_be_seen_are_told_together() -> None:
    """By their median, in the band from the shortest to the longest; wide ones by themselves."""
    runs = [a_run(EPOCH + number * SECOND) for number in range(60)] + [a_run(EPOCH + HOUR / 2)]

    found = merged(gaps_of(runs, ()), SCALE)

    assert len(found) < 10
    assert found[-1].length == HOUR / 2 - 59 * SECOND
    assert found[0].length == SECOND


def test_columns_tell_gaps_as_statistics_have_them() -> None:
    """The median in the band of the shortest and the longest."""
    stretches = [
        Stretch(begins_at=EPOCH, lasts=MINUTE, tally=Tally(success=6)),
        Stretch(begins_at=EPOCH + MINUTE, lasts=MINUTE, tally=Tally(success=6)),
        Stretch(begins_at=EPOCH + 3 * MINUTE, lasts=MINUTE, tally=Tally(success=1)),
    ]

    (gap,) = gaps_by_column(stretches, columns_of(EPOCH, EPOCH + 4 * MINUTE, UTC_ZONE, most=2))

    assert (gap.length, gap.least, gap.most) == (10 * SECOND, 10 * SECOND, 2 * MINUTE)


def record_of(hint, **members) -> HintRecord:
    """Return a hint's record."""
    return HintRecord(hint=hint, **members)


def test_an_outranked_hint_is_outlined() -> None:
    """For as long as another goes before it: a person's, and then the newest."""
    ai = record_of(an_interval_hint(created_at=EPOCH, life=HOUR, author=Author.AI))
    person = record_of(
        an_interval_hint(created_at=EPOCH + 20 * MINUTE, life=20 * MINUTE, author=Author.API)
    )
    newer = record_of(an_interval_hint(created_at=EPOCH + 30 * MINUTE, life=5 * MINUTE))

    flags = {flag.name: flag for flag in flags_of([newer, person, ai], SCALE)}

    assert [part.in_force for part in flags["A1"].stretches] == [True, False, True]
    assert [part.in_force for part in flags["P1"].stretches] == [True]
    assert flags["A2"].outranked
    assert in_force_at([newer, person, ai], EPOCH + 32 * MINUTE) == person


def test_flags_do_not_overlap() -> None:
    """Each stands in the first row with room, and what has none is counted."""
    records = [
        record_of(an_interval_hint(created_at=EPOCH + number * SECOND)) for number in range(6)
    ]

    flags = flags_of(records, SCALE)

    assert [flag.row for flag in flags] == [0, 1, 2, 3, None, None]


def test_a_oneshot_stands_at_its_instant() -> None:
    """Hollow until it is consumed, and not where it was written."""
    waiting = record_of(a_oneshot(EPOCH + 30 * MINUTE))
    served = replace(waiting, end=HintEnd.CONSUMED, ended_at=EPOCH + 30 * MINUTE)

    (hollow,), (filled,) = flags_of([waiting], SCALE), flags_of([served], SCALE)

    assert hollow.x == filled.x == SCALE.x(EPOCH + 30 * MINUTE)
    assert (hollow.was_consumed, filled.was_consumed) == (False, True)


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("queue.depth", 3),
        ("body.queue.depth", 3),
        ("items[1].n", 2),
        ("items[9].n", None),
        ("queue", None),
        ("ok", 1),
        ("name", None),
        ("", None),
    ],
    ids=repr,
)
def test_a_path_leads_to_a_number_or_to_nothing(path: str, number: float | None) -> None:
    """What is not there is a gap, and no fault."""
    text = '{"queue": {"depth": 3}, "items": [{"n": 1}, {"n": 2}], "ok": true, "name": "x"}'

    assert number_at(text, path) == number


def test_what_is_no_json_and_what_is_huge_leads_to_nothing() -> None:
    """Nor does it raise anything."""
    assert number_at("<html>", "a") is None
    assert number_at('{"a": 1' + "0" * 400 + "}", "a") is None
    assert steps_of("a.b[2]") == ["a", "b", 2]


def an_answer(slot: datetime, value: object) -> Answered:
    """Return what a run was answered."""
    body = Body(kind=BodyKind.JSON, text=json.dumps(value))
    return Answered(run_id=RunId(new_uuid()), slot=slot, body=body)


def test_paths_of_numbers_are_offered() -> None:
    """Those of the newest answer, texts not among them."""
    answers = [an_answer(EPOCH, {"old": 1}), an_answer(NOW, {"q": {"n": 1, "t": "x"}, "l": [4]})]

    assert paths_in(answers) == ["q.n", "l[0]"]


def test_gaps_of_a_value_stay_gaps() -> None:
    """The line is cut where a slot has none, and a value alone is a dot."""
    slots = [EPOCH + number * MINUTE for number in range(4)]
    answers = [
        an_answer(slots[0], {"n": 1}),
        an_answer(slots[1], {"n": 2}),
        an_answer(slots[3], {"n": 3}),
    ]

    points = points_of_answers(answers, "n", slots)
    drawn = values_of(points, SCALE, of="n", endpoint=ENDPOINT)

    assert [point.value for point in points] == [1, 2, None, 3]
    assert drawn is not None
    assert drawn.path.count("M") == 2
    assert len(drawn.dots) == 1


def test_what_rules_compare_a_value_with_is_drawn() -> None:
    """The number, and how it is compared; of another member nothing."""
    rules = RuleSet(
        rules=(
            EndpointRule(when="body.queue.depth > 100 && status == 200", then=(Every(MINUTE),)),
            EndpointRule(when="durationMs >= 2500", then=(Every(2 * MINUTE),)),
        )
    )
    endpoint = replace(ENDPOINT, rules=rules)

    assert list(thresholds_of(endpoint, "queue.depth")) == [(100, "depth > 100")]
    assert list(thresholds_of(endpoint, "depth")) == []
    assert list(thresholds_of(endpoint, "duration")) == [(2.5, "duration >= 2.5 s")]


def test_the_table_has_the_same_rows_as_the_drawing() -> None:
    """One for each mark or column, and each can be read out."""
    runs = [a_run(EPOCH + number * 5 * MINUTE) for number in range(10)]
    few = drawing_of(a_timeline(runs=runs, slot_records=[a_record(NOW - MINUTE)]), UTC_ZONE)
    stretches = [
        Stretch(begins_at=EPOCH + number * MINUTE, lasts=MINUTE, tally=Tally(success=6))
        for number in range(60)
    ]
    many = drawing_of(a_timeline(runs=None, stretches=stretches), UTC_ZONE)

    assert len(few.rows) == len(few.marks) == len(few.spots) == 11
    assert len(many.rows) == len(many.stacks) == len(many.spots) == 60
    assert few.rows[-1].what == "ok"
    assert few.spots[0].text == "12:00:00, schedule, ok, 1 s"
    assert few.spots[0].href == f"/runs/{runs[0].id}"
    assert "skipped" in few.spots[-1].text
    assert "it was late" in few.spots[-1].text


def test_the_legend_lists_what_occurs() -> None:
    """With how many of each, and nothing else."""
    runs = [a_run(EPOCH), a_run(EPOCH + MINUTE, **FAILED)]

    drawing = drawing_of(a_timeline(runs=runs), UTC_ZONE)

    assert drawing.legend == [(OUTCOMES["success"], 1), (OUTCOMES["target_failure"], 1)]
    assert drawing.sentence == "2 slots in 1 h: 1 ok, 1 failed. 50 % ok."


def test_success_is_never_rounded_up() -> None:
    """One failure in ten thousand reads 99.99 %."""
    stretches = [Stretch(begins_at=EPOCH, lasts=HOUR, tally=Tally(success=9_999, target_failure=1))]

    drawing = drawing_of(a_timeline(runs=None, stretches=stretches), UTC_ZONE)

    assert "99.99 % ok" in drawing.sentence


def test_an_empty_window_says_so() -> None:
    """Also where only what is to come is drawn."""
    planned = Decision(slot=NOW + MINUTE, due_at=NOW + MINUTE, source=Source.BASELINE_INTERVAL)

    drawing = drawing_of(a_timeline(upcoming=[planned]), UTC_ZONE)

    assert drawing.is_empty
    assert [mark.outcome.name for mark in drawing.marks] == ["planned"]
    assert drawing.sentence == "No slot in 1 h."


def test_a_pause_is_hatched_with_who_and_until_when() -> None:
    """And the rhythm is cut there."""
    pause = PauseSpan(
        since=EPOCH + 10 * MINUTE,
        until=EPOCH + 30 * MINUTE,
        actor="person:ada@example.org",
        reason="a move",
    )
    runs = [a_run(EPOCH + minute * MINUTE) for minute in (0, 5, 35, 40)]

    drawing = drawing_of(a_timeline(runs=runs, pauses=[pause]), UTC_ZONE)

    (hatch,) = drawing.hatches
    assert hatch.text == "paused by ada@example.org to 12:30:00 (a move)"
    assert drawing.rhythm.actual.count("M") == 2


def test_why_names_the_winner_that_the_decision_names() -> None:
    """With every line of the trail, in order, and the guardrails that did not act behind them."""
    trail = (
        Weighed(Rule.BASELINE, EPOCH + 5 * MINUTE),
        Weighed(Rule.INTERVAL_HINT, EPOCH + 30 * SECOND, "ai: every 30 s"),
        Weighed(Rule.SHORTEST_SLOT, EPOCH + MINUTE, "1 min"),
        Weighed(Rule.JITTER, EPOCH + MINUTE + 4 * SECOND),
    )
    decision = Decision(
        slot=EPOCH + MINUTE,
        due_at=EPOCH + MINUTE + 4 * SECOND,
        source=Source.CLAMPED_MIN,
        trail=trail,
    )

    why = why_of(decision, since=EPOCH, endpoint=ENDPOINT)

    assert [step.rule for step in why.steps] == [*(line.rule for line in trail), Rule.LONGEST]
    assert [step.number for step in why.steps] == [1, 2, 3, 4, 0]
    assert [step.wins for step in why.steps] == [False, False, True, False, False]
    assert [step.result for step in why.steps] == [
        "gives place to 2",
        "moved by 3",
        "wins",
        "starts 4 s after the slot",
        "not reached",
    ]
    xs = [step.x or 0 for step in why.steps]
    assert xs[1] < xs[2] < xs[0] < xs[4]
    assert why.forbidden == xs[2]


@pytest.mark.parametrize(
    ("line", "source", "result"),
    [
        (Weighed(Rule.INTERVAL_HINT, EPOCH + MINUTE), Source.AI_INTERVAL, "replaced by 1"),
        (Weighed(Rule.ONESHOT, EPOCH + MINUTE), Source.AI_ONESHOT, "later than 1"),
        (Weighed(Rule.MANUAL, EPOCH + 6 * MINUTE), Source.MANUAL, "before 1"),
    ],
    ids=["interval", "oneshot", "late run by hand"],
)
def test_why_tells_what_the_schedule_alone_would_have_said(line, source, result) -> None:
    """Before the steps, where it is none of them; once the endpoint was edited nobody knows."""
    decision = Decision(slot=line.instant, due_at=line.instant, source=source, trail=(line,))

    first = why_of(decision, since=EPOCH, endpoint=ENDPOINT).steps[0]

    assert (first.rule, first.number, first.wins) == (Rule.BASELINE, 0, False)
    assert (first.instant, first.detail) == (EPOCH + 5 * MINUTE, "every 5 min")
    assert first.result == result
    unknown = why_of(decision, since=EPOCH, endpoint=None).steps
    assert [step.rule for step in unknown] == [line.rule]


@pytest.mark.parametrize("source", [*Source], ids=str)
def test_every_source_can_be_told(source: Source) -> None:
    """Also one without a trail, and one whose last slot is not known."""
    decision = Decision(slot=EPOCH, due_at=EPOCH, source=source)

    assert why_of(decision, since=None, endpoint=None).steps == []
