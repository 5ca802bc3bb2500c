"""Starts leased runs that nothing can be against, all by one statement."""

from collections.abc import Sequence
from datetime import datetime

import orjson
from cronicorn_domain.identity import Token

from cronicorn_adapter_sql.bulk import ask, sqlite_value
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.kept_connection import kept_statement
from cronicorn_adapter_sql.lease_statements import START, START_ON_SQLITE
from cronicorn_adapter_sql.transaction import Database


class QuickStarting:
    """Marks runs as started where a look at the rows tells that they may."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sqlite = database.engine.dialect.name == "sqlite"
        self._connected = kept_statement(database.engine, "start")

    async def start(self, tokens: Sequence[Token], now: datetime) -> set[Token]:
        """Start what can be, and return it; of the others nothing is known yet."""
        given = orjson.dumps(tokens).decode()
        if self._sqlite:
            async with self._database.begin(self._connected) as transaction:
                found = await ask(
                    transaction.connection, START_ON_SQLITE, (given, sqlite_value(now))
                )
                return {Token(token) for (token,) in found}
        array = f"{{{given[1:-1]}}}"
        with translated():
            async with self._connected() as connection:
                found = await ask(connection, START, {"tokens": array, "now": now})
                return {Token(token) for (token,) in found}
