# ruff: noqa: S608  names of our own tables and columns only
"""
The statement that settles a batch on PostgreSQL, if its endpoints are as they were claimed.

It locks lease and state of each, and passes over those that somebody else has locked, whose lease
has gone, whose revision has grown, or that are an occasion for alerts of their tenant: so it waits
for nobody and decides by what is committed. What it has locked is written by the same statement,
wherever it goes; no row is read twice.

The state is looked for where the due row said that it is. By its index the statement would walk
over what each run has left behind, since the oldest transaction anywhere began. A place that is not
right any more, as in a database that was restored, finds nothing, and the run is settled otherwise.

Rows are looked up one by one, as what is lateral must be. A join leaves PostgreSQL the choice to
read all leases instead, while they are few; and what is dead among them it does not count.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import orjson
from cronicorn_domain.identity import Token
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.bulk import ask, columns_of, document, recordset
from cronicorn_adapter_sql.changes import STATE_COLUMNS
from cronicorn_adapter_sql.endings import ENDED_COLUMNS
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.roll_ups import ON_CONFLICT
from cronicorn_adapter_sql.slot_spans import WITHIN, span
from cronicorn_adapter_sql.tables import (
    due,
    endpoint_state,
    leases,
    roll_ups,
    run_bodies,
    runs,
)


async def write_settled(
    connection: AsyncConnection,
    rows: Sequence[Values],
    records: Sequence[Values],
    slots: Sequence[datetime],
) -> Mapping[Token, bool]:
    """
    Write settled runs on PostgreSQL.

    Return the tokens of those that were written, and whether failures are counted against the host
    of each.

    Args:
        connection: Within a transaction of its own, or none.
        rows: ``token``, ``known_revision`` and ``state_at``, which all have or none; ``tells``,
            whether its end is an occasion for alerts; the columns of the state, of a run's end and
            of what is added to the statistics; those of the body with ``body_`` before their names;
            of the new row in `due` ``due_at`` (null if there is none), ``next_slot`` and ``host``.
        records: Slots that are not run, of the endpoints of ``rows``.
        slots: The slots of the runs, no further apart than a span may be long.
    """
    given = {"rows": document(rows), "records": document(records), **span(slots)}
    statement = SETTLE if rows[0]["state_at"] else SETTLE_BY_INDEX
    return {Token(token): troubled for token, troubled in await ask(connection, statement, given)}


async def standing_revisions(
    connection: AsyncConnection, tokens: Sequence[Token]
) -> Mapping[Token, tuple[int, bool]]:
    """
    Return the revisions of the endpoints that hold these leases, on SQLite.

    With each comes whether failures are counted against its host.
    """
    given = (orjson.dumps(tokens).decode(),)
    found = await ask(connection, _REVISIONS_ON_SQLITE, given)
    return {Token(token): (revision, bool(troubled)) for token, revision, troubled in found}


_COUNTED: Final = (
    "begins_at",
    "size",
    "source",
    "duration_step",
    "timed_runs",
    "duration",
    "lateness",
)
_BODY: Final = ("headers", "kind", "text", "truncated")

_GIVEN: Final = recordset(
    {
        **columns_of(leases, ("token", "host")),
        "known_revision": "BIGINT",
        **columns_of(due, ("state_at",)),
        "tells": "BOOL",
        **columns_of(endpoint_state, STATE_COLUMNS),
        **columns_of(runs, ENDED_COLUMNS),
        **columns_of(roll_ups, _COUNTED),
        **{f"body_{name}": kind for name, kind in columns_of(run_bodies, _BODY).items()},
        "next_slot": columns_of(due, ("slot",))["slot"],
    }
)
_GIVEN_RECORDS: Final = (
    # Whole rows, as the table has them: that makes the statement shorter.
    "json_populate_recordset(NULL::slot_records, %(records)s::json) AS given"
)
_IN_TROUBLE: Final = (
    "EXISTS (SELECT 1 FROM breakers AS b WHERE b.tenant = {0}.tenant AND b.host = {0}.host)"
)
_REVISIONS_ON_SQLITE: Final = (
    f"SELECT leases.token, s.revision, {_IN_TROUBLE.format('leases')} FROM json_each(?) AS given"
    " JOIN leases ON leases.token = given.value"
    " JOIN endpoint_state AS s ON s.endpoint_id = leases.endpoint_id"
)


def _set(names: Sequence[str]) -> str:
    return ", ".join(f"{name} = h.{name}" for name in names)


def _settle(place: str) -> str:
    """Return the statement that finds the state by ``place``; what is planned is written."""
    return (
        "WITH held AS MATERIALIZED ("
        f"SELECT given.*, l.*, s.place FROM {_GIVEN}"
        " CROSS JOIN LATERAL (SELECT endpoint_id, tenant, run_id, slot FROM leases"
        " WHERE token = given.token AND NOT (tells AND EXISTS (SELECT FROM alerts AS a"
        " WHERE a.tenant = leases.tenant)) FOR UPDATE SKIP LOCKED) AS l"
        " CROSS JOIN LATERAL (SELECT ctid AS place FROM endpoint_state"
        f" WHERE {place} AND revision = given.known_revision FOR UPDATE SKIP LOCKED) AS s"
        f"), planned AS (UPDATE endpoint_state AS s SET {_set(STATE_COLUMNS)},"
        " revision = s.revision + 1 FROM held AS h WHERE s.ctid = h.place"
        " RETURNING h.*, CAST(s.ctid AS TEXT) AS left_at"
        "), ended AS (DELETE FROM leases WHERE token = ANY (ARRAY(SELECT token FROM planned))"
        f"), told AS (UPDATE runs SET {_set(ENDED_COLUMNS)} FROM planned AS h"
        f" WHERE runs.id = h.run_id AND {WITHIN}"
        f"), kept AS (INSERT INTO run_bodies (run_id, slot, tenant, {', '.join(_BODY)})"
        f" SELECT run_id, slot, tenant, {', '.join(f'body_{name}' for name in _BODY)}"
        " FROM planned WHERE body_kind IS NOT NULL"
        "), put_in AS ("
        "INSERT INTO due (due_at, endpoint_id, tenant, slot, host, revision, state_at)"
        " SELECT due_at, endpoint_id, tenant, next_slot, host, known_revision + 1, left_at"
        " FROM planned WHERE due_at IS NOT NULL"
        f"), counted AS (INSERT INTO roll_ups ({', '.join(_COUNTED)},"
        " endpoint_id, tenant, outcome_class, runs)"
        f" SELECT {', '.join(_COUNTED)}, endpoint_id, tenant, outcome_class, 1"
        f" FROM planned WHERE begins_at IS NOT NULL {ON_CONFLICT}"
        f"), recorded AS (INSERT INTO slot_records SELECT given.* FROM {_GIVEN_RECORDS}"
        " JOIN planned ON planned.endpoint_id = given.endpoint_id"
        f") SELECT token, {_IN_TROUBLE.format('planned')} FROM planned"
    )


SETTLE: Final = _settle(
    # The second condition is written so that no index can serve it.
    "ctid = CAST(given.state_at AS TID) AND endpoint_id IS NOT DISTINCT FROM l.endpoint_id"
)
SETTLE_BY_INDEX: Final = _settle("endpoint_id = l.endpoint_id")
"""For what was claimed by a statement that wrote the state, too."""
