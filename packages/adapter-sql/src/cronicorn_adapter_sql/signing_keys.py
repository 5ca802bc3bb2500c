"""Signing keys on SQL, sealed; and those that claims have at hand."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from cronicorn_domain.errors import InvalidInput, NotFound, SecretsUnavailable, SigningKeyPresent
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.signing import KeyCard, NoKeys, SigningKey, TenantKeys
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns, Values
from cronicorn_adapter_sql.tables import signing_keys
from cronicorn_adapter_sql.transaction import Transaction
from cronicorn_adapter_sql.vault import Vault

FRESH_FOR: Final = timedelta(seconds=5)
"""So long a claim uses what it knows of a tenant's keys: at most so much later a new one signs."""
TENANTS_MOST: Final = 10_000
"""So many tenants' keys are at hand; beyond that all are looked up again."""

_COLUMNS = signing_keys.c


class SqlSigningKeys:
    """What requests are signed with, within one transaction."""

    def __init__(self, transaction: Transaction, *, vault: Vault) -> None:
        self._transaction = transaction
        self._vault = vault

    async def add(self, keys: TenantKeys) -> None:
        """Keep a tenant's first key; one that is there already does not spoil what was written."""
        connection = await self._transaction.begin_writing()
        values = _values(keys, self._vault)
        present = MappingProxyType({"pk_signing_keys": SigningKeyPresent()})
        with translated(present):
            async with connection.begin_nested():
                await connection.execute(insert(signing_keys).values(values))

    async def card(self, tenant: TenantId) -> KeyCard | None:
        """Return what may be read of a tenant's keys; nothing is opened for it."""
        row = await self._row(self._transaction.connection, tenant)
        return None if row is None else _card(row)

    async def find(self, tenant: TenantId) -> TenantKeys | None:
        """Return a tenant's keys."""
        row = await self._row(self._transaction.connection, tenant)
        return None if row is None else _keys(row, self._vault)

    async def rotate(
        self, tenant: TenantId, key: SigningKey, *, now: datetime, overlap: timedelta
    ) -> KeyCard:
        """
        Put a new key before the newest, and return how they were.

        The one so far moves as it is sealed: it may have been sealed with a key that is lost.
        """
        connection = await self._transaction.begin_writing()
        row = await self._row(connection, tenant, locked=True)
        if row is None:
            raise NotFound("signing key of tenant", tenant)
        values = {
            "prefix": key.prefix,
            "current": self._vault.seal_signing_key(tenant, key.text),
            "rotated_at": now,
            "previous": row["current"] if overlap else None,
            "previous_until": now + overlap if overlap else None,
        }
        with translated():
            await connection.execute(
                update(signing_keys).where(_COLUMNS.tenant == tenant).values(values)
            )
        return _card(row)

    async def _row(
        self, connection: AsyncConnection, tenant: TenantId, *, locked: bool = False
    ) -> Columns | None:
        statement = select(signing_keys).where(_COLUMNS.tenant == tenant)
        if locked:
            statement = statement.with_for_update()
        with translated():
            return (await connection.execute(statement)).mappings().one_or_none()


class KeysAtHand:
    """
    The keys that the claims of one process give with their runs.

    Those of all tenants that a claim has not seen for `FRESH_FOR` are read by one statement; also
    that a tenant has none is known for so long.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: dict[TenantId, tuple[datetime, TenantKeys | NoKeys | None]] = {}

    async def of(
        self, connection: AsyncConnection, tenants: Collection[TenantId], now: datetime
    ) -> Mapping[TenantId, TenantKeys | NoKeys]:
        """Return the keys of those tenants that have any, out of reach or not."""
        if len(self._known) > TENANTS_MOST:
            self._known.clear()
        if stale := [each for each in tenants if not self._is_fresh(each, now)]:
            found = await self._look_up(connection, stale)
            self._known |= {each: (now, found.get(each)) for each in stale}
        known = ((each, self._known[each][1]) for each in tenants)
        return {tenant: keys for tenant, keys in known if keys is not None}

    def forget(self) -> None:
        """Forget everything: the database may not be the one it was."""
        self._known.clear()

    async def _look_up(
        self, connection: AsyncConnection, tenants: Collection[TenantId]
    ) -> Mapping[TenantId, TenantKeys | NoKeys]:
        dialect = connection.dialect.name
        wanted = select(signing_keys).where(among(_COLUMNS.tenant, "tenants", dialect=dialect))
        rows = (await connection.execute(wanted, {"tenants": tenants})).mappings().all()
        return {TenantId(row["tenant"]): self._read(row) for row in rows}

    def _is_fresh(self, tenant: TenantId, now: datetime) -> bool:
        known = self._known.get(tenant)
        return known is not None and timedelta() <= now - known[0] < FRESH_FOR

    def _read(self, row: Columns) -> TenantKeys | NoKeys:
        try:
            return _keys(row, self._vault)
        except (SecretsUnavailable, InvalidInput) as error:
            return NoKeys(reason=f"it is to be signed, and cannot be: {error}")


def _values(keys: TenantKeys, vault: Vault) -> Values:
    tenant, previous = keys.tenant, keys.previous
    return {
        "tenant": tenant,
        "prefix": keys.current.prefix,
        "current": vault.seal_signing_key(tenant, keys.current.text),
        "created_at": keys.created_at,
        "rotated_at": keys.rotated_at,
        "previous": None if previous is None else vault.seal_signing_key(tenant, previous.text),
        "previous_until": keys.previous_until,
    }


def _keys(row: Columns, vault: Vault) -> TenantKeys:
    tenant, previous = TenantId(row["tenant"]), row["previous"]
    return TenantKeys(
        tenant=tenant,
        current=SigningKey(text=vault.open_signing_key(tenant, row["current"])),
        created_at=row["created_at"],
        rotated_at=row["rotated_at"],
        previous=None
        if previous is None
        else SigningKey(text=vault.open_signing_key(tenant, previous)),
        previous_until=row["previous_until"],
    )


def _card(row: Columns) -> KeyCard:
    return KeyCard(
        prefix=row["prefix"],
        created_at=row["created_at"],
        rotated_at=row["rotated_at"],
        previous_until=row["previous_until"],
    )
