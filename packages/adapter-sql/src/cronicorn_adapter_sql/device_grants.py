"""Device grants on SQL."""

from datetime import datetime
from typing import assert_never

from cronicorn_domain.errors import KeyTaken
from cronicorn_domain.identity import DeviceGrantId, PersonId, TenantId
from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.api_key import KeyDigest, Scope
from cronicorn_domain.model.device_grant import (
    Approved,
    Denied,
    DeviceGrant,
    Pending,
    Standing,
)
from sqlalchemy import ColumnElement, delete, insert, select, update

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns, Values
from cronicorn_adapter_sql.tables import device_grants
from cronicorn_adapter_sql.transaction import Transaction

_COLUMNS = device_grants.c


class SqlDeviceGrants:
    """Which devices wait to be let in, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, grant: DeviceGrant) -> bool:
        """Keep a new one, and say so; a refusal does not spoil what the unit wrote."""
        connection = await self._transaction.begin_writing()
        taken = {"uq_device_grants_user_code": KeyTaken("device", "of its code")}
        try:
            with translated(taken):
                async with connection.begin_nested():
                    await connection.execute(insert(device_grants).values(_values(grant)))
        except KeyTaken:
            return False
        return True

    async def of_device(self, digest: KeyDigest) -> DeviceGrant | None:
        """Return the one of the device's code; the index knows its beginning alone."""
        found = await self._locked(_COLUMNS.prefix == digest.prefix)
        return next((each for each in found if each.device.is_same(digest)), None)

    async def of_user_code(self, hashed: str) -> DeviceGrant | None:
        """Return the one of the code that people type."""
        return next(iter(await self._locked(_COLUMNS.user_code == hashed)), None)

    async def change(self, grant: DeviceGrant) -> None:
        """Keep what has become of one."""
        connection = await self._transaction.begin_writing()
        statement = update(device_grants).where(_COLUMNS.id == grant.id)
        with translated():
            await connection.execute(statement.values(_values_of_standing(grant)))

    async def remove(self, grant_id: DeviceGrantId) -> None:
        """Delete one."""
        connection = await self._transaction.begin_writing()
        with translated():
            await connection.execute(delete(device_grants).where(_COLUMNS.id == grant_id))

    async def prune(self, *, before: datetime, limit: int = 1000) -> int:
        """Delete some that expired before an instant."""
        connection = await self._transaction.begin_writing()
        old = select(_COLUMNS.id).where(_COLUMNS.expires_at < before).limit(limit)
        with translated():
            found = (await connection.execute(old)).scalars().all()
            if not found:
                return 0
            pruned = await connection.execute(delete(device_grants).where(_COLUMNS.id.in_(found)))
        return pruned.rowcount

    async def _locked(self, meant: ColumnElement[bool]) -> list[DeviceGrant]:
        connection = await self._transaction.begin_writing()
        statement = select(device_grants).where(meant).order_by(_COLUMNS.id).with_for_update()
        with translated():
            rows = (await connection.execute(statement)).mappings().all()
        return [_grant(row) for row in rows]


def _values(grant: DeviceGrant) -> Values:
    return {
        "id": grant.id,
        "prefix": grant.device.prefix,
        "sha256": grant.device.sha256,
        "user_code": grant.user_code,
        "client": grant.client,
        "scopes": " ".join(sorted(grant.scopes)),
        "created_at": grant.created_at,
        "expires_at": grant.expires_at,
        **_values_of_standing(grant),
    }


def _values_of_standing(grant: DeviceGrant) -> Values:
    values: Values = {
        "interval": grant.interval // MICROSECOND,
        "polled_at": grant.polled_at,
        "tenant": None,
        "person": None,
    }
    match grant.standing:
        case Pending():
            return {**values, "standing": "pending"}
        case Denied():
            return {**values, "standing": "denied"}
        case Approved(tenant=tenant, person=person):
            return {**values, "standing": "approved", "tenant": tenant, "person": person}
        case _:
            assert_never(grant.standing)


def _grant(row: Columns) -> DeviceGrant:
    return DeviceGrant(
        id=DeviceGrantId(row["id"]),
        device=KeyDigest(prefix=row["prefix"], sha256=row["sha256"]),
        user_code=row["user_code"],
        client=row["client"],
        scopes=frozenset(map(Scope, row["scopes"].split())),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        standing=_standing(row),
        interval=row["interval"] * MICROSECOND,
        polled_at=row["polled_at"],
    )


def _standing(row: Columns) -> Standing:
    match row["standing"]:
        case "approved":
            return Approved(tenant=TenantId(row["tenant"]), person=PersonId(row["person"]))
        case "denied":
            return Denied()
        case _:
            return Pending()
