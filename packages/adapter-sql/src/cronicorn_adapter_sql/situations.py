"""Reads everything the governor weighs about many endpoints, in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from cronicorn_domain.errors import (
    CronicornError,
    NotFound,
    SecretsUnavailable,
    UnreadableRow,
)
from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import EndpointId, TenantId, Token
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import Hint, Trigger
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.wording import fault
from sqlalchemy import Row, Select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.mapping_endpoints import endpoint_from
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.mapping_states import (
    hint_from,
    lease_from,
    meant,
    state_from,
    state_without_plans,
    trigger_from,
)
from cronicorn_adapter_sql.situation_statements import (
    ENDPOINT_COLUMNS,
    LEASE_COLUMNS,
    STATE_COLUMNS,
    situation_statements,
)
from cronicorn_adapter_sql.vault import Vault


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEndpoint:
    """
    An endpoint as it was read: its situation, where its row in `due` is, its state's revision.

    ``withheld`` says why its secret headers cannot be opened here, or is None. Then it can be
    planned as any other, since no plan depends on them, but the values in the situation are still
    sealed: it is to be neither run nor shown nor written back. ``state_at`` is where PostgreSQL has
    its state, as far as its due row told; ``edition`` tells of all but the state (see `Known`).
    """

    situation: Situation
    due_at: datetime | None
    revision: int
    edition: int
    state_at: str | None = None
    withheld: str | None = None

    @property
    def id(self) -> EndpointId:
        """The endpoint."""
        return self.situation.endpoint.id

    @property
    def tenant(self) -> TenantId:
        """Whose it is."""
        return self.situation.endpoint.tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableEndpoint:
    """An endpoint whose configuration cannot be read: what is still known of it, and why."""

    id: EndpointId
    tenant: TenantId
    state: EndpointState
    lease: Lease | None
    due_at: datetime | None
    revision: int
    edition: int
    reason: str
    hints: tuple[Hint, ...] = ()
    triggers: tuple[Trigger, ...] = ()


def of_tenant(
    found: Sequence[ReadEndpoint | UnreadableEndpoint], tenant: TenantId, endpoint_id: EndpointId
) -> ReadEndpoint | UnreadableEndpoint:
    """Return the endpoint that was looked for. Raises ``NotFound`` when it is not the tenant's."""
    for read in found:
        if read.tenant == tenant:
            return read
    raise NotFound("endpoint", endpoint_id)


def readable(read: ReadEndpoint | UnreadableEndpoint) -> ReadEndpoint:
    """Return an endpoint that could be read. Raises ``UnreadableRow`` for another."""
    if isinstance(read, UnreadableEndpoint):
        raise UnreadableRow(f"endpoint {read.id}", read.reason)
    return read


def opened(read: ReadEndpoint | UnreadableEndpoint) -> ReadEndpoint:
    """Return an endpoint that could be read with its secrets. Raises ``UnreadableRow``."""
    found = readable(read)
    if found.withheld is not None:
        raise UnreadableRow(f"endpoint {found.id}", found.withheld)
    return found


class Situations:
    """Locks and reads endpoints over one connection, within the caller's transaction."""

    def __init__(self, connection: AsyncConnection, *, vault: Vault, floor: timedelta) -> None:
        self._connection = connection
        self._vault = vault
        self.floor = floor
        self._statements = situation_statements(connection.dialect.name)

    async def lock(self, endpoint_ids: Collection[UUID]) -> None:
        """
        Take the locks under which endpoints are planned, in the order of their ids.

        Their places in the queue are locked behind that, for a claim at this moment, which looks at
        nothing else, to be waited for. What is read afterwards is what the holder before left. On
        SQLite the right to write, which the transaction has, is the lock.
        """
        if self._connection.dialect.name != "sqlite" and endpoint_ids:
            wanted = {"ids": list(endpoint_ids)}
            await self._connection.execute(self._statements.lock, wanted)
            await self._connection.execute(self._statements.lock_places, wanted)

    async def leased(self, tokens: Collection[Token]) -> dict[Token, UUID]:
        """Lock the leases of the tokens, and return the endpoints that they hold."""
        if not tokens:
            return {}
        found = await self._connection.execute(self._statements.lease, {"tokens": list(tokens)})
        return {Token(token): endpoint_id for token, endpoint_id in found}

    async def lock_free(self, endpoint_ids: Collection[UUID]) -> Collection[UUID]:
        """
        Lock the states that are free, without a wait, and return those endpoints.

        Who asks holds their leases or due rows: so no claim can be at them.
        """
        return await lock_free(self._connection, endpoint_ids)

    async def lock_shortly(self, endpoint_ids: Collection[UUID]) -> None:
        """
        Take the locks of ``lock``, waiting a moment for each at most.

        Raises:
            StoreUnavailable: someone else kept one of them for longer.
        """
        if self._connection.dialect.name != "sqlite":
            await self._connection.execute(_SHORT_PATIENCE)
        await self.lock(endpoint_ids)

    async def read(
        self, endpoint_ids: Collection[UUID], *, now: datetime | None
    ) -> list[ReadEndpoint | UnreadableEndpoint]:
        """
        Read endpoints, in no order; those that do not exist are left out.

        Hints and triggers that have lapsed at ``now`` are left out, too; None leaves them in.
        """
        if not endpoint_ids:
            return []
        since = _EVER if now is None else now
        wanted = {"ids": list(endpoint_ids), "now": since}
        rows = [
            _Parts.of(row) for row in await self._connection.execute(self._statements.rows, wanted)
        ]
        proposed: dict[UUID, list[Hint]] = defaultdict(list)
        for each in await self._open(self._statements.hints, since, rows, lambda row: row.hinted):
            proposed[each["endpoint_id"]] += meant(hint_from, each)
        asked: dict[UUID, list[Trigger]] = defaultdict(list)
        for each in await self._open(self._statements.triggers, since, rows, lambda row: row.asked):
            asked[each["endpoint_id"]] += meant(trigger_from, each)
        return [self._assemble(row, proposed[row.id], asked[row.id]) for row in rows]

    async def _open(
        self,
        statement: Select[Any],
        since: datetime,
        rows: Sequence["_Parts"],
        has_any: Callable[["_Parts"], bool],
    ) -> Sequence[Columns]:
        """Read what is open of those endpoints that have any; mostly that is none."""
        ids = [row.id for row in rows if has_any(row)]
        if not ids:
            return []
        wanted = {"ids": ids, "now": since}
        found: Sequence[Columns] = (
            (await self._connection.execute(statement, wanted)).mappings().all()
        )
        return found

    def _assemble(
        self, row: "_Parts", proposed: Sequence[Hint], asked: Sequence[Trigger]
    ) -> ReadEndpoint | UnreadableEndpoint:
        lease = None if row.lease["token"] is None else lease_from(row.lease)
        due_at = row.state["due_at"] if lease is None else None
        state = state_without_plans(row.state)
        try:
            state = state_from(row.state)
            _check_leased(state, lease)
            endpoint, withheld = self._opened(row.endpoint)
            job_state = JobState(row.job_state)
        except Exception as error:  # noqa: BLE001  whatever is odd about one row harms it alone
            return UnreadableEndpoint(
                id=row.id,
                tenant=TenantId(row.endpoint["tenant"]),
                state=state,
                lease=lease,
                due_at=due_at,
                revision=row.state["revision"],
                edition=row.state["edition"],
                reason=_reason(error),
                hints=tuple(proposed),
                triggers=tuple(asked),
            )
        situation = Situation(
            job_state=job_state,
            endpoint=endpoint,
            state=state,
            hints=tuple(proposed),
            triggers=tuple(asked),
            lease=lease,
            floor=self.floor,
        )
        return ReadEndpoint(
            situation=situation,
            due_at=due_at,
            revision=row.state["revision"],
            edition=row.state["edition"],
            withheld=withheld,
        )

    def _opened(self, row: Columns) -> tuple[Endpoint, str | None]:
        """Return an endpoint, and why its secrets stay sealed if they do: the key is elsewhere."""
        try:
            return endpoint_from(row, self._vault), None
        except SecretsUnavailable as error:
            return endpoint_from(row, None), str(error)


async def lock_free(
    connection: AsyncConnection, endpoint_ids: Collection[UUID]
) -> Collection[UUID]:
    """Lock those states that are free, and return their endpoints; see ``Situations``."""
    if connection.dialect.name == "sqlite" or not endpoint_ids:
        return endpoint_ids
    statement = situation_statements(connection.dialect.name).lock_free
    return set((await connection.execute(statement, {"ids": list(endpoint_ids)})).scalars())


def _check_leased(state: EndpointState, lease: Lease | None) -> None:
    """Refuse a lease whose plan is gone: nothing could be planned behind its run."""
    if lease is not None and (state.urgent if lease.urgent else state.plan) is None:
        raise UnreadableRow("a lease", "it is leased, and the plan of its lease is gone")


def _reason(error: Exception) -> str:
    """Say why a row cannot be read; what an unforeseen error quotes may be a stored value."""
    match error:
        case UnreadableRow():
            return error.reason
        case CronicornError():
            return str(error)
        case _:
            return f"it could not be read, by a fault of ours: {fault(error)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """A row of what was read, taken apart."""

    id: EndpointId
    endpoint: Columns
    state: Columns
    lease: Columns
    job_state: str
    hinted: bool
    asked: bool

    @staticmethod
    def of(row: Row[Any]) -> "_Parts":
        endpoint = dict(zip(ENDPOINT_COLUMNS, row, strict=False))
        state = dict(zip(STATE_COLUMNS, row[_STATE_FROM:], strict=False))
        lease = dict(zip(LEASE_COLUMNS, row[_LEASE_FROM:], strict=False))
        return _Parts(
            id=EndpointId(endpoint["id"]),
            endpoint=endpoint,
            state=state,
            lease=lease,
            job_state=row.job_state,
            hinted=row.hinted,
            asked=row.asked,
        )


_SHORT_PATIENCE: Final = text("SET LOCAL lock_timeout = '500ms'")
_EVER: Final = datetime.min.replace(tzinfo=UTC)
_STATE_FROM: Final = len(ENDPOINT_COLUMNS)
_LEASE_FROM: Final = _STATE_FROM + len(STATE_COLUMNS)
