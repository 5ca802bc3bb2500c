"""States and situations that differ in one thing keep all others."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

from cronicorn_domain.identity import RunId, Token, WorkerId, new_uuid
from cronicorn_domain.model.decision import Decision, Kind, Plan, Source
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.rulings import Rest
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.following import after_run
from cronicorn_domain.testing.builders import a_job, a_oneshot, a_trigger, an_endpoint

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
PLAN = Plan(
    decision=Decision(slot=NOON, due_at=NOON, source=Source.BASELINE_CRON), kind=Kind.RECURRING
)
STATE = EndpointState(
    failures=1,
    last_slot=NOON - timedelta(minutes=5),
    last_start=NOON - timedelta(minutes=4),
    last_end=NOON - timedelta(minutes=3),
    run_count=2,
    not_before=NOON - timedelta(minutes=2),
    not_before_reason="the target asked for it",
    plan=PLAN,
    urgent=replace(PLAN, kind=Kind.MANUAL),
    noted=(NOON,),
    latest_slot=NOON - timedelta(minutes=1),
    latest_attempt=3,
    rhythm_from=NOON - timedelta(hours=1),
    skipped=True,
    resting=(Rest("a rule", NOON),),
    quarantine="why",
)


def test_a_state_with_another_plan_keeps_everything_else() -> None:
    """Planning touches nothing of what runs have left behind."""
    other = replace(PLAN, attempt=2)
    told = [each.name for each in fields(STATE) if getattr(STATE, each.name) == each.default]

    assert not told, "a field that this test leaves at its default shows nothing"
    assert STATE.with_plan(other) == replace(STATE, plan=other)
    assert STATE.with_plan(None) == replace(STATE, plan=None)


def test_a_plan_that_stands_makes_no_other_state() -> None:
    """Writing what already stands changes nothing (trap T50)."""
    assert STATE.with_plan(PLAN) is STATE


def test_a_run_touches_nothing_that_it_has_no_say_in() -> None:
    """What was deferred, noted, begun anew or set aside stays so when a run is over."""
    situation = Situation(job_state=JobState.ACTIVE, endpoint=an_endpoint(a_job()), state=STATE)
    left = after_run(situation, PLAN, started_at=NOON, ended_at=NOON, failures=0)
    stays = {each: getattr(STATE, each) for each in ("not_before", "noted", "rhythm_from")}

    assert left == replace(left, **stays, urgent=STATE.urgent, quarantine=STATE.quarantine)


def test_the_situation_after_a_run_differs_by_state_and_lease_alone() -> None:
    """What is proposed, and whose the endpoint is, outlives the run."""
    endpoint = an_endpoint(a_job())
    situation = Situation(
        job_state=JobState.PAUSED,
        endpoint=endpoint,
        state=STATE,
        hints=(a_oneshot(NOON),),
        triggers=(a_trigger(),),
        lease=Lease(
            token=Token(1),
            endpoint_id=endpoint.id,
            tenant=endpoint.tenant,
            run_id=RunId(new_uuid()),
            worker=WorkerId("w"),
            until=NOON,
        ),
        floor=timedelta(seconds=7),
    )
    left = STATE.with_plan(None)

    assert situation.after_the_run(left) == replace(situation, state=left, lease=None)
