"""One transaction over the stores on SQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from cronicorn_domain.ports.unit_of_work import UnitOfWork
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cronicorn_adapter_sql.alert_book import SqlAlertBook
from cronicorn_adapter_sql.analyses import SqlAnalyses
from cronicorn_adapter_sql.answer_book import SqlAnswerBook
from cronicorn_adapter_sql.api_keys import SqlApiKeys
from cronicorn_adapter_sql.audit_log import SqlAuditLog
from cronicorn_adapter_sql.board import SqlBoard
from cronicorn_adapter_sql.chronicle import SqlChronicle
from cronicorn_adapter_sql.device_grants import SqlDeviceGrants
from cronicorn_adapter_sql.engine import reading_first, single_statements
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.hint_book import SqlHintBook
from cronicorn_adapter_sql.job_catalog import SqlJobCatalog
from cronicorn_adapter_sql.overview import SqlOverview
from cronicorn_adapter_sql.people import SqlPeople
from cronicorn_adapter_sql.run_log import SqlRunLog
from cronicorn_adapter_sql.session_log import SqlSessionLog
from cronicorn_adapter_sql.setup_links import SqlSetupLinks
from cronicorn_adapter_sql.sign_ins import SqlSignIns
from cronicorn_adapter_sql.signing_keys import SqlSigningKeys
from cronicorn_adapter_sql.transaction import Database


class SqlUnitOfWork:
    """The stores within one transaction."""

    def __init__(
        self, database: Database, connection: AsyncConnection, *, writes: bool = True
    ) -> None:
        self._connection = connection
        self._database = database
        self._transaction = database.over(connection, writes=writes)
        self._catalog = SqlJobCatalog(self._transaction, vault=database.vault)
        self._hints = SqlHintBook(self._transaction)
        self._runs = SqlRunLog(self._transaction)
        self._overview = SqlOverview(self._transaction)
        self._board = SqlBoard(self._transaction)
        self._chronicle = SqlChronicle(self._transaction)
        self._audit = SqlAuditLog(self._transaction)
        self._keys = SqlApiKeys(self._transaction)
        self._people = SqlPeople(self._transaction)
        self._sign_ins = SqlSignIns(self._transaction)
        self._device_grants = SqlDeviceGrants(self._transaction)
        self._setup_links = SqlSetupLinks(self._transaction)
        self._signing_keys = SqlSigningKeys(self._transaction, vault=database.vault)
        self._alerts = SqlAlertBook(self._transaction)
        self._answers = SqlAnswerBook(self._transaction, vault=database.vault)
        self._analyses = SqlAnalyses(self._transaction)
        self._sessions = SqlSessionLog(self._transaction)

    @property
    def catalog(self) -> SqlJobCatalog:
        """Jobs and endpoints."""
        return self._catalog

    @property
    def hints(self) -> SqlHintBook:
        """Hints and triggers."""
        return self._hints

    @property
    def runs(self) -> SqlRunLog:
        """The history."""
        return self._runs

    @property
    def overview(self) -> SqlOverview:
        """All runs of a tenant, from above."""
        return self._overview

    @property
    def board(self) -> SqlBoard:
        """Where a tenant's endpoints stand."""
        return self._board

    @property
    def chronicle(self) -> SqlChronicle:
        """One endpoint's past, as it is drawn."""
        return self._chronicle

    @property
    def audit(self) -> SqlAuditLog:
        """Who did what."""
        return self._audit

    @property
    def keys(self) -> SqlApiKeys:
        """The keys of programs."""
        return self._keys

    @property
    def people(self) -> SqlPeople:
        """Who may sign in."""
        return self._people

    @property
    def sign_ins(self) -> SqlSignIns:
        """Who is signed in, and where."""
        return self._sign_ins

    @property
    def device_grants(self) -> SqlDeviceGrants:
        """The devices that wait for somebody to let them in."""
        return self._device_grants

    @property
    def setup_links(self) -> SqlSetupLinks:
        """The links by which an installation gets its owner."""
        return self._setup_links

    @property
    def signing_keys(self) -> SqlSigningKeys:
        """The keys that requests are signed with."""
        return self._signing_keys

    @property
    def alerts(self) -> SqlAlertBook:
        """Of what people want to be told."""
        return self._alerts

    @property
    def answers(self) -> SqlAnswerBook:
        """What is kept for whoever asks again."""
        return self._answers

    @property
    def analyses(self) -> SqlAnalyses:
        """Which endpoints the AI planner looks at next."""
        return self._analyses

    @property
    def sessions(self) -> SqlSessionLog:
        """What the AI planner has made of endpoints."""
        return self._sessions

    async def commit(self) -> None:
        """Make everything lasting, and wake who waits if something is due earlier."""
        connection = self._transaction.connection
        with translated():
            await connection.commit()
            await connection.close()
        self._database.committed(self._transaction.changes.brought)

    async def rollback(self) -> None:
        """Undo everything; harmless when there is nothing to undo."""
        if not self._connection.closed:
            with translated():
                await self._connection.rollback()
                await self._connection.close()


class SqlUnitsOfWork:
    """Begins units of work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engine = reading_first(database.engine)
        self._reading = single_statements(self._engine)

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin one; it ends with the block."""
        return self._unit(self._engine, writes=True)

    def begin_reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin one in which nothing is written: on PostgreSQL each statement is on its own."""
        return self._unit(self._reading, writes=False)

    @asynccontextmanager
    async def _unit(self, engine: AsyncEngine, *, writes: bool) -> AsyncIterator[UnitOfWork]:
        with translated():
            connection = await engine.connect()
        try:
            yield SqlUnitOfWork(self._database, connection, writes=writes)
        finally:
            # It also undoes what was not committed; a cancellation does not stop it half-way.
            with translated():
                await asyncio.shield(connection.close())
