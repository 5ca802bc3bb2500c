"""Lets PostgreSQL go about statements that look at much as it thinks best."""

from typing import Final

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.engine import begin_whole

_AS_IT_THINKS_BEST: Final = select(
    *(
        func.set_config(f"enable_{each}", "on", true())
        for each in ("seqscan", "hashjoin", "mergejoin", "bitmapscan", "sort")
    ),
    # What is looked through was looked at before: it is in memory, where no place is far.
    func.set_config("random_page_cost", "1.1", true()),
)


async def look_widely(connection: AsyncConnection) -> None:
    """
    Undo until the end of the transaction what sessions are told about plans (see ``engine``).

    They look for few rows by indexes. On SQLite there is nothing to undo.
    """
    if connection.dialect.name == "postgresql":
        await begin_whole(connection)
        await connection.execute(_AS_IT_THINKS_BEST)
