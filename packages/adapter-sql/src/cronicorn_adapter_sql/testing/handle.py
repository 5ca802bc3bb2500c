"""A store as the contract suites want it: with further ways in, and a way to break a row."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from cronicorn_domain.identity import EndpointId
from sqlalchemy import update

from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring, parse_keys
from cronicorn_adapter_sql.store import open_store
from cronicorn_adapter_sql.tables import due, endpoint_state, endpoints
from cronicorn_adapter_sql.vault import Vault


class SqlHandle:
    """One way into a database, with an engine of its own: as another process would have it."""

    def __init__(self, url: str, vault: Vault, opened: AsyncExitStack) -> None:
        self._url = url
        self._vault = vault
        self._opened = opened

    async def open(self) -> "SqlHandle":
        """Open the store; it closes with the fixture."""
        store = await self._opened.enter_async_context(
            open_store(parse_database_url(self._url), vault=self._vault)
        )
        self.engine = store.engine
        self.queue = store.queue
        self.units = store.units
        self.wakeups = store.wakeups
        self.workers = store.workers
        self.limits = store.limits
        self.activity = store.activity
        self.room = store.room
        self.examination = store.examination
        self.slots_recorded = store.slots_recorded
        return self

    async def another(self) -> "SqlHandle":
        """Return a second handle on the same data."""
        return await SqlHandle(self._url, self._vault, self._opened).open()

    async def corrupt_schedule(self, endpoint_id: EndpointId) -> None:
        """Make the stored schedule unreadable."""
        await self._set_grace(endpoint_id, timedelta(days=9999))

    async def mend_schedule(self, endpoint_id: EndpointId) -> None:
        """Make it readable again."""
        await self._set_grace(endpoint_id, timedelta(seconds=60))

    async def _set_grace(self, endpoint_id: EndpointId, grace: timedelta) -> None:
        """Write a column as another version might: the revision tells of it, as of every write."""
        changed = {"misfire_grace": grace // timedelta(microseconds=1)}
        counted = {
            "revision": endpoint_state.c.revision + 1,
            "edition": endpoint_state.c.edition + 1,
        }
        async with self.engine.begin() as connection:
            key = endpoints.c.id == endpoint_id
            await connection.execute(update(endpoints).where(key).values(changed))
            key = endpoint_state.c.endpoint_id == endpoint_id
            await connection.execute(update(endpoint_state).where(key).values(counted))
            key = due.c.endpoint_id == endpoint_id
            await connection.execute(update(due).where(key).values(revision=due.c.revision + 1))


@asynccontextmanager
async def opened_handle(url: str) -> AsyncIterator[SqlHandle]:
    """Open the store of a migrated database, whose key is at hand."""
    vault = Vault(Keyring(parse_keys("test:" + "A" * 43 + "=")))
    async with AsyncExitStack() as opened:
        yield await SqlHandle(url, vault, opened).open()
