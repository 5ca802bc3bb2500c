"""
One way to schedule, played on virtual time: the real scheduler, governor and rules.

What is not real is the network, and the database, which is the one in memory.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Final

import orjson
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.history_room import MemoryHistoryRoom
from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_adapter_memory.wakeups import MemoryWakeups
from cronicorn_adapter_memory.worker_registry import MemoryWorkerRegistry
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, JobId, WorkerId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Endpoint, Guardrails, HttpRequest, Pause
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.planning import AiMode, Planning
from cronicorn_domain.model.quota import Meter, Quota, Quotas
from cronicorn_domain.model.rules import NO_RULES, EndpointRule, RuleSet
from cronicorn_domain.model.run import (
    Body,
    BodyKind,
    Failed,
    FailureKind,
    Outcome,
    Response,
    Succeeded,
)
from cronicorn_domain.ports.dispatcher import Dispatch
from cronicorn_domain.schedules.schedule import Schedule
from cronicorn_planner.asking.rationed import RationedModel
from cronicorn_planner.rules.assessing import RuleAssessor
from cronicorn_planner.sessions.observing import UNHEARD
from cronicorn_planner.sessions.planner import LOOK_EVERY, Planner, PlannerSettings
from cronicorn_scheduler.service import Scheduler

from tools.adaptation.conditions import ConditionsHere
from tools.adaptation.thinking import Mind, ScriptedModel
from tools.simulate.clock import SharedClock
from tools.simulate.loop import VirtualTimeLoop
from tools.simulate.participants import identity
from tools.simulate.profiles import CALM

_SEED: Final = 7
_OK: Final = 200
_WELL_BELOW: Final = 300
_LOOK_AT_LEAST: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a target says, after a while."""

    status: int = _OK
    body: Mapping[str, object] = field(default_factory=dict)
    takes: timedelta = timedelta(milliseconds=80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One endpoint of a way to schedule."""

    name: str
    schedule: Schedule
    rules: tuple[EndpointRule, ...] = ()
    longest: timedelta | None = None
    paused: bool = False
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """A request that was sent, and what came back."""

    at: datetime
    answer: Answer


Target = Callable[[str, datetime, Mapping[str, Sequence[Called]]], Answer]
"""Answers an endpoint's request at an instant; it knows all calls that came before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a way to schedule is played in."""

    begins_at: datetime
    lasts: timedelta
    target: Target
    runs_left: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """The calls of each endpoint, and what a model did for it."""

    calls: Mapping[str, Sequence[Called]]
    looks: int = 0
    tokens: int = 0


def play(world: World, plans: Sequence[Plan], mind: Mind | None = None) -> Played:
    """Play a way to schedule; with a mind a planner looks at the endpoints that want it."""
    loop = VirtualTimeLoop(_SEED)
    try:
        return loop.run_until_complete(_live(world, plans, loop, mind))
    finally:
        loop.close()


async def _live(
    world: World, plans: Sequence[Plan], loop: VirtualTimeLoop, mind: Mind | None
) -> Played:
    clock, store = SharedClock(loop, world.begins_at), MemoryStore()
    units = MemoryUnitsOfWork(store)
    job, endpoints = _kept(world, plans)
    async with units.begin() as unit:
        await unit.catalog.add_job(job)
        for endpoint in endpoints:
            await unit.catalog.add_endpoint(endpoint, now=world.begins_at)
        await unit.commit()
    targets = Targets(world, {each.id: each.name for each in endpoints}, clock)
    scheduler = Scheduler(
        queue=MemoryEndpointQueue(store),
        units=units,
        dispatcher=targets,
        wakeups=MemoryWakeups(store),
        workers=MemoryWorkerRegistry(store),
        room=MemoryHistoryRoom(),
        clock=clock,
        settings=replace(CALM, worker=WorkerId("scenario")),
        assessor=RuleAssessor(ConditionsHere(), units),
        quota=_guard(world),
        chance=Random(_SEED),  # noqa: S311  it guards nothing
    )
    working = loop.create_task(scheduler.run())
    model = None if mind is None else ScriptedModel(mind)
    looking = None
    if model is not None:
        looking = loop.create_task(_look(_planner(units, model, clock), units, clock))
    await asyncio.sleep(world.lasts.total_seconds())
    if looking is not None:
        looking.cancel()
        await asyncio.wait({looking})
    scheduler.request_stop()
    await working
    ends_at = world.begins_at + world.lasts
    return Played(
        calls={
            name: [each for each in calls if each.at < ends_at]
            for name, calls in targets.calls.items()
        },
        looks=0 if model is None else model.looks,
        tokens=0 if model is None else model.tokens,
    )


def _planner(units: MemoryUnitsOfWork, model: ScriptedModel, clock: SharedClock) -> Planner:
    return Planner(
        units,
        RationedModel(model, MemoryQuotaGuard(), clock=clock),
        clock=clock,
        worker=WorkerId("scenario"),
        settings=PlannerSettings(model="scripted"),
        observer=UNHEARD,
    )


async def _look(planner: Planner, units: MemoryUnitsOfWork, clock: SharedClock) -> None:
    """Look at what is due, a few seconds late at most; what is brought forward, half a minute."""
    while True:
        await planner.look_once()
        async with units.begin_reading() as unit:
            due = await unit.analyses.next_due()
        later = clock.now() + _LOOK_AT_LEAST
        await clock.sleep_until(max(clock.now() + LOOK_EVERY, min(due or later, later)))


def _kept(world: World, plans: Sequence[Plan]) -> tuple[Job, list[Endpoint]]:
    now = world.begins_at
    job = Job(
        id=JobId(identity(_SEED, "job")),
        tenant=DEFAULT_TENANT,
        name="scenario",
        created_at=now,
        updated_at=now,
    )
    return job, [
        Endpoint(
            id=EndpointId(identity(_SEED, each.name)),
            tenant=DEFAULT_TENANT,
            job_id=job.id,
            name=each.name,
            request=HttpRequest(url=f"http://target.example/{each.name.replace(' ', '-')}"),
            schedule=each.schedule,
            anchor=now,
            created_at=now,
            updated_at=now,
            guardrails=Guardrails(longest=each.longest),
            rules=RuleSet(rules=each.rules) if each.rules else NO_RULES,
            pause=Pause(until=OPEN_ENDED) if each.paused else None,
            planning=Planning(mode=AiMode.AUTO if each.planned else AiMode.OFF),
        )
        for each in plans
    ]


def _guard(world: World) -> MemoryQuotaGuard | None:
    if world.runs_left is None:
        return None
    return MemoryQuotaGuard(Quotas(every={Meter.RUNS: Quota(limit=world.runs_left)}))


class Targets:
    """A ``Dispatcher`` that asks the story, and keeps what was called."""

    def __init__(self, world: World, names: Mapping[EndpointId, str], clock: SharedClock) -> None:
        self._world = world
        self._names = names
        self._clock = clock
        self.calls: dict[str, list[Called]] = {name: [] for name in names.values()}

    async def dispatch(self, dispatch: Dispatch) -> Outcome:
        """Answer as the story says."""
        name, now = self._names[dispatch.endpoint_id], self._clock.now()
        answer = self._world.target(name, now, self.calls)
        self.calls[name].append(Called(now, answer))
        await asyncio.sleep(answer.takes.total_seconds())
        body = Body(kind=BodyKind.JSON, text=orjson.dumps(dict(answer.body)).decode())
        response = Response(status_code=answer.status, body=body)
        if answer.status < _WELL_BELOW:
            return Succeeded(response=response)
        return Failed(
            kind=FailureKind.HTTP_STATUS, message=f"answered {answer.status}", response=response
        )
