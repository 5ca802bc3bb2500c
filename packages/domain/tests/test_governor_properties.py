"""What holds for every endpoint, whatever happens to it in whatever order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, HintId, JobId, new_uuid
from cronicorn_domain.instants import MILLISECOND, OPEN_ENDED
from cronicorn_domain.model.decision import Kind, Source
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    HttpRequest,
    Retry,
)
from cronicorn_domain.model.hint import Author, IntervalHint, OneShotHint, TriggerKind
from cronicorn_domain.model.run import Blocked
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.model.state import EndpointState
from cronicorn_domain.policies.editing import first_anchor
from cronicorn_domain.policies.previewing import preview
from cronicorn_domain.policies.replanning import plan_afresh, replan
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.grid import Grid
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule
from cronicorn_domain.testing.drawing import bounds, guardrails, lengths, misfires, schedules
from cronicorn_domain.testing.story import FAILURE, SUCCESS, Story
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

START = datetime(2025, 3, 29, 23, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@st.composite
def endpoints(draw: st.DrawFn) -> Endpoint:
    endpoint = Endpoint(
        id=EndpointId(UUID(int=draw(st.integers(0, 9)))),
        tenant=DEFAULT_TENANT,
        job_id=JobId(UUID(int=1)),
        name="any",
        request=HttpRequest(url="http://example.com/"),
        schedule=draw(schedules(START)),
        anchor=START,
        created_at=START,
        updated_at=START,
        guardrails=draw(guardrails()),
        jitter=draw(st.sampled_from([timedelta(), 5 * SECOND, 300 * SECOND])),
        misfire=draw(misfires()),
        retry=Retry(attempts=draw(st.integers(1, 3))),
        delivery=draw(st.sampled_from(list(Delivery))),
        bounds=draw(bounds(START, draw(st.none() | st.integers(1, 6)))),
    )
    return replace(endpoint, anchor=first_anchor(endpoint))


PLAIN = ["run"] * 8 + ["wait", "late"] * 3 + ["manual", "sibling", "pause", "resume"] * 2
LEASED = ["during", "release", "lose", "lose-unstarted", "blocked"]
PROPOSALS = ["interval-hint", "oneshot", "clear"]
SETTINGS = ["skip", "reset", "tune", "misfire"]
RESTARTS = ["edit", "bounds", "restore"]
UNEDITED = (*PLAIN, *LEASED, "oneshot")
UNBROKEN = (*PLAIN, *LEASED, *LEASED, *PROPOSALS, *PROPOSALS, *SETTINGS)
OPERATIONS = (*UNBROKEN, *RESTARTS)
AT_ONCE = {*PROPOSALS, *SETTINGS, *RESTARTS, "manual", "sibling", "pause", "resume"}


def act(told: Story, operation: str, operations: Sequence[str], draw: st.DrawFn) -> None:
    """Do one thing to an endpoint; what needs a claim waits for it."""
    if operation in AT_ONCE:
        intervene(told, operation, draw)
    elif operation == "wait":
        told.at(told.now + draw(lengths(5000)))
    elif operation == "late":
        told.at(told.now + draw(lengths(9000)))
        if told.claim() is not None:
            told.start()
            told.settle()
    elif told.claim_when_due() is not None:
        hold(told, operation, [each for each in operations if each in AT_ONCE], draw)


def hold(told: Story, operation: str, at_once: Sequence[str], draw: st.DrawFn) -> None:
    """Do with a claim what can be done with it."""
    match operation:
        case "run":
            told.start()
            told.at(told.now + draw(st.sampled_from([0, 1, 7, 130, 4000])) * SECOND)
            told.settle(draw(st.sampled_from([SUCCESS, SUCCESS, FAILURE])))
        case "blocked":
            told.start()
            told.settle(Blocked(message="not let out"))
        case "release" | "lose-unstarted":
            told.at(told.now + draw(st.integers(0, 300)) * SECOND)
            intervene(told, draw(st.sampled_from(["nothing", *at_once])), draw)
            told.release() if operation == "release" else told.reap()
        case "during" | "lose":
            told.start()
            told.at(told.now + draw(lengths(200)))
            intervene(told, draw(st.sampled_from(at_once)), draw)
            told.at(told.now + 10 * SECOND)
            if operation == "lose":
                told.reap()
            else:
                told.settle(draw(st.sampled_from([SUCCESS, FAILURE])))


def intervene(told: Story, operation: str, draw: st.DrawFn) -> None:
    """Do what anyone may do at any moment, with or without a claim."""
    match operation:
        case "interval-hint":
            offer_interval(told, draw(lengths(4000)), draw(lengths(6000)), draw(AUTHORS))
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
            told.edit(schedule=draw(schedules(START)))
        case "bounds":
            most = told.situation.endpoint.bounds.max_runs
            told.edit(bounds=draw(bounds(told.now, most)))
        case "misfire":
            told.edit(misfire=draw(misfires()))
        case "tune":
            told.edit(guardrails=draw(guardrails()), jitter=draw(st.sampled_from([0, 30])) * SECOND)
        case "restore":
            change = plan_afresh(told.situation, told.now, "restored")
            told.situation = replace(told.situation, state=change.state)
            told.records.extend(change.records)


AUTHORS = st.sampled_from(list(Author))


def offer_interval(
    told: Story, every: timedelta, life: timedelta, author: Author = Author.AI
) -> None:
    told.offer(
        IntervalHint(
            id=HintId(new_uuid()),
            author=author,
            every=every,
            created_at=told.now,
            expires_at=told.now + life,
        )
    )


LIVES = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def lives(draw: st.DrawFn, operations: Sequence[str] = OPERATIONS) -> Story:
    told = Story.of(draw(endpoints()), floor=draw(st.sampled_from([SECOND, 20 * SECOND])))
    for operation in draw(st.lists(st.sampled_from(operations), max_size=25)):
        act(told, operation, operations, draw)
    return told


@st.composite
def unedited_lives(draw: st.DrawFn) -> Story:
    """Lives in which nothing but the schedule has a say in the recurring slots."""
    plain = draw(endpoints().filter(lambda each: isinstance(each.schedule, CronSchedule)))
    told = Story.of(replace(plain, guardrails=Guardrails()))
    for operation in draw(st.lists(st.sampled_from(UNEDITED), max_size=20)):
        act(told, operation, UNEDITED, draw)
    return told


@LIVES
@given(lives())
def test_no_slot_and_attempt_is_run_twice(told: Story) -> None:
    """(slot, attempt) is unique over everything an endpoint ever ran."""
    seen = Counter((run.slot, run.plan.attempt) for run in told.runs)
    first_starts = Counter(run.slot for run in told.started if not run.plan.repeat)

    assert max(seen.values(), default=0) <= 1
    assert max(first_starts.values(), default=0) <= 1


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
    once = replan(told.situation, told.now)
    twice = replan(replace(told.situation, state=once.state), told.now)

    assert told.next == before
    assert (twice.records, starts(twice.state)) == ((), starts(once.state))


def starts(state: EndpointState) -> list[tuple[datetime, datetime, int] | None]:
    return [
        None if plan is None else (plan.slot, plan.decision.due_at, plan.attempt)
        for plan in (state.plan, state.urgent)
    ]


@LIVES
@given(lives(), st.floats(0, 0.999))
def test_when_somebody_replans_does_not_matter(told: Story, part: float) -> None:
    """A replan before a planned slot comes to that slot and its due instant again (trap T01)."""
    plan = replan(told.situation, told.now).state.plan
    if plan is None or plan.slot <= told.now or told.state.urgent is not None:
        return
    later = told.now + (plan.slot - told.now) * part
    again = replan(told.situation, later).state.plan

    assert again is not None
    assert (again.slot, again.decision.due_at) == (plan.slot, plan.decision.due_at)


@LIVES
@given(lives())
def test_a_record_tells_of_slots_that_no_other_record_or_run_has(told: Story) -> None:
    """
    Each record is a span of its own: first <= last, one slot or more, run by no one (trap T23).

    A restart of the schedule forgets what was passed over ahead of its time, and may come to it.
    """
    restarted = told.state.rhythm_from is not None
    records = [
        each
        for each in told.records
        if each.fate is not Fate.BLOCKED
        and not (restarted and (each.fate is Fate.SKIPPED or each.recorded_at < each.last))
    ]
    spans = sorted((each.first, each.last) for each in records)
    recurring = [run.slot for run in told.started if run.plan.kind is Kind.RECURRING]

    assert all(each.first <= each.last and each.count >= 1 for each in records)
    assert all((each.count == 1) == (each.first == each.last) for each in records)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(spans))
    assert not [slot for slot in recurring if any(first <= slot <= last for first, last in spans)]


@LIVES
@given(unedited_lives())
def test_every_slot_of_an_unedited_life_is_run_or_recorded_once(told: Story) -> None:
    """What came up to the standing plan adds up: runs, records and slots noted (traps T23, T49)."""
    endpoint, plan = told.situation.endpoint, told.state.plan
    rhythm, bounded = endpoint.rhythm, endpoint.bounds
    if rhythm is None or (plan is None and bounded.max_runs is not None):
        return
    if plan is not None and not plan.on_the_rhythm:
        return
    until = told.now if plan is None else min(told.now, plan.first_slot - MILLISECOND)
    until = until if bounded.ends_at is None else min(until, bounded.ends_at)
    begun = (bounded.starts_at or endpoint.created_at + MILLISECOND) - MILLISECOND
    run = {each.slot for each in told.runs if each.plan.kind is Kind.RECURRING}
    records = [each for each in told.records if each.fate is not Fate.BLOCKED]
    run = {slot for slot in run if not any(each.first <= slot <= each.last for each in records)}
    accounted = sum(begun < slot <= until for slot in run) + sum(each.count for each in records)

    assert accounted == rhythm.count_between(begun, until)


@LIVES
@given(lives())
def test_no_more_occurrences_start_than_may(told: Story) -> None:
    """The run count ends at max_runs, whatever triggers, retries and losses there were (T46)."""
    most = told.situation.endpoint.bounds.max_runs
    occurrences = {run.slot for run in told.started if run.plan.kind is not Kind.MANUAL}
    blocked = sum(each.fate is Fate.BLOCKED for each in told.records)

    assert most is None or told.state.run_count <= most
    assert most is None or len(occurrences) <= most + blocked


@LIVES
@given(lives(UNBROKEN))
def test_bounds_hold_for_every_kind_but_runs_by_hand(told: Story) -> None:
    """Nothing that is judged by the bounds starts outside them, to the millisecond."""
    bounded = told.situation.endpoint.bounds
    judged = [run.slot for run in told.started if run.plan.kind is not Kind.MANUAL]

    assert all(bounded.starts_at is None or bounded.starts_at <= slot for slot in judged)
    assert all(
        bounded.ends_at is None or slot <= bounded.ends_at + 3 * MILLISECOND for slot in judged
    )


@LIVES
@given(lives())
def test_preview_tells_what_is_then_lived(told: Story) -> None:
    """The decisions foretold are those that runs at their due instants carry."""
    foretold = preview(told.situation, count=5, now=told.now)
    lived = []
    for _ in range(5):
        claimed = told.claim_when_due()
        if claimed is None:
            break
        lived.append(claimed.plan.decision)
        told.start()
        told.settle()

    assert foretold == tuple(lived)


@LIVES
@given(
    every=st.integers(60, 7200),
    hint=st.tuples(st.integers(2, 60), st.integers(60, 90000)),
    wait=st.integers(0, 7200),
    lasts=st.sampled_from([1, 30, 200, 500, 2000]),
    shortest=st.none() | st.just(Guardrails(shortest=60 * SECOND)),
)
def test_a_tightening_hint_never_lengthens_a_gap(
    every: int, hint: tuple[int, int], wait: int, lasts: int, shortest: Guardrails | None
) -> None:
    """With the hint nothing starts later than without it (trap T49)."""
    base = Story.of(an_interval(every * SECOND, shortest or Guardrails()))
    base.run()
    base.at(base.now + wait % every * SECOND)
    hinted = Story(base.situation, base.now)
    part, life = hint
    offer_interval(hinted, max(every * SECOND // part, SECOND), life * SECOND)
    without, with_hint = base.run(), hinted.run(lasts=lasts * SECOND)
    following = Grid(START, every * SECOND).next_after(hinted.now)

    assert with_hint.at <= without.at
    assert hinted.next is not None
    assert following is not None
    assert hinted.next.due_at <= max(following, with_hint.at + 60 * SECOND)


def an_interval(every: timedelta, guardrails: Guardrails) -> Endpoint:
    return Endpoint(
        id=EndpointId(UUID(int=1)),
        tenant=DEFAULT_TENANT,
        job_id=JobId(UUID(int=1)),
        name="tightened",
        request=HttpRequest(url="http://example.com/"),
        schedule=IntervalSchedule(every=every),
        anchor=START,
        created_at=START,
        updated_at=START,
        guardrails=guardrails,
    )


@LIVES
@given(endpoints(), st.lists(st.integers(0, 5000), max_size=12), st.data())
def test_every_slot_of_a_plain_schedule_is_run_or_recorded(
    endpoint: Endpoint, waits: list[int], data: st.DataObject
) -> None:
    """Without hints, guardrails and failures every grid slot has a run or a record (trap T23)."""
    told = Story.of(replace(endpoint, guardrails=Guardrails(), bounds=Bounds(), retry=Retry()))
    rhythm = told.situation.endpoint.rhythm
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
    rhythm = told.situation.endpoint.rhythm
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
