"""Looks up where the endpoints stand, for the live view: one short read."""

from collections.abc import Sequence

from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.explaining import condition_of, reason_of
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.unit_of_work import UnitOfWork, UnitsOfWork

from cronicorn_worker.watching.board import Standing

_PAGE = 100
_PAGES_MOST = 5
_JOBS_MOST = 500


async def standings(
    units: UnitsOfWork, clock: Clock, tenant: TenantId, *, limit: int
) -> tuple[Sequence[Standing], bool]:
    """
    Return up to ``limit`` unarchived endpoints in the order of their creation; are there more?

    Raises:
        StoreError: the store cannot tell.
    """
    async with units.begin() as unit:
        jobs = {job.id: job for job in await unit.catalog.list_jobs(tenant, limit=_JOBS_MOST)}
        endpoints = await _unarchived(unit, jobs, tenant, limit + 1)
        shown = endpoints[:limit]
        states = dict(await unit.catalog.get_states(tenant, [each.id for each in shown]))
    found = [
        _standing(jobs[each.job_id], each, states[each.id], clock)
        for each in shown
        if each.id in states
    ]
    return found, len(endpoints) > limit


async def _unarchived(
    unit: UnitOfWork, jobs: dict[JobId, Job], tenant: TenantId, limit: int
) -> list[Endpoint]:
    found: list[Endpoint] = []
    last: EndpointId | None = None
    for _ in range(_PAGES_MOST):
        page = await unit.catalog.list_endpoints(tenant, limit=_PAGE, after=last)
        found += [each for each in page if each.archived_at is None and _alive(jobs, each)]
        if len(page) < _PAGE or len(found) >= limit:
            break
        last = page[-1].id
    return found[:limit]


def _alive(jobs: dict[JobId, Job], endpoint: Endpoint) -> bool:
    job = jobs.get(endpoint.job_id)
    return job is not None and job.state is not JobState.ARCHIVED


def _standing(job: Job, endpoint: Endpoint, state: EndpointState, clock: Clock) -> Standing:
    # Leases are left out: what runs here is seen by its events, and a pause must still show.
    situation = Situation(job_state=job.state, endpoint=endpoint, state=state)
    plan = state.next_plan
    return Standing(
        endpoint_id=endpoint.id,
        job=job.name,
        name=endpoint.name,
        condition=condition_of(situation, clock.now()),
        failures=state.failures,
        decision=None if plan is None else plan.decision,
        why="" if plan is None else reason_of(plan.decision, endpoint),
    )
