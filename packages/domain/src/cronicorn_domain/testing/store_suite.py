"""What the suites over a store share: the fixture, and short words for what every test does."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, Token, WorkerId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.hint import Hint, TriggerKind
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.rulings import NO_RULING, Ruling
from cronicorn_domain.model.run import Outcome, Run
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_domain.model.state import EndpointState
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.ports.endpoint_queue import (
    ClaimBatch,
    ClaimedRun,
    EndpointQueue,
    Settled,
    StartRefusal,
)
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.testing.builders import (
    EPOCH,
    SECOND,
    a_job,
    a_settlement,
    a_trigger,
    an_endpoint,
)
from cronicorn_domain.testing.store import Store

LEASE = 10 * SECOND
"""How long the leases of these tests last, unless they say otherwise."""


class StoreSuite:
    """
    The base of every suite over a store; an adapter's test class provides ``store``.

    The same suites run over every store, so that all behave alike to the letter: trap T42.
    """

    given: Store

    @pytest.fixture
    async def store(self) -> Store:
        """Provide an empty store."""
        raise NotImplementedError("the adapter's test class provides the store")

    @pytest.fixture(autouse=True)
    def _use(self, store: Store) -> None:
        self.given = store

    @property
    def queue(self) -> EndpointQueue:
        """The queue of the given store."""
        return self.given.queue

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[UnitOfWork]:
        """Open a unit of work that is committed at the end of the block."""
        async with self.given.units.begin() as unit:
            yield unit
            await unit.commit()

    async def add_job(self, name: str = "shop", *, tenant: TenantId = DEFAULT_TENANT) -> Job:
        """Keep a new job."""
        job = a_job(name, tenant=tenant)
        async with self.unit() as unit:
            await unit.catalog.add_job(job)
        return job

    async def add(self, endpoint: Endpoint) -> Endpoint:
        """Keep a new endpoint, planned from its creation."""
        async with self.unit() as unit:
            await unit.catalog.add_endpoint(endpoint, now=endpoint.created_at)
        return endpoint

    async def add_minutely(self, name: str = "health") -> Endpoint:
        """Keep a job with one endpoint of one minute: its first slot is 12:01:00."""
        return await self.add(an_endpoint(await self.add_job(), name))

    async def claim(
        self,
        now: datetime,
        *,
        limit: int = 100,
        worker: str = "a",
        lease_for: timedelta = LEASE,
        queue: EndpointQueue | None = None,
        caps: Caps = NO_CAPS,
        breaker: Breaker | None = None,
    ) -> ClaimBatch:
        """Claim what is due."""
        return await (queue or self.queue).claim(
            worker=WorkerId(worker),
            limit=limit,
            lease_for=lease_for,
            now=now,
            caps=caps,
            breaker=breaker,
        )

    async def claim_one(self, now: datetime) -> ClaimedRun:
        """Claim, and expect one lease."""
        batch = await self.claim(now)
        assert len(batch.runs) == 1, f"one lease was expected at {now}, and there were {batch.runs}"
        return batch.runs[0]

    async def expect_nothing_due(self, now: datetime) -> None:
        """Claim, and expect no lease."""
        batch = await self.claim(now)
        assert batch.runs == (), f"nothing was expected at {now}"

    async def start(self, run: ClaimedRun, now: datetime) -> StartRefusal | None:
        """Make the last check, and mark the run as started."""
        token = run.lease.token
        return (await self.queue.start([token], now=now))[token]

    async def start_one(self, now: datetime) -> ClaimedRun:
        """Claim and start, and expect that both work."""
        run = await self.claim_one(now)
        assert await self.start(run, now) is None
        return run

    async def settle(
        self,
        run: ClaimedRun,
        now: datetime,
        outcome: Outcome | None = None,
        *,
        started_at: datetime | None = None,
        ruling: Ruling = NO_RULING,
    ) -> Settled:
        """End a run now; it began when it was due unless another instant is given."""
        started_at = run.plan.decision.due_at if started_at is None else started_at
        settlement = a_settlement(
            run.lease.token, started_at=started_at, ended_at=now, outcome=outcome, ruling=ruling
        )
        return (await self.queue.settle([settlement], now=now))[run.lease.token]

    async def settle_all(self, ended: Sequence[tuple[ClaimedRun, Outcome]], now: datetime) -> None:
        """End runs together, each with its outcome, and expect that all are accepted."""
        settlements = [
            a_settlement(
                run.lease.token,
                started_at=run.plan.decision.due_at,
                ended_at=now,
                outcome=outcome,
            )
            for run, outcome in ended
        ]
        results = await self.queue.settle(settlements, now=now)
        assert set(results.values()) <= {Settled.ACCEPTED}

    async def run_once(
        self, now: datetime, outcome: Outcome | None = None, *, lasts: timedelta = SECOND
    ) -> ClaimedRun:
        """Claim one endpoint, start it and settle it."""
        run = await self.start_one(now)
        result = await self.settle(run, now + lasts, outcome, started_at=now)
        assert result is Settled.ACCEPTED
        return run

    async def release(self, run: ClaimedRun, now: datetime) -> Settled:
        """Give a claim back."""
        return (await self.queue.release([run.lease.token], now=now))[run.lease.token]

    async def reap(self, now: datetime) -> Sequence[Token]:
        """Take away the leases that have run out, and return their tokens."""
        return [each.token for each in await self.queue.reap(limit=100, now=now)]

    async def offer(self, endpoint: Endpoint, hint: Hint, now: datetime | None = None) -> None:
        """Write a hint when it was created, or at another instant."""
        now = hint.created_at if now is None else now
        async with self.unit() as unit:
            await unit.hints.offer(endpoint.tenant, endpoint.id, hint, now=now)

    async def clear_hints(self, endpoint: Endpoint, now: datetime) -> int:
        """Clear all active hints."""
        async with self.unit() as unit:
            return await unit.hints.clear(endpoint.tenant, endpoint.id, now=now)

    async def run_now(
        self,
        endpoint: Endpoint,
        now: datetime,
        *,
        kind: TriggerKind = TriggerKind.MANUAL,
        trace: Trace | None = None,
    ) -> None:
        """Ask for one run."""
        async with self.unit() as unit:
            trigger = a_trigger(now, kind=kind, trace=trace)
            await unit.hints.trigger(endpoint.tenant, endpoint.id, trigger, now=now)

    async def pause(
        self, endpoint: Endpoint, now: datetime, *, until: datetime = OPEN_ENDED
    ) -> None:
        """Pause an endpoint, open-ended unless an instant is given."""
        async with self.unit() as unit:
            pause = Pause(until=until)
            await unit.catalog.pause_endpoint(endpoint.tenant, endpoint.id, pause, now=now)

    async def resume(self, endpoint: Endpoint, now: datetime) -> None:
        """End an endpoint's pause."""
        async with self.unit() as unit:
            await unit.catalog.resume_endpoint(endpoint.tenant, endpoint.id, now=now)

    async def archive(self, endpoint: Endpoint, now: datetime) -> None:
        """Retire an endpoint."""
        async with self.unit() as unit:
            await unit.catalog.archive_endpoint(endpoint.tenant, endpoint.id, now=now)

    async def change(self, endpoint: Endpoint, now: datetime) -> bool:
        """Write an endpoint's configuration."""
        async with self.unit() as unit:
            return await unit.catalog.change_endpoint(endpoint, now=now)

    async def stored(self, endpoint: Endpoint) -> Endpoint:
        """Read the endpoint back."""
        async with self.unit() as unit:
            return await unit.catalog.get_endpoint(endpoint.tenant, endpoint.id)

    async def state(self, endpoint: Endpoint) -> EndpointState:
        """Read the endpoint's state."""
        async with self.unit() as unit:
            states = dict(await unit.catalog.get_states(endpoint.tenant, [endpoint.id]))
        return states[endpoint.id]

    async def decision(self, endpoint: Endpoint) -> Decision:
        """Read when the endpoint fires next and why, and expect that it does."""
        plan = (await self.state(endpoint)).next_plan
        assert plan is not None, "the endpoint is finished"
        return plan.decision

    async def next_slot(self, endpoint: Endpoint) -> datetime:
        """Read the slot that is planned next, and expect that there is one."""
        return (await self.decision(endpoint)).slot

    async def runs(self, endpoint: Endpoint) -> Sequence[Run]:
        """Read the endpoint's runs, the newest first."""
        async with self.unit() as unit:
            return await unit.runs.list_runs(endpoint.tenant, endpoint.id)

    async def run_row(self, run: ClaimedRun) -> Run:
        """Read a run back."""
        async with self.unit() as unit:
            return await unit.runs.get(run.lease.tenant, run.lease.run_id)

    async def records(self, endpoint: Endpoint) -> Sequence[SlotRecord]:
        """Read what was not run, the newest slot first."""
        async with self.unit() as unit:
            return await unit.runs.list_slot_records(endpoint.tenant, endpoint.id)


FIRST_SLOT = EPOCH + timedelta(minutes=1)
"""The first slot of `StoreSuite.add_minutely`."""
