"""Reads everything the governor weighs about many endpoints, in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cronicorn_domain.errors import SecretsUnavailable, UnreadableRow
from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.model.hint import Hint, Trigger
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.state import EndpointState, Situation
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.mapping_endpoints import endpoint_from
from cronicorn_adapter_sql.mapping_jobs import Columns
from cronicorn_adapter_sql.mapping_states import hint_from, lease_from, state_from, trigger_from
from cronicorn_adapter_sql.tables import endpoint_state, endpoints, hints, jobs, leases, triggers
from cronicorn_adapter_sql.vault import HeaderVault


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEndpoint:
    """An endpoint as it was read: its situation, and where its row in `due` is."""

    situation: Situation
    due_at: datetime | None

    @property
    def id(self) -> EndpointId:
        """The endpoint."""
        return self.situation.endpoint.id


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableEndpoint:
    """An endpoint whose configuration cannot be read: what is still known of it, and why."""

    id: EndpointId
    tenant: TenantId
    state: EndpointState
    lease: Lease | None
    due_at: datetime | None
    reason: str


class Situations:
    """Locks and reads endpoints over one connection, within the caller's transaction."""

    def __init__(
        self, connection: AsyncConnection, *, vault: HeaderVault, floor: timedelta
    ) -> None:
        self._connection = connection
        self._vault = vault
        self.floor = floor

    async def lock(self, endpoint_ids: Collection[UUID]) -> None:
        """
        Take the locks under which endpoints are planned, in the order of their ids.

        What is read afterwards is what the holder before left. On SQLite the right to write, which
        the transaction has, is the lock.
        """
        if self._connection.dialect.name == "sqlite" or not endpoint_ids:
            return
        statement = (
            select(endpoint_state.c.endpoint_id)
            .where(endpoint_state.c.endpoint_id.in_(endpoint_ids))
            .order_by(endpoint_state.c.endpoint_id)
            .with_for_update()
        )
        await self._connection.execute(statement)

    async def read(
        self, endpoint_ids: Collection[UUID], *, now: datetime | None
    ) -> list[ReadEndpoint | UnreadableEndpoint]:
        """
        Read endpoints, in no order; those that do not exist are left out.

        Hints and triggers that expired at or before ``now`` are left out, too; None leaves them in.
        """
        if not endpoint_ids:
            return []
        rows = await self._rows(endpoint_ids)
        proposed = await self._hints(endpoint_ids, now)
        asked = await self._triggers(endpoint_ids, now)
        return [self._assemble(row, proposed[row["id"]], asked[row["id"]]) for row in rows]

    def _assemble(
        self, row: Columns, proposed: list[Hint], asked: list[Trigger]
    ) -> ReadEndpoint | UnreadableEndpoint:
        lease = None if row["lease_token"] is None else lease_from(_of(row, "lease_"))
        state = EndpointState()
        try:
            state = state_from(_of(row, "state_"))
            endpoint = endpoint_from(row, self._vault)
        except (UnreadableRow, SecretsUnavailable, ValueError, LookupError, TypeError) as error:
            return UnreadableEndpoint(
                id=EndpointId(row["id"]),
                tenant=TenantId(row["tenant"]),
                state=state,
                lease=lease,
                due_at=row["state_due_at"],
                reason=error.reason if isinstance(error, UnreadableRow) else str(error),
            )
        situation = Situation(
            job_state=JobState(row["job_state"]),
            endpoint=endpoint,
            state=state,
            hints=tuple(proposed),
            triggers=tuple(asked),
            lease=lease,
            floor=self.floor,
        )
        return ReadEndpoint(situation=situation, due_at=row["state_due_at"])

    async def _rows(self, endpoint_ids: Collection[UUID]) -> Iterable[Columns]:
        statement = (
            select(
                *endpoints.c,
                jobs.c.state.label("job_state"),
                *(column.label(f"state_{column.name}") for column in endpoint_state.c),
                *(column.label(f"lease_{column.name}") for column in leases.c),
            )
            .join(jobs, jobs.c.id == endpoints.c.job_id)
            .join(endpoint_state, endpoint_state.c.endpoint_id == endpoints.c.id)
            .outerjoin(leases, leases.c.endpoint_id == endpoints.c.id)
            .where(endpoints.c.id.in_(endpoint_ids))
        )
        return (await self._connection.execute(statement)).mappings().all()

    async def _hints(
        self, endpoint_ids: Collection[UUID], now: datetime | None
    ) -> dict[UUID, list[Hint]]:
        statement = (
            select(hints)
            .where(hints.c.endpoint_id.in_(endpoint_ids), hints.c.end.is_(None))
            .order_by(hints.c.created_at, hints.c.id)
        )
        if now is not None:
            statement = statement.where(hints.c.expires_at > now)
        found: dict[UUID, list[Hint]] = defaultdict(list)
        for row in (await self._connection.execute(statement)).mappings():
            found[row["endpoint_id"]].append(hint_from(row))
        return found

    async def _triggers(
        self, endpoint_ids: Collection[UUID], now: datetime | None
    ) -> dict[UUID, list[Trigger]]:
        statement = (
            select(triggers)
            .where(triggers.c.endpoint_id.in_(endpoint_ids), triggers.c.run_id.is_(None))
            .order_by(triggers.c.at, triggers.c.id)
        )
        if now is not None:
            statement = statement.where(triggers.c.expires_at > now)
        found: dict[UUID, list[Trigger]] = defaultdict(list)
        for row in (await self._connection.execute(statement)).mappings():
            found[row["endpoint_id"]].append(trigger_from(row))
        return found


def _of(row: Columns, prefix: str) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)
    }
