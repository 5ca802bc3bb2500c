"""
Reads the history that a live database holds.

There is no log of edits in it. An endpoint that was changed is judged from its last change on, as
what it is now; one that never was, from its creation. Hints, triggers and slots skipped by hand are
known; a reset of failures is not, nor are leases that have ended.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from cronicorn_adapter_sql.clock import DatabaseClock
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine, read_only
from cronicorn_adapter_sql.mapping_endpoints import endpoint_from
from cronicorn_adapter_sql.mapping_jobs import job_from
from cronicorn_adapter_sql.mapping_runs import run_from
from cronicorn_adapter_sql.mapping_states import hint_from, record_from, trigger_from
from cronicorn_adapter_sql.tables import endpoints, hints, jobs, runs, slot_records, triggers
from cronicorn_domain.identity import EndpointId, HintId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from sqlalchemy import RowMapping, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.checker.history import (
    Created,
    Deed,
    Edited,
    Entry,
    HintOffered,
    HintsCleared,
    History,
    SlotSkipped,
    Triggered,
)

BY_HAND = "skipped on request"
"""The reason that a record of a slot skipped by hand gives."""


async def read_history(url: str, *, since: datetime | None = None) -> History:
    """
    Read everything that a database tells, from ``since`` on if that is given.

    Raises:
        InvalidInput: the URL is malformed.
        StoreError: the database cannot be reached, or a row of it cannot be read.
    """
    async with open_engine(parse_database_url(url), create=False) as engine:
        clock = await DatabaseClock.synchronized(engine)
        async with read_only(engine).begin() as connection:
            tables = {
                table.name: await _rows(connection, table)
                for table in (endpoints, jobs, runs, slot_records, hints, triggers)
            }
        return _history(tables, since, clock.now())


async def _rows(connection: AsyncConnection, table: Table) -> Sequence[RowMapping]:
    return (await connection.execute(select(table))).mappings().all()


def _history(
    tables: dict[str, Sequence[RowMapping]], since: datetime | None, now: datetime
) -> History:
    known = [endpoint_from(row, None) for row in tables["endpoints"]]
    begun = {each.id: _judged_from(each, since) for each in known}
    records: dict[EndpointId, list[SlotRecord]] = defaultdict(list)
    for row in tables["slot_records"]:
        record = record_from(row)
        if (record.prolonged_at or record.recorded_at) >= begun.get(row["endpoint_id"], now):
            records[row["endpoint_id"]].append(record)
    deeds = [
        *_definitions(known, begun),
        *_hints(tables["hints"]),
        *((row["at"], row["endpoint_id"], _triggered(row)) for row in tables["triggers"]),
        *_skips(records),
    ]
    deeds.sort(key=lambda each: (each[0], not isinstance(each[2], Created | Edited)))
    told = (run_from(row) for row in tables["runs"])
    return History(
        begins_at=min(begun.values(), default=now),
        ends_at=now,
        entries=[
            Entry(order=order, at=at, endpoint_id=endpoint_id, deed=deed)
            for order, (at, endpoint_id, deed) in enumerate(deeds)
            if at >= begun.get(endpoint_id, now)
        ],
        runs=sorted(
            (run for run in told if _is_judged(run, begun, now)), key=lambda run: run.claimed_at
        ),
        records=records,
        jobs={job.id: job.state for job in map(job_from, tables["jobs"])},
    )


def _judged_from(endpoint: Endpoint, since: datetime | None) -> datetime:
    changed = max(endpoint.updated_at, endpoint.created_at)
    return changed if since is None else max(changed, since)


def _is_judged(run: Run, begun: dict[EndpointId, datetime], now: datetime) -> bool:
    return run.claimed_at >= begun.get(run.endpoint_id, now)


def _definitions(
    known: Sequence[Endpoint], begun: dict[EndpointId, datetime]
) -> Iterator[tuple[datetime, EndpointId, Deed]]:
    for endpoint in known:
        at = begun[endpoint.id]
        whole = at == endpoint.created_at
        yield at, endpoint.id, Created(endpoint=endpoint) if whole else Edited(endpoint=endpoint)


def _hints(rows: Sequence[RowMapping]) -> Iterator[tuple[datetime, EndpointId, Deed]]:
    for row in rows:
        hint = hint_from(row)
        yield hint.created_at, row["endpoint_id"], HintOffered(hint=hint)
        if row["end"] == "cleared":
            yield row["ended_at"], row["endpoint_id"], HintsCleared(hints=(HintId(row["id"]),))


def _triggered(row: RowMapping) -> Deed:
    return Triggered(trigger=trigger_from(row))


def _skips(
    records: dict[EndpointId, list[SlotRecord]],
) -> Iterator[tuple[datetime, EndpointId, Deed]]:
    for endpoint_id, told in records.items():
        for record in told:
            if record.fate is Fate.SKIPPED and record.reason == BY_HAND:
                yield record.recorded_at, endpoint_id, SlotSkipped()
