"""Setup links on SQL."""

from datetime import datetime

from cronicorn_domain.model.api_key import KeyDigest
from cronicorn_domain.model.setup_link import SetupLink
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.tables import setup_links
from cronicorn_adapter_sql.transaction import Transaction

_COLUMNS = setup_links.c


class SqlSetupLinks:
    """By which links an installation gets its owner, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, link: SetupLink, *, now: datetime) -> None:
        """Keep a new one, and those no more that have expired."""
        connection = await self._transaction.begin_writing()
        values = {
            "sha256": link.digest.sha256,
            "prefix": link.digest.prefix,
            "expires_at": link.expires_at,
        }
        with translated():
            await connection.execute(delete(setup_links).where(_COLUMNS.expires_at <= now))
            await connection.execute(insert(setup_links).values(values))

    async def holds(self, digest: KeyDigest, *, now: datetime) -> bool:
        """Say whether there is one of this hash that has not expired."""
        with translated():
            return await _found(self._transaction.connection, digest, now) is not None

    async def take(self, digest: KeyDigest, *, now: datetime) -> bool:
        """Use one up, and say whether it held: one unit alone deletes the row."""
        connection = await self._transaction.begin_writing()
        with translated():
            found = await _found(connection, digest, now)
            if found is None:
                return False
            statement = delete(setup_links).where(_COLUMNS.sha256 == found.digest.sha256)
            return (await connection.execute(statement)).rowcount == 1


async def _found(connection: AsyncConnection, digest: KeyDigest, now: datetime) -> SetupLink | None:
    """Look by the beginning, which is all that the index knows, and compare the hashes."""
    statement = select(setup_links).where(
        _COLUMNS.prefix == digest.prefix, _COLUMNS.expires_at > now
    )
    links = [_link(row) for row in (await connection.execute(statement)).mappings().all()]
    return next((each for each in links if each.digest.is_same(digest)), None)


def _link(row: Columns) -> SetupLink:
    digest = KeyDigest(prefix=row["prefix"], sha256=row["sha256"])
    return SetupLink(digest=digest, expires_at=row["expires_at"])
