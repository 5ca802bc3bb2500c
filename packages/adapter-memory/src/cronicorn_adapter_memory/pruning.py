"""Deletes history in memory."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.model.run import Run, RunStatus
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.ports.hint_book import HintRecord
from cronicorn_domain.ports.run_log import HELD_FOR, ROLL_UPS_KEPT, Pruned

from cronicorn_adapter_memory.roll_ups import RollUpKey, Sums, beginning, counted
from cronicorn_adapter_memory.tables import Tables

FLOOR = datetime.min.replace(tzinfo=UTC)
_LONGER = {"minute": "hour", "hour": "day"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """One step over a transaction's tables: up to ``limit`` of each kind."""

    tables: Tables
    limit: int

    def prune(self, *, before: datetime | None, now: datetime, most: int | None) -> Pruned:
        """Delete what is past its time; see ``RunLog.prune``."""
        before = FLOOR if before is None else before
        over = min(before, now - HELD_FOR)
        old = {run.id: run for run in (*self._settled_before(before), *self._beyond(most))}
        return Pruned(
            runs=self._runs(list(old.values())[: self.limit]),
            slot_records=self._records(before, most),
            hints=self._hints(over),
            triggers=self._triggers(over),
            roll_ups=self._roll_ups(now),
        )

    def _settled_before(self, before: datetime) -> Iterator[Run]:
        tables = self.tables
        for day in sorted(day for day in tables.run_days.filled() if day <= before.date()):
            for run_id in tables.run_days.of(day):
                run = tables.runs[run_id]
                if run.slot < before and run.status is not RunStatus.RUNNING:
                    yield run

    def _beyond(self, most: int | None) -> Iterator[Run]:
        """Find what lies before the slots of the newest ``most`` runs of its tenant."""
        if most is None:
            return
        by_tenant: dict[TenantId, list[Run]] = defaultdict(list)
        for run in self.tables.runs.values():
            by_tenant[run.tenant].append(run)
        for runs in by_tenant.values():
            slots = sorted((run.slot for run in runs), reverse=True)
            oldest = slots[most - 1] if len(slots) >= most else None
            for run in runs:
                if oldest and run.slot < oldest and run.status is not RunStatus.RUNNING:
                    yield run

    def _runs(self, gone: Sequence[Run]) -> int:
        tables, ids = self.tables, {run.id for run in gone}
        for run in gone:
            del tables.runs[run.id]
            if (adds := counted(run)) is not None:
                self._count(*adds)
        for day in {run.slot.date() for run in gone}:
            left = [run_id for run_id in tables.run_days.of(day) if run_id not in ids]
            tables.run_days.replace(day, left)
        for endpoint_id in {run.endpoint_id for run in gone}:
            left = [run_id for run_id in tables.runs_of.of(endpoint_id) if run_id not in ids]
            tables.runs_of.replace(endpoint_id, left)
        return len(gone)

    def _records(self, before: datetime, most: int | None) -> int:
        pruned = 0
        oldest = {} if most is None else self._oldest_records(most)
        for endpoint_id in self.tables.records.filled():
            kept: list[SlotRecord] = []
            since = max(before, oldest.get(self._tenant(endpoint_id), FLOOR))
            for record in (records := self.tables.records.of(endpoint_id)):
                if record.last < since and pruned < self.limit:
                    pruned += 1
                else:
                    kept.append(record)
            if len(kept) < len(records):
                self.tables.records.replace(endpoint_id, kept)
        return pruned

    def _oldest_records(self, most: int) -> Mapping[TenantId, datetime]:
        """Find where the newest ``most`` slot records end, of tenants that have so many."""
        by_tenant: dict[TenantId, list[datetime]] = defaultdict(list)
        for endpoint_id in self.tables.records.filled():
            records = self.tables.records.of(endpoint_id)
            by_tenant[self._tenant(endpoint_id)] += [record.last for record in records]
        return {
            tenant: sorted(ends, reverse=True)[most - 1]
            for tenant, ends in by_tenant.items()
            if len(ends) >= most
        }

    def _tenant(self, endpoint_id: EndpointId) -> TenantId:
        return self.tables.endpoints[endpoint_id].endpoint.tenant

    def _hints(self, over: datetime) -> int:
        pruned = 0
        for endpoint_id in self.tables.ended_hints.filled():
            records = self.tables.ended_hints.of(endpoint_id)
            kept = [each for each in records if not _over(each, over)]
            pruned += len(records) - len(kept)
            self.tables.ended_hints.replace(endpoint_id, kept)
        for endpoint_id, row in list(self.tables.endpoints.items()):
            living = tuple(hint for hint in row.hints if not _over(HintRecord(hint=hint), over))
            if len(living) < len(row.hints):
                pruned += len(row.hints) - len(living)
                self.tables.endpoints.edit(endpoint_id).hints = living
        return pruned

    def _triggers(self, over: datetime) -> int:
        pruned = 0
        for endpoint_id, row in list(self.tables.endpoints.items()):
            living = tuple(each for each in row.triggers if each.expires_at >= over)
            if len(living) < len(row.triggers):
                pruned += len(row.triggers) - len(living)
                self.tables.endpoints.edit(endpoint_id).triggers = living
        return pruned

    def _roll_ups(self, now: datetime) -> int:
        """Add up what is older than its size is kept, and delete the days that are too old."""
        folded = 0
        for key, sums in list(self.tables.roll_ups.items()):
            size, begins_at = key.size, key.begins_at
            while size and begins_at < beginning(now - ROLL_UPS_KEPT[size], _LONGER.get(size)):
                size = _LONGER.get(size, "")
                begins_at = beginning(begins_at, size)
            if size != key.size:
                del self.tables.roll_ups[key]
                folded += 1
                if size:
                    self._count(key._replace(size=size, begins_at=begins_at), sums)
        return folded

    def _count(self, key: RollUpKey, sums: Sums) -> None:
        self.tables.roll_ups[key] = self.tables.roll_ups.get(key, Sums()).plus(sums)


def _over(record: HintRecord, over: datetime) -> bool:
    ended = record.ended_at is not None and record.ended_at < over
    return record.hint.created_at < over and (ended or record.hint.expires_at < over)
