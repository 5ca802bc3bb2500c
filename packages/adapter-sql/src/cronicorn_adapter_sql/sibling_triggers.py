"""Runs siblings once, because rules asked for it, in the transaction that ends the run."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from cronicorn_domain.errors import ForbiddenTransition
from cronicorn_domain.policies.endpoint_states import check_triggerable
from cronicorn_domain.policies.replanning import replan
from cronicorn_domain.policies.ruling import sibling_trigger
from sqlalchemy import insert, select

from cronicorn_adapter_sql.mapping_states import values_of_trigger
from cronicorn_adapter_sql.situations import ReadEndpoint
from cronicorn_adapter_sql.tables import endpoints, triggers
from cronicorn_adapter_sql.transaction import AskedSibling, Transaction


async def trigger_asked(transaction: Transaction, now: datetime) -> None:
    """
    Give the siblings that were asked for a trigger each, and plan them anew.

    What was collected is written first: a sibling may be one of those whose run has just ended.
    Names that are no endpoint's, and endpoints that take no trigger, are passed over.

    Raises:
        StoreUnavailable: somebody has planned one of them for too long.
    """
    asked, transaction.asked_siblings = transaction.asked_siblings, []
    if not asked:
        return
    await transaction.write()
    for each in sorted(asked, key=lambda each: (each.job_id, each.sibling.name)):
        await _trigger(transaction, each, now)


async def _trigger(transaction: Transaction, asked: AskedSibling, now: datetime) -> None:
    named = select(endpoints.c.id).where(
        endpoints.c.job_id == asked.job_id,
        endpoints.c.name == asked.sibling.name,
        endpoints.c.archived_at.is_(None),
    )
    found = (await transaction.connection.execute(named)).scalars().all()
    for read in await _locked(transaction, found, now):
        endpoint, state = read.situation.endpoint, read.situation.job_state
        trigger = sibling_trigger(asked.sibling, now)
        try:
            check_triggerable(endpoint, state, trigger.kind, now)
        except ForbiddenTransition:
            continue
        await transaction.connection.execute(
            insert(triggers).values(values_of_trigger(endpoint.tenant, endpoint.id, trigger))
        )
        pending = (*read.situation.triggers, trigger)
        situation = replace(read.situation, triggers=pending)
        fired = replace(read, situation=situation)
        transaction.changes.apply(fired, replan(situation, now), now, after=situation)
    await transaction.write()


async def _locked(
    transaction: Transaction, ids: Sequence[UUID], now: datetime
) -> list[ReadEndpoint]:
    await transaction.situations.lock_shortly(ids)
    found = await transaction.situations.read(ids, now=now)
    return [each for each in found if isinstance(each, ReadEndpoint)]
