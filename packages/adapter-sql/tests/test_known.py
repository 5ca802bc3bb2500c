"""What a process remembers of endpoints: never more than is allowed, nor what no longer holds."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from cronicorn_adapter_sql.known import HeldRun, Known, Remembered
from cronicorn_domain.identity import RunId, Token, WorkerId, new_uuid
from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Decision, Kind, Source
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    a_job,
    a_trigger,
    an_endpoint,
    an_interval_hint,
)


def a_situation() -> Situation:
    """Return the situation of a new endpoint, with a hint and a trigger that live for an hour."""
    return Situation(
        job_state=JobState.ACTIVE,
        endpoint=an_endpoint(a_job()),
        state=EndpointState(),
        hints=(an_interval_hint(),),
        triggers=(a_trigger(),),
    )


def a_held_run(situation: Situation) -> HeldRun:
    """Return a run of a situation, as a claim remembers it."""
    run = Run(
        id=RunId(new_uuid()),
        endpoint_id=situation.endpoint.id,
        tenant=situation.endpoint.tenant,
        decision=Decision(slot=EPOCH, due_at=EPOCH, source=Source.BASELINE_INTERVAL),
        kind=Kind.RECURRING,
        attempt=1,
        worker=WorkerId("a"),
        claimed_at=EPOCH,
    )
    return HeldRun(run, situation, 1, 1)


def remembered(known: Known, endpoint_id: UUID, now: datetime) -> Situation | None:
    """Return the situation of an endpoint, if it is remembered."""
    found = known.endpoint(endpoint_id, now)
    return None if found is None else found.situation


def test_what_is_known_says_of_which_revision() -> None:
    """Whoever wrote to the endpoint meanwhile has counted it up, trap T08."""
    known, situation = Known(), a_situation()

    known.keep(situation, revision=7, edition=1)

    assert known.endpoint(situation.endpoint.id, EPOCH) == Remembered(situation, 7, 1)


@pytest.mark.parametrize(
    ("now", "left"), [(EPOCH + HOUR - MICROSECOND, 1), (EPOCH + HOUR, 0)], ids=["before", "at"]
)
def test_what_has_lapsed_is_left_out(now: datetime, left: int) -> None:
    """Behind the last slot a hint and a trigger are known until their end, trap T44."""
    known, situation = Known(), a_situation()
    known.keep(
        replace(situation, state=EndpointState(last_slot=EPOCH + HOUR)), revision=1, edition=1
    )

    found = remembered(known, situation.endpoint.id, now)

    assert found is not None
    assert (len(found.hints), len(found.triggers)) == (left, left)


def test_what_has_ended_is_known_until_a_slot_lies_behind_its_end() -> None:
    """The slots that came while it lived are slots until they are accounted for."""
    known, situation = Known(), a_situation()
    known.keep(
        replace(situation, state=EndpointState(last_slot=EPOCH + HOUR - MICROSECOND)),
        revision=1,
        edition=1,
    )

    found = remembered(known, situation.endpoint.id, EPOCH + 2 * HOUR)

    assert found is not None
    assert (len(found.hints), len(found.triggers)) == (1, 1)


def test_the_longest_unused_endpoint_is_forgotten() -> None:
    """Memory is bounded; what was written last is remembered longest."""
    known = Known(endpoints=2)
    first, second, third = (a_situation() for _ in range(3))

    for each in (first, second, first, third):
        known.keep(each, revision=1, edition=1)

    found = [remembered(known, each.endpoint.id, EPOCH) for each in (first, second, third)]
    assert found == [first, None, third]


def test_runs_are_remembered_until_they_end_or_are_too_many() -> None:
    """A run that is not remembered is read before it is settled, so that none has to be."""
    known = Known(runs=2)
    held = [a_held_run(a_situation()) for _ in range(3)]

    for number, each in enumerate(held):
        known.hold(Token(number), each)
    known.let_go([Token(1), Token(9)])

    assert [known.held(Token(number)) for number in range(3)] == [None, None, held[2]]


def test_everything_can_be_forgotten() -> None:
    """After an outage the database may be an older state of itself."""
    known, situation = Known(), a_situation()
    known.keep(situation, revision=1, edition=1)
    known.hold(Token(1), a_held_run(replace(situation, hints=())))

    known.forget()

    assert remembered(known, situation.endpoint.id, EPOCH) is None
    assert known.held(Token(1)) is None
