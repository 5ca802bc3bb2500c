"""What can be seen of a store from outside, without what each store makes up by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from cronicorn_domain.identity import RunId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.model.state import EndpointState
from cronicorn_domain.ports.hint_book import HintRecord
from cronicorn_domain.ports.run_log import Health
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_domain.testing.store import Store

NO_RUN = RunId(UUID(int=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """
    One endpoint, its state and its whole history.

    The ids of runs are blanked, since each store makes its own; a consumed hint keeps whether a run
    served it.
    """

    endpoint: Endpoint
    job: Job
    state: EndpointState
    hints: Sequence[HintRecord]
    runs: Sequence[Run]
    records: Sequence[SlotRecord]
    health: Health


async def view_of(
    store: Store, endpoints: Sequence[Endpoint], *, now: datetime
) -> Sequence[EndpointView]:
    """Look at those of the endpoints that the store has, in the order given."""
    async with store.units.begin() as unit:
        there = {
            endpoint_id
            for each in endpoints
            for endpoint_id, _ in await unit.catalog.get_states(each.tenant, [each.id])
        }
        return [await _view(unit, each, now) for each in endpoints if each.id in there]


async def _view(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> EndpointView:
    tenant, endpoint_id = endpoint.tenant, endpoint.id
    stored = await unit.catalog.get_endpoint(tenant, endpoint_id)
    ((_, state),) = await unit.catalog.get_states(tenant, [endpoint_id])
    health = await unit.runs.health(tenant, endpoint_id, since=EPOCH, now=now)
    return EndpointView(
        endpoint=stored,
        job=await unit.catalog.get_job(tenant, stored.job_id),
        state=state,
        hints=[
            replace(each, run_id=each.run_id and NO_RUN)
            for each in await unit.hints.history(tenant, endpoint_id, now=now)
        ],
        runs=[replace(each, id=NO_RUN) for each in await unit.runs.list_runs(tenant, endpoint_id)],
        records=await unit.runs.list_slot_records(tenant, endpoint_id),
        health=replace(health, last_run=health.last_run and replace(health.last_run, id=NO_RUN)),
    )
