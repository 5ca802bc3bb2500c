"""Where a tenant's endpoints stand, in memory."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.instants import LATEST
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.policies.explaining import condition_of
from cronicorn_domain.policies.severity import Severity, rank, severity_of
from cronicorn_domain.ports.board import (
    Attention,
    Counts,
    DueTogether,
    Found,
    LatestRun,
    MinuteTally,
    Order,
    Recent,
    Standing,
    Wanted,
    name_key,
)
from cronicorn_domain.ports.overview import Tally

from cronicorn_adapter_memory.overview import lateness_step, tally_of
from cronicorn_adapter_memory.roll_ups import RollUpKey, Sums, counted, minute_of
from cronicorn_adapter_memory.tables import EndpointRow
from cronicorn_adapter_memory.transaction import Transaction


class MemoryBoard:
    """Lists and counts of endpoints, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def find(
        self,
        tenant: TenantId,
        which: Wanted,
        *,
        now: datetime,
        order: Order = Order.NAME,
        limit: int,
        after: EndpointId | None = None,
        count_to: int = 0,
    ) -> Found:
        """Return endpoints, and count all of them."""
        key, newest = _KEYS[order], order is Order.NEWEST
        standing = self._standings(tenant, now)
        meant = [each for each in standing if _is_meant(each, which, now)]
        found = sorted(meant, key=key, reverse=newest)
        if after is not None:
            last = next((key(each) for each in standing if each.id == after), None)
            found = [
                each
                for each in found
                if last is not None and (key(each) < last if newest else key(each) > last)
            ]
        return Found(standings=found[:limit], total=min(len(meant), count_to))

    async def find_ids(
        self, tenant: TenantId, which: Wanted, *, now: datetime
    ) -> Sequence[EndpointId]:
        """Return all endpoints that are meant."""
        standing = self._standings(tenant, now)
        return sorted(each.id for each in standing if _is_meant(each, which, now))

    async def latest_runs(
        self, tenant: TenantId, endpoint_ids: Collection[EndpointId], *, limit: int
    ) -> Mapping[EndpointId, Sequence[LatestRun]]:
        """Return the newest runs of each endpoint that has any."""
        tables = self._transaction.read()
        found: dict[EndpointId, Sequence[LatestRun]] = {}
        for endpoint_id in endpoint_ids:
            of_one = (tables.runs[each] for each in tables.runs_of.of(endpoint_id))
            kept = [each for each in of_one if each.tenant == tenant and each.kind is not Kind.TEST]
            if kept:
                newest = sorted(kept, key=lambda each: (each.slot, each.attempt), reverse=True)
                found[endpoint_id] = [_latest_run(each) for each in newest[:limit]]
        return found

    async def counts(self, tenant: TenantId, *, now: datetime) -> Counts:
        """Count the endpoints by where they stand."""
        rows = list(self._rows(tenant))
        jobs = self._transaction.read().jobs
        standing = self._standings(tenant, now)
        return Counts(
            endpoints=len(rows),
            failing=sum(row.state.failures > 0 for row in rows),
            late=sum(each.late_by(now) is not None for each in standing),
            running=sum(row.lease is not None for row in rows),
            paused=sum(
                row.endpoint.paused_at(now) or jobs[row.endpoint.job_id].state is JobState.PAUSED
                for row in rows
            ),
            deferred=sum(
                row.state.quarantine is None
                and row.state.not_before is not None
                and row.state.not_before > now
                for row in rows
            ),
            quarantined=sum(row.state.quarantine is not None for row in rows),
        )

    async def attention(
        self, tenant: TenantId, *, now: datetime, limit: int, runs: int
    ) -> Attention:
        """Return what needs somebody, the worst first, and the latest runs of what fails."""
        standing = self._standings(tenant, now)
        needy = [each for each in standing if severity_of(each, now) is not Severity.NONE]
        worst = sorted(needy, key=lambda each: rank(each, now))[:limit]
        failing = [each.id for each in worst if each.state.failures]
        return Attention(
            standings=worst, latest=await self.latest_runs(tenant, failing, limit=runs)
        )

    async def recent(
        self, tenant: TenantId, windows: Sequence[tuple[datetime, datetime]]
    ) -> Recent:
        """Return what came of the slots in some stretches of time."""
        minutes: dict[datetime, Tally] = defaultdict(Tally)
        lateness: dict[datetime, Counter[int]] = defaultdict(Counter)
        for key, sums in self._minutes(tenant).items():
            if any(since <= key.begins_at < until for since, until in windows):
                minutes[key.begins_at] = minutes[key.begins_at].plus(tally_of(key, sums))
                if sums.timed_runs:
                    lateness[key.begins_at][lateness_step(sums)] += sums.timed_runs
        return Recent(
            minutes=[
                MinuteTally(begins_at=each, tally=minutes[each], lateness=dict(lateness[each]))
                for each in sorted(minutes)
            ],
            not_run=self._not_run(tenant, *windows[-1]),
        )

    async def upcoming(self, tenant: TenantId, *, until: datetime) -> Sequence[DueTogether]:
        """Return what can be claimed before an instant."""
        tables = self._transaction.read()
        found: dict[tuple[datetime, str], list[EndpointRow]] = defaultdict(list)
        for row in self._rows(tenant):
            due = tables.due.get(row.endpoint.id)
            if due is not None and not due.waits and due.due_at < until:
                found[minute_of(due.due_at), repr(row.endpoint.schedule)].append(row)
        return [
            DueTogether(begins_at=minute, schedule=rows[0].endpoint.schedule, count=len(rows))
            for (minute, _), rows in sorted(found.items(), key=lambda each: each[0])
        ]

    def _rows(self, tenant: TenantId) -> Iterator[EndpointRow]:
        tables = self._transaction.read()
        for row in tables.endpoints.values():
            endpoint = row.endpoint
            archived = tables.jobs[endpoint.job_id].state is JobState.ARCHIVED
            if endpoint.tenant == tenant and endpoint.archived_at is None and not archived:
                yield row

    def _standings(self, tenant: TenantId, now: datetime) -> Sequence[Standing]:
        return [self._standing(row, now) for row in self._rows(tenant)]

    def _standing(self, row: EndpointRow, now: datetime) -> Standing:
        tables, endpoint, plan = self._transaction.read(), row.endpoint, row.state.next_plan
        job, due = tables.jobs[endpoint.job_id], tables.due.get(endpoint.id)
        claimable_from = None if due is None else due.due_at
        if due is not None and due.waits and plan is not None:
            claimable_from = plan.slot
        return Standing(
            id=endpoint.id,
            job_id=job.id,
            job_name=job.name,
            name=endpoint.name,
            url=endpoint.request.url,
            method=endpoint.request.method.value,
            schedule=None if row.unreadable else endpoint.schedule,
            shortest=endpoint.guardrails.shortest,
            longest=endpoint.guardrails.longest,
            state=row.state,
            condition=condition_of(tables.situation(row), now),
            created_at=endpoint.created_at,
            pause=endpoint.pause,
            job_paused=job.state is JobState.PAUSED,
            claimable_from=claimable_from,
            waits=due is not None and due.waits,
        )

    def _minutes(self, tenant: TenantId) -> Mapping[RollUpKey, Sums]:
        tables = self._transaction.read()
        found: dict[RollUpKey, Sums] = defaultdict(Sums)
        adds = [each for run in tables.runs.values() if (each := counted(run)) is not None]
        for key, sums in (*adds, *tables.roll_ups.items()):
            if key.size == "minute" and tables.endpoints[key.endpoint_id].endpoint.tenant == tenant:
                found[key] = found[key].plus(sums)
        return found

    def _not_run(self, tenant: TenantId, since: datetime, until: datetime) -> Mapping[Fate, int]:
        tables = self._transaction.read()
        found: Counter[Fate] = Counter()
        for row in tables.endpoints.values():
            if row.endpoint.tenant == tenant:
                for record in tables.records.of(row.endpoint.id):
                    if since <= record.last < until:
                        found[record.fate] += record.count
        return dict(found)


def _is_meant(standing: Standing, which: Wanted, now: datetime) -> bool:
    plan = standing.state.next_plan
    return (
        (which.ids is None or standing.id in which.ids)
        and which.job_id in {None, standing.job_id}
        and (which.text is None or _holds(standing, name_key(which.text)))
        and (which.conditions is None or standing.condition in which.conditions)
        and which.failing in {None, standing.state.failures > 0}
        and which.late in {None, standing.late_by(now) is not None}
        and (which.sources is None or (plan and plan.decision.source in which.sources) or False)
    )


def _holds(standing: Standing, part: str) -> bool:
    return any(part in name_key(each) for each in (standing.name, standing.url))


def _by_name(standing: Standing) -> tuple[Any, ...]:
    return name_key(standing.name), standing.id


def _by_harm(standing: Standing) -> tuple[Any, ...]:
    set_aside = standing.condition is Condition.QUARANTINED
    return not set_aside, -standing.state.failures, *_by_name(standing)


def _by_next(standing: Standing) -> tuple[Any, ...]:
    return standing.claimable_from or LATEST, *_by_name(standing)


_KEYS: Mapping[Order, Callable[[Standing], tuple[Any, ...]]] = {
    Order.NAME: _by_name,
    Order.WORST: _by_harm,
    Order.NEXT: _by_next,
    Order.NEWEST: lambda standing: (standing.id,),
}


def _latest_run(run: Run) -> LatestRun:
    return LatestRun(
        id=run.id,
        slot=run.slot,
        status=run.status,
        outcome_class=run.outcome_class,
        status_code=None if run.response is None else run.response.status_code,
        started_at=None if run.outcome_class is None else run.started_at,
        finished_at=run.finished_at,
    )
