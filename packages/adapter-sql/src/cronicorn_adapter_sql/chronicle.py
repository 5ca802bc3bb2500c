"""One endpoint's past, on SQL: each answer is one statement."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.identity import EndpointId, RunId, TenantId
from cronicorn_domain.model.durations import percentile
from cronicorn_domain.model.run import Body, BodyKind, OutcomeClass, Run
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.ports.chronicle import Answered, Episode, Limits, Stretch, Surroundings
from cronicorn_domain.ports.hint_book import HintRecord
from cronicorn_domain.ports.run_log import Health
from sqlalchemy import Executable

from cronicorn_adapter_sql.chronicle_statements import (
    answered_by_stretch,
    body_in,
    hints_of,
    job_of,
    lying_around,
    runs_of,
    slot_records_of,
    summed_by_stretch,
    summed_by_window,
)
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.hint_book import hint_record_from
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.mapping_runs import run_from
from cronicorn_adapter_sql.mapping_states import meant, record_from
from cronicorn_adapter_sql.overview import tally_from
from cronicorn_adapter_sql.side_by_side import rows_of, side_by_side
from cronicorn_adapter_sql.transaction import Transaction

_LENGTHS: Final = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


class SqlChronicle:
    """One endpoint's past, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def stretches(
        self, tenant: TenantId, endpoint_id: EndpointId, *, since: datetime, until: datetime
    ) -> Sequence[Stretch]:
        """Return what statistics have of the window."""
        statement = summed_by_stretch(tenant, endpoint_id, since, until)
        return [_stretch(row) for row in await self._all(statement)]

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
        statement = runs_of(tenant, endpoint_id, since, until).limit(limit)
        return [run_from(row) for row in await self._all(statement)]

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
        statement = slot_records_of(tenant, endpoint_id, since, until).limit(limit)
        return [record_from(row) for row in await self._all(statement)]

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
        rows = await self._all(hints_of(tenant, endpoint_id, since, until).limit(limit))
        return _hint_records(rows, now)

    async def healths(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        since: Sequence[datetime],
        now: datetime,
    ) -> Sequence[Health]:
        """Return the statistics of slots from each of the instants to ``now``."""
        rows = await self._all(summed_by_window(tenant, endpoint_id, since, now))
        return _healths(rows, len(since))

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
        """Return what there was in a window, all in one question."""
        window = tenant, endpoint_id, since, until
        rows = await self._all(
            side_by_side(
                job=job_of(tenant, endpoint_id),
                stretches=summed_by_stretch(*window),
                runs=runs_of(*window).limit(limits.runs),
                records=slot_records_of(*window).limit(limits.slot_records),
                hints=hints_of(*window).limit(limits.hints),
                healths=summed_by_window(tenant, endpoint_id, healths_since, now),
            )
        )
        stretches = [_stretch(row) for row in rows_of("stretches", rows)]
        runs = [run_from(row) for row in rows_of("runs", rows)]
        records = [record_from(row) for row in rows_of("records", rows)]
        hints = _hint_records(rows_of("hints", rows), now)
        return Episode(
            job_name=next((row["name"] for row in rows_of("job", rows)), None),
            stretches=sorted(stretches, key=lambda each: (each.begins_at, each.lasts)),
            runs=sorted(runs, key=lambda each: (each.slot, each.attempt), reverse=True),
            slot_records=sorted(records, key=lambda each: each.last, reverse=True),
            hints=sorted(
                hints, key=lambda each: (each.hint.created_at, each.hint.id), reverse=True
            ),
            healths=_healths(rows_of("healths", rows), len(healths_since)),
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
        if not edges:
            return []
        statement = answered_by_stretch(tenant, endpoint_id, edges, until, size_most=size_most)
        latest: dict[datetime, Answered] = {}
        for row in await self._all(statement):
            body = Body(kind=BodyKind(row["kind"]), text=row["text"], truncated=row["truncated"])
            latest[row["slot"]] = Answered(run_id=RunId(row["id"]), slot=row["slot"], body=body)
        return [latest[slot] for slot in sorted(latest)]

    async def around(self, tenant: TenantId, run_id: RunId) -> Surroundings | None:
        """Return a run and what lies beside it."""
        rows = await self._all(lying_around(tenant, run_id))
        found = [run_from(row) for row in rows]
        own = next((row for row in rows if row["id"] == run_id), None)
        if own is None:
            return None
        found.sort(key=lambda each: (each.slot, each.attempt))
        slot = own["slot"]
        return Surroundings(
            run=run_from(own, body_in(own)),
            attempts=[each for each in found if each.slot == slot],
            before=next((each for each in reversed(found) if each.slot < slot), None),
            behind=next((each for each in found if each.slot > slot), None),
        )

    async def _all(self, statement: Executable) -> Sequence[Columns]:
        with translated():
            rows: Sequence[Columns] = (
                (await self._transaction.connection.execute(statement)).mappings().all()
            )
        return rows


def _stretch(row: Columns) -> Stretch:
    return Stretch(
        begins_at=row["begins_at"],
        lasts=_LENGTHS[row["size"]],
        tally=tally_from(row),
        lateness=timedelta(microseconds=int(row["lateness"])),
    )


def _hint_records(rows: Iterable[Columns], now: datetime) -> Sequence[HintRecord]:
    return [record for row in rows for record in meant(lambda r: hint_record_from(r, now), row)]


def _healths(sums: Sequence[Columns], count: int) -> Sequence[Health]:
    return [_health([row for row in sums if row["window"] == number]) for number in range(count)]


def _health(sums: Sequence[Columns]) -> Health:
    counts: Counter[OutcomeClass] = Counter()
    steps: Counter[int] = Counter()
    for row in sums:
        counts[OutcomeClass(row["outcome_class"])] += int(row["runs"])
        steps[row["duration_step"]] += int(row["timed_runs"])
    timed = steps.total()
    return Health(
        success_count=counts[OutcomeClass.SUCCESS],
        target_failure_count=counts[OutcomeClass.TARGET],
        our_failure_count=counts[OutcomeClass.OURS],
        not_attempted_count=counts[OutcomeClass.NOT_ATTEMPTED],
        mean_duration=mean_of(sums, "duration", timed),
        median_duration=percentile(steps, 0.5),
        p95_duration=percentile(steps, 0.95),
        mean_lateness=mean_of(sums, "lateness", timed),
    )


def mean_of(sums: Sequence[Columns], name: str, count: int) -> timedelta | None:
    """Return the mean of a column of microseconds over so many runs; None over none."""
    if not count:
        return None
    return timedelta(microseconds=sum(int(row[name]) for row in sums)) / count
