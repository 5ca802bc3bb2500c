"""One transaction over the tables in memory."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from cronicorn_domain.ports.unit_of_work import UnitOfWork

from cronicorn_adapter_memory.alert_book import MemoryAlertBook
from cronicorn_adapter_memory.analyses import MemoryAnalyses
from cronicorn_adapter_memory.answer_book import MemoryAnswerBook
from cronicorn_adapter_memory.api_keys import MemoryApiKeys
from cronicorn_adapter_memory.audit_log import MemoryAuditLog
from cronicorn_adapter_memory.board import MemoryBoard
from cronicorn_adapter_memory.chronicle import MemoryChronicle
from cronicorn_adapter_memory.device_grants import MemoryDeviceGrants
from cronicorn_adapter_memory.hint_book import MemoryHintBook
from cronicorn_adapter_memory.job_catalog import MemoryJobCatalog
from cronicorn_adapter_memory.overview import MemoryOverview
from cronicorn_adapter_memory.people import MemoryPeople
from cronicorn_adapter_memory.run_log import MemoryRunLog
from cronicorn_adapter_memory.session_log import MemorySessionLog
from cronicorn_adapter_memory.setup_links import MemorySetupLinks
from cronicorn_adapter_memory.sign_ins import MemorySignIns
from cronicorn_adapter_memory.signing_keys import MemorySigningKeys
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.transaction import Transaction


class MemoryUnitOfWork:
    """The stores within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._catalog = MemoryJobCatalog(transaction)
        self._hints = MemoryHintBook(transaction)
        self._runs = MemoryRunLog(transaction)
        self._overview = MemoryOverview(transaction)
        self._board = MemoryBoard(transaction)
        self._chronicle = MemoryChronicle(transaction)
        self._audit = MemoryAuditLog(transaction)
        self._keys = MemoryApiKeys(transaction)
        self._people = MemoryPeople(transaction)
        self._sign_ins = MemorySignIns(transaction)
        self._device_grants = MemoryDeviceGrants(transaction)
        self._setup_links = MemorySetupLinks(transaction)
        self._signing_keys = MemorySigningKeys(transaction)
        self._alerts = MemoryAlertBook(transaction)
        self._answers = MemoryAnswerBook(transaction)
        self._analyses = MemoryAnalyses(transaction)
        self._sessions = MemorySessionLog(transaction)

    @property
    def catalog(self) -> MemoryJobCatalog:
        """Jobs and endpoints."""
        return self._catalog

    @property
    def hints(self) -> MemoryHintBook:
        """Hints and triggers."""
        return self._hints

    @property
    def runs(self) -> MemoryRunLog:
        """The history."""
        return self._runs

    @property
    def overview(self) -> MemoryOverview:
        """All runs of a tenant, from above."""
        return self._overview

    @property
    def board(self) -> MemoryBoard:
        """Where a tenant's endpoints stand."""
        return self._board

    @property
    def chronicle(self) -> MemoryChronicle:
        """One endpoint's past, as it is drawn."""
        return self._chronicle

    @property
    def audit(self) -> MemoryAuditLog:
        """Who did what."""
        return self._audit

    @property
    def keys(self) -> MemoryApiKeys:
        """The keys of programs."""
        return self._keys

    @property
    def people(self) -> MemoryPeople:
        """Who may sign in."""
        return self._people

    @property
    def sign_ins(self) -> MemorySignIns:
        """Who is signed in, and where."""
        return self._sign_ins

    @property
    def device_grants(self) -> MemoryDeviceGrants:
        """The devices that wait for somebody to let them in."""
        return self._device_grants

    @property
    def setup_links(self) -> MemorySetupLinks:
        """The links by which an installation gets its owner."""
        return self._setup_links

    @property
    def signing_keys(self) -> MemorySigningKeys:
        """The keys that requests are signed with."""
        return self._signing_keys

    @property
    def alerts(self) -> MemoryAlertBook:
        """Of what people want to be told."""
        return self._alerts

    @property
    def answers(self) -> MemoryAnswerBook:
        """What is kept for whoever asks again."""
        return self._answers

    @property
    def analyses(self) -> MemoryAnalyses:
        """Which endpoints the AI planner looks at next."""
        return self._analyses

    @property
    def sessions(self) -> MemorySessionLog:
        """What the AI planner has made of endpoints."""
        return self._sessions

    async def commit(self) -> None:
        """Make everything lasting, and wake the workers when something became due earlier."""
        self._transaction.commit()

    async def rollback(self) -> None:
        """Undo everything; harmless when there is nothing to undo."""
        self._transaction.rollback()


class MemoryUnitsOfWork:
    """Begins units of work."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def begin(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin one; it ends with the block."""
        return self._unit(Transaction(self._store))

    def begin_reading(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin one in which nothing is written."""
        return self._unit(Transaction(self._store, writes=False))

    @asynccontextmanager
    async def _unit(self, transaction: Transaction) -> AsyncIterator[UnitOfWork]:
        try:
            yield MemoryUnitOfWork(transaction)
        finally:
            transaction.rollback()
