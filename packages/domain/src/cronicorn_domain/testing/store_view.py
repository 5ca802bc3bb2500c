"""What can be seen of a store from outside, without what each store makes up by itself."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from cronicorn_domain.errors import UnreadableRow
from cronicorn_domain.identity import EndpointId, HintId, RunId, SessionId, Token, new_uuid
from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import Hint
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.session import Analysis
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.ports.hint_book import HintRecord
from cronicorn_domain.ports.run_log import Health
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_domain.testing.store import Store

NO_RUN = RunId(UUID(int=0))
NO_SESSION = SessionId(UUID(int=0))
RUN_VERSION = new_uuid().version
UNREADABLE = "unreadable"
"""Stands for whatever a store says about a row that it cannot read."""


class SeenStore(Store, Protocol):
    """A store that also shows what no port shows."""

    async def due_rows(self) -> Mapping[EndpointId, datetime]:
        """Return from when on which endpoint can be claimed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """
    One endpoint, its state and its whole history; of one that cannot be read, what still can.

    What each store makes up by itself is blanked: the ids of runs, the tokens of leases, the ids of
    the planner's leases, the words about an unreadable row. A consumed hint keeps whether a run
    served it.
    """

    endpoint: Endpoint | None
    job: Job | None
    state: EndpointState
    situation: Situation | None
    hints: Sequence[HintRecord]
    runs: Sequence[Run]
    records: Sequence[SlotRecord]
    health: Health
    analysis: Analysis | None
    due_at: datetime | None


async def view_of(
    store: SeenStore, endpoints: Sequence[Endpoint], *, now: datetime
) -> Mapping[EndpointId, EndpointView]:
    """Look at those of the endpoints that the store has."""
    due = await store.due_rows()
    async with store.units.begin() as unit:
        there = {
            endpoint_id
            for each in endpoints
            for endpoint_id, _ in await unit.catalog.get_states(each.tenant, [each.id])
        }
        return {
            each.id: await _view(unit, each, due.get(each.id), now)
            for each in endpoints
            if each.id in there
        }


async def _view(
    unit: UnitOfWork, endpoint: Endpoint, due_at: datetime | None, now: datetime
) -> EndpointView:
    tenant, endpoint_id = endpoint.tenant, endpoint.id
    ((_, state),) = await unit.catalog.get_states(tenant, [endpoint_id])
    health = await unit.runs.health(tenant, endpoint_id, since=EPOCH, now=now)
    stored = job = situation = None
    with suppress(UnreadableRow):
        stored = await unit.catalog.get_endpoint(tenant, endpoint_id)
        job = await unit.catalog.get_job(tenant, stored.job_id)
        situation = _blanked(await unit.catalog.get_situation(tenant, endpoint_id), now)
    return EndpointView(
        endpoint=stored,
        job=job,
        state=_readable(state),
        situation=situation,
        hints=[
            replace(each, hint=_named(each.hint), run_id=each.run_id and NO_RUN)
            for each in await unit.hints.history(tenant, endpoint_id, now=now)
        ],
        runs=[replace(each, id=NO_RUN) for each in await unit.runs.list_runs(tenant, endpoint_id)],
        records=await unit.runs.list_slot_records(tenant, endpoint_id),
        health=replace(health, last_run=health.last_run and replace(health.last_run, id=NO_RUN)),
        analysis=_leased(await unit.analyses.get(tenant, endpoint_id)),
        due_at=due_at,
    )


def _readable(state: EndpointState) -> EndpointState:
    return replace(
        state,
        plan=_planned(state.plan),
        urgent=_planned(state.urgent),
        quarantine=state.quarantine and UNREADABLE,
    )


def _planned(plan: Plan | None) -> Plan | None:
    if plan is None or plan.origin is None or not _is_of_a_run(plan.origin):
        return plan
    return replace(plan, origin=HintId(NO_RUN))


def _named(hint: Hint) -> Hint:
    return replace(hint, id=HintId(NO_RUN)) if _is_of_a_run(hint.id) else hint


def _is_of_a_run(number: UUID) -> bool:
    """Say whether a hint bears the id of the run whose answer proposed it."""
    return number.version == RUN_VERSION


def _blanked(situation: Situation, now: datetime) -> Situation:
    """Leave out what a store may leave out, too: hints and triggers that have ended."""
    lease = situation.lease
    hints = [_named(each) for each in situation.hints if each.expires_at > now]
    triggers = [each for each in situation.triggers if each.expires_at > now]
    return replace(
        situation,
        state=_readable(situation.state),
        hints=tuple(sorted(hints, key=lambda each: each.id)),
        triggers=tuple(sorted(triggers, key=lambda each: each.id)),
        lease=lease and replace(lease, token=Token(0), run_id=NO_RUN),
    )


def _leased(analysis: Analysis | None) -> Analysis | None:
    return analysis and replace(analysis, lease=analysis.lease and NO_SESSION)
