"""What a doctor sees of a SQL store, and how endpoints are planned anew."""

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from cronicorn_domain.identity import EndpointId, JobId, RunId, Token, WorkerId
from cronicorn_domain.policies.change import Change
from cronicorn_domain.policies.eligibility import claimable_from
from cronicorn_domain.policies.placing import misplaced
from cronicorn_domain.policies.replanning import replan
from cronicorn_domain.ports.examination import (
    ExaminedEndpoint,
    HeldAnalysis,
    HeldLease,
    Miscount,
    OldTransaction,
    OpenRun,
    OverdueAnalysis,
    OverdueSlot,
    QueuedPlace,
    StrayEntry,
    Summed,
    WrongSum,
)
from sqlalchemy import Row, TextualSelect
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql import examination_statements as statements
from cronicorn_adapter_sql.engine import read_only
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.history_room import SqlHistoryRoom
from cronicorn_adapter_sql.mapping_plans import plan_from
from cronicorn_adapter_sql.orphans import Place, take_out_unknown
from cronicorn_adapter_sql.roll_ups import hour_of
from cronicorn_adapter_sql.situations import ReadEndpoint, UnreadableEndpoint
from cronicorn_adapter_sql.totals import midnight_of
from cronicorn_adapter_sql.transaction import Database, Transaction

_STRETCH: Final = timedelta(hours=1)
"""So much history one statement reads."""
_DAY: Final = timedelta(days=1)
_PLACES: Final = 5000
"""So many places in the queue one statement reads."""
_MENDED_AT_ONCE: Final = 100


class SqlExamination:
    """Reads the store in transactions that only read, each a picture of one instant."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.engine.dialect.name

    async def overdue(self, *, before: datetime, limit: int) -> Sequence[OverdueSlot]:
        """Return what is due since long, in the queue or in a lane, without a lease."""
        given = {"before": before, "limit": limit}
        found: list[OverdueSlot] = []
        async with self._looking() as connection:
            for statement in statements.OVERDUE:
                found += [_overdue(row) for row in await connection.execute(statement, given)]
        late = [each for each in found if each.due_at <= before]
        return sorted(late, key=lambda each: (each.due_at, each.endpoint_id))[:limit]

    async def leases(self, *, limit: int) -> Sequence[HeldLease]:
        """Return the leases with what is known of their workers."""
        async with self._looking() as connection:
            found = await connection.execute(statements.LEASES, {"limit": limit})
            return [
                HeldLease(
                    token=Token(token),
                    endpoint_id=EndpointId(key),
                    worker=WorkerId(worker),
                    until=until,
                    seen_at=seen_at,
                )
                for token, key, worker, until, seen_at in found
            ]

    async def overdue_analyses(self, *, before: datetime, limit: int) -> Sequence[OverdueAnalysis]:
        """Return what the AI planner could have looked at since long."""
        given = {"before": before, "limit": limit}
        async with self._looking() as connection:
            return [
                OverdueAnalysis(
                    endpoint_id=EndpointId(key), name=name, due_at=max(next_at, until or next_at)
                )
                for key, name, next_at, until in await connection.execute(
                    statements.OVERDUE_ANALYSES, given
                )
            ]

    async def held_analyses(self, *, now: datetime, limit: int) -> Sequence[HeldAnalysis]:
        """Return the looks that are under way, with what is known of their workers."""
        given = {"now": now, "limit": limit}
        async with self._looking() as connection:
            return [
                HeldAnalysis(
                    endpoint_id=EndpointId(key),
                    name=name,
                    worker=WorkerId(worker),
                    until=until,
                    seen_at=seen_at,
                )
                for key, name, worker, until, seen_at in await connection.execute(
                    statements.HELD_ANALYSES, given
                )
            ]

    async def runs_left_open(
        self, *, since: datetime, until: datetime, limit: int
    ) -> Sequence[OpenRun]:
        """Return open runs without a lease, an hour of slots after the other."""
        found: list[OpenRun] = []
        async for stretch in self._stretches(_Span(since, until), limit, found):
            async with self._looking() as connection:
                found += [
                    OpenRun(run_id=RunId(run), endpoint_id=EndpointId(key), slot=slot)
                    for run, key, slot in await connection.execute(statements.LEFT_OPEN, stretch)
                ]
        return found

    async def miscounts(
        self, *, since: datetime, until: datetime, limit: int
    ) -> Sequence[Miscount]:
        """Compare runs with roll-ups, an hour of slots after the other."""
        statement = statements.miscounts(self._dialect)
        found: list[Miscount] = []
        async for stretch in self._stretches(_Span(_minute(since), _minute(until)), limit, found):
            async with self._looking() as connection:
                found += [
                    Miscount(
                        endpoint_id=EndpointId(key),
                        minute=minute,
                        ended=int(ended),
                        counted=int(counted),
                    )
                    for key, minute, ended, counted in await connection.execute(statement, stretch)
                ]
        return found

    async def wrong_sums(
        self, *, since: datetime, until: datetime, limit: int
    ) -> Sequence[WrongSum]:
        """Compare sums of jobs, an hour or a day after the other."""
        hours = _Span(hour_of(since), hour_of(until), _STRETCH)
        days = _Span(midnight_of(since), midnight_of(until) + _DAY, _DAY)
        return [
            *await self._wrong_sums(statements.HOURS_OF_JOBS, hours, limit),
            *await self._wrong_sums(statements.DAYS_OF_JOBS, days, limit),
        ][:limit]

    async def _wrong_sums(
        self, compared: Mapping[Summed, TextualSelect], span: "_Span", limit: int
    ) -> Sequence[WrongSum]:
        found: list[WrongSum] = []
        async for stretch in self._stretches(span, limit, found):
            async with self._looking() as connection:
                for summed, statement in compared.items():
                    found += [
                        WrongSum(
                            job_id=JobId(job),
                            summed=summed,
                            begins_at=stretch["since"],
                            kept=int(kept),
                            parts=int(parts),
                        )
                        for job, kept, parts in await connection.execute(statement, stretch)
                    ]
        return found

    async def endpoints(
        self, *, since: datetime, batch: int
    ) -> AsyncIterator[Sequence[ExaminedEndpoint]]:
        """Walk through the endpoints by their ids."""
        after: UUID | None = None
        while True:
            async with self._looking() as connection:
                ids = list(
                    await connection.scalars(
                        statements.next_ids(after), {"after": after, "limit": batch}
                    )
                )
                examined = await self._examine(connection, ids, since) if ids else []
            if not ids:
                return
            yield examined
            after = ids[-1]

    async def strays(self, *, limit: int) -> Sequence[StrayEntry]:
        """Walk through the queue by its key."""
        found: list[StrayEntry] = []
        after: Row[Any] | None = None
        while len(found) < limit:
            given: dict[str, object] = {"limit": _PLACES}
            if after is not None:
                given |= {"due_at": after.due_at, "endpoint_id": after.endpoint_id}
            async with self._looking() as connection:
                rows = (await connection.execute(statements.next_places(after), given)).all()
            found += [
                StrayEntry(
                    endpoint_id=EndpointId(row.endpoint_id), due_at=row.due_at, lane=row.lane
                )
                for row in rows
                if row.stray
            ]
            if len(rows) < _PLACES:
                break
            after = rows[-1]
        return found[:limit]

    async def old_transactions(self, *, age: timedelta) -> Sequence[OldTransaction]:
        """Return them; SQLite does not tell of those of other processes."""
        if self._dialect == "sqlite":
            return ()
        async with self._looking() as connection:
            found = await connection.execute(statements.OLD_TRANSACTIONS, {"age": age})
            return [
                OldTransaction(process=process, state=state, age=since)
                for process, state, since in found
            ]

    async def missing_days(self, *, until: datetime, now: datetime) -> Sequence[date]:
        """Return the days that have no partition; SQLite has none, and misses none."""
        return await SqlHistoryRoom(self._database.engine).missing(until=until, now=now)

    async def replan(self, endpoint_ids: Collection[EndpointId], *, now: datetime) -> int:
        """Plan endpoints anew, some at a time."""
        ids, changed = sorted(set(endpoint_ids)), 0
        for begin in range(0, len(ids), _MENDED_AT_ONCE):
            async with self._database.begin() as transaction:
                changed += await self._replan(
                    transaction, ids[begin : begin + _MENDED_AT_ONCE], now
                )
        return changed

    async def take_out(self, strays: Collection[StrayEntry]) -> None:
        """Take places out of the queue, some at a time, each by its key."""
        places = sorted({(each.due_at, each.endpoint_id) for each in strays})
        for begin in range(0, len(places), _MENDED_AT_ONCE):
            async with self._database.begin() as transaction:
                await take_out_unknown(
                    transaction.connection, places[begin : begin + _MENDED_AT_ONCE]
                )

    async def _replan(
        self, transaction: Transaction, ids: Sequence[EndpointId], now: datetime
    ) -> int:
        found = await transaction.locked(ids, now=now)
        places = await self._places(transaction.connection, ids)
        wrong = [
            read
            for read in found
            if isinstance(read, ReadEndpoint)
            and read.situation.lease is None
            and misplaced(read.situation, places.get(read.id), now) is not None
        ]
        changes = {read.id: replan(read.situation, now) for read in wrong}
        await take_out_unknown(transaction.connection, _planned(wrong, changes, now))
        for read in wrong:
            unqueued = read if read.id in places else replace(read, due_at=None)
            transaction.changes.apply(unqueued, changes[read.id], now, after=read.situation)
        return len(wrong)

    async def _places(
        self, connection: AsyncConnection, ids: Sequence[UUID]
    ) -> Mapping[UUID, QueuedPlace]:
        rows = await connection.execute(statements.queued(self._dialect), {"ids": ids})
        return {
            row.endpoint_id: QueuedPlace(
                since=row.due_at if row.lane is None else row.slot,
                slot=row.slot,
                host=row.host,
                lane=row.lane,
                up_to_date=bool(row.up_to_date),
            )
            for row in rows
        }

    async def _examine(
        self, connection: AsyncConnection, ids: Sequence[UUID], since: datetime
    ) -> Sequence[ExaminedEndpoint]:
        wanted: Mapping[str, object] = {"ids": ids, "since": since}
        situations = self._database.over(connection).situations
        read = await situations.read(ids, now=None)
        places = await self._places(connection, ids)
        rows = await connection.execute(statements.histories(self._dialect), wanted)
        histories = {row.endpoint_id: row for row in rows}
        return [_examined(each, places.get(each.id), histories.get(each.id)) for each in read]

    async def _stretches(
        self, span: "_Span", limit: int, found: Sequence[object]
    ) -> AsyncIterator[Mapping[str, Any]]:
        since = span.since
        while since < span.until and len(found) < limit:
            end = min(since + span.step, span.until)
            yield {"since": since, "until": end, "limit": limit - len(found)}
            since = end

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction that only reads, and sees one instant."""
        with translated():
            async with read_only(self._database.engine).connect() as connection:
                if self._dialect == "postgresql":
                    for setting in statements.LOOKING:
                        await connection.execute(setting)
                yield connection


@dataclass(frozen=True, slots=True)
class _Span:
    """A span of history, and how much of it one statement reads."""

    since: datetime
    until: datetime
    step: timedelta = _STRETCH


def _planned(
    found: Iterable[ReadEndpoint], changes: Mapping[EndpointId, Change], now: datetime
) -> Iterator[Place]:
    """Give the places that changes will make: what nobody knows of may stand in the way there."""
    for read in found:
        due_at = claimable_from(replace(read.situation, state=changes[read.id].state), now)
        if due_at is not None:
            yield due_at, read.id


def _overdue(row: Row[Any]) -> OverdueSlot:
    """Tell since when; what waits in a lane, or was let out of one, stands there for its slot."""
    since: datetime = row.due_at
    if row.lane is not None or row.due_at == row.slot:
        since = max(row.slot, row.paused_until or row.slot)
        with suppress(Exception):  # a plan that cannot be read is told of by itself
            plan = plan_from(row.plan if row.urgent is None else row.urgent)
            since = since if plan is None else max(since, plan.decision.due_at)
    return OverdueSlot(
        endpoint_id=EndpointId(row.endpoint_id), name=row.name, due_at=since, lane=row.lane
    )


def _examined(
    read: ReadEndpoint | UnreadableEndpoint, place: QueuedPlace | None, history: Row[Any] | None
) -> ExaminedEndpoint:
    unreadable = read.reason if isinstance(read, UnreadableEndpoint) else None
    succeeded = None
    if history is not None:
        succeeded = history.newest_success == history.newest
    return ExaminedEndpoint(
        endpoint_id=read.id,
        situation=read.situation if isinstance(read, ReadEndpoint) else None,
        unreadable=unreadable,
        place=place,
        occurrences=0 if history is None else history.occurrences,
        succeeded_last=succeeded,
    )


def _minute(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(second=0, microsecond=0)
