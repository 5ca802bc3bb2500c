"""Whatever a model proposes, what people have said holds."""

import asyncio
from datetime import datetime, timedelta

from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.model_client import ScriptedModelClient
from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.conversation import Answer, BrokenCall, Call, Finish, ToolCall, Usage
from cronicorn_domain.model.endpoint import Guardrails, Pause
from cronicorn_domain.model.planning import AiMode, Planning
from cronicorn_domain.policies.proposing import PAUSE_MOST
from cronicorn_domain.ports.endpoint_queue import Settlement
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_job,
    an_endpoint,
    every,
    succeeded,
)
from cronicorn_planner.asking.rationed import RationedModel
from cronicorn_planner.sessions.bounds import Bounds
from cronicorn_planner.sessions.observing import UNHEARD
from cronicorn_planner.sessions.planner import Planner, PlannerSettings
from cronicorn_planner.sessions.tools import NAMES
from hypothesis import given, settings
from hypothesis import strategies as st

SHORTEST, LONGEST = 30 * SECOND, 10 * MINUTE
BOUNDS = Bounds(steps=5, calls=8, tokens=40_000)
_LENGTHS = st.one_of(
    st.integers(-(10**15), 10**15),
    st.sampled_from([0, 1, 999, 1000, 29_999, 30_000, 60_000, 86_400_000]),
    st.floats(),
    st.text(max_size=5),
    st.none(),
)
_INSTANTS = st.one_of(
    st.integers(-40_000, 500_000).map(lambda minutes: (EPOCH + minutes * MINUTE).isoformat()),
    st.sampled_from(["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "soon", ""]),
    st.integers(),
)
_ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "interval_ms": _LENGTHS,
        "ttl_minutes": _LENGTHS,
        "next_run_in_ms": _LENGTHS,
        "next_run_at": _INSTANTS,
        "until": _INSTANTS,
        "name": st.sampled_from(["recovery", "health", "nobody", "", "\0"]),
        "limit": _LENGTHS,
        "reason": st.text(max_size=10),
        "reasoning": st.text(max_size=10),
        "next_analysis_in_ms": _LENGTHS,
    },
)
_CALLS: st.SearchStrategy[Call] = st.one_of(
    st.builds(ToolCall, id=st.just("1"), tool=st.sampled_from(sorted(NAMES)), arguments=_ARGUMENTS),
    st.builds(BrokenCall, id=st.just("1"), tool=st.sampled_from(sorted(NAMES)), said=st.just("{")),
    st.builds(ToolCall, id=st.just("1"), tool=st.text(max_size=8), arguments=_ARGUMENTS),
)
_ANSWERS = st.builds(
    Answer,
    text=st.text(max_size=10),
    calls=st.lists(_CALLS, max_size=6).map(tuple),
    finish=st.sampled_from(Finish),
    usage=st.one_of(
        st.none(),
        st.builds(Usage, tokens_in=st.integers(0, 5_000), tokens_out=st.integers(0, 2_000)),
    ),
)


@given(answers=st.lists(_ANSWERS, max_size=8), paused=st.booleans())
@settings(max_examples=150, deadline=None)
def test_guardrails_floors_pauses_and_bounds_hold(answers: list[Answer], paused: bool) -> None:
    """
    The session ends within its bounds, and the plan keeps what its owner has said.

    Traps T33 and T35: the next run is neither sooner than the shortest interval nor later than the
    longest allows; a person's pause stays as it is; a model's ends within a day.
    """
    asyncio.run(_held(answers, paused=paused))


async def _held(answers: list[Answer], *, paused: bool) -> None:
    clock, store = ManualClock(EPOCH), MemoryStore()
    units, queue = MemoryUnitsOfWork(store), MemoryEndpointQueue(store)
    job = a_job()
    endpoint = an_endpoint(
        job,
        schedule=every(5 * MINUTE),
        guardrails=Guardrails(shortest=SHORTEST, longest=LONGEST),
        planning=Planning(mode=AiMode.AUTO),
    )
    pause = Pause(until=EPOCH + 3 * HOUR, reason="a person's")
    async with units.begin() as unit:
        await unit.catalog.add_job(job)
        await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.catalog.add_endpoint(an_endpoint(job, "recovery"), now=EPOCH)
        if paused:
            await unit.catalog.pause_endpoint(endpoint.tenant, endpoint.id, pause, now=EPOCH)
        await unit.commit()
    client, guard = ScriptedModelClient(answers), MemoryQuotaGuard()
    planner = Planner(
        units,
        RationedModel(client, guard, clock=clock),
        clock=clock,
        settings=PlannerSettings(model="m", bounds=BOUNDS),
        observer=UNHEARD,
        worker=WorkerId("w"),
    )

    assert await planner.look_once() == 1

    async with units.begin() as unit:
        situation = await unit.catalog.get_situation(endpoint.tenant, endpoint.id)
        (session,) = await unit.sessions.list_sessions(endpoint.tenant, endpoint.id)
    assert len(client.asks) <= BOUNDS.steps
    assert len(session.calls) <= BOUNDS.calls
    assert session.tokens == (await guard.standing(endpoint.tenant, now=EPOCH)).used
    assert EPOCH < session.next_analysis_at <= EPOCH + timedelta(days=7)
    held = situation.endpoint.pause
    if paused:
        assert held == pause
    else:
        assert held is None or held.until <= EPOCH + min(PAUSE_MOST, LONGEST)
        assert situation.state.plan is not None
        assert situation.state.plan.slot <= EPOCH + LONGEST
        await _starts_apart(queue, clock)


async def _starts_apart(queue: MemoryEndpointQueue, clock: ManualClock) -> None:
    """Run what is due for a while: no two starts are closer than the shortest interval allows."""
    last: datetime | None = None
    for _ in range(40):
        clock.advance(15 * SECOND)
        now = clock.now()
        batch = await queue.claim(worker=WorkerId("a"), limit=10, lease_for=10 * SECOND, now=now)
        tokens = [run.lease.token for run in batch.runs]
        await queue.start(tokens, now=now)
        if any(run.endpoint.name == "health" for run in batch.runs):
            assert last is None or now - last >= SHORTEST * 9 / 10
            last = now
        ended = [
            Settlement(token=token, started_at=now, ended_at=now, outcome=succeeded())
            for token in tokens
        ]
        await queue.settle(ended, now=now)
