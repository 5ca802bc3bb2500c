"""Hints and triggers on SQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import EndpointId, HintId, RunId, TenantId
from cronicorn_domain.model.hint import Hint, Trigger
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.clearing import clear, without_hints
from cronicorn_domain.policies.endpoint_states import check_triggerable, check_unarchived
from cronicorn_domain.policies.replanning import replan
from cronicorn_domain.ports.hint_book import HintEnd, HintRecord
from sqlalchemy import insert, select, tuple_, update

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.mapping_states import hint_from, meant, values_of_hint, values_of_trigger
from cronicorn_adapter_sql.situations import ReadEndpoint, of_tenant, readable
from cronicorn_adapter_sql.tables import endpoints, hints, triggers
from cronicorn_adapter_sql.transaction import Transaction

_BY_TIME: Final = (hints.c.created_at, hints.c.id)


class SqlHintBook:
    """Hints and triggers of all endpoints, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def offer(
        self, tenant: TenantId, endpoint_id: EndpointId, hint: Hint, *, now: datetime
    ) -> None:
        """Keep a hint."""
        read = await self._locked(tenant, endpoint_id, now)
        check_unarchived(read.situation.endpoint, "take a hint")
        with translated():
            await self._transaction.connection.execute(
                insert(hints).values(values_of_hint(tenant, endpoint_id, hint))
            )
        await self._replan(
            replace(read, situation=_with_hints(read, (*read.situation.hints, hint))), now
        )

    async def clear(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        now: datetime,
        hint_id: HintId | None = None,
    ) -> int:
        """End one active hint, or all of the endpoint's, and return how many there were."""
        read = await self._locked(tenant, endpoint_id, now)
        cleared = {
            each.id
            for each in read.situation.hints
            if each.expires_at > now and hint_id in {None, each.id}
        }
        held = await self._clear_held(read.situation.lease, hint_id, now)
        if cleared:
            ended = update(hints).where(hints.c.id.in_(cleared))
            with translated():
                await self._transaction.connection.execute(
                    ended.values(end=HintEnd.CLEARED.value, ended_at=now)
                )
            left = without_hints(read.situation, cleared)
            change = clear(read.situation, cleared, now)
            self._transaction.changes.apply(replace(read, situation=left), change, now, after=left)
            with translated():
                await self._transaction.write()
        return len(cleared) + held

    async def _clear_held(self, lease: Lease | None, hint_id: HintId | None, now: datetime) -> int:
        """Remember that a one-shot is not to come back if the claim that consumed it is undone."""
        if lease is None or lease.started_at is not None:
            return 0
        held = update(hints).where(hints.c.run_id == lease.run_id, hints.c.cleared_at.is_(None))
        if hint_id is not None:
            held = held.where(hints.c.id == hint_id)
        with translated():
            marked = await self._transaction.connection.execute(held.values(cleared_at=now))
        return int(marked.rowcount)

    async def trigger(
        self, tenant: TenantId, endpoint_id: EndpointId, trigger: Trigger, *, now: datetime
    ) -> None:
        """Ask for one run, due at once."""
        read = await self._locked(tenant, endpoint_id, now)
        situation = read.situation
        check_triggerable(situation.endpoint, situation.job_state, trigger.kind, now)
        with translated():
            await self._transaction.connection.execute(
                insert(triggers).values(values_of_trigger(tenant, endpoint_id, trigger))
            )
        asked = replace(situation, triggers=(*situation.triggers, trigger))
        await self._replan(replace(read, situation=asked), now)

    async def history(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        now: datetime,
        limit: int = 100,
        before: HintId | None = None,
    ) -> Sequence[HintRecord]:
        """Return the newest hints first, ended ones included."""
        owned = select(endpoints.c.id).where(
            endpoints.c.id == endpoint_id, endpoints.c.tenant == tenant
        )
        statement = (
            select(hints)
            .where(hints.c.endpoint_id == endpoint_id)
            .order_by(*(column.desc() for column in _BY_TIME))
            .limit(limit)
        )
        if before is not None:
            last = select(*_BY_TIME).where(hints.c.id == before, hints.c.endpoint_id == endpoint_id)
            statement = statement.where(tuple_(*_BY_TIME) < last.scalar_subquery())
        with translated():
            if (await self._transaction.connection.execute(owned)).first() is None:
                raise NotFound("endpoint", endpoint_id)
            rows = (await self._transaction.connection.execute(statement)).mappings().all()
        return [
            record
            for row in rows
            for record in meant(lambda each: hint_record_from(each, now), row)
        ]

    async def _locked(
        self, tenant: TenantId, endpoint_id: EndpointId, now: datetime
    ) -> ReadEndpoint:
        with translated():
            found = await self._transaction.locked([endpoint_id], now=now)
        return readable(of_tenant(found, tenant, endpoint_id))

    async def _replan(self, read: ReadEndpoint, now: datetime) -> None:
        situation = read.situation
        self._transaction.changes.apply(read, replan(situation, now), now, after=situation)
        with translated():
            await self._transaction.write()


def _with_hints(read: ReadEndpoint, proposed: tuple[Hint, ...]) -> Situation:
    return replace(read.situation, hints=proposed)


def hint_record_from(row: Columns, now: datetime) -> HintRecord:
    """Return the hint of a row and how it ended, as it stands now."""
    hint = hint_from(row)
    if row["end"] is None:
        over = hint.expires_at <= now
        return HintRecord(
            hint=hint,
            end=HintEnd.EXPIRED if over else None,
            ended_at=hint.expires_at if over else None,
        )
    run_id = row["run_id"]
    return HintRecord(
        hint=hint,
        end=HintEnd(row["end"]),
        ended_at=row["ended_at"],
        run_id=None if run_id is None else RunId(run_id),
    )
