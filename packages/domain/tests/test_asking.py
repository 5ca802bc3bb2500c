"""What a target asks for in its answer: waits, single runs, pauses; and what is not granted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Rule, Source
from cronicorn_domain.model.endpoint import Guardrails, Heeds, Pause, Retry
from cronicorn_domain.model.hint import Author, OneShotHint
from cronicorn_domain.model.run import Failed, FailureKind, Response
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.explaining import explain
from cronicorn_domain.policies.settling import settle
from cronicorn_domain.policies.storable import bare
from cronicorn_domain.ports.endpoint_queue import Settlement
from cronicorn_domain.testing.builders import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    a_oneshot,
    answered,
    at,
)
from cronicorn_domain.testing.story import Story, told

HEEDING = Heeds(hints=True, gone=True)
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def under_way(story: Story) -> Story:
    """Claim and start what is due next, and let a second pass."""
    assert story.claim_when_due() is not None
    story.start()
    return story.at(story.now + SECOND)


def ended(story: Story, status: int, **headers: str) -> Change:
    """Tell what the end of the run under way, with this answer, would change."""
    lease = story.situation.lease
    assert lease is not None
    assert lease.started_at is not None
    settlement = Settlement(
        token=lease.token,
        started_at=lease.started_at,
        ended_at=story.now,
        outcome=answered(status, **headers),
    )
    return settle(story.situation, settlement, story.now)


def after(story: Story, change: Change) -> Situation:
    """Return the situation that the end of the run leaves."""
    return change.after_the_run(story.situation, story.now)


@pytest.mark.parametrize("status", [429, 503, 301, 307])
def test_a_busy_target_is_left_alone_for_as_long_as_it_asks(status: int) -> None:
    """The next slot waits at least as long as Retry-After says, and the trail tells why."""
    story = told(MINUTE)
    story.run(answered(status, Retry_After="600"))

    assert story.now == at("12:01:01")
    assert story.next is not None
    assert story.next.due_at == at("12:11:01")
    assert story.next.trail[-1].rule is Rule.NOT_BEFORE
    assert story.next.trail[-1].detail == f"the target answered {status} and asked to wait 10 min"
    told_of = explain(story.situation, story.now)
    assert told_of.condition is Condition.DEFERRED
    assert "nothing runs before 2025-01-01 12:11:01 UTC, since the target" in told_of.sentence


def test_slots_that_the_wait_passes_over_are_recorded_as_deferred() -> None:
    """No slot is lost without a record of why."""
    story = told(MINUTE)
    story.run(answered(503, Retry_After="300"))
    claimed = story.claim_when_due()

    assert claimed is not None
    assert (claimed.at, claimed.slot) == (at("12:06:01"), at("12:06:00"))
    deferred = [each for each in story.records if each.fate is Fate.DEFERRED]
    assert [(each.first, each.last, each.count) for each in deferred] == [
        (at("12:03:00"), at("12:05:00"), 3)
    ]
    assert "asked to wait 5 min" in deferred[0].reason


def test_the_wait_may_be_a_date() -> None:
    """Retry-After is seconds or an HTTP date."""
    story = told(MINUTE)
    story.run(answered(429, Retry_After="Wed, 01 Jan 2025 12:30:00 GMT"))

    assert story.next is not None
    assert story.next.due_at == at("12:30:00")


@pytest.mark.parametrize(
    ("longest", "granted"), [(None, HOUR), (5 * MINUTE, 5 * MINUTE), (2 * DAY, DAY)]
)
def test_a_target_cannot_silence_an_endpoint(longest: timedelta | None, granted: timedelta) -> None:
    """At most the longest interval is granted, or an hour where there is none."""
    story = told(MINUTE, guardrails=Guardrails(longest=longest))
    story.run(answered(429, Retry_After="86400"))

    assert story.state.not_before == at("12:01:01") + granted
    reason = story.state.not_before_reason
    assert reason is not None
    assert ("granted" in reason) == (granted < DAY)


@pytest.mark.parametrize(
    "given",
    ["-1", "1.5", "soon", "", "١٢", "Wed, 99 Jan 2025 12:30:00 GMT", "1e3", "0x10"],
)
def test_a_wait_that_cannot_be_meant_is_told_and_changes_nothing(given: str) -> None:
    """What a target writes never stops a run from being settled."""
    story = under_way(told(MINUTE))
    change = ended(story, 503, Retry_After=given)

    assert change.state.not_before is None
    assert change.remark is not None
    assert change.remark.startswith("Retry-After ")
    assert "is not heeded: it is neither whole seconds nor an HTTP date" in change.remark


@pytest.mark.parametrize("given", ["0", "000", "Wed, 01 Jan 2025 11:00:00 GMT"])
def test_a_wait_that_is_over_is_none(given: str) -> None:
    """A date that lies behind asks for nothing."""
    story = under_way(told(MINUTE))
    change = ended(story, 503, Retry_After=given)

    assert (change.state.not_before, change.remark) == (None, None)


@pytest.mark.parametrize("given", ["9" * 11, "9" * 12, "9" * 5000])
def test_a_wait_beyond_any_calendar_is_the_longest_that_is_granted(given: str) -> None:
    """Endless numbers overflow nothing."""
    story = under_way(told(MINUTE))

    assert ended(story, 429, Retry_After=given).state.not_before == story.now + HOUR


@pytest.mark.parametrize("status", [200, 404, 500])
def test_other_answers_cannot_put_anything_off(status: int) -> None:
    """Retry-After means something with 429, 503 and redirects alone."""
    story = told(MINUTE)
    story.run(answered(status, Retry_After="3000"))

    assert story.state.not_before is None


def test_a_run_by_hand_waits_too() -> None:
    """Nothing is due before the instant that was asked for, run-now included."""
    story = told(10 * MINUTE)
    story.run(answered(429, Retry_After="120"))
    story.trigger()

    assert story.next is not None
    assert (story.next.source, story.next.due_at) == (Source.MANUAL, at("12:12:01"))


def test_a_retry_waits_too() -> None:
    """Retry-After is honoured by the attempts of one fire time."""
    retry = Retry(attempts=2, backoff=SECOND)
    story = told(HOUR, retry=retry)
    story.run(answered(503, Retry_After="120"))

    assert story.next is not None
    assert (story.next.source, story.next.due_at) == (Source.RETRY, at("13:02:01"))


def test_a_retry_that_would_come_with_the_next_slot_is_dropped() -> None:
    """The wait may reach the next slot: its last attempt is then the outcome, and counts."""
    story = told(MINUTE, retry=Retry(attempts=2, backoff=SECOND))
    story.run(answered(503, Retry_After="120"))

    assert story.state.failures == 1
    assert story.next is not None
    assert story.next.source is Source.BASELINE_INTERVAL


def test_a_target_that_is_gone_pauses_its_endpoint() -> None:
    """410 pauses until someone resumes, where that was chosen, and is not tried again."""
    story = under_way(told(MINUTE, heeds=HEEDING, retry=Retry(attempts=5)))
    change = ended(story, 410)
    left = after(story, change)

    assert left.endpoint.pause == Pause(until=OPEN_ENDED, reason="its target answered 410 Gone")
    assert left.state.failures == 1
    told_of = explain(left, story.now)
    assert told_of.condition is Condition.PAUSED
    assert "its target answered 410 Gone" in told_of.sentence


def test_a_target_that_is_gone_is_a_failure_like_others_by_default() -> None:
    """Nothing is paused that nobody chose to have paused."""
    story = under_way(told(MINUTE))

    assert ended(story, 410, Cronicorn_Pause_Until="2025-01-02T00:00:00Z").pause is None


def test_a_response_may_ask_for_one_run() -> None:
    """A single run at the instant, by the author `response`; then the rhythm goes on."""
    story = under_way(told(10 * MINUTE, heeds=HEEDING))
    change = ended(story, 200, Cronicorn_Next_Run_In="90")

    (hint,) = change.hints
    assert isinstance(hint, OneShotHint)
    assert (hint.author, hint.at) == (Author.RESPONSE, at("12:11:31"))
    assert change.state.plan is not None
    decision = change.state.plan.decision
    assert (decision.due_at, decision.source) == (at("12:11:31"), Source.RESPONSE_ONESHOT)
    assert change.state.plan.origin == hint.id


def test_guardrails_hold_against_a_response() -> None:
    """A response cannot ask for more than the shortest interval allows (trap T17)."""
    guardrails = Guardrails(shortest=5 * MINUTE)
    story = under_way(told(10 * MINUTE, heeds=HEEDING, guardrails=guardrails))
    change = ended(story, 200, Cronicorn_Next_Run_In="1")

    assert change.state.plan is not None
    assert change.state.plan.decision.due_at >= at("12:10:00") + 5 * MINUTE * 9 / 10


def test_the_tenants_floor_holds_against_a_response() -> None:
    """However often a response asks, runs lie the floor apart (trap T17)."""
    story = under_way(told(HOUR, heeds=HEEDING, floor=MINUTE))
    change = ended(story, 200, Cronicorn_Next_Run_In="1")

    assert change.state.plan is not None
    assert change.state.plan.decision.due_at >= at("13:00:00") + MINUTE * 9 / 10


@pytest.mark.parametrize(
    "given", ["0", "-5", "2.5", "ten", "", "999999999999", "9" * 5000, "316310400001"]
)
def test_a_run_that_cannot_be_meant_is_told_and_not_heeded(given: str) -> None:
    """Fractions, negatives and absurd lengths are refused; the run is settled as ever."""
    story = under_way(told(10 * MINUTE, heeds=HEEDING))
    change = ended(story, 200, Cronicorn_Next_Run_In=given)

    assert change.hints == ()
    assert change.remark is not None
    assert "Cronicorn-Next-Run-In" in change.remark
    assert change.state.plan is not None
    assert change.state.plan.slot == at("12:20:00")


def test_a_response_may_pause_its_endpoint() -> None:
    """The pause ends by itself, and tells whose it is."""
    story = under_way(told(MINUTE, heeds=HEEDING))
    change = ended(story, 200, cronicorn_pause_until="2025-01-01T14:00:00+01:00")

    assert change.pause == Pause(until=at("13:00:00"), reason="its target's response asked for it")
    assert after(story, change).endpoint.paused_at(story.now)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("2025-01-01T12:00:00Z", "lies behind"),
        ("2025-01-01T13:00:00", "no instant with a zone"),
        ("tomorrow", "no instant with a zone"),
        ("2036-01-01T00:00:00Z", "more than 3660 days"),
        ("9999-12-31T23:59:59-12:00", "no instant with a zone"),
        ("0001-01-01T00:00:00+12:00", "no instant with a zone"),
    ],
)
def test_a_pause_that_cannot_be_meant_is_told_and_not_heeded(given: str, why: str) -> None:
    """Past, absurd and unclear instants pause nothing."""
    story = under_way(told(MINUTE, heeds=HEEDING))
    change = ended(story, 200, Cronicorn_Pause_Until=given)

    assert change.pause is None
    assert change.remark is not None
    assert why in change.remark


@pytest.mark.parametrize(
    ("status", "headers"),
    [(200, {"Cronicorn_Pause_Until": "2025-01-01T12:30:00Z"}), (410, {})],
)
def test_a_persons_pause_outranks_the_response(status: int, headers: dict[str, str]) -> None:
    """A pause written during the run is neither shortened nor prolonged by its answer."""
    story = under_way(told(MINUTE, heeds=HEEDING))
    story.pause(at("13:00:00"))
    change = ended(story, status, **headers)

    assert change.pause is None
    assert after(story, change).endpoint.pause == Pause(until=at("13:00:00"))


def test_a_persons_run_comes_first_and_the_responses_later() -> None:
    """A one-shot that a person wrote during the run is not replaced by that of the answer."""
    story = under_way(told(HOUR, heeds=HEEDING))
    mine = a_oneshot(at("13:05:00"), created_at=story.now, author=Author.API)
    story.offer(mine)
    change = ended(story, 200, Cronicorn_Next_Run_In="600")

    assert change.state.plan is not None
    assert change.state.plan.origin == mine.id
    assert len(after(story, change).hints) == 2


def test_an_archived_endpoint_takes_nothing_from_its_last_answer() -> None:
    """Archive is final; what the answer asks for is told and dropped."""
    story = under_way(told(MINUTE, heeds=HEEDING))
    story.situation = replace(
        story.situation, endpoint=replace(story.situation.endpoint, archived_at=story.now)
    )
    change = ended(
        story,
        200,
        Cronicorn_Next_Run_In="60",
        Cronicorn_Pause_Until="2025-01-01T13:00:00Z",
    )

    assert (change.hints, change.pause) == ((), None)
    assert change.remark is not None
    assert change.remark.count("the endpoint is archived") == 2


def test_a_header_that_contradicts_itself_is_not_heeded() -> None:
    """Two different values of one name mean nothing; the same one twice means itself."""
    story = under_way(told(10 * MINUTE, heeds=HEEDING))
    twice = ended(story, 200, Cronicorn_Next_Run_In="60", cronicorn_next_run_in="60")
    torn = ended(story, 200, Cronicorn_Next_Run_In="60", cronicorn_next_run_in="61")

    assert len(twice.hints) == 1
    assert torn.hints == ()
    assert torn.remark is not None
    assert "several times" in torn.remark


def test_an_answer_that_asks_for_nothing_costs_nothing() -> None:
    """What follows an ordinary run says nothing of hints, pauses or remarks."""
    story = under_way(told(MINUTE, heeds=HEEDING))
    change = ended(story, 200, Content_Type="text/plain", Retry_After="10")

    assert (change.hints, change.pause, change.remark) == ((), None, None)
    assert not change.is_asked_for


def test_what_a_bare_outcome_asks_for_is_kept() -> None:
    """A response that no store can hold still puts the next run off."""
    response = Response(
        status_code=503, headers=(("Retry-After", "60"), ("X-Odd", "\ud800"), ("Date", "now"))
    )
    outcome = Failed(kind=FailureKind.HTTP_STATUS, message="busy", response=response)
    kept = bare(outcome)

    assert isinstance(kept, Failed)
    assert kept.response == Response(status_code=503, headers=(("Retry-After", "60"),))
