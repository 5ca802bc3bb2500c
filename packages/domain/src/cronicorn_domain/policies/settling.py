"""A run ends: what it means for the failures, the schedule and the run's own row."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from cronicorn_domain.model.decision import Plan, Rule
from cronicorn_domain.model.rulings import NO_RULING
from cronicorn_domain.model.run import (
    Blocked,
    Failed,
    Outcome,
    OutcomeClass,
    Run,
    RunStatus,
    Succeeded,
)
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.asking import NOTHING, asked_for, is_gone
from cronicorn_domain.policies.backoff import retry_wait
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.clearing import clear
from cronicorn_domain.policies.following import after_run, leased_plan, plan_behind, repeated
from cronicorn_domain.policies.passing import slot_before
from cronicorn_domain.policies.repeats import forgiven
from cronicorn_domain.policies.ruling import granted
from cronicorn_domain.ports.endpoint_queue import Settlement


def settle(situation: Situation, settlement: Settlement, now: datetime) -> Change:
    """
    Turn the outcome of the leased run into the state that follows, the next plan included.

    Only failures of the target count, and of the tries of one fire time only the last; a success
    sets the count to zero. A retry is planned unless the next recurring slot makes it pointless.
    What the target asks for in its answer, and what rules say about it, is weighed already when the
    next run is planned.
    """
    asked = asked_for(situation, settlement)
    if asked is NOTHING and settlement.ruling is NO_RULING:
        return _settled(situation, settlement, now)
    after_asking = asked.heeded(situation, now)
    ruled = granted(after_asking, settlement.ruling, settlement.ended_at, now)
    heeded = ruled.heeded(after_asking, now)
    change = _settled(heeded, settlement, now)
    if ruled.cleared:
        behind = clear(heeded.after_the_run(change.state), ruled.cleared, now)
        change = replace(behind, records=(*change.records, *behind.records))
    remarks = [each for each in (asked.remark, ruled.remark) if each is not None]
    return replace(
        change,
        hints=(*asked.hints, *ruled.hints),
        cleared=ruled.cleared,
        pause=asked.pause if ruled.pause is None else ruled.pause,
        siblings=ruled.siblings,
        notice=ruled.notice,
        analysis=ruled.analysis,
        remark="; ".join(remarks) or None,
    )


def _settled(situation: Situation, settlement: Settlement, now: datetime) -> Change:
    plan, failures = leased_plan(situation), situation.state.failures
    match class_of(settlement.outcome):
        case OutcomeClass.SUCCESS:
            left = _left(situation, plan, settlement, failures)
            left = forgiven(left, now, "a run has succeeded since")
            return plan_behind(situation, left, plan, now=now)
        case OutcomeClass.TARGET:
            return _failed(situation, plan, settlement, now)
        case OutcomeClass.OURS:
            left = _left(situation, plan, settlement, failures)
            return plan_behind(situation, left, plan, now=now)
        case OutcomeClass.NOT_ATTEMPTED:
            left = _left(situation, plan, settlement, failures)
            change = plan_behind(situation, left, plan, now=now)
            record = _blocked(situation, plan, settlement.outcome, now)
            return replace(change, records=(record, *change.records))


def class_of(outcome: Outcome) -> OutcomeClass:
    """Say who answers for an outcome."""
    match outcome:
        case Succeeded():
            return OutcomeClass.SUCCESS
        case Failed(kind=kind):
            return OutcomeClass.OURS if kind.ours else OutcomeClass.TARGET
        case Blocked():
            return OutcomeClass.NOT_ATTEMPTED


def settled_run(run: Run, settlement: Settlement, remark: str | None = None) -> Run:
    """Return the run's row as its outcome leaves it; its message tells the ``remark``, too."""
    ended = partial(
        run.standing,
        started_at=settlement.started_at,
        finished_at=settlement.ended_at,
        outcome_class=class_of(settlement.outcome),
    )
    match settlement.outcome:
        case Succeeded(response=response, timing=timing):
            return ended(RunStatus.SUCCESS, message=remark, response=response, timing=timing)
        case Failed(kind=kind, message=message, response=response, timing=timing):
            return ended(
                RunStatus.FAILED,
                failure_kind=kind,
                message=message if remark is None else f"{message}; {remark}",
                response=response,
                timing=timing,
            )
        case Blocked(message=message):
            return ended(RunStatus.CANCELED, message=message)


def _left(situation: Situation, plan: Plan, settlement: Settlement, failures: int) -> EndpointState:
    return after_run(
        situation,
        plan,
        started_at=settlement.started_at,
        ended_at=settlement.ended_at,
        failures=failures,
        attempted=not isinstance(settlement.outcome, Blocked),
    )


def _failed(situation: Situation, plan: Plan, settlement: Settlement, now: datetime) -> Change:
    """Try again if there is a try left and a point in it; else the failure counts."""
    endpoint, failures = situation.endpoint, situation.state.failures
    tries = plan.tries + 1
    gone = endpoint.heeds.gone and is_gone(settlement.outcome)
    if tries < endpoint.retry.attempts and endpoint.archived_at is None and not gone:
        wait = retry_wait(endpoint.retry, endpoint.id, plan.slot, tries)
        retried = repeated(
            situation,
            _left(situation, plan, settlement, failures),
            replace(plan, tries=tries),
            at=now + wait,
            rule=Rule.RETRY,
            detail=f"try {tries} of {endpoint.retry.attempts} failed",
            now=now,
        )
        if retried is not None:
            return retried
    left = _left(situation, plan, settlement, failures + 1)
    return plan_behind(situation, left, plan, now=now)


def _blocked(situation: Situation, plan: Plan, outcome: Outcome, now: datetime) -> SlotRecord:
    reason = outcome.message if isinstance(outcome, Blocked) else "not attempted"
    return SlotRecord(
        fate=Fate.BLOCKED,
        reason=reason,
        first=plan.slot,
        last=plan.slot,
        count=1,
        recorded_at=now,
        follows=slot_before(situation.state) if plan.on_the_rhythm else None,
    )
