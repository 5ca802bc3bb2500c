"""What a migration that is under way on PostgreSQL is doing, for whoever waits for it."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.engine import read_only
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.migrating.sessions import ADVISORY_KEY

_DOING: Final = """
WITH migrating AS (
  SELECT pid FROM pg_locks
  WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = :key
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT 'building an index, ' || phase
    || coalesce(' (' || 100 * blocks_done / nullif(blocks_total, 0) || ' %)', '')
  FROM pg_stat_progress_create_index JOIN migrating USING (pid)
UNION ALL
SELECT 'waiting for process ' || a.pid || coalesce(' of ' || nullif(application_name, ''), '')
    || coalesce(', which is ' || state, '')
    || coalesce(
      ', in a transaction since ' || to_char(xact_start AT TIME ZONE 'UTC', 'HH24:MI:SS'), ''
    )
  FROM migrating CROSS JOIN unnest(pg_blocking_pids(migrating.pid)) AS blocker
  JOIN pg_stat_activity AS a ON a.pid = blocker
"""


async def doing(engine: AsyncEngine) -> str | None:
    """Say what the migrating session builds or waits for; None: nothing that can be seen."""
    if engine.dialect.name != "postgresql":
        return None
    with translated():
        async with read_only(engine).connect() as connection:
            found = await connection.execute(text(_DOING), {"key": ADVISORY_KEY})
            return "; ".join(found.scalars()) or None
