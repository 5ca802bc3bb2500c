"""In memory: which endpoints the AI planner looks at next."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from cronicorn_domain.identity import EndpointId, SessionId, TenantId, WorkerId, new_uuid
from cronicorn_domain.model.alert import Happening
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.session import Analysis
from cronicorn_domain.policies.analysing import (
    brought_forward,
    cause_by_rule,
    cause_of,
    enrolled,
    finished,
    is_worth_a_look,
    lapsed,
    released,
)

from cronicorn_adapter_memory.tables import EndpointRow, Tables
from cronicorn_adapter_memory.transaction import Transaction

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class MemoryAnalyses:
    """When endpoints are looked at next, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def enrol(self, *, now: datetime) -> int:
        """Give endpoints that are to be looked at their analysis, and take it from others."""
        known = self._transaction.read()
        wanted = {row.endpoint.id for row in known.endpoints.values() if _is_planned(known, row)}
        standing = set(known.analyses)
        if wanted == standing:
            return 0
        tables = await self._transaction.write()
        for endpoint_id in standing - wanted:
            tables.analyses.pop(endpoint_id, None)
        new = sorted(wanted - standing)
        for endpoint_id in new:
            endpoint = tables.endpoints[endpoint_id].endpoint
            tables.analyses[endpoint_id] = enrolled(
                endpoint.id, endpoint.tenant, endpoint.job_id, now
            )
        return len(new)

    async def take(
        self, *, worker: WorkerId, limit: int, lease_for: timedelta, now: datetime
    ) -> Sequence[Analysis]:
        """Lease analyses that are due."""
        tables = await self._transaction.write()
        for each in [*tables.analyses.values()]:
            if each.leased_until is not None and max(each.leased_until, each.next_at) <= now:
                tables.analyses[each.endpoint_id] = lapsed(each)
        due = [
            each
            for each in tables.analyses.values()
            if each.next_at <= now and not each.leased_at(now)
        ]
        due.sort(key=lambda each: (each.next_at, each.endpoint_id))
        turns: dict[TenantId, int] = defaultdict(int)
        in_turn: list[tuple[int, Analysis]] = []
        for each in due:
            turns[each.tenant] += 1
            in_turn.append((turns[each.tenant], each))
        served = _served(tables)
        in_turn.sort(
            key=lambda one: (
                one[0],
                served.get(one[1].tenant, _NEVER),
                one[1].next_at,
                one[1].endpoint_id,
            )
        )
        leased = [
            replace(
                each,
                lease=SessionId(new_uuid()),
                worker=worker,
                leased_until=now + lease_for,
                taken_at=now,
                looked_at=now,
            )
            for _, each in in_turn[:limit]
        ]
        for each in leased:
            tables.analyses[each.endpoint_id] = each
        return leased

    async def finish(
        self, leased: Analysis, *, again_at: datetime, failures: int, now: datetime
    ) -> bool:
        """End a lease."""
        tables = await self._transaction.write()
        standing = tables.analyses.get(leased.endpoint_id)
        if standing is None or standing.lease != leased.lease or not standing.leased_at(now):
            return False
        tables.analyses[leased.endpoint_id] = finished(
            standing, again_at=again_at, failures=failures, now=now
        )
        return True

    async def release(self, leased: Analysis) -> None:
        """Give a lease back unused."""
        tables = await self._transaction.write()
        standing = tables.analyses.get(leased.endpoint_id)
        if standing is not None and standing.lease == leased.lease:
            tables.analyses[leased.endpoint_id] = released(standing)

    async def get(self, tenant: TenantId, endpoint_id: EndpointId) -> Analysis | None:
        """Return an endpoint's analysis."""
        found = self._transaction.read().analyses.get(endpoint_id)
        return found if found is not None and found.tenant == tenant else None

    async def next_due(self) -> datetime | None:
        """Return the earliest instant at which an analysis may be taken."""
        known = self._transaction.read().analyses.values()
        free = (max(each.next_at, each.leased_until or each.next_at) for each in known)
        return min(free, default=None)


def _served(tables: Tables) -> dict[TenantId, datetime]:
    """Return when each tenant had its last turn; who had none yet is not there."""
    served: dict[TenantId, datetime] = {}
    for each in tables.analyses.values():
        if each.looked_at is not None:
            served[each.tenant] = max(each.looked_at, served.get(each.tenant, _NEVER))
    return served


def _is_planned(tables: Tables, row: EndpointRow) -> bool:
    endpoint = row.endpoint
    return (
        endpoint.planning.mode is not AiMode.OFF
        and endpoint.archived_at is None
        and tables.jobs[endpoint.job_id].state is JobState.ACTIVE
    )


def note_happening(tables: Tables, happening: Happening | None, now: datetime) -> None:
    """Bring forward what is worth a look, in the transaction in which it happens."""
    if happening is None or not tables.analyses or not is_worth_a_look(happening):
        return
    job_id = tables.endpoints[happening.endpoint_id].endpoint.job_id
    for each in [one for one in tables.analyses.values() if one.job_id == job_id]:
        cause = cause_of(happening, sibling=each.endpoint_id != happening.endpoint_id)
        tables.analyses[each.endpoint_id] = brought_forward(each, cause, now)


def note_asked(tables: Tables, endpoint: Endpoint, reason: str | None, now: datetime) -> None:
    """Bring an analysis forward because a rule asks for it."""
    standing = tables.analyses.get(endpoint.id)
    if standing is not None and reason is not None:
        tables.analyses[endpoint.id] = brought_forward(standing, cause_by_rule(reason), now)
