"""API keys on SQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from cronicorn_domain.errors import NotFound, SecretTaken
from cronicorn_domain.identity import ApiKeyId, PersonId, TenantId
from cronicorn_domain.model.api_key import ApiKey, KeyDigest, Scope
from sqlalchemy import and_, insert, or_, select, update

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns, Values
from cronicorn_adapter_sql.tables import api_keys
from cronicorn_adapter_sql.transaction import Transaction

_COLUMNS = api_keys.c


class SqlApiKeys:
    """By what programs prove themselves, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, key: ApiKey) -> None:
        """Keep a new key; one that is there already does not spoil what the unit wrote."""
        connection = await self._transaction.begin_writing()
        taken = MappingProxyType({"uq_api_keys_sha256": SecretTaken()})
        with translated(taken):
            async with connection.begin_nested():
                await connection.execute(insert(api_keys).values(_values(key)))

    async def find(self, digest: KeyDigest) -> ApiKey | None:
        """Return the key of this hash; the index knows the beginning alone, so it tells no more."""
        alike = select(api_keys).where(_COLUMNS.prefix == digest.prefix)
        with translated():
            rows = (await self._transaction.connection.execute(alike)).mappings().all()
        keys = [_key(row) for row in rows]
        return next((each for each in keys if each.digest.is_same(digest)), None)

    async def list_keys(
        self, tenant: TenantId, *, limit: int = 100, after: ApiKeyId | None = None
    ) -> Sequence[ApiKey]:
        """Return keys that are not revoked in the order of their ids."""
        statement = select(api_keys).where(_COLUMNS.tenant == tenant, _COLUMNS.revoked_at.is_(None))
        if after is not None:
            statement = statement.where(_COLUMNS.id > after)
        ordered = statement.order_by(_COLUMNS.id).limit(limit)
        with translated():
            rows = (await self._transaction.connection.execute(ordered)).mappings().all()
        return [_key(row) for row in rows]

    async def revoke(self, tenant: TenantId, key_id: ApiKeyId, *, now: datetime) -> ApiKey:
        """End a key for good, and return it as it was."""
        connection = await self._transaction.begin_writing()
        statement = (
            update(api_keys)
            .where(_COLUMNS.id == key_id, _COLUMNS.tenant == tenant, _COLUMNS.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(*_COLUMNS)
        )
        with translated():
            row = (await connection.execute(statement)).mappings().one_or_none()
        if row is None:
            raise NotFound("API key", key_id)
        return replace(_key(row), revoked_at=None)

    async def revoke_issued_by(self, tenant: TenantId, person: PersonId, *, now: datetime) -> int:
        """End every key that the person has issued."""
        connection = await self._transaction.begin_writing()
        held = and_(
            _COLUMNS.tenant == tenant,
            _COLUMNS.issued_by == person,
            _COLUMNS.revoked_at.is_(None),
        )
        with translated():
            ended = await connection.execute(update(api_keys).where(held).values(revoked_at=now))
        return ended.rowcount

    async def rename(self, tenant: TenantId, key_id: ApiKeyId, *, name: str) -> ApiKey:
        """Call a key otherwise, and return it as it was."""
        connection = await self._transaction.begin_writing()
        meant = and_(
            _COLUMNS.id == key_id, _COLUMNS.tenant == tenant, _COLUMNS.revoked_at.is_(None)
        )
        with translated():
            found = await connection.execute(select(api_keys).where(meant).with_for_update())
            row = found.mappings().one_or_none()
            if row is None:
                raise NotFound("API key", key_id)
            await connection.execute(update(api_keys).where(meant).values(name=name))
        return _key(row)

    async def note_use(self, key_id: ApiKeyId, *, now: datetime) -> None:
        """Keep when a key was used last."""
        connection = await self._transaction.begin_writing()
        earlier = or_(_COLUMNS.last_used_at.is_(None), _COLUMNS.last_used_at < now)
        statement = update(api_keys).where(_COLUMNS.id == key_id, earlier)
        with translated():
            await connection.execute(statement.values(last_used_at=now))


def _values(key: ApiKey) -> Values:
    return {
        "id": key.id,
        "tenant": key.tenant,
        "name": key.name,
        "prefix": key.digest.prefix,
        "sha256": key.digest.sha256,
        "scopes": " ".join(sorted(key.scopes)),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "issued_by": key.issued_by,
    }


def _key(row: Columns) -> ApiKey:
    return ApiKey(
        id=ApiKeyId(row["id"]),
        tenant=TenantId(row["tenant"]),
        name=row["name"],
        digest=KeyDigest(prefix=row["prefix"], sha256=row["sha256"]),
        scopes=frozenset(map(Scope, row["scopes"].split())),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
        revoked_at=row["revoked_at"],
        issued_by=None if row["issued_by"] is None else PersonId(row["issued_by"]),
    )
