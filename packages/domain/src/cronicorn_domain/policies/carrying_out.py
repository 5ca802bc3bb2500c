"""Writes what a proposal is granted, in the unit of whoever grants it."""

from datetime import datetime
from typing import assert_never

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.hint import IntervalHint, OneShotHint
from cronicorn_domain.model.rulings import SiblingTrigger
from cronicorn_domain.policies.pausing import pause_noted
from cronicorn_domain.policies.proposing import Clearing, Grant
from cronicorn_domain.policies.ruling import sibling_trigger
from cronicorn_domain.ports.unit_of_work import UnitOfWork


async def carry_out(
    unit: UnitOfWork, endpoint: Endpoint, grant: Grant, *, actor: str, now: datetime
) -> None:
    """
    Write it; the endpoint is planned anew in the same transaction. A pause is told by the audit.

    Raises:
        InvalidInput: the job has no endpoint of that name.
        NotFound, ForbiddenTransition: as the stores say.
    """
    tenant = endpoint.tenant
    match grant:
        case IntervalHint() | OneShotHint():
            await unit.hints.offer(tenant, endpoint.id, grant, now=now)
        case Pause():
            await unit.catalog.pause_endpoint(tenant, endpoint.id, grant, now=now)
            await unit.audit.add(pause_noted(endpoint, grant, actor=actor, now=now))
        case Clearing(hints=hints):
            for hint_id in hints:
                await unit.hints.clear(tenant, endpoint.id, now=now, hint_id=hint_id)
        case SiblingTrigger(name=name):
            sibling = await unit.catalog.find_endpoint(tenant, endpoint.job_id, name)
            if sibling is None:
                raise InvalidInput(
                    f"the job has no endpoint named {name[:64]!r}",
                    field="name",
                    remedy="name another endpoint of the job",
                )
            await unit.hints.trigger(tenant, sibling.id, sibling_trigger(grant, now), now=now)
        case _:
            assert_never(grant)
