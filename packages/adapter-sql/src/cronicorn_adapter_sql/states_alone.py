# ruff: noqa: S608  names of our own columns only
"""
Reads the states alone of endpoints that another process has run, whose rest is remembered.

Everything of an endpoint is seventy columns, and to read them costs a worker more than the rest of
a claim. They are looked for where the due rows say that they are, as a settle does.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from cronicorn_domain.model.state import EndpointState
from sqlalchemy import bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.bulk import columns_of, document, recordset
from cronicorn_adapter_sql.changes import STATE_COLUMNS
from cronicorn_adapter_sql.mapping_states import state_from
from cronicorn_adapter_sql.picking import Picked
from cronicorn_adapter_sql.tables import due, endpoint_state

Version = tuple[UUID, int, int]
"""An endpoint, and the revision and edition of its state."""


async def read_states(
    connection: AsyncConnection, picked: Sequence[Picked]
) -> Mapping[Version, EndpointState]:
    """Return the states that are where they are said to be and can be read; on SQLite none is."""
    places = [
        {"endpoint_id": each.endpoint_id, "state_at": each.state_at}
        for each in picked
        if each.state_at is not None
    ]
    if not places:
        return {}
    found: dict[Version, EndpointState] = {}
    for row in (await connection.execute(_STATES, {"rows": document(places)})).mappings():
        with suppress(Exception):  # whoever reads the whole endpoint says what is wrong with it
            found[row["endpoint_id"], row["revision"], row["edition"]] = state_from(row)
    return found


_PLACE: Final = ("endpoint_id", "state_at")
_NAMES: Final = ("endpoint_id", *STATE_COLUMNS, "revision", "edition")
_GIVEN: Final = recordset(columns_of(due, _PLACE)).replace("%(rows)s::json", "CAST(:rows AS json)")
_STATES: Final = (
    text(
        f"SELECT s.* FROM {_GIVEN} CROSS JOIN LATERAL ("
        f"SELECT {', '.join(_NAMES)} FROM endpoint_state"
        " WHERE ctid = CAST(given.state_at AS TID)"
        " AND endpoint_id IS NOT DISTINCT FROM given.endpoint_id OFFSET 0) AS s"
    )
    .bindparams(bindparam("rows"))
    .columns(*(endpoint_state.c[name] for name in _NAMES))
)
