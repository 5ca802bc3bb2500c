"""Hints and triggers in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cronicorn_domain.identity import EndpointId, HintId, TenantId
from cronicorn_domain.model.hint import Hint, Trigger
from cronicorn_domain.policies.clearing import clear
from cronicorn_domain.policies.endpoint_states import check_triggerable, check_unarchived
from cronicorn_domain.policies.replanning import replan
from cronicorn_domain.ports.hint_book import HintEnd, HintRecord

from cronicorn_adapter_memory.tables import EndpointRow, Tables
from cronicorn_adapter_memory.transaction import Transaction


class MemoryHintBook:
    """Hints and triggers of all endpoints, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def offer(
        self, tenant: TenantId, endpoint_id: EndpointId, hint: Hint, *, now: datetime
    ) -> None:
        """Keep a hint."""
        tables = await self._transaction.write()
        check_unarchived(tables.readable_row(tenant, endpoint_id).endpoint, "take a hint")
        row = tables.endpoints.edit(endpoint_id)
        row.hints = (*row.hints, hint)
        tables.keep(row, replan(tables.situation(row), now), now)

    async def clear(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        now: datetime,
        hint_id: HintId | None = None,
    ) -> int:
        """End one active hint, or all of the endpoint's, and return how many there were."""
        tables = await self._transaction.write()
        held = _clear_held(tables, tenant, endpoint_id, hint_id, now)
        cleared = [
            hint
            for hint in tables.readable_row(tenant, endpoint_id).hints
            if hint.expires_at > now and hint_id in {None, hint.id}
        ]
        if cleared:
            row = tables.endpoints.edit(endpoint_id)
            change = clear(tables.situation(row), {hint.id for hint in cleared}, now)
            row.hints = tuple(hint for hint in row.hints if hint not in cleared)
            for hint in cleared:
                record = HintRecord(hint=hint, end=HintEnd.CLEARED, ended_at=now)
                tables.ended_hints.add(endpoint_id, record)
            tables.keep(row, change, now)
        return len(cleared) + held

    async def trigger(
        self, tenant: TenantId, endpoint_id: EndpointId, trigger: Trigger, *, now: datetime
    ) -> None:
        """Ask for one run, due at once."""
        tables = await self._transaction.write()
        endpoint = tables.readable_row(tenant, endpoint_id).endpoint
        job_state = tables.jobs[endpoint.job_id].state
        check_triggerable(endpoint, job_state, trigger.kind, now)
        row = tables.endpoints.edit(endpoint_id)
        row.triggers = (*row.triggers, trigger)
        tables.keep(row, replan(tables.situation(row), now), now)

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
        tables = self._transaction.read()
        row = tables.row(tenant, endpoint_id)
        records = records_of(tables, row, now)
        if before is not None:
            last = next((_by_time(each) for each in records if each.hint.id == before), None)
            records = [each for each in records if last is not None and _by_time(each) < last]
        return records[:limit]


def records_of(tables: Tables, row: EndpointRow, now: datetime) -> list[HintRecord]:
    """Return an endpoint's hints, the newest first, ended ones included."""
    records = [_seen_at(HintRecord(hint=hint), now) for hint in row.hints]
    records += [*row.held_hints, *tables.ended_hints.of(row.endpoint.id)]
    return sorted(records, key=_by_time, reverse=True)


def _by_time(record: HintRecord) -> tuple[datetime, HintId]:
    return record.hint.created_at, record.hint.id


def _clear_held(
    tables: Tables, tenant: TenantId, endpoint_id: EndpointId, hint_id: HintId | None, now: datetime
) -> int:
    """Remember that a one-shot is not to come back if the claim that consumed it is undone."""
    row = tables.readable_row(tenant, endpoint_id)
    if row.lease is None or row.lease.started_at is not None:
        return 0
    before = {record.hint.id for record in row.cleared_hints}
    cleared = tuple(
        HintRecord(hint=record.hint, end=HintEnd.CLEARED, ended_at=now)
        for record in row.held_hints
        if hint_id in {None, record.hint.id} and record.hint.id not in before
    )
    if cleared:
        edited = tables.endpoints.edit(endpoint_id)
        edited.cleared_hints = (*edited.cleared_hints, *cleared)
    return len(cleared)


def _seen_at(record: HintRecord, now: datetime) -> HintRecord:
    expires_at = record.hint.expires_at
    if expires_at > now:
        return record
    return replace(record, end=HintEnd.EXPIRED, ended_at=expires_at)
