"""Run an endpoint now."""

from cronicorn_domain.identity import EndpointId, TriggerId, new_uuid
from cronicorn_domain.model.audit import FieldChange
from cronicorn_domain.model.hint import TRIGGER_LIFE, Trigger, TriggerKind
from cronicorn_domain.policies.proposing import check_reason

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.noting import Deed, note


async def run_now(work: Changing, endpoint_id: EndpointId, *, reason: str | None = None) -> None:
    """
    Ask for one run, due at once, whatever the schedule says.

    Raises:
        NotFound: the tenant has no such endpoint.
        ForbiddenTransition: it is paused or archived, or its job is not active.
    """
    why = check_reason(reason)
    endpoint = await endpoint_to_change(work, endpoint_id)
    trigger = Trigger(
        id=TriggerId(new_uuid()),
        kind=TriggerKind.MANUAL,
        at=work.now,
        expires_at=work.now + TRIGGER_LIFE,
        reason=why,
        trace=work.caller.trace,
    )
    await work.hints.trigger(work.tenant, endpoint_id, trigger, now=work.now)
    told = [] if why is None else [FieldChange(field="reason", before=None, after=why)]
    await note(work, Deed.RUN, endpoint, told)
