"""
Reads the history that a live database holds.

There is no log of definitions in it. An endpoint that was changed is judged from its last change
on, as what it is now; one that never was, from its creation. What came before tells from what the
rest was made: failures, living hints, the last slot. Hints, triggers and slots skipped by hand are
known; from the audit so are the moves of jobs and the resets of failures. Leases that have ended
are not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from cronicorn_adapter_sql.clock import DatabaseClock
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine, read_only
from cronicorn_adapter_sql.mapping_endpoints import endpoint_from
from cronicorn_adapter_sql.mapping_jobs import job_from
from cronicorn_adapter_sql.mapping_runs import run_from
from cronicorn_adapter_sql.mapping_states import hint_from, record_from, trigger_from
from cronicorn_adapter_sql.tables import (
    audit_entries,
    due,
    endpoint_state,
    endpoints,
    hints,
    jobs,
    leases,
    runs,
    slot_records,
    triggers,
    workers,
)
from cronicorn_domain.identity import EndpointId, HintId, JobId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.audit import SubjectKind
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_management.noting import Deed as Noted
from sqlalchemy import RowMapping, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tools.check.job_moves import JobMoves, moves_of
from tools.checker.history import (
    Archived,
    Created,
    Deed,
    Edited,
    Entry,
    FailuresReset,
    HintOffered,
    HintsCleared,
    History,
    JobMoved,
    Kept,
    Paused,
    SlotSkipped,
    Triggered,
)

BY_HAND = "skipped on request"
"""The reason that a record of a slot skipped by hand gives."""

UNSEEN = timedelta(seconds=30)
"""A worker tells of itself every six seconds; one that has not for so long is none."""

TABLES = (
    *(audit_entries, due, endpoint_state, endpoints, hints, jobs, leases, runs, slot_records),
    *(triggers, workers),
)

Rows = Mapping[str, Sequence[RowMapping]]
Done = tuple[datetime, EndpointId, Deed]


async def read_history(url: str, *, since: datetime | None = None) -> History:
    """
    Read everything that a database tells, from ``since`` on if that is given.

    It ends with the last that was seen of a worker, if none works any more: what comes afterwards
    waits for the next one.

    Raises:
        InvalidInput: the URL is malformed.
        StoreError: the database cannot be reached, or a row of it cannot be read.
    """
    async with open_engine(parse_database_url(url), create=False) as engine:
        clock = await DatabaseClock.synchronized(engine)
        reading = read_only(engine)
        if engine.dialect.name == "postgresql":  # which else would show each table as of later
            reading = reading.execution_options(isolation_level="REPEATABLE READ")
        async with reading.begin() as connection:
            now = clock.now()
            tables = {table.name: await _rows(connection, table) for table in TABLES}
        return _history(tables, since, now)


async def _rows(connection: AsyncConnection, table: Table) -> Sequence[RowMapping]:
    return (await connection.execute(select(table))).mappings().all()


def _history(tables: Rows, since: datetime | None, now: datetime) -> History:
    known = [endpoint_from(row, None) for row in tables["endpoints"]]
    begun = {each.id: _judged_from(each, since) for each in known}
    told = sorted((run_from(row) for row in tables["runs"]), key=lambda run: run.claimed_at)
    judged = [run for run in told if run.claimed_at >= begun.get(run.endpoint_id, now)]
    earlier = [run for run in told if run.claimed_at < begun.get(run.endpoint_id, now)]
    records, earlier_records = _records(tables["slot_records"], begun, now)
    moves = _job_moves(tables)
    deeds = [
        *_definitions(known, begun),
        *_hints(tables["hints"]),
        *((row["at"], row["endpoint_id"], _triggered(row)) for row in tables["triggers"]),
        *_skips(earlier_records),
        *_skips(records),
        *_job_deeds(known, moves),
        *_resets(tables["audit_entries"]),
    ]
    deeds.sort(key=lambda each: (each[0], not isinstance(each[2], Created | Edited)))
    return History(
        begins_at=min(begun.values(), default=now),
        ends_at=_last_seen(tables, told, now),
        entries=[
            Entry(order=order, at=at, endpoint_id=endpoint_id, deed=deed)
            for order, (at, endpoint_id, deed) in enumerate(deeds)
            if endpoint_id in begun
        ],
        runs=judged,
        records=records,
        jobs={job_id: each.at_first for job_id, each in moves.items()},
        judged_from={each.id: begun[each.id] for each in known if not _is_whole(each, begun)},
        earlier_runs=earlier,
        earlier_records=earlier_records,
        kept=_kept(tables, known, begun, now),
    )


def _judged_from(endpoint: Endpoint, since: datetime | None) -> datetime:
    changed = max(endpoint.updated_at, endpoint.created_at)
    return changed if since is None else max(changed, since)


def _is_whole(endpoint: Endpoint, begun: Mapping[EndpointId, datetime]) -> bool:
    return begun[endpoint.id] == endpoint.created_at


def _records(
    rows: Sequence[RowMapping], begun: Mapping[EndpointId, datetime], now: datetime
) -> tuple[dict[EndpointId, list[SlotRecord]], dict[EndpointId, list[SlotRecord]]]:
    """Return the records to be judged, and those of before, by endpoint."""
    judged: dict[EndpointId, list[SlotRecord]] = defaultdict(list)
    earlier: dict[EndpointId, list[SlotRecord]] = defaultdict(list)
    for row in rows:
        record, endpoint_id = record_from(row), EndpointId(row["endpoint_id"])
        at = record.prolonged_at or record.recorded_at
        whose = judged if at >= begun.get(endpoint_id, now) else earlier
        whose[endpoint_id].append(record)
    return judged, earlier


def _last_seen(tables: Rows, told: Sequence[Run], now: datetime) -> datetime:
    """Return now, or when the last worker was seen if none works any more."""
    seen = [row["seen_at"] for row in tables["workers"]]
    if any(at > now - UNSEEN for at in seen):
        return now
    seen += [row["recorded_at"] for row in tables["slot_records"]]
    seen += [run.finished_at or run.claimed_at for run in told]
    return max(seen, default=now)


def _definitions(known: Sequence[Endpoint], begun: Mapping[EndpointId, datetime]) -> Iterator[Done]:
    """Of what was changed nobody knows what it was before: it counts as what it is now."""
    for endpoint in known:
        if _is_whole(endpoint, begun):
            yield endpoint.created_at, endpoint.id, Created(endpoint=endpoint)
            continue
        at = begun[endpoint.id]
        yield endpoint.created_at, endpoint.id, Edited(endpoint=endpoint)
        yield at, endpoint.id, Edited(endpoint=endpoint)
        if endpoint.pause is not None:
            yield at, endpoint.id, Paused(pause=endpoint.pause)
        if endpoint.archived_at is not None:
            yield at, endpoint.id, Archived()


def _hints(rows: Sequence[RowMapping]) -> Iterator[Done]:
    for row in rows:
        hint = hint_from(row)
        yield hint.created_at, row["endpoint_id"], HintOffered(hint=hint)
        if row["end"] == "cleared":
            yield row["ended_at"], row["endpoint_id"], HintsCleared(hints=(HintId(row["id"]),))


def _triggered(row: RowMapping) -> Deed:
    return Triggered(trigger=trigger_from(row))


def _skips(records: Mapping[EndpointId, Sequence[SlotRecord]]) -> Iterator[Done]:
    for endpoint_id, told in records.items():
        for record in told:
            if record.fate is Fate.SKIPPED and record.reason == BY_HAND:
                yield record.recorded_at, endpoint_id, SlotSkipped()


def _job_moves(tables: Rows) -> dict[JobId, JobMoves]:
    noted: dict[JobId, list[tuple[datetime, str]]] = defaultdict(list)
    for row in tables["audit_entries"]:
        if row["subject_kind"] == SubjectKind.JOB:
            noted[JobId(row["subject"])].append((row["at"], row["action"]))
    told: Iterable[Job] = map(job_from, tables["jobs"])
    return {job.id: moves_of(job, noted[job.id]) for job in told}


def _job_deeds(known: Sequence[Endpoint], moves: Mapping[JobId, JobMoves]) -> Iterator[Done]:
    """Where an endpoint is younger than a move of its job, the job was there already."""
    for endpoint in known:
        of_job = moves[endpoint.job_id]
        at_first = of_job.until(endpoint.created_at)
        if at_first is not of_job.at_first:
            yield endpoint.created_at, endpoint.id, JobMoved(state=at_first)
        for at, state in of_job.moves:
            if at > endpoint.created_at:
                yield at, endpoint.id, JobMoved(state=state)


def _resets(rows: Sequence[RowMapping]) -> Iterator[Done]:
    for row in rows:
        if row["action"] == Noted.RESET_FAILURES:
            yield row["at"], EndpointId(row["subject"]), FailuresReset()


def _kept(
    tables: Rows,
    known: Sequence[Endpoint],
    begun: Mapping[EndpointId, datetime],
    now: datetime,
) -> dict[EndpointId, Kept]:
    waiting = {row["endpoint_id"] for row in tables["due"] if row["lane"] is not None}
    planned = {row["endpoint_id"] for row in (*tables["due"], *tables["leases"])}
    states = {row["endpoint_id"]: row for row in tables["endpoint_state"]}
    kept: dict[EndpointId, Kept] = {}
    for endpoint in known:
        state = states.get(endpoint.id)
        if state is None or (_is_used_up(endpoint, state) and not _is_whole(endpoint, begun)):
            continue
        aside = state["quarantine"] is not None
        kept[endpoint.id] = Kept(
            seen_at=now,
            last_slot=state["last_slot"],
            planned=aside or endpoint.id in planned,
            waits_until=OPEN_ENDED if aside or endpoint.id in waiting else state["not_before"],
        )
    return kept


def _is_used_up(endpoint: Endpoint, state: RowMapping) -> bool:
    """Where older runs are gone they cannot be counted."""
    most = endpoint.bounds.max_runs
    return most is not None and state["run_count"] >= most
