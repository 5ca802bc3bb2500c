"""The tenant's runs from above, in memory."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from cronicorn_domain.identity import EndpointId, RunId, TenantId
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.run import OutcomeClass, Run
from cronicorn_domain.ports.board import LATENESS_STEPS
from cronicorn_domain.ports.overview import (
    EndpointStretch,
    EndpointTally,
    Holdings,
    HourTally,
    JobTally,
    NamedRun,
    Selection,
    Spread,
    Tally,
)

from cronicorn_adapter_memory.roll_ups import RollUpKey, Sums, beginning, counted, minute_of
from cronicorn_adapter_memory.run_log import without_body
from cronicorn_adapter_memory.transaction import Transaction

K = TypeVar("K", bound=Hashable)


class MemoryOverview:
    """Sums and lists over all runs, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def holdings(self, tenant: TenantId, *, now: datetime) -> Holdings:
        """Count jobs and endpoints."""
        tables = self._transaction.read()
        jobs = [
            job
            for job in tables.jobs.values()
            if job.tenant == tenant and job.state is not JobState.ARCHIVED
        ]
        states = {job.id: job.state for job in jobs}
        endpoints = [
            row.endpoint
            for row in tables.endpoints.values()
            if row.endpoint.archived_at is None and row.endpoint.job_id in states
        ]
        paused = sum(
            each.paused_at(now) or states[each.job_id] is JobState.PAUSED for each in endpoints
        )
        return Holdings(jobs=len(jobs), endpoints=len(endpoints), paused=paused)

    async def hours(self, tenant: TenantId, which: Selection) -> Sequence[HourTally]:
        """Return the sums of each hour and source."""
        found = _added_up(
            ((beginning(key.begins_at, "hour"), key.source), tally)
            for key, tally in self._counted(tenant, which)
        )
        return [
            HourTally(begins_at=begins_at, source=source, tally=tally)
            for (begins_at, source), tally in sorted(found, key=lambda each: each[0])
        ]

    async def jobs(self, tenant: TenantId, which: Selection) -> Sequence[JobTally]:
        """Return the sums of each job."""
        tables = self._transaction.read()
        found = _added_up(
            (tables.endpoints[key.endpoint_id].endpoint.job_id, tally)
            for key, tally in self._counted(tenant, which)
        )
        return [
            JobTally(job_id=job_id, name=tables.jobs[job_id].name, tally=tally)
            for job_id, tally in sorted(found, key=_most_first)
        ]

    async def busiest(
        self, tenant: TenantId, which: Selection, *, limit: int
    ) -> Sequence[EndpointTally]:
        """Return the sums of the endpoints with the most runs."""
        tables = self._transaction.read()
        found = _added_up((key.endpoint_id, tally) for key, tally in self._counted(tenant, which))
        busiest = sorted(found, key=_most_first)[:limit]
        rows = [(tables.endpoints[endpoint_id], tally) for endpoint_id, tally in busiest]
        return [
            EndpointTally(
                endpoint_id=row.endpoint.id,
                name=row.endpoint.name,
                job_name=tables.jobs[row.endpoint.job_id].name,
                tally=tally,
                last_start=row.state.last_start,
            )
            for row, tally in rows
        ]

    async def stretches(
        self,
        tenant: TenantId,
        endpoint_ids: Sequence[EndpointId],
        which: Selection,
        *,
        edges: Sequence[datetime],
    ) -> Sequence[EndpointStretch]:
        """Return the sums of these endpoints by stretches of time."""
        wanted = frozenset(endpoint_ids)
        found = _added_up(
            ((edges[number - 1], key.endpoint_id), tally)
            for key, tally in self._counted(tenant, which)
            if key.endpoint_id in wanted and (number := bisect_right(edges, key.begins_at))
        )
        return [
            EndpointStretch(endpoint_id=endpoint_id, begins_at=begins_at, tally=tally)
            for (begins_at, endpoint_id), tally in sorted(found, key=lambda each: each[0])
        ]

    async def spreads(
        self, tenant: TenantId, which: Selection, *, edges: Sequence[datetime]
    ) -> Sequence[Spread]:
        """Return how runs differ by stretches of time."""
        durations: dict[datetime, Counter[int]] = defaultdict(Counter)
        lateness: dict[datetime, Counter[int]] = defaultdict(Counter)
        for key, sums in self._sums(tenant, which):
            number = bisect_right(edges, key.begins_at)
            if number and sums.timed_runs:
                edge = edges[number - 1]
                durations[edge][key.duration_step] += sums.timed_runs
                lateness[edge][lateness_step(sums)] += sums.timed_runs
        return [
            Spread(begins_at=edge, durations=durations[edge], lateness=lateness[edge])
            for edge in sorted(durations)
        ]

    async def newest_runs(
        self,
        tenant: TenantId,
        which: Selection,
        *,
        limit: int,
        offset: int = 0,
        before: RunId | None = None,
    ) -> Sequence[NamedRun]:
        """Return the runs that are kept, the newest slot first."""
        tables = self._transaction.read()
        found: Iterable[Run] = sorted(self._kept(tenant, which), key=_by_slot, reverse=True)
        if before is not None:
            last = tables.runs.get(before)
            if last is None or last.tenant != tenant:
                return []
            found = (run for run in found if _by_slot(run) < _by_slot(last))
        rows = [
            (run, tables.endpoints[run.endpoint_id].endpoint)
            for run in islice(found, offset, offset + limit)
        ]
        return [
            NamedRun(
                run=without_body(run),
                endpoint_name=endpoint.name,
                job_name=tables.jobs[endpoint.job_id].name,
            )
            for run, endpoint in rows
        ]

    async def count_runs(self, tenant: TenantId, which: Selection) -> int:
        """Return how many runs ``newest_runs`` has in all."""
        return sum(1 for _ in self._kept(tenant, which))

    def _kept(self, tenant: TenantId, which: Selection) -> Iterator[Run]:
        for run in self._transaction.read().runs.values():
            source = run.decision.source
            if (
                run.tenant == tenant
                and which.since <= run.slot <= which.until
                and which.source in {None, source}
                and self._is_of_job(run.endpoint_id, which)
            ):
                yield run

    def _counted(self, tenant: TenantId, which: Selection) -> Iterator[tuple[RollUpKey, Tally]]:
        return ((key, tally_of(key, sums)) for key, sums in self._sums(tenant, which))

    def _sums(self, tenant: TenantId, which: Selection) -> Iterator[tuple[RollUpKey, Sums]]:
        """Find what is counted of runs that are there, and of those that were pruned."""
        tables = self._transaction.read()
        adds = [each for run in tables.runs.values() if (each := counted(run)) is not None]
        for key, sums in (*adds, *tables.roll_ups.items()):
            if (
                tables.endpoints[key.endpoint_id].endpoint.tenant == tenant
                and minute_of(which.since) <= key.begins_at <= which.until
                and which.source in {None, key.source}
                and self._is_of_job(key.endpoint_id, which)
            ):
                yield key, sums

    def _is_of_job(self, endpoint_id: EndpointId, which: Selection) -> bool:
        endpoint = self._transaction.read().endpoints[endpoint_id].endpoint
        return which.job_id in {None, endpoint.job_id}


def lateness_step(sums: Sums) -> int:
    """Return the number of the first step that is not shorter than the mean lateness."""
    late = (
        number
        for number, step in enumerate(LATENESS_STEPS)
        if sums.lateness <= step * sums.timed_runs
    )
    return next(late, len(LATENESS_STEPS) - 1)


def tally_of(key: RollUpKey, sums: Sums) -> Tally:
    """Tell what a roll-up counts by who answers for it."""
    judged = key.outcome_class
    return Tally(
        success=sums.runs if judged is OutcomeClass.SUCCESS else 0,
        target_failure=sums.runs if judged is OutcomeClass.TARGET else 0,
        our_failure=sums.runs if judged is OutcomeClass.OURS else 0,
        not_attempted=sums.runs if judged is OutcomeClass.NOT_ATTEMPTED else 0,
        timed=sums.timed_runs,
        duration=sums.duration,
    )


def _added_up(parts: Iterable[tuple[K, Tally]]) -> Iterable[tuple[K, Tally]]:
    whole: dict[K, Tally] = defaultdict(Tally)
    for key, tally in parts:
        whole[key] = whole[key].plus(tally)
    return whole.items()


def _most_first(of: tuple[UUID, Tally]) -> tuple[int, UUID]:
    return -of[1].runs, of[0]


def _by_slot(run: Run) -> tuple[datetime, int, RunId]:
    return run.slot, run.attempt, run.id
