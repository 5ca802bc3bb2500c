"""Performs deeds, each in a unit of work of its own as a program would, and records them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_domain.errors import ForbiddenTransition, InvalidInput
from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import JobState
from cronicorn_domain.policies.editing import first_anchor
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.unit_of_work import UnitOfWork, UnitsOfWork

from tools.checker.history import (
    Created,
    Deed,
    JobMoved,
)
from tools.simulate.deeds import (
    ArchiveEndpoint,
    ArchiveJob,
    ClearHints,
    Edit,
    EndpointAct,
    Fire,
    JobAct,
    OfferHint,
    PauseEndpoint,
    PauseJob,
    ResetFailures,
    RestoreEndpoint,
    RestoreJob,
    ResumeEndpoint,
    ResumeJob,
    SkipSlot,
)
from tools.simulate.effects import Effects
from tools.simulate.recorder import Recorder
from tools.simulate.scenario import Deed as Planned
from tools.simulate.wording import in_words

JOB_ACTS = (PauseJob, ResumeJob, ArchiveJob, RestoreJob)


class Actor:
    """Whoever changes things between and during runs; it goes by the shared clock."""

    def __init__(
        self, store: MemoryStore, units: UnitsOfWork, recorder: Recorder, clock: Clock
    ) -> None:
        self._tables = store.tables
        self._units = units
        self._recorder = recorder
        self._clock = clock

    async def create(self, endpoint: Endpoint) -> None:
        """Add an endpoint."""
        now = self._clock.now()
        new = replace(endpoint, created_at=now, updated_at=now)
        new = replace(new, anchor=first_anchor(new))
        try:
            async with self._units.begin() as unit:
                await unit.catalog.add_endpoint(new, now=now)
                await unit.commit()
        except ForbiddenTransition as refusal:
            self._recorder.tell(f"refused: {refusal}", endpoint.id)
            return
        deeds: list[Deed] = [Created(endpoint=self._tables.endpoints[new.id].endpoint)]
        state = self._tables.jobs[new.job_id].state
        if state is not JobState.ACTIVE:
            deeds.append(JobMoved(state=state))
        self._recorder.done([(new.id, deed) for deed in deeds], now=now)
        self._recorder.tell(f"{new.name} is created", new.id)

    async def perform(self, planned: Planned) -> None:
        """Do it; what the rules do not allow is refused and changes nothing."""
        act, now = planned.act, self._clock.now()
        if isinstance(act, JOB_ACTS):
            about, tenant = None, self._tables.jobs[act.job_id].tenant
        else:
            about = act.endpoint_id
            row = self._tables.endpoints.get(act.endpoint_id)
            if row is None:
                return
            tenant = row.endpoint.tenant
        try:
            done = await self._in_a_unit(planned, tenant, now)
        except (ForbiddenTransition, InvalidInput) as refusal:
            self._recorder.tell(f"{planned.name}: refused: {refusal}", about)
            return
        if done:
            self._recorder.done(done, now=now)
        effect = "" if done else ", which changes nothing"
        self._recorder.tell(f"{planned.name}: {in_words(act)}{effect}", about)

    async def _in_a_unit(
        self, planned: Planned, tenant: TenantId, now: datetime
    ) -> Sequence[tuple[EndpointId, Deed]]:
        """Do it in one transaction, and say what it has done to which endpoints."""
        act = planned.act
        async with self._units.begin() as unit:
            if isinstance(act, JOB_ACTS):
                await _to_job(unit, act, tenant, now)
            else:
                await _to_endpoint(unit, act, tenant, now)
            if planned.pace > NO_TIME:
                await self._clock.sleep_until(self._clock.now() + planned.pace)
            effects = Effects(self._tables, act)
            await unit.commit()
        if planned.pace > NO_TIME:
            self._recorder.attendances.hindered(None, now, self._clock.now())
        return effects.seen()


async def _to_job(unit: UnitOfWork, act: JobAct, tenant: TenantId, now: datetime) -> None:
    match act:
        case PauseJob():
            await unit.catalog.pause_job(tenant, act.job_id, now=now)
        case ResumeJob():
            await unit.catalog.resume_job(tenant, act.job_id, now=now)
        case ArchiveJob():
            await unit.catalog.archive_job(tenant, act.job_id, now=now)
        case RestoreJob():
            await unit.catalog.restore_job(tenant, act.job_id, now=now)
        case _:
            assert_never(act)


async def _to_endpoint(  # noqa: C901, PLR0912  one line for each kind of act
    unit: UnitOfWork, act: EndpointAct, tenant: TenantId, now: datetime
) -> None:
    endpoint_id = act.endpoint_id
    match act:
        case Edit():
            standing = await unit.catalog.get_endpoint(tenant, endpoint_id)
            await unit.catalog.change_endpoint(act.of(standing), now=now)
        case OfferHint(hint=hint):
            await unit.hints.offer(tenant, endpoint_id, hint, now=now)
        case ClearHints(newest_only=True):
            for record in await unit.hints.history(tenant, endpoint_id, now=now, limit=1):
                await unit.hints.clear(tenant, endpoint_id, now=now, hint_id=record.hint.id)
        case ClearHints():
            await unit.hints.clear(tenant, endpoint_id, now=now)
        case Fire(trigger=trigger):
            await unit.hints.trigger(tenant, endpoint_id, trigger, now=now)
        case PauseEndpoint(pause=pause):
            await unit.catalog.pause_endpoint(tenant, endpoint_id, pause, now=now)
        case ResumeEndpoint():
            await unit.catalog.resume_endpoint(tenant, endpoint_id, now=now)
        case ArchiveEndpoint():
            await unit.catalog.archive_endpoint(tenant, endpoint_id, now=now)
        case RestoreEndpoint():
            await unit.catalog.restore_endpoint(tenant, endpoint_id, now=now)
        case ResetFailures():
            await unit.catalog.reset_failures(tenant, endpoint_id, now=now)
        case SkipSlot():
            await unit.catalog.skip_next_slot(tenant, endpoint_id, now=now)
        case _:
            assert_never(act)
