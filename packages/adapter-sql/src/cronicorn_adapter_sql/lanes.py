# ruff: noqa: S608  names of our own tables and columns only
"""
Caps on what is under way: which due endpoints find room, and where the others wait.

Caps are counted among the leases, by claims alone, so that a run costs nothing more for them. Two
claims must not count the same lane at once: each takes the lanes it counts by an advisory lock of
PostgreSQL that lasts as long as the transaction, and leaves alone what is in lanes that another has
taken, so that it never waits. On SQLite the right to write is lock enough.

What finds no room is put into its lane: its due row gets an instant beyond all that is ever due,
where no claim looks, however much waits. As many as have room are put back before a claim picks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.policies.room import Lane, Room, lanes_of
from sqlalchemy import BigInteger, Text, bindparam, text
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.bulk import Bulk, changing, document, recordset
from cronicorn_adapter_sql.changes import STATE_AT
from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.lower_bound import LowerBound
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.orphans import take_out_unknown
from cronicorn_adapter_sql.picking import Picked
from cronicorn_adapter_sql.situations import lock_free
from cronicorn_adapter_sql.tables import endpoint_state

IN_A_LANE: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""The instant in `due` of what waits for room: behind everything that is ever due."""
LANES_AT_ONCE: Final = 100
"""So many lanes are looked at by one claim, and the next ones by the next."""
LOOK_AGAIN: Final = timedelta(milliseconds=250)
"""How soon a lane is looked at again when another process may have made room."""
LOOK_WITHOUT_CAPS: Final = timedelta(minutes=5)
"""How often a worker without caps looks for what others have left in a lane, from its start on."""


@dataclass(slots=True)
class Admitted:
    """What a claim may take, and how many were sent into a lane to wait."""

    picked: Sequence[Picked] = ()
    held_back: int = 0


@dataclass(slots=True)
class Lanes:
    """The lanes as the claims of one process see them."""

    bound: LowerBound
    _onward: str = ""
    _look_at: datetime | None = None
    _waits: bool = False

    def look_at(self) -> datetime | None:
        """Return when a claim is to look for room again; None: nothing waits that it knows of."""
        return self._look_at if self._waits else None

    def seen_waiting(self) -> None:
        """Note that something waits, whoever sent it into its lane."""
        self._waits = True

    def room_made(self, now: datetime) -> bool:
        """Note that runs of this process have ended; say whether anything waits for their room."""
        if self._waits:
            self._look_at = now
        return self._waits

    async def let_in(
        self, connection: AsyncConnection, caps: Caps, *, limit: int, now: datetime
    ) -> None:
        """Put as many of those that wait as have room back among what is due."""
        if not caps.are_set and not self._is_time_to_look(now):
            return
        waiting = await self._lanes_that_wait(connection)
        self._waits = bool(waiting)
        self._look_at = now + (LOOK_AGAIN if waiting else LOOK_WITHOUT_CAPS)
        if not waiting:
            return
        room, share = Room(caps, await running(connection)), max(1, limit // len(waiting))
        places = {lane: room.places_in(lane, share) for lane in waiting}
        await self._put_back(connection, {lane: free for lane, free in places.items() if free})

    async def admit(
        self, connection: AsyncConnection, picked: Sequence[Picked], caps: Caps, *, now: datetime
    ) -> Admitted:
        """Choose those that have room, in the order given; the others wait, or are left alone."""
        if not picked or not caps.are_set:
            return Admitted(picked=picked)
        counted = {lane for each in picked for lane in _lanes(caps, each)}
        if not counted:
            return Admitted(picked=picked)
        taken = await _take_lanes(connection, counted)
        # Only now: what was committed by whoever had the lanes before is to be counted.
        room = Room(caps, await running(connection))
        admitted: list[Picked] = []
        held: list[tuple[Picked, Lane]] = []
        for each in picked:
            if not taken.issuperset(_lanes(caps, each)):
                continue
            lane = room.full_lane(each.tenant, each.host)
            if lane is None:
                room.take(each.tenant, each.host)
                admitted.append(each)
            else:
                held.append((each, lane))
        moved = await _hold(connection, held)
        if held:
            self._waits, self._look_at = True, now + LOOK_AGAIN
        return Admitted(picked=admitted, held_back=moved)

    def _is_time_to_look(self, now: datetime) -> bool:
        return self._look_at is None or now >= self._look_at

    async def _lanes_that_wait(self, connection: AsyncConnection) -> list[Lane]:
        given = {"onward": self._onward, "most": LANES_AT_ONCE}
        found = [Lane(lane) for lane in (await connection.execute(LANES, given)).scalars()]
        self._onward = found[-1] if len(found) == LANES_AT_ONCE else ""
        return found

    async def _put_back(self, connection: AsyncConnection, places: dict[Lane, int]) -> None:
        rows = [
            _move(endpoint_id, start=IN_A_LANE, end=slot, lane=None)
            for endpoint_id, slot in await _first_of(connection, places)
        ]
        await _write(connection, rows)
        for row in rows:
            self.bound.note(row["end_at"])


async def _first_of(
    connection: AsyncConnection, places: Mapping[Lane, int]
) -> Sequence[tuple[UUID, datetime]]:
    """Return and lock the oldest of each lane, as many as it has places."""
    if connection.dialect.name != "sqlite":
        given = [{"lane": lane, "places": free} for lane, free in places.items()]
        found = (await connection.execute(FIRST, {"rows": document(given)})).all()
        return [(each.endpoint_id, each.slot) for each in found]
    first: list[tuple[UUID, datetime]] = []
    for lane, free in places.items():
        found = (await connection.execute(_FIRST_ON_SQLITE, {"lane": lane, "places": free})).all()
        first += [(each.endpoint_id, each.slot) for each in found]
    return first


async def running(connection: AsyncConnection) -> Iterable[tuple[TenantId, str, int]]:
    """Count what is under way, by tenant and host."""
    found = await connection.execute(_RUNNING)
    return [(TenantId(each.tenant), each.host, each.runs) for each in found]


def _lanes(caps: Caps, picked: Picked) -> list[Lane]:
    return lanes_of(caps, picked.tenant, picked.host)


async def _take_lanes(connection: AsyncConnection, lanes: Iterable[Lane]) -> set[Lane]:
    if connection.dialect.name == "sqlite":
        return set(lanes)
    found = await connection.execute(_TAKE_LANES, {"lanes": sorted(lanes)})
    return {Lane(lane) for lane in found.scalars()}


async def _hold(connection: AsyncConnection, held: Sequence[tuple[Picked, Lane]]) -> int:
    """
    Put them into their lanes, and return how many went there.

    The state tells where the row is: one that somebody else plans at this moment is left alone. One
    that no endpoint knows of has nothing to wait for, and goes: else each claim would meet it.
    """
    if not held:
        return 0
    free = await lock_free(connection, [each.endpoint_id for each, _ in held])
    rows = {
        (each.due_at, each.endpoint_id): _move(
            each.endpoint_id, start=each.due_at, end=IN_A_LANE, lane=lane
        )
        for each, lane in held
    }
    gone = await take_out_unknown(connection, rows)
    moved = [row for place, row in rows.items() if place not in gone and place[1] in free]
    await _write(connection, moved)
    return len(moved)


def _move(endpoint_id: object, *, start: datetime, end: datetime, lane: Lane | None) -> Values:
    return {
        "endpoint_id": endpoint_id,
        "start_at": start,
        "end_at": end,
        "due_at": end,
        "lane": lane,
    }


async def _write(connection: AsyncConnection, rows: Sequence[Values]) -> None:
    await _POINT.run(connection, rows)  # first, as the due row tells where it leaves the state
    await _MOVE.run(connection, rows)


LANES: Final = (
    # Stepped through, so that it costs a step for each lane, however many wait in it.
    text(
        "WITH RECURSIVE step(lane, number) AS ("
        " SELECT (SELECT lane FROM due WHERE lane > :onward ORDER BY lane LIMIT 1), 1"
        " UNION ALL"
        " SELECT (SELECT d.lane FROM due AS d WHERE d.lane > step.lane ORDER BY d.lane LIMIT 1),"
        " step.number + 1 FROM step WHERE step.lane IS NOT NULL AND step.number < :most"
        ") SELECT lane FROM step WHERE lane IS NOT NULL"
    )
    .bindparams(bindparam("onward", type_=Text()), bindparam("most", type_=BigInteger()))
    .columns(lane=Text())
)
_TAKE_LANES: Final = (
    text(
        "SELECT lane FROM unnest(:lanes) AS given(lane)"
        " WHERE pg_try_advisory_xact_lock(hashtextextended(lane, 20))"
    )
    .bindparams(bindparam("lanes", type_=ARRAY(Text())))
    .columns(lane=Text())
)
_RUNNING: Final = text(
    "SELECT tenant, host, count(*) AS runs FROM leases GROUP BY tenant, host"
).columns(tenant=UuidType(), host=Text(), runs=BigInteger())


FIRST: Final = text(
    "SELECT one.endpoint_id, one.slot"
    " FROM json_to_recordset(CAST(:rows AS json)) AS given(lane TEXT, places BIGINT)"
    " CROSS JOIN LATERAL (SELECT d.endpoint_id, d.slot FROM due AS d"
    " JOIN endpoint_state AS s ON s.endpoint_id = d.endpoint_id"
    " WHERE d.lane = given.lane ORDER BY d.slot LIMIT given.places"
    " FOR UPDATE OF d, s SKIP LOCKED) AS one"
).columns(endpoint_id=UuidType(), slot=UtcDateTime())
_FIRST_ON_SQLITE: Final = text(
    "SELECT endpoint_id, slot FROM due WHERE lane = :lane ORDER BY slot LIMIT :places"
).columns(endpoint_id=UuidType(), slot=UtcDateTime())
_MOVED: Final = recordset(
    {"endpoint_id": "UUID", "start_at": "TIMESTAMPTZ", "end_at": "TIMESTAMPTZ", "lane": "TEXT"}
)
_MOVE: Final = Bulk(
    columns=("end_at", "lane", "start_at", "endpoint_id"),
    postgresql="UPDATE due SET due_at = given.end_at, lane = given.lane,"
    f" state_at = {STATE_AT} FROM {_MOVED}"
    " WHERE due.due_at = given.start_at AND due.endpoint_id = given.endpoint_id",
    sqlite="UPDATE due SET due_at = ?, lane = ? WHERE due_at = ? AND endpoint_id = ?",
)
_POINT: Final = changing(endpoint_state, ("due_at",), keys=("endpoint_id",))
