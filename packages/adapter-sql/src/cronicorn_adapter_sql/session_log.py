"""Sessions on SQL, and the suggestions that wait."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import EndpointId, SessionId, SuggestionId, TenantId
from cronicorn_domain.model.session import NamedSession, Session, Suggestion
from cronicorn_domain.ports.session_log import SessionSelection, SessionTally
from sqlalchemy import ColumnElement, Row, Select, and_, delete, func, insert, select, update

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_sessions import (
    session_from,
    suggestion_from,
    values_of_session,
    values_of_suggestion,
)
from cronicorn_adapter_sql.tables import endpoints, sessions, suggestions
from cronicorn_adapter_sql.transaction import Transaction


class SqlSessionLog:
    """What the AI planner has made of endpoints, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def append(self, session: Session, suggestions: Sequence[Suggestion] = ()) -> None:
        """Keep a session with what it suggests."""
        connection = await self._transaction.begin_writing()
        job = select(endpoints.c.job_id).where(
            endpoints.c.id == session.endpoint_id, endpoints.c.tenant == session.tenant
        )
        with translated():
            job_id = (await connection.execute(job)).scalar_one_or_none()
            if job_id is None:
                raise NotFound("endpoint", session.endpoint_id)
            await connection.execute(insert(sessions).values(values_of_session(session, job_id)))
            for each in suggestions:
                await connection.execute(insert(_SUGGESTIONS).values(values_of_suggestion(each)))

    async def get(self, tenant: TenantId, session_id: SessionId) -> NamedSession:
        """Return a session, whole."""
        statement = _NAMED.where(sessions.c.tenant == tenant, sessions.c.id == session_id)
        found = await self._rows(statement)
        if not found:
            raise NotFound("session", session_id)
        return _named(found[0], whole=True)

    async def list_sessions(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        limit: int = 10,
        offset: int = 0,
        before: SessionId | None = None,
    ) -> Sequence[Session]:
        """Return an endpoint's sessions, whole, the newest first."""
        statement = (
            select(sessions)
            .where(sessions.c.tenant == tenant, sessions.c.endpoint_id == endpoint_id)
            .order_by(sessions.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        if before is not None:
            statement = statement.where(sessions.c.id < before)
        return [session_from(row._mapping) for row in await self._rows(statement)]  # noqa: SLF001

    async def count_sessions(self, tenant: TenantId, endpoint_id: EndpointId) -> int:
        """Return how many sessions of an endpoint are kept."""
        statement = (
            select(func.count())
            .select_from(sessions)
            .where(sessions.c.tenant == tenant, sessions.c.endpoint_id == endpoint_id)
        )
        return int((await self._rows(statement))[0][0])

    async def newest(
        self, tenant: TenantId, which: SessionSelection, *, limit: int = 50, offset: int = 0
    ) -> Sequence[NamedSession]:
        """Return the tenant's sessions, the newest first."""
        statement = (
            _NAMED.where(_selected(tenant, which))
            .order_by(sessions.c.started_at.desc(), sessions.c.id.desc())
            .limit(limit)
            .offset(offset)
        )
        return [_named(row, whole=False) for row in await self._rows(statement)]

    async def count(self, tenant: TenantId, which: SessionSelection) -> int:
        """Return how many ``newest`` has in all."""
        statement = select(func.count()).select_from(sessions).where(_selected(tenant, which))
        return int((await self._rows(statement))[0][0])

    async def hours(self, tenant: TenantId, which: SessionSelection) -> Sequence[SessionTally]:
        """Return the sums of each hour and endpoint that has any; sessions are few."""
        statement = (
            select(
                sessions.c.endpoint_id,
                endpoints.c.name,
                sessions.c.started_at,
                (sessions.c.tokens_in + sessions.c.tokens_out).label("tokens"),
            )
            .join(endpoints, endpoints.c.id == sessions.c.endpoint_id)
            .where(_selected(tenant, which))
        )
        names: dict[EndpointId, str] = {}
        sums: dict[tuple[datetime, EndpointId], tuple[int, int]] = {}
        for row in await self._rows(statement):
            endpoint_id = EndpointId(row.endpoint_id)
            names[endpoint_id] = row.name
            begins_at = row.started_at.replace(minute=0, second=0, microsecond=0)
            count, tokens = sums.get((begins_at, endpoint_id), (0, 0))
            sums[(begins_at, endpoint_id)] = (count + 1, tokens + row.tokens)
        return [
            SessionTally(
                endpoint_id=endpoint_id,
                endpoint_name=names[endpoint_id],
                begins_at=begins_at,
                sessions=count,
                tokens=tokens,
            )
            for (begins_at, endpoint_id), (count, tokens) in sorted(sums.items())
        ]

    async def list_suggestions(
        self,
        tenant: TenantId,
        *,
        now: datetime,
        limit: int = 100,
        before: SuggestionId | None = None,
    ) -> Sequence[Suggestion]:
        """Return those that wait, the newest first."""
        statement = select(suggestions).where(
            suggestions.c.tenant == tenant,
            suggestions.c.state == "waiting",
            suggestions.c.expires_at > now,
        )
        if before is not None:
            statement = statement.where(suggestions.c.id < before)
        ordered = statement.order_by(suggestions.c.id.desc()).limit(limit)
        return [suggestion_from(row._mapping) for row in await self._rows(ordered)]  # noqa: SLF001

    async def get_suggestion(self, tenant: TenantId, suggestion_id: SuggestionId) -> Suggestion:
        """Return a suggestion, and keep others from deciding it."""
        await self._transaction.begin_writing()
        statement = (
            select(suggestions)
            .where(suggestions.c.tenant == tenant, suggestions.c.id == suggestion_id)
            .with_for_update()
        )
        found = await self._rows(statement)
        if not found:
            raise NotFound("suggestion", suggestion_id)
        return suggestion_from(found[0]._mapping)  # noqa: SLF001

    async def decide(self, suggestion: Suggestion) -> None:
        """Write a suggestion as it was decided."""
        connection = await self._transaction.begin_writing()
        statement = update(suggestions).where(
            suggestions.c.tenant == suggestion.tenant, suggestions.c.id == suggestion.id
        )
        with translated():
            done = await connection.execute(statement.values(values_of_suggestion(suggestion)))
        if not done.rowcount:
            raise NotFound("suggestion", suggestion.id)

    async def prune(self, *, before: datetime, limit: int) -> int:
        """Delete sessions that began before an instant; suggestions go by their foreign key."""
        old = (
            select(sessions.c.id)
            .where(sessions.c.started_at < before)
            .order_by(sessions.c.started_at, sessions.c.id)
            .limit(limit)
        )
        ids = [row.id for row in await self._rows(old)]
        if ids:
            connection = await self._transaction.begin_writing()
            with translated():
                await connection.execute(delete(sessions).where(sessions.c.id.in_(ids)))
        return len(ids)

    async def _rows(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        with translated():
            found = await self._transaction.connection.execute(statement)
            rows: Sequence[Row[Any]] = found.all()
        return rows


_SUGGESTIONS = suggestions
_NAMED = select(sessions, endpoints.c.name.label("endpoint_name")).join(
    endpoints, endpoints.c.id == sessions.c.endpoint_id
)


def _selected(tenant: TenantId, which: SessionSelection) -> ColumnElement[bool]:
    asked = [
        sessions.c.tenant == tenant,
        sessions.c.started_at >= which.since,
        sessions.c.started_at <= which.until,
    ]
    if which.job_id is not None:
        asked.append(sessions.c.job_id == which.job_id)
    if which.endpoint_id is not None:
        asked.append(sessions.c.endpoint_id == which.endpoint_id)
    return and_(*asked)


def _named(row: Row[Any], *, whole: bool) -> NamedSession:
    columns = row._mapping  # noqa: SLF001  the documented way
    return NamedSession(
        session=session_from(columns, whole=whole), endpoint_name=columns["endpoint_name"]
    )
