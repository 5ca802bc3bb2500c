"""What holds for every endpoint, whatever happens to it in whatever order."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, HintId, JobId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.decision import Kind, Source
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    HttpRequest,
    Misfire,
    MisfirePolicy,
    Retry,
)
from cronicorn_domain.model.hint import Author, IntervalHint, OneShotHint, TriggerKind
from cronicorn_domain.policies.rhythm import rhythm_of
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from cronicorn_domain.testing.story import FAILURE, SUCCESS, Story
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

START = datetime(2025, 3, 29, 23, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def lengths(most: int) -> st.SearchStrategy[timedelta]:
    return st.integers(1, most).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    kind = draw(st.sampled_from(["interval", "cron", "once"]))
    if kind == "interval":
        return IntervalSchedule(every=draw(lengths(7200)))
    if kind == "once":
        return OnceSchedule(at=START + draw(lengths(7200)))
    text = draw(
        st.sampled_from(
            [
                "* * * * *",
                "*/5 * * * *",
                "30 * * * *",
                "0 2 * * *",
                "*/10 * * * * *",
                "15,45 1-3 * * *",
            ]
        )
    )
    zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]))
    return CronSchedule(expression=CronExpression.parse(text), timezone=zone)


@st.composite
def guardrails(draw: st.DrawFn) -> Guardrails:
    shortest = draw(st.none() | lengths(600))
    longest = draw(st.none() | lengths(3600))
    if shortest and longest and shortest > longest:
        shortest, longest = longest, shortest
    return Guardrails(shortest=shortest, longest=longest)


@st.composite
def endpoints(draw: st.DrawFn) -> Endpoint:
    return Endpoint(
        id=EndpointId(UUID(int=draw(st.integers(0, 9)))),
        tenant=DEFAULT_TENANT,
        job_id=JobId(UUID(int=1)),
        name="any",
        request=HttpRequest(url="http://example.com/"),
        schedule=draw(schedules()),
        anchor=START,
        created_at=START,
        updated_at=START,
        guardrails=draw(guardrails()),
        jitter=draw(st.sampled_from([timedelta(), 5 * SECOND, 300 * SECOND])),
        misfire=Misfire(
            policy=draw(st.sampled_from(list(MisfirePolicy))),
            grace=draw(st.sampled_from([timedelta(), 5 * SECOND, 60 * SECOND])),
            catch_up_limit=draw(st.integers(1, 4)),
        ),
        retry=Retry(attempts=draw(st.integers(1, 3))),
        delivery=draw(st.sampled_from(list(Delivery))),
        bounds=Bounds(
            ends_at=draw(st.none() | lengths(20000).map(lambda length: START + length)),
            max_runs=draw(st.none() | st.integers(1, 6)),
        ),
    )


OPERATIONS = (
    ["run"] * 8
    + ["wait"] * 4
    + ["interval-hint", "oneshot", "manual", "sibling", "during"] * 2
    + ["release", "lose", "clear", "pause", "resume", "skip", "reset", "edit", "tune"]
)


def act(told: Story, operation: str, draw: st.DrawFn) -> None:
    match operation:
        case "run":
            if told.claim_when_due() is not None:
                told.start()
                told.at(told.now + draw(st.sampled_from([0, 1, 7, 130, 4000])) * SECOND)
                told.settle(draw(st.sampled_from([SUCCESS, SUCCESS, FAILURE])))
        case "during":
            if told.claim_when_due() is not None:
                told.start()
                told.at(told.now + draw(lengths(200)))
                act(
                    told,
                    draw(
                        st.sampled_from(
                            [
                                "interval-hint",
                                "oneshot",
                                "manual",
                                "clear",
                                "pause",
                                "skip",
                                "edit",
                                "tune",
                            ]
                        )
                    ),
                    draw,
                )
                told.settle(draw(st.sampled_from([SUCCESS, FAILURE])))
        case "wait":
            told.at(told.now + draw(lengths(5000)))
        case "release":
            if told.claim_when_due() is not None:
                told.release()
        case "lose":
            if told.claim_when_due() is not None:
                told.start()
                told.at(told.now + 10 * SECOND)
                told.reap()
        case "interval-hint":
            told.offer(
                IntervalHint(
                    id=HintId(new_uuid()),
                    author=draw(st.sampled_from(list(Author))),
                    every=draw(lengths(4000)),
                    created_at=told.now,
                    expires_at=told.now + draw(lengths(6000)),
                )
            )
        case "oneshot":
            at = told.now + draw(st.integers(0, 3000)) * SECOND
            told.offer(
                OneShotHint(
                    id=HintId(new_uuid()),
                    author=Author.AI,
                    at=at,
                    created_at=told.now,
                    expires_at=at + draw(lengths(3000)),
                )
            )
        case "manual":
            told.trigger(TriggerKind.MANUAL)
        case "sibling":
            told.trigger(TriggerKind.SIBLING)
        case "clear":
            told.clear_hints()
        case "pause":
            told.pause(draw(st.just(OPEN_ENDED) | lengths(3000).map(lambda each: told.now + each)))
        case "resume":
            told.resume()
        case "skip":
            told.skip()
        case "reset":
            told.reset_failures()
        case "edit":
            told.edit(schedule=draw(schedules()))
        case "tune":
            told.edit(guardrails=draw(guardrails()), jitter=draw(st.sampled_from([0, 30])) * SECOND)


LIVES = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def lives(draw: st.DrawFn) -> Story:
    told = Story.of(draw(endpoints()), floor=draw(st.sampled_from([SECOND, 20 * SECOND])))
    for operation in draw(st.lists(st.sampled_from(OPERATIONS), max_size=25)):
        act(told, operation, draw)
    return told


@LIVES
@given(lives())
def test_no_slot_and_attempt_is_run_twice(told: Story) -> None:
    """(slot, attempt) is unique over everything an endpoint ever ran."""
    seen = Counter((run.slot, run.plan.attempt) for run in told.runs)

    assert not [each for each, times in seen.items() if times > 1]


@LIVES
@given(lives())
def test_nothing_runs_early_and_starts_keep_apart(told: Story) -> None:
    """No run starts before its due instant or its slot, and starts keep 9/10 of the floor (T10)."""
    for run in told.runs:
        assert run.slot <= run.plan.decision.due_at <= run.at
    starts = [run.at for run in told.started]
    gaps = [later - earlier for earlier, later in pairwise(starts)]

    assert all(gap >= told.situation.floor * 9 // 10 for gap in gaps)


@LIVES
@given(lives())
def test_a_oneshot_and_a_trigger_are_served_once(told: Story) -> None:
    """What a claim consumed is consumed once, unless the claim was given back."""
    served = Counter(each for run in told.started for each in (*run.hints, *run.triggers))

    assert all(times == 1 for times in served.values())


@LIVES
@given(lives())
def test_an_open_endpoint_always_has_a_plan(told: Story) -> None:
    """Unless it is finished, an endpoint never runs dry: its recurring schedule goes on."""
    endpoint, state = told.situation.endpoint, told.situation.state
    ended = endpoint.bounds.ends_at is not None or endpoint.bounds.max_runs is not None
    recurring = not isinstance(endpoint.schedule, OnceSchedule)

    assert state.plan is not None or ended or not recurring


@LIVES
@given(lives())
def test_a_replan_of_nothing_changes_nothing(told: Story) -> None:
    """Writing what already stands replans to the same decision (trap T50)."""
    before = told.next
    told.edit()

    assert told.next == before


@LIVES
@given(endpoints(), st.lists(st.integers(0, 5000), max_size=12), st.data())
def test_every_slot_of_a_plain_schedule_is_run_or_recorded(
    endpoint: Endpoint, waits: list[int], data: st.DataObject
) -> None:
    """Without hints, guardrails and failures every grid slot has a run or a record (trap T23)."""
    told = Story.of(replace(endpoint, guardrails=Guardrails(), bounds=Bounds(), retry=Retry()))
    rhythm = rhythm_of(told.situation.endpoint)
    for wait in waits:
        told.at(told.now + wait * SECOND)
        if told.claim_when_due() is not None:
            told.start()
            told.at(told.now + data.draw(st.sampled_from([0, 3, 90, 900])) * SECOND)
            told.settle()
    if rhythm is None:
        return
    last = told.state.last_slot or START
    accounted = {run.slot for run in told.runs}
    missing: list[datetime] = []
    slot = rhythm.next_after(START)
    while slot is not None and slot <= last and len(missing) < 3:
        if slot not in accounted and slot not in told.state.noted and not _recorded(told, slot):
            missing.append(slot)
        slot = rhythm.next_after(slot)

    assert not missing


def _recorded(told: Story, slot: datetime) -> bool:
    return any(each.first <= slot <= each.last for each in told.records)


@LIVES
@given(lives())
def test_baseline_slots_lie_on_the_grid(told: Story) -> None:
    """A run whose source is the baseline has a slot of the schedule it was planned with (T09)."""
    if any(record.reason == "the schedule was edited" for record in told.records):
        return
    rhythm = rhythm_of(told.situation.endpoint)
    baseline = {Source.BASELINE_CRON, Source.BASELINE_INTERVAL}
    off_grid = [
        run.slot
        for run in told.runs
        if rhythm is not None
        and run.plan.decision.source in baseline
        and run.plan.kind is Kind.RECURRING
        and told.situation.endpoint.anchor == START
        and told.situation.endpoint.updated_at == START
        and rhythm.latest_until(run.slot) != run.slot
    ]

    assert not off_grid
