"""Sign-in sessions on SQL."""

from collections.abc import Sequence
from datetime import datetime

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import PersonId, SignInId, TenantId
from cronicorn_domain.model.api_key import KeyDigest, Scope
from cronicorn_domain.model.sign_in import SignIn, SignInKind
from sqlalchemy import delete, insert, or_, select, update

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_jobs import Columns, Values
from cronicorn_adapter_sql.tables import sign_ins
from cronicorn_adapter_sql.transaction import Transaction

_COLUMNS = sign_ins.c


class SqlSignIns:
    """Who is signed in, and where, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, sign_in: SignIn) -> None:
        """Keep a new one."""
        connection = await self._transaction.begin_writing()
        with translated():
            await connection.execute(insert(sign_ins).values(_values(sign_in)))

    async def find(self, digest: KeyDigest) -> SignIn | None:
        """Return the one of this hash; the index knows the beginning alone, so it tells no more."""
        alike = select(sign_ins).where(_COLUMNS.prefix == digest.prefix)
        with translated():
            rows = (await self._transaction.connection.execute(alike)).mappings().all()
        found = [_sign_in(row) for row in rows]
        return next((each for each in found if each.digest.is_same(digest)), None)

    async def list_sign_ins(
        self,
        tenant: TenantId,
        *,
        now: datetime,
        person: PersonId | None = None,
        limit: int = 100,
        after: SignInId | None = None,
    ) -> Sequence[SignIn]:
        """Return those that have not expired in the order of their ids."""
        statement = select(sign_ins).where(_COLUMNS.tenant == tenant, _COLUMNS.expires_at > now)
        if person is not None:
            statement = statement.where(_COLUMNS.person == person)
        if after is not None:
            statement = statement.where(_COLUMNS.id > after)
        ordered = statement.order_by(_COLUMNS.id).limit(limit)
        with translated():
            rows = (await self._transaction.connection.execute(ordered)).mappings().all()
        return [_sign_in(row) for row in rows]

    async def end(
        self, tenant: TenantId, sign_in_id: SignInId, *, person: PersonId | None = None
    ) -> SignIn:
        """End one, and return it."""
        connection = await self._transaction.begin_writing()
        statement = delete(sign_ins).where(_COLUMNS.id == sign_in_id, _COLUMNS.tenant == tenant)
        if person is not None:
            statement = statement.where(_COLUMNS.person == person)
        with translated():
            ended = await connection.execute(statement.returning(*_COLUMNS))
            row = ended.mappings().one_or_none()
        if row is None:
            raise NotFound("sign-in", sign_in_id)
        return _sign_in(row)

    async def end_all(
        self, tenant: TenantId, person: PersonId, *, but: SignInId | None = None
    ) -> int:
        """End every one of a person, but for the one that is named."""
        connection = await self._transaction.begin_writing()
        statement = delete(sign_ins).where(_COLUMNS.tenant == tenant, _COLUMNS.person == person)
        if but is not None:
            statement = statement.where(_COLUMNS.id != but)
        with translated():
            return (await connection.execute(statement)).rowcount

    async def note_use(self, sign_in_id: SignInId, *, now: datetime) -> None:
        """Keep when it was used last."""
        connection = await self._transaction.begin_writing()
        earlier = or_(_COLUMNS.last_used_at.is_(None), _COLUMNS.last_used_at < now)
        statement = update(sign_ins).where(_COLUMNS.id == sign_in_id, earlier)
        with translated():
            await connection.execute(statement.values(last_used_at=now))

    async def prune(self, *, before: datetime, limit: int = 1000) -> int:
        """Delete some that expired before an instant."""
        connection = await self._transaction.begin_writing()
        old = select(_COLUMNS.id).where(_COLUMNS.expires_at < before).limit(limit)
        with translated():
            found = (await connection.execute(old)).scalars().all()
            if not found:
                return 0
            pruned = await connection.execute(delete(sign_ins).where(_COLUMNS.id.in_(found)))
        return pruned.rowcount


def _values(sign_in: SignIn) -> Values:
    return {
        "id": sign_in.id,
        "tenant": sign_in.tenant,
        "person": sign_in.person,
        "kind": sign_in.kind,
        "label": sign_in.label,
        "prefix": sign_in.digest.prefix,
        "sha256": sign_in.digest.sha256,
        "scopes": " ".join(sorted(sign_in.scopes)),
        "created_at": sign_in.created_at,
        "expires_at": sign_in.expires_at,
        "last_used_at": sign_in.last_used_at,
    }


def _sign_in(row: Columns) -> SignIn:
    return SignIn(
        id=SignInId(row["id"]),
        tenant=TenantId(row["tenant"]),
        person=PersonId(row["person"]),
        kind=SignInKind(row["kind"]),
        label=row["label"],
        digest=KeyDigest(prefix=row["prefix"], sha256=row["sha256"]),
        scopes=frozenset(map(Scope, row["scopes"].split())),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )
