"""The attempts of a slot go on where they stopped, so that none is ever made twice."""

from dataclasses import replace

from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.state import EndpointState


def continued(state: EndpointState, plan: Plan) -> Plan:
    """
    Return ``plan`` with the past of its slot: what was given back goes on with its next attempt.

    ``state`` is the one that ``plan`` will be written to, with the plans that stood before.
    """
    for before in (state.plan, state.urgent):
        if before is not None and before.slot == plan.slot and before.kind is plan.kind:
            plan = replace(
                plan,
                attempt=max(plan.attempt, before.attempt),
                tries=before.tries,
                losses=before.losses,
                counted=before.counted,
            )
    if state.latest_slot == plan.slot and plan.attempt <= state.latest_attempt:
        plan = replace(plan, attempt=state.latest_attempt + 1)
    return plan
