"""One endpoint's past, in memory."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.identity import EndpointId, RunId, TenantId
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.run import Body, BodyKind, Run
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.ports.chronicle import Answered, Episode, Limits, Stretch, Surroundings
from cronicorn_domain.ports.hint_book import HintRecord
from cronicorn_domain.ports.run_log import Health

from cronicorn_adapter_memory.hint_book import records_of
from cronicorn_adapter_memory.overview import tally_of
from cronicorn_adapter_memory.roll_ups import RollUpKey, Sums, counted, minute_of
from cronicorn_adapter_memory.run_log import statistics, without_body
from cronicorn_adapter_memory.tables import EndpointRow, Tables
from cronicorn_adapter_memory.transaction import Transaction

_LENGTHS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


class MemoryChronicle:
    """One endpoint's past, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def stretches(
        self, tenant: TenantId, endpoint_id: EndpointId, *, since: datetime, until: datetime
    ) -> Sequence[Stretch]:
        """Return what statistics have of the window."""
        found: dict[tuple[datetime, str], Stretch] = {}
        for key, sums in self._counted(tenant, endpoint_id):
            if minute_of(since) <= key.begins_at <= until:
                place = key.begins_at, key.size
                adds = Stretch(
                    begins_at=key.begins_at,
                    lasts=_LENGTHS[key.size],
                    tally=tally_of(key, sums),
                    lateness=sums.lateness,
                )
                found[place] = _added(found[place], adds) if place in found else adds
        return [found[place] for place in sorted(found)]

    async def runs(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: datetime,
        until: datetime,
        limit: int,
    ) -> Sequence[Run]:
        """Return runs by their slots, the newest first."""
        found = [run for run in self._runs(tenant, endpoint_id) if since <= run.slot <= until]
        return [without_body(run) for run in sorted(found, key=_by_slot, reverse=True)[:limit]]

    async def slot_records(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: datetime,
        until: datetime,
        limit: int,
    ) -> Sequence[SlotRecord]:
        """Return what was not run, the newest first."""
        if self._row(tenant, endpoint_id) is None:
            return []
        found = [
            record
            for record in self._tables.records.of(endpoint_id)
            if record.last >= since and record.first <= until
        ]
        return sorted(found, key=lambda each: each.last, reverse=True)[:limit]

    async def hints(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: datetime,
        until: datetime,
        now: datetime,
        limit: int,
    ) -> Sequence[HintRecord]:
        """Return the hints that lived in the window, the newest first."""
        row = self._row(tenant, endpoint_id)
        if row is None:
            return []
        return [
            record
            for record in records_of(self._tables, row, now)
            if record.hint.created_at <= until
            and (record.ended_at or record.hint.expires_at) >= since
        ][:limit]

    async def healths(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: Sequence[datetime],
        now: datetime,
    ) -> Sequence[Health]:
        """Return the statistics of slots from each of the instants to ``now``."""
        all_of_it = [
            each for each in self._counted(tenant, endpoint_id) if each[0].begins_at <= now
        ]
        return [
            statistics([each for each in all_of_it if each[0].begins_at >= minute_of(start)])
            for start in since
        ]

    async def episode(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: datetime,
        until: datetime,
        now: datetime,
        healths_since: Sequence[datetime],
        limits: Limits,
    ) -> Episode:
        """Return what there was in a window."""
        whose = tenant, endpoint_id
        row = self._row(tenant, endpoint_id)
        return Episode(
            job_name=None if row is None else self._tables.jobs[row.endpoint.job_id].name,
            stretches=await self.stretches(*whose, since=since, until=until),
            runs=await self.runs(*whose, since=since, until=until, limit=limits.runs),
            slot_records=await self.slot_records(
                *whose, since=since, until=until, limit=limits.slot_records
            ),
            hints=await self.hints(*whose, since=since, until=until, now=now, limit=limits.hints),
            healths=await self.healths(*whose, since=healths_since, now=now),
        )

    async def answers(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        edges: Sequence[datetime],
        until: datetime,
        size_most: int,
    ) -> Sequence[Answered]:
        """Return what was answered last in each stretch of time."""
        newest: dict[int, datetime] = {}
        answered = [
            run
            for run in sorted(self._runs(tenant, endpoint_id), key=_by_slot)
            if run.response is not None and run.slot <= until
        ]
        for run in answered:
            newest[bisect_right(edges, run.slot)] = run.slot
        newest.pop(0, None)
        found = {
            run.slot: Answered(run_id=run.id, slot=run.slot, body=run.response.body)
            for run in answered
            if run.response is not None and _fits(run.response.body, size_most)
        }
        return [found[slot] for slot in sorted(newest.values()) if slot in found]

    async def around(self, tenant: TenantId, run_id: RunId) -> Surroundings | None:
        """Return a run and what lies beside it."""
        tables = self._tables
        run = tables.runs.get(run_id)
        if run is None or run.tenant != tenant:
            return None
        others = [tables.runs[each] for each in tables.runs_of.of(run.endpoint_id)]
        others = sorted((without_body(each) for each in others), key=_by_slot)
        return Surroundings(
            run=run,
            attempts=[each for each in others if each.slot == run.slot],
            before=next((each for each in reversed(others) if each.slot < run.slot), None),
            behind=next((each for each in others if each.slot > run.slot), None),
        )

    @property
    def _tables(self) -> Tables:
        return self._transaction.read()

    def _row(self, tenant: TenantId, endpoint_id: EndpointId) -> EndpointRow | None:
        row = self._tables.endpoints.get(endpoint_id)
        return None if row is None or row.endpoint.tenant != tenant else row

    def _runs(self, tenant: TenantId, endpoint_id: EndpointId) -> Iterator[Run]:
        if self._row(tenant, endpoint_id) is None:
            return
        tables = self._tables
        for run_id in tables.runs_of.of(endpoint_id):
            if (run := tables.runs[run_id]).kind is not Kind.TEST:
                yield run

    def _counted(
        self, tenant: TenantId, endpoint_id: EndpointId
    ) -> Iterable[tuple[RollUpKey, Sums]]:
        if self._row(tenant, endpoint_id) is None:
            return
        for run in self._runs(tenant, endpoint_id):
            if (adds := counted(run)) is not None:
                yield adds
        for key, sums in self._tables.roll_ups.items():
            if key.endpoint_id == endpoint_id:
                yield key, sums


def _added(one: Stretch, other: Stretch) -> Stretch:
    return replace(one, tally=one.tally.plus(other.tally), lateness=one.lateness + other.lateness)


def _fits(body: Body, size_most: int) -> bool:
    return body.kind is BodyKind.JSON and len(body.text) <= size_most


def _by_slot(run: Run) -> tuple[datetime, int]:
    return run.slot, run.attempt
