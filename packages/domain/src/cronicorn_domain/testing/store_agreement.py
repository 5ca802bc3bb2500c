"""
Several stores are told the same story, and have to agree about every part of it.

A state machine draws what people, workers and time do; the first store is the oracle, and after
each step the others must have answered as it did and must show what it shows. What one store alone
decides (tokens, ids of runs) is compared by what it stands for. Steps come through two handles on
each store in turn, as from two processes, and a unit of work may lie open between them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cronicorn_domain.errors import CronicornError
from cronicorn_domain.identity import DEFAULT_TENANT, JobId, Token, TriggerId, WorkerId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import TRIGGER_LIFE, Trigger, TriggerKind
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.ports.endpoint_queue import ClaimBatch, Settlement
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.testing.builders import EPOCH, SECOND, a_job, failed, succeeded
from cronicorn_domain.testing.drawing import (
    bounds,
    endpoints,
    guardrails,
    hints,
    misfires,
    pauses,
    rule_sets,
    rulings,
    schedules,
)
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_view import view_of

Answer = TypeVar("Answer")

ENDPOINTS_MOST = 4
LEASE = 10 * SECOND
OUTCOMES: Sequence[Outcome] = (succeeded("well"), failed())


@dataclass(slots=True)
class Told:
    """One store, its two handles in turn, and which of its tokens stands for which claimed run."""

    name: str
    handles: Sequence[Store]
    tokens: list[Token]

    def handle(self, turn: int) -> Store:
        """Return the handle whose turn it is."""
        return self.handles[turn % len(self.handles)]


Opener = Callable[[AsyncExitStack], Awaitable[Mapping[str, Store]]]
"""Opens empty stores, the oracle first; what it opens closes with the stack."""


class StoreAgreement(RuleBasedStateMachine):
    """The story; give it an ``opener`` by ``agreement_over``."""

    runner: asyncio.Runner
    opener: Opener

    def __init__(self) -> None:
        super().__init__()
        self.now = EPOCH
        self.turn = 0
        self.number = 1
        self.jobs: list[Job] = []
        self.known: dict[str, Endpoint] = {}
        self.claimed = 0
        self._opened = AsyncExitStack()
        self.stores = self._run(self._open())
        self._add_job("shop")

    def teardown(self) -> None:
        """Close what was opened."""
        self._run(self._opened.aclose())

    # What people do

    @precondition(lambda self: len(self.known) < ENDPOINTS_MOST)
    @rule(data=st.data())
    def add_endpoint(self, data: st.DataObject) -> None:
        """Somebody makes an endpoint."""
        name = f"e{len(self.known)}"
        job = data.draw(st.sampled_from(self.jobs))
        drawn = data.draw(endpoints(job, name, number=self._next(), now=self.now))
        self.known[name] = drawn
        self._write(lambda unit: unit.catalog.add_endpoint(drawn, now=self.now))

    @precondition(lambda self: len(self.jobs) < 2)
    @rule()
    def add_job(self) -> None:
        """Somebody makes another job."""
        self._add_job(f"job-{len(self.jobs)}")

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        """Somebody edits one side of an endpoint, or writes what stands already."""
        endpoint = self._any(data)
        sides: Mapping[str, st.SearchStrategy[Any]] = {
            "schedule": schedules(self.now),
            "guardrails": guardrails(),
            "bounds": bounds(self.now, None),
            "misfire": misfires(),
            "jitter": st.sampled_from([timedelta(), 30 * SECOND]),
            "rules": rule_sets(),
            "description": st.sampled_from([None, "new"]),
        }
        side = data.draw(st.sampled_from(sorted(sides)))
        changed = replace(endpoint, **{side: data.draw(sides[side])})
        self.known[endpoint.name] = changed
        self._write(lambda unit: unit.catalog.change_endpoint(changed, now=self.now))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def pause(self, data: st.DataObject) -> None:
        """Somebody pauses an endpoint."""
        one, pause = self._any(data), data.draw(pauses(self.now))
        self._write(lambda u: u.catalog.pause_endpoint(one.tenant, one.id, pause, now=self.now))

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        verb=st.sampled_from(
            [
                "resume_endpoint",
                "archive_endpoint",
                "restore_endpoint",
                "reset_failures",
                "skip_next_slot",
            ]
        ),
    )
    def move(self, data: st.DataObject, verb: str) -> None:
        """Somebody resumes, archives, restores, resets or skips."""
        one = self._any(data)
        self._write(lambda u: getattr(u.catalog, verb)(one.tenant, one.id, now=self.now))

    @rule(
        data=st.data(),
        verb=st.sampled_from(["pause_job", "resume_job", "archive_job", "restore_job"]),
    )
    def move_job(self, data: st.DataObject, verb: str) -> None:
        """Somebody moves a job through its states, or tries to."""
        job = data.draw(st.sampled_from(self.jobs))
        self._write(lambda u: getattr(u.catalog, verb)(job.tenant, job.id, now=self.now))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def offer(self, data: st.DataObject) -> None:
        """Anyone proposes a hint."""
        one, hint = self._any(data), data.draw(hints(number=self._next(), now=self.now))
        self._write(lambda u: u.hints.offer(one.tenant, one.id, hint, now=self.now))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def clear(self, data: st.DataObject) -> None:
        """Somebody clears all hints."""
        one = self._any(data)
        self._write(lambda u: u.hints.clear(one.tenant, one.id, now=self.now))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), kind=st.sampled_from(list(TriggerKind)))
    def trigger(self, data: st.DataObject, kind: TriggerKind) -> None:
        """A person or a sibling asks for a run."""
        one = self._any(data)
        asked = Trigger(
            id=TriggerId(UUID(int=self._next())),
            kind=kind,
            at=self.now,
            expires_at=self.now + TRIGGER_LIFE,
        )
        self._write(lambda u: u.hints.trigger(one.tenant, one.id, asked, now=self.now))

    @precondition(lambda self: self.known)
    @rule(data=st.data(), keep=st.booleans())
    def interleave(self, data: st.DataObject, keep: bool) -> None:  # noqa: FBT001  drawn by name
        """
        Nobody sees what an open unit of work has written, before it commits and unless it does.
        """
        one, pause = self._any(data), data.draw(pauses(self.now))

        async def write_and_look(told: Told) -> object:
            before = await view_of(told.handle(1), self._all(), now=self.now)
            async with told.handle(0).units.begin() as unit:
                with_error = await _answer(
                    unit.catalog.pause_endpoint(one.tenant, one.id, pause, now=self.now)
                )
                meanwhile = await view_of(told.handle(1), self._all(), now=self.now)
                assert meanwhile == before, f"{told.name} shows what is not committed"
                if keep:
                    await unit.commit()
            return with_error

        self._each(write_and_look)

    # What workers do

    @rule(limit=st.integers(1, 5), worker=st.sampled_from(["a", "b"]))
    def claim(self, limit: int, worker: str) -> None:
        """A worker claims."""

        async def claim(told: Told) -> object:
            batch = await told.handle(self.turn).queue.claim(
                worker=WorkerId(worker), limit=limit, lease_for=LEASE, now=self.now
            )
            told.tokens += [run.lease.token for run in batch.runs]
            return _seen_of(batch)

        self._each(claim)

    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        """Claimed runs are started, some of them for the second time or too late."""
        chosen = self._runs(data)
        self._each_by_token(chosen, lambda queue, tokens: queue.start(tokens, now=self.now))

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        """Results come in, also of runs that are over or were never started."""
        chosen = self._runs(data)
        outcome, ruling = data.draw(st.sampled_from(OUTCOMES)), data.draw(rulings())

        def settled(queue: Any, tokens: Sequence[Token]) -> Awaitable[Mapping[Token, object]]:
            results = [
                Settlement(
                    token=each,
                    started_at=self.now,
                    ended_at=self.now,
                    outcome=outcome,
                    ruling=ruling,
                )
                for each in tokens
            ]
            answer: Awaitable[Mapping[Token, object]] = queue.settle(results, now=self.now)
            return answer

        self._each_by_token(chosen, settled)

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """Claims are given back."""
        self._each_by_token(
            self._runs(data), lambda queue, tokens: queue.release(tokens, now=self.now)
        )

    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        """Leases are prolonged."""
        chosen = self._runs(data)

        async def renew(told: Told) -> object:
            tokens = [told.tokens[each] for each in chosen]
            lost = await told.handle(self.turn).queue.renew(tokens, lease_for=LEASE, now=self.now)
            return [token in lost for token in tokens]

        self._each(renew)

    @rule()
    def reap(self) -> None:
        """Leases that ran out are taken away."""

        async def reap(told: Told) -> object:
            reaped = await told.handle(self.turn).queue.reap(limit=10, now=self.now)
            return [(told.tokens.index(each.token), each.given_back) for each in reaped]

        self._each(reap)

    @rule(length=st.sampled_from([0.001, 1, 9, 10, 30, 61, 600, 3600, 8000]))
    def wait(self, length: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=length)

    @rule()
    def until_due(self) -> None:
        """Time passes until something is due."""
        due = self._each(lambda told: told.handle(self.turn).queue.next_due())
        assert due is None or isinstance(due, datetime)
        self.now = max(self.now, due or self.now)

    @invariant()
    def agree(self) -> None:
        """Every store shows what the oracle shows."""

        async def look(told: Told) -> object:
            handle = told.handle(self.turn)
            return await handle.queue.next_due(), await view_of(handle, self._all(), now=self.now)

        self._each(look)

    # How it is told

    async def _open(self) -> list[Told]:
        opened = await type(self).opener(self._opened)
        return [Told(name, [store, await store.another()], []) for name, store in opened.items()]

    def _run(self, awaitable: Any) -> Any:
        return type(self).runner.run(awaitable)

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _any(self, data: st.DataObject) -> Endpoint:
        return self.known[data.draw(st.sampled_from(sorted(self.known)))]

    def _all(self) -> Sequence[Endpoint]:
        return list(self.known.values())

    def _runs(self, data: st.DataObject) -> Sequence[int]:
        """Choose some of the runs that were ever claimed, mostly of the newest."""
        there = len(self.stores[0].tokens)
        if not there:
            return ()
        back = st.integers(1, min(there, 4)) | st.integers(1, there)
        return sorted({there - each for each in data.draw(st.lists(back, max_size=3))})

    def _add_job(self, name: str) -> None:
        job = replace(
            a_job(name, tenant=DEFAULT_TENANT, created_at=self.now),
            id=JobId(UUID(int=self._next())),
        )
        self.jobs.append(job)
        self._write(lambda unit: unit.catalog.add_job(job))

    def _write(self, deed: Callable[[UnitOfWork], Awaitable[Any]]) -> None:
        async def write(told: Told) -> object:
            async with told.handle(self.turn).units.begin() as unit:
                answer = await _answer(deed(unit))
                if not isinstance(answer, _Refusal):
                    await unit.commit()
            return answer

        self._each(write)

    def _each_by_token(
        self,
        chosen: Sequence[int],
        call: Callable[[Any, Sequence[Token]], Awaitable[Mapping[Token, object]]],
    ) -> None:
        async def ask(told: Told) -> object:
            tokens = [told.tokens[each] for each in chosen]
            answers = await call(told.handle(self.turn).queue, tokens)
            return [answers[token] for token in tokens]

        self._each(ask)

    def _each(self, ask: Callable[[Told], Awaitable[object]]) -> object:
        """Ask every store the same, and expect the oracle's answer of each."""
        oracle, *others = self.stores
        expected = self._run(_awaited(ask(oracle)))
        for told in others:
            answer = self._run(_awaited(ask(told)))
            assert answer == expected, f"{told.name} differs from {oracle.name}"
        self.turn += 1
        return expected


def agreement_over(opener: Opener, runner: asyncio.Runner) -> type[StoreAgreement]:
    """Return the state machine over stores that are opened anew for each story."""
    return type(
        "StoresAgree", (StoreAgreement,), {"opener": staticmethod(opener), "runner": runner}
    )


@dataclass(frozen=True, slots=True)
class _Refusal:
    """An error that the domain knows, as a value to be compared."""

    kind: type[CronicornError]
    text: str


async def _answer(call: Awaitable[Answer]) -> Answer | _Refusal:
    try:
        return await call
    except CronicornError as error:
        return _Refusal(type(error), str(error))


async def _awaited(call: Awaitable[Answer]) -> Answer:
    return await call


def _seen_of(batch: ClaimBatch) -> object:
    runs = [(run.endpoint.id, run.plan, run.lease.urgent, run.lease.until) for run in batch.runs]
    return runs, batch.passed, dict(batch.quarantined)
