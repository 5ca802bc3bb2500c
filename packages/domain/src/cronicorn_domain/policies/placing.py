"""Whether an endpoint's place in the queue is the one that the governor would give it."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.decision import Plan, Source
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.eligibility import claimable_from
from cronicorn_domain.policies.lapsing import unlapsed
from cronicorn_domain.policies.replanning import replan
from cronicorn_domain.policies.standing import still_planned
from cronicorn_domain.ports.examination import QueuedPlace
from cronicorn_domain.wording import instant_in_words


def misplaced(situation: Situation, place: QueuedPlace | None, now: datetime) -> str | None:
    """
    Say what is wrong with the place of an endpoint without a lease, as a clause; None: nothing.

    The governor is asked again. What is overdue keeps its place whatever the governor says now,
    since its claim plans anew what is over; and so does what waits in a lane since it was due. No
    write ends a hint: what has ended since its slot came is left to the claim, too.
    """
    weighed = unlapsed(situation, now)
    answer = replace(weighed, state=replan(weighed, now).state)
    wanted = claimable_from(answer, now)
    if place is None:
        if wanted is None:
            return None
        return f"is planned for {_instant(wanted)}, and not in the queue: it would never run"
    stands = place.since <= now or place.since == wanted
    if (wanted is None or not stands) and not _has_ended_since(weighed, now):
        return f"{_place(place)}, and the governor says {_instant(wanted)}"
    wrong = _written_otherwise(situation, place)
    if wrong is None and place.since > now and _goes_by_its_schedule(weighed, now):
        wrong = _planned_otherwise(situation.state.next_plan, answer.state.next_plan)
    return wrong


def _has_ended_since(situation: Situation, now: datetime) -> bool:
    """Say whether what planned it ended behind its slot, and nothing else takes it out."""
    plan = situation.state.next_plan
    if plan is None or plan.first_slot > now or still_planned(situation, plan, now):
        return False
    return claimable_from(situation, now) is not None


def _goes_by_its_schedule(situation: Situation, now: datetime) -> bool:
    """
    Say whether nothing can have ended since it was planned, so that its plan is still the same.

    What a hint planned that is over, or a slot that came in a pause, is planned anew by the claim.
    """
    plan = situation.state.next_plan
    proposed = situation.hints or situation.triggers or (plan is not None and plan.origin)
    return not proposed and not situation.endpoint.paused_at(now)


def _written_otherwise(situation: Situation, place: QueuedPlace) -> str | None:
    """Compare a place with what its endpoint has; both are written together."""
    plan, host = situation.state.next_plan, situation.endpoint.request.host
    if plan is None or plan.slot != place.slot:
        planned = _instant(None if plan is None else plan.slot)
        return f"stands in the queue with the slot {_instant(place.slot)}, and is planned {planned}"
    if place.host != host:
        return f"stands in the queue with the host {place.host}, and calls {host}"
    if not place.up_to_date:
        return "stands in the queue with an older revision than its state has"
    return None


def _planned_otherwise(plan: Plan | None, answer: Plan | None) -> str | None:
    """Compare two plans for the same instant, but for what was weighed on the way there."""
    if plan is not None and answer is not None and _is_clamped(plan) != _is_clamped(answer):
        # A slot that was moved to another of the rhythm is, once its own has passed, simply next.
        answer = replace(answer, decision=replace(answer.decision, source=plan.decision.source))
    if _bare(plan) == _bare(answer):
        return None
    return f"is planned {_in_words(plan)}, and the governor says {_in_words(answer)}"


def _is_clamped(plan: Plan) -> bool:
    return plan.decision.source in {Source.CLAMPED_MIN, Source.CLAMPED_MAX}


def _bare(plan: Plan | None) -> Plan | None:
    return None if plan is None else replace(plan, decision=replace(plan.decision, trail=()))


def _in_words(plan: Plan | None) -> str:
    if plan is None:
        return "never"
    return (
        f"by {plan.decision.source} as attempt {plan.attempt} of the {plan.kind} slot"
        f" {_instant(plan.slot)}"
    )


def _place(place: QueuedPlace) -> str:
    if place.lane is not None:
        return f"waits for room ({place.lane}) since {_instant(place.since)}"
    return f"is in the queue for {_instant(place.since)}"


def _instant(instant: datetime | None) -> str:
    return "never" if instant is None else instant_in_words(instant)
