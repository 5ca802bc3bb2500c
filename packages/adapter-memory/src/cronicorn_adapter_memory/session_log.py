"""Sessions in memory, and the suggestions that wait."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import EndpointId, SessionId, SuggestionId, TenantId
from cronicorn_domain.model.session import NamedSession, Session, Suggestion
from cronicorn_domain.ports.session_log import SessionSelection, SessionTally

from cronicorn_adapter_memory.tables import Tables
from cronicorn_adapter_memory.transaction import Transaction


class MemorySessionLog:
    """What the AI planner has made of endpoints, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def append(self, session: Session, suggestions: Sequence[Suggestion] = ()) -> None:
        """Keep a session with what it suggests."""
        tables = await self._transaction.write()
        tables.row(session.tenant, session.endpoint_id)
        tables.sessions[session.id] = session
        for each in suggestions:
            tables.suggestions[each.id] = each

    async def get(self, tenant: TenantId, session_id: SessionId) -> NamedSession:
        """Return a session, whole."""
        tables = self._transaction.read()
        session = tables.sessions.get(session_id)
        if session is None or session.tenant != tenant:
            raise NotFound("session", session_id)
        return _named(tables, session)

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
        found = self._of(tenant, endpoint_id)
        if before is not None:
            found = [each for each in found if each.id < before]
        return found[offset : offset + limit]

    async def count_sessions(self, tenant: TenantId, endpoint_id: EndpointId) -> int:
        """Return how many sessions of an endpoint are kept."""
        return len(self._of(tenant, endpoint_id))

    async def newest(
        self, tenant: TenantId, which: SessionSelection, *, limit: int = 50, offset: int = 0
    ) -> Sequence[NamedSession]:
        """Return the tenant's sessions, the newest first."""
        tables = self._transaction.read()
        found = sorted(
            _selected(tables, tenant, which),
            key=lambda each: (each.started_at, each.id),
            reverse=True,
        )
        page = found[offset : offset + limit]
        return [_named(tables, replace(each, prompt="", calls=())) for each in page]

    async def count(self, tenant: TenantId, which: SessionSelection) -> int:
        """Return how many ``newest`` has in all."""
        return sum(1 for _ in _selected(self._transaction.read(), tenant, which))

    async def hours(self, tenant: TenantId, which: SessionSelection) -> Sequence[SessionTally]:
        """Return the sums of each hour and endpoint that has any."""
        tables = self._transaction.read()
        sums: dict[tuple[datetime, EndpointId], tuple[int, int]] = {}
        for each in _selected(tables, tenant, which):
            begins_at = each.started_at.replace(minute=0, second=0, microsecond=0)
            count, tokens = sums.get((begins_at, each.endpoint_id), (0, 0))
            sums[(begins_at, each.endpoint_id)] = (count + 1, tokens + each.tokens)
        return [
            SessionTally(
                endpoint_id=endpoint_id,
                endpoint_name=tables.endpoints[endpoint_id].endpoint.name,
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
        waiting = [
            each
            for each in self._transaction.read().suggestions.values()
            if each.tenant == tenant and each.waits_at(now) and (before is None or each.id < before)
        ]
        return sorted(waiting, key=lambda each: each.id, reverse=True)[:limit]

    async def get_suggestion(self, tenant: TenantId, suggestion_id: SuggestionId) -> Suggestion:
        """Return a suggestion, and keep others from deciding it."""
        return _suggestion(await self._transaction.write(), tenant, suggestion_id)

    async def decide(self, suggestion: Suggestion) -> None:
        """Write a suggestion as it was decided."""
        tables = await self._transaction.write()
        _suggestion(tables, suggestion.tenant, suggestion.id)
        tables.suggestions[suggestion.id] = suggestion

    async def prune(self, *, before: datetime, limit: int) -> int:
        """Delete sessions that began before an instant, and their suggestions."""
        tables = await self._transaction.write()
        found = (each for each in tables.sessions.values() if each.started_at < before)
        old = sorted(found, key=lambda each: (each.started_at, each.id))[:limit]
        gone = {each.id for each in old}
        for session_id in gone:
            del tables.sessions[session_id]
        for each in [one for one in tables.suggestions.values() if one.session_id in gone]:
            del tables.suggestions[each.id]
        return len(old)

    def _of(self, tenant: TenantId, endpoint_id: EndpointId) -> list[Session]:
        found = (
            each
            for each in self._transaction.read().sessions.values()
            if each.tenant == tenant and each.endpoint_id == endpoint_id
        )
        return sorted(found, key=lambda each: each.id, reverse=True)


def _selected(tables: Tables, tenant: TenantId, which: SessionSelection) -> Iterator[Session]:
    for each in tables.sessions.values():
        if each.tenant != tenant or not which.since <= each.started_at <= which.until:
            continue
        job_id = tables.endpoints[each.endpoint_id].endpoint.job_id
        if which.job_id in {None, job_id} and which.endpoint_id in {None, each.endpoint_id}:
            yield each


def _named(tables: Tables, session: Session) -> NamedSession:
    name = tables.endpoints[session.endpoint_id].endpoint.name
    return NamedSession(session=session, endpoint_name=name)


def _suggestion(tables: Tables, tenant: TenantId, suggestion_id: SuggestionId) -> Suggestion:
    found = tables.suggestions.get(suggestion_id)
    if found is None or found.tenant != tenant:
        raise NotFound("suggestion", suggestion_id)
    return found
