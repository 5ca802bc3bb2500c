"""A claim is undone: nothing was sent, and nothing it consumed is lost."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.decision import Kind, Plan, Source
from cronicorn_domain.model.run import OutcomeClass, Run, RunStatus
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.following import leased_plan
from cronicorn_domain.policies.passing import coalesced, with_last_slot
from cronicorn_domain.policies.replanning import replan
from cronicorn_domain.policies.sequence import Span
from cronicorn_domain.ports.endpoint_queue import Deferral
from cronicorn_domain.schedules.schedule import OnceSchedule
from cronicorn_domain.wording import instant_in_words


def release(situation: Situation, now: datetime) -> Change:
    """
    Give the leased slot back: due again with the next attempt; no loss and no failure.

    ``situation`` holds what the claim had consumed as pending again. A slot of a schedule that was
    edited away while the claim lived is not due again: it is coalesced, as it would have been
    without the claim.
    """
    plan = leased_plan(situation)
    caught_up = plan.decision.source is Source.CATCH_UP
    # A slot that is caught up stands by itself: whose it was matters while it is claimed alone.
    origin = None if caught_up else plan.origin
    given_back = replace(plan, attempt=plan.attempt + 1, origin=origin)
    state = replace(situation.state, latest_slot=plan.slot, latest_attempt=plan.attempt)
    if situation.lease is not None and situation.lease.urgent:
        state = replace(state, urgent=given_back)
    elif _is_edited_away(situation, plan):
        return _coalesce(replace(situation, state=state, lease=None), plan, now)
    else:
        noted = (plan.slot, *state.noted) if caught_up else state.noted
        state = replace(state, plan=given_back, noted=noted)
    return replan(replace(situation, state=state, lease=None), now)


def defer(situation: Situation, deferral: Deferral, now: datetime) -> Change:
    """Give the leased slot back as ``release`` does, and let nothing be due before an instant."""
    held = situation.state.not_before
    if held is None or held < deferral.until:
        state = replace(
            situation.state, not_before=deferral.until, not_before_reason=deferral.reason
        )
        situation = replace(situation, state=state)
    return release(situation, now)


def _is_edited_away(situation: Situation, plan: Plan) -> bool:
    """Say whether an edit during the claim left the schedule without the plan's slot."""
    endpoint, begun = situation.endpoint, situation.state.rhythm_from
    if begun is None or plan.slot > begun or plan.kind is not Kind.RECURRING or plan.repeat:
        return False
    match endpoint.schedule:
        case OnceSchedule(at=instant):
            return plan.slot != instant
        case _:
            rhythm = endpoint.rhythm
            on_it = rhythm is not None and rhythm.latest_until(plan.slot) == plan.slot
            return plan.origin is None and not on_it


def _coalesce(situation: Situation, plan: Plan, now: datetime) -> Change:
    """Pass the slot over with a record, and plan from where the new rhythm begins."""
    begun = situation.state.rhythm_from
    record = coalesced(Span(plan.slot, plan.slot, 1), "given back after an edit", now)
    state = with_last_slot(replace(situation.state, plan=None), plan.slot)
    change = replan(replace(situation, state=state), now, after=begun)
    return replace(change, records=(record, *change.records))


def released_run(run: Run, now: datetime, deferral: Deferral | None = None) -> Run:
    """
    Return the run's row as the release leaves it: canceled, nothing was sent; it tells a deferral.

    A start whose answer was lost, and that was refused when it was asked for again, is none.
    """
    message = "given back before it started"
    if deferral is not None:
        message = f"deferred to {instant_in_words(deferral.until)}, since {deferral.reason}"
    return replace(
        run,
        status=RunStatus.CANCELED,
        started_at=None,
        finished_at=now,
        outcome_class=OutcomeClass.NOT_ATTEMPTED,
        message=message,
    )
