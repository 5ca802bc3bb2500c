"""
Several stores are told the same story, and have to agree about every part of it.

A state machine draws what people, workers and time do; the first store is the oracle, and after
each step the others must have answered as it did and must show what it shows. What one store alone
decides (tokens, ids of runs) is compared by what it stands for. Steps come through two handles on
each store in turn, as from two processes.

A unit of work may lie open over many steps, with something written in it. Where others can write
meanwhile it is written when it opens, and elsewhere (as in memory, where there is one pen) when it
ends: since its endpoint is let be meanwhile, neither due nor leased, that must come to the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from difflib import unified_diff
from pprint import pformat
from typing import Any, Protocol, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cronicorn_domain.errors import CronicornError, UnreadableRow
from cronicorn_domain.identity import (
    DEFAULT_TENANT,
    AlertId,
    EndpointId,
    HintId,
    JobId,
    TenantId,
    Token,
    TriggerId,
    WorkerId,
)
from cronicorn_domain.model.alert import Alert, Occasion
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import TRIGGER_LIFE, Trigger, TriggerKind
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.rulings import NO_RULING
from cronicorn_domain.model.session import Analysis
from cronicorn_domain.policies.lifting import OUT_OF_RUNS
from cronicorn_domain.ports.endpoint_queue import ClaimBatch, Deferral, Settlement
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.testing.builders import EPOCH, SECOND, a_job, an_alert
from cronicorn_domain.testing.drawing import (
    endpoints,
    hints,
    outcomes,
    pauses,
    rulings,
    sides,
)
from cronicorn_domain.testing.store_view import EndpointView, SeenStore, view_of

Answer = TypeVar("Answer")

ENDPOINTS_MOST = 4
LEASE = 10 * SECOND
TENANTS = (DEFAULT_TENANT, TenantId(UUID(int=77)))
BREAKER = Breaker(opens_after=2, probe_every=60 * SECOND)
LOOKS_WHOLLY_EVERY = 10
REASONS = (OUT_OF_RUNS, "its tenant runs too much at once")
"""Why something may be deferred: what a new month lifts, and what it does not."""


class ToldStore(SeenStore, Protocol):
    """A store to be told a story."""

    @property
    def others_write_meanwhile(self) -> bool:
        """Whether others can write while a unit that has written lies open."""
        ...

    async def another(self) -> "ToldStore":
        """Return a second handle on the same data: as another process would have it."""
        ...


Deed = Callable[[UnitOfWork], Awaitable[Any]]
"""What is done in a unit of work."""


@dataclass(slots=True)
class OpenUnit:
    """A unit of work that lies open, and what its deed was answered, unless that is still to do."""

    block: AbstractAsyncContextManager[UnitOfWork]
    unit: UnitOfWork
    answer: object = None


@dataclass(slots=True)
class Told:
    """
    One store, its two handles in turn, and which of its tokens stands for which claimed run.

    ``analyses`` are the planner's leases, in the order in which they were taken.
    """

    name: str
    handles: Sequence[ToldStore]
    tokens: list[Token] = field(default_factory=list)
    analyses: list[Analysis] = field(default_factory=list)
    open: OpenUnit | None = None

    def handle(self, turn: int) -> ToldStore:
        """Return the handle whose turn it is."""
        return self.handles[turn % len(self.handles)]


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What was begun in the units that lie open: the endpoint, and the deed."""

    name: str
    deed: Deed


Opener = Callable[[AsyncExitStack], Awaitable[Mapping[str, ToldStore]]]
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
        self.hinted: list[tuple[str, HintId]] = []
        self.claimed: list[EndpointId] = []
        self.broken: set[str] = set()
        self.alerts: list[Alert] = []
        self.caps = NO_CAPS
        self.meanwhile: Meanwhile | None = None
        self.seen: Mapping[EndpointId, EndpointView] = {}
        self.told: object = None
        self.differ = False
        self._opened = AsyncExitStack()
        self.stores = self._run(self._open())
        self._add_job("shop", DEFAULT_TENANT)
        for tenant in TENANTS:
            self._add_alert(tenant)

    def teardown(self) -> None:
        """Look at everything, and close what was opened; what lies open is rolled back."""
        try:
            if not self.differ:
                self._look(self._all(), notices=True)
        finally:
            if self.meanwhile is not None:
                end = self._end_unit(keep=False)
                for told in self.stores:
                    self._run(_awaited(end(told)))
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

    @precondition(lambda self: len(self.jobs) < 3)
    @rule(tenant=st.sampled_from(TENANTS))
    def add_job(self, tenant: TenantId) -> None:
        """Somebody makes another job, of this tenant or of another."""
        self._add_job(f"job-{len(self.jobs)}", tenant)

    @precondition(lambda self: not self.claimed)
    @rule(most=st.sampled_from([None, 1, 2]))
    def set_caps(self, most: int | None) -> None:
        """The operator caps what each tenant runs at once; all workers have the same cap."""
        self.caps = Caps(per_tenant=most)

    @precondition(lambda self: self.has_free)
    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        """Somebody edits one side of an endpoint, or writes what stands already."""
        endpoint = self._any(data)
        strategies = sides(self.now)
        side = data.draw(st.sampled_from(sorted(strategies)))
        changed = replace(endpoint, **{side: data.draw(strategies[side])})
        if self._write(lambda unit: unit.catalog.change_endpoint(changed, now=self.now)):
            self.known[endpoint.name] = changed
            self.broken.discard(endpoint.name)

    @precondition(lambda self: self.has_free)
    @rule(data=st.data())
    def look_as_another_tenant(self, data: st.DataObject) -> None:
        """Somebody of another tenant tries to write to an endpoint, and finds none."""
        one = self._any(data)
        (other,) = (tenant for tenant in TENANTS if tenant != one.tenant)
        self._write(lambda u: u.hints.clear(other, one.id, now=self.now))
        self._write(lambda u: u.catalog.resume_endpoint(other, one.id, now=self.now))

    @precondition(lambda self: self.has_free)
    @rule(data=st.data())
    def pause(self, data: st.DataObject) -> None:
        """Somebody pauses an endpoint."""
        one, pause = self._any(data), data.draw(pauses(self.now))
        self._write(lambda u: u.catalog.pause_endpoint(one.tenant, one.id, pause, now=self.now))

    @precondition(lambda self: self.has_free)
    @rule(
        data=st.data(),
        verb=st.sampled_from(
            [
                "resume_endpoint",
                "archive_endpoint",
                "restore_endpoint",
                "reset_failures",
                "skip_next_slot",
                "lift",
            ]
        ),
    )
    def move(self, data: st.DataObject, verb: str) -> None:
        """Somebody resumes, archives, restores, resets, skips or lifts."""
        one = self._any(data)
        self._write(lambda u: getattr(u.catalog, verb)(one.tenant, one.id, now=self.now))

    @precondition(lambda self: self.meanwhile is None)
    @rule(
        data=st.data(),
        verb=st.sampled_from(["pause_job", "resume_job", "archive_job", "restore_job"]),
    )
    def move_job(self, data: st.DataObject, verb: str) -> None:
        """Somebody moves a job through its states, or tries to."""
        job = data.draw(st.sampled_from(self.jobs))
        self._write(lambda u: getattr(u.catalog, verb)(job.tenant, job.id, now=self.now))

    @precondition(lambda self: self.has_free)
    @rule(data=st.data())
    def offer(self, data: st.DataObject) -> None:
        """Anyone proposes a hint."""
        one, hint = self._any(data), data.draw(hints(number=self._next(), now=self.now))
        self.hinted.append((one.name, hint.id))
        self._write(lambda u: u.hints.offer(one.tenant, one.id, hint, now=self.now))

    @precondition(lambda self: self.has_free)
    @rule(data=st.data())
    def clear(self, data: st.DataObject) -> None:
        """Somebody clears all hints."""
        one = self._any(data)
        self._write(lambda u: u.hints.clear(one.tenant, one.id, now=self.now))

    @precondition(lambda self: self.hinted and self.has_free)
    @rule(data=st.data())
    def clear_one(self, data: st.DataObject) -> None:
        """Somebody clears one hint, also one that is over, or that another endpoint has."""
        one, (_, hint_id) = self._any(data), data.draw(st.sampled_from(self.hinted))
        self._write(lambda u: u.hints.clear(one.tenant, one.id, now=self.now, hint_id=hint_id))

    @precondition(lambda self: self.has_free)
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

    @precondition(lambda self: self.known and self.meanwhile is None)
    @rule(data=st.data(), verb=st.sampled_from(["pause", "hint", "reset", "edit"]))
    def open_unit(self, data: st.DataObject, verb: str) -> None:
        """Somebody begins a unit of work, writes, and lets it lie open over other steps."""
        one = self._any(data)
        if not self._is_quiet(one):
            return
        deed = self._deed(data, one, verb)
        self.meanwhile = Meanwhile(one.name, deed)

        async def open_it(told: Told) -> object:
            handle = told.handle(0)
            block = handle.units.begin()
            told.open = OpenUnit(block, await block.__aenter__())
            await told.open.unit.catalog.get_states(one.tenant, [one.id])
            if handle.others_write_meanwhile:
                told.open.answer = await _answer(deed(told.open.unit))
            return None

        self._each(open_it)

    @precondition(lambda self: self.meanwhile is not None)
    @rule(keep=st.booleans())
    def end_unit(self, keep: bool) -> None:  # noqa: FBT001  drawn by name
        """The open unit ends, committed or not: until here nobody has seen what it wrote."""
        self._each(self._end_unit(keep=keep))
        self.meanwhile = None

    def _deed(self, data: st.DataObject, one: Endpoint, verb: str) -> Deed:
        now = self.now
        if verb == "pause":
            pause = data.draw(pauses(now))
            return lambda u: u.catalog.pause_endpoint(one.tenant, one.id, pause, now=now)
        if verb == "hint":
            hint = data.draw(hints(number=self._next(), now=now))
            return lambda u: u.hints.offer(one.tenant, one.id, hint, now=now)
        if verb == "edit":
            changed = replace(one, description=data.draw(st.sampled_from([None, "other"])))
            return lambda u: u.catalog.change_endpoint(changed, now=now)
        return lambda u: u.catalog.reset_failures(one.tenant, one.id, now=now)

    def _end_unit(self, *, keep: bool) -> Callable[[Told], Awaitable[object]]:
        begun = self.meanwhile
        assert begun is not None

        async def end(told: Told) -> object:
            opened, told.open = told.open, None
            if opened is None:
                return None
            try:
                answer = opened.answer
                if not told.handle(0).others_write_meanwhile:
                    answer = await _answer(begun.deed(opened.unit))
                if keep and not isinstance(answer, _Refusal):
                    await opened.unit.commit()
            finally:
                await opened.block.__aexit__(None, None, None)
            return answer

        return end

    def _is_quiet(self, one: Endpoint) -> bool:
        """Say whether nothing but a deed of its own can touch an endpoint at this instant."""
        if one.name in self.broken:
            return False
        handle = self.stores[0].handle(0)
        seen = self._run(view_of(handle, [one], now=self.now)).get(one.id)
        if seen is None or seen.situation is None or seen.situation.lease is not None:
            return False
        return seen.due_at is None or seen.due_at > self.now

    # What goes wrong

    @precondition(lambda self: self.known and self.meanwhile is None)
    @rule(data=st.data())
    def corrupt(self, data: st.DataObject) -> None:
        """A row becomes unreadable."""
        one = self._any(data)
        if one.name in self.broken or one.misfire.grace != 60 * SECOND:
            return
        self.broken.add(one.name)
        self._each(lambda told: told.handle(self.turn).corrupt_schedule(one.id))

    @precondition(lambda self: self.meanwhile is None)
    @rule(mend=st.booleans())
    def heal(self, mend: bool) -> None:  # noqa: FBT001  drawn by name
        """A worker heals what can be read, with or without somebody having mended it before."""
        broken = [self.known[name].id for name in sorted(self.broken)] if mend else []
        self.broken = set() if mend else self.broken

        async def heal(told: Told) -> object:
            for endpoint_id in broken:
                await told.handle(self.turn).mend_schedule(endpoint_id)
            return sorted(await told.handle(self.turn).queue.heal_quarantined(now=self.now))

        self._each(heal)

    # What workers do

    @rule(
        limit=st.integers(1, 5),
        worker=st.sampled_from(["a", "b"]),
        breaker=st.sampled_from([None, BREAKER]),
    )
    def claim(self, limit: int, worker: str, breaker: Breaker | None) -> None:
        """A worker claims. Whose turn it is among tenants is a store's own: all get theirs."""
        if self.caps.are_set:
            if self.meanwhile is not None:
                return  # time must not pass
            # A process may look again at what waits for room only after a while.
            self.now += SECOND
        several = len({each.tenant for each in self.known.values()}) > 1
        most = ENDPOINTS_MOST if several else limit

        async def claim(told: Told) -> object:
            batch = await told.handle(self.turn).queue.claim(
                worker=WorkerId(worker),
                limit=most,
                lease_for=LEASE,
                now=self.now,
                caps=self.caps,
                breaker=breaker,
            )
            runs = sorted(batch.runs, key=lambda run: run.endpoint.id)
            told.tokens += [run.lease.token for run in runs]
            if told is self.stores[0]:
                self.claimed += [run.endpoint.id for run in runs]
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
        outcome = data.draw(outcomes())
        # What triggers siblings would wait for one that an open unit has written to.
        ruling = data.draw(rulings()) if self.meanwhile is None else NO_RULING

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

    @rule(data=st.data(), deferred=st.none() | st.sampled_from(REASONS))
    def release(self, data: st.DataObject, deferred: str | None) -> None:
        """Claims are given back, some of them to be left alone for a while."""
        deferral = None
        if deferred is not None:
            until = self.now + data.draw(st.sampled_from([30, 600, 5000])) * SECOND
            deferral = Deferral(until=until, reason=deferred)
        self._each_by_token(
            self._runs(data),
            lambda queue, tokens: queue.release(tokens, now=self.now, deferral=deferral),
        )

    @rule()
    def lift_all(self) -> None:
        """A month ends: what waits for its quota is told, and waits no more."""

        async def waiting(told: Told) -> object:
            async with told.handle(self.turn).units.begin() as unit:
                return sorted(await unit.catalog.list_out_of_runs(limit=10, now=self.now))

        self._each(waiting)

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

    # What the planner and the housekeeper do

    @precondition(lambda self: self.meanwhile is None)
    @rule()
    def enrol(self) -> None:
        """Endpoints get their analyses, or lose them."""
        self._write(lambda unit: unit.analyses.enrol(now=self.now))

    @precondition(lambda self: self.meanwhile is None)
    @rule()
    def take_analyses(self) -> None:
        """A planner takes all that is due."""

        async def take(told: Told) -> object:
            async with told.handle(self.turn).units.begin() as unit:
                taken = await unit.analyses.take(
                    worker=WorkerId("planner"), limit=10, lease_for=LEASE, now=self.now
                )
                await unit.commit()
            told.analyses += sorted(taken, key=lambda each: each.endpoint_id)
            return sorted((each.endpoint_id, each.next_at, each.cause) for each in taken)

        self._each(take)

    @precondition(lambda self: self.meanwhile is None and self.stores[0].analyses)
    @rule(data=st.data(), give_back=st.booleans(), failures=st.integers(0, 2))
    def finish_analysis(self, data: st.DataObject, give_back: bool, failures: int) -> None:  # noqa: FBT001
        """A planner is through with an analysis, or gives it back; also when it has lost it."""
        which = data.draw(st.integers(0, len(self.stores[0].analyses) - 1))
        again_at = self.now + data.draw(st.sampled_from([60, 3600])) * SECOND

        async def finish(told: Told) -> object:
            leased = told.analyses[which]
            async with told.handle(self.turn).units.begin() as unit:
                if give_back:
                    await unit.analyses.release(leased)
                    kept = True
                else:
                    kept = await unit.analyses.finish(
                        leased, again_at=again_at, failures=failures, now=self.now
                    )
                if kept:
                    await unit.commit()
            return kept

        self._each(finish)

    @precondition(lambda self: self.meanwhile is None)
    @rule(age=st.sampled_from([60, 3600, 90000]))
    def prune(self, age: int) -> None:
        """History is deleted."""
        before = self.now - age * SECOND

        async def prune(told: Told) -> object:
            async with told.handle(self.turn).units.begin() as unit:
                await unit.runs.prune(before=before, limit=1000, now=self.now)
                await unit.commit()
            return None

        self._each(prune)

    # How time passes

    @precondition(lambda self: self.meanwhile is None)
    @rule(length=st.sampled_from([0.001, 1, 9, 10, 30, 61, 600, 3600, 8000]))
    def wait(self, length: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=length)

    @precondition(lambda self: self.meanwhile is None)
    @rule()
    def until_due(self) -> None:
        """Time passes until something is due."""
        due = self._run(self.stores[0].handle(self.turn).queue.next_due())
        self.now = max(self.now, due or self.now)

    @invariant()
    def agree(self) -> None:
        """
        Every store shows what the oracle shows.

        Most steps leave most as it was: what the oracle shows anew is looked at after each step,
        all of it now and then, and at the end.
        """
        oracle, *_ = self.stores
        seen = self._run(view_of(oracle.handle(self.turn), self._all(), now=self.now))
        told = self._run(self._notices(oracle.handle(self.turn)))
        wholly = self.turn % LOOKS_WHOLLY_EVERY == 0
        fresh = [each for each in self._all() if seen.get(each.id) != self.seen.get(each.id)]
        self._look(self._all() if wholly else fresh, notices=wholly or told != self.told)
        self.seen, self.told = seen, told

    def _look(self, endpoints: Sequence[Endpoint], *, notices: bool) -> None:
        async def look(told: Told) -> object:
            handle = told.handle(self.turn)
            return (
                # What waits for room is looked at again when each store thinks best.
                None if self.caps.are_set else await handle.queue.next_due(),
                await view_of(handle, endpoints, now=self.now),
                await self._notices(handle) if notices else None,
            )

        self._same(look)

    # How it is told

    @property
    def has_free(self) -> bool:
        """Whether there is an endpoint that no open unit has written to."""
        return len(self.known) > (self.meanwhile is not None)

    async def _open(self) -> list[Told]:
        opened = await type(self).opener(self._opened)
        return [Told(name, [store, await store.another()]) for name, store in opened.items()]

    async def _notices(self, store: ToldStore) -> object:
        """Read what is to be told to whom, without the ids that each store gives by itself."""
        kept = []
        async with store.units.begin() as unit:
            for alert in self.alerts:
                for each in await unit.alerts.list_notices(alert.tenant, alert.id, limit=500):
                    told = each.notice
                    about = str(told.endpoint_id), told.at, told.occasion, told.failures
                    words = told.message if told.occasion is not Occasion.QUARANTINED else None
                    kept.append((alert.id, *about, words, each.tries, each.next_at))
        return sorted(kept, key=repr)

    def _run(self, awaitable: Any) -> Any:
        return type(self).runner.run(awaitable)

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _any(self, data: st.DataObject) -> Endpoint:
        """Choose an endpoint, but not the one that an open unit has written to."""
        free = sorted(set(self.known) - {self.meanwhile.name if self.meanwhile else ""})
        return self.known[data.draw(st.sampled_from(free))]

    def _all(self) -> Sequence[Endpoint]:
        return list(self.known.values())

    def _runs(self, data: st.DataObject) -> Sequence[int]:
        """Choose some of the runs that were ever claimed, mostly of the newest."""
        there = len(self.stores[0].tokens)
        if not there:
            return ()
        back = st.integers(1, min(there, 4)) | st.integers(1, there)
        return sorted({there - each for each in data.draw(st.lists(back, max_size=3))})

    def _add_alert(self, tenant: TenantId) -> None:
        alert = replace(an_alert(tenant=tenant, threshold=2), id=AlertId(UUID(int=self._next())))
        self.alerts.append(alert)
        self._write(lambda unit: unit.alerts.add(alert))

    def _add_job(self, name: str, tenant: TenantId) -> None:
        job = replace(
            a_job(name, tenant=tenant, created_at=self.now),
            id=JobId(UUID(int=self._next())),
        )
        self.jobs.append(job)
        self._write(lambda unit: unit.catalog.add_job(job))

    def _write(self, deed: Deed) -> bool:
        """Do it in a unit of work of each store; say whether it was not refused."""

        async def write(told: Told) -> object:
            async with told.handle(self.turn).units.begin() as unit:
                answer = await _answer(deed(unit))
                if not isinstance(answer, _Refusal):
                    await unit.commit()
            return answer

        return not isinstance(self._each(write), _Refusal)

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
        """Take a step: ask every store the same, and expect the oracle's answer of each."""
        answer = self._same(ask)
        self.turn += 1
        return answer

    def _same(self, ask: Callable[[Told], Awaitable[object]]) -> object:
        oracle, *others = self.stores
        expected = self._run(_awaited(ask(oracle)))
        for told in others:
            answer = self._run(_awaited(ask(told)))
            self.differ = answer != expected
            assert answer == expected, (
                f"{told.name} differs from {oracle.name}:\n{_difference(expected, answer)}"
            )
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
        # Each store has its own words for what it cannot read.
        return _Refusal(type(error), "" if isinstance(error, UnreadableRow) else str(error))


async def _awaited(call: Awaitable[Answer]) -> Answer:
    return await call


def _difference(expected: object, answer: object) -> str:
    """Tell in lines what the oracle says, and what another store says instead."""
    said, instead = (pformat(each, width=100).splitlines() for each in (expected, answer))
    lines = unified_diff(said, instead, "the oracle", "the other", lineterm="", n=1)
    return "\n".join(lines)


def _seen_of(batch: ClaimBatch) -> object:
    runs = sorted(batch.runs, key=lambda run: run.endpoint.id)
    leased = [(run.endpoint.id, run.plan, run.lease.urgent, run.lease.until) for run in runs]
    return leased, batch.passed, batch.blocked, sorted(batch.quarantined)
