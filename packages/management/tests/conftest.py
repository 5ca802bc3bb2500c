"""A desk over memory, and those who come to it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_memory.egress_rules import EveryUrlAllowed
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.password_hasher import QuickPasswordHasher
from cronicorn_adapter_memory.rate_limits import MemoryRateLimits
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.errors import RefusedUrl
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, Token, WorkerId, new_uuid
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.audit import AuditEntry
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.model.state import Situation
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND, a_settlement, failed, succeeded
from cronicorn_management.allowance import Allowance
from cronicorn_management.caller import EVERY_SCOPE, Caller, CallerKind
from cronicorn_management.desk import Changing, Desk, Reading
from cronicorn_management.endpoints.creating import create_endpoint
from cronicorn_management.jobs.creating import create_job
from cronicorn_management.settings import EndpointSettings
from cronicorn_management.throttle import Throttle

METADATA = "http://169.254.169.254/"


class NoMetadata(EveryUrlAllowed):
    """Lets every URL out but one."""

    def check(self, url: str) -> None:
        """Refuse the one."""
        if url == METADATA:
            raise RefusedUrl("the address is link-local", field="url", remedy="allow it")


ADA = Caller(
    tenant=DEFAULT_TENANT, kind=CallerKind.PERSON, name="ada@example.org", scopes=EVERY_SCOPE
)
STRANGER = Caller(
    tenant=TenantId(new_uuid()), kind=CallerKind.KEY, name="elsewhere", scopes=EVERY_SCOPE
)
READER = replace(ADA, name="reader", scopes=frozenset({Scope.READ}))
WRITER = replace(ADA, name="writer", scopes=frozenset({Scope.WRITE}))


def settings(name: str = "health", **members) -> EndpointSettings:
    """Return the settings of an endpoint that runs every minute, unless they say otherwise."""
    if not members.keys() & {"every", "cron", "at"}:
        members["every"] = MINUTE
    return EndpointSettings(**{"name": name, "url": "http://shop.example/health", **members})


class Office:
    """A desk at noon, a worker behind it, and short words for what tests do there."""

    ada, stranger, reader, writer = ADA, STRANGER, READER, WRITER
    metadata = METADATA
    settings = staticmethod(settings)

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = ManualClock(EPOCH)
        self.queue = MemoryEndpointQueue(self.store)
        self.allowance = Allowance()
        self.desk = Desk(
            units=MemoryUnitsOfWork(self.store),
            clock=self.clock,
            rules=NoMetadata(),
            throttle=Throttle(MemoryRateLimits(self.store), self.clock),
            allowances=lambda _: self.allowance,
            passwords=QuickPasswordHasher(),
        )

    @asynccontextmanager
    async def reading(self, caller: Caller = ADA) -> AsyncIterator[Reading]:
        """Read for somebody."""
        async with self.desk.reading(caller) as work:
            yield work

    @asynccontextmanager
    async def changing(self, caller: Caller = ADA) -> AsyncIterator[Changing]:
        """Change for somebody."""
        async with self.desk.changing(caller) as work:
            yield work

    async def a_job(self, name: str = "shop") -> Job:
        """Create a job."""
        async with self.changing() as work:
            return await create_job(work, name=name)

    async def an_endpoint(
        self, job: Job | None = None, name: str = "health", **members
    ) -> Endpoint:
        """Create an endpoint, in a new job unless one is given."""
        job = job or await self.a_job()
        async with self.changing() as work:
            return await create_endpoint(work, job.id, settings(name, **members))

    async def situation(self, endpoint: Endpoint) -> Situation:
        """Read what the governor weighs."""
        async with self.reading() as work:
            return await work.catalog.get_situation(endpoint.tenant, endpoint.id)

    async def next_slot(self, endpoint: Endpoint):
        """Read which slot is planned next."""
        plan = (await self.situation(endpoint)).state.next_plan
        assert plan is not None
        return plan.decision.slot

    async def begin_runs(self) -> Sequence[Token]:
        """Let everything that is due start."""
        now = self.clock.now()
        batch = await self.queue.claim(
            worker=WorkerId("a"), limit=100, lease_for=10 * SECOND, now=now
        )
        tokens = [run.lease.token for run in batch.runs]
        await self.queue.start(tokens, now=now)
        return tokens

    async def end_runs(self, tokens: Sequence[Token], *, started_at, outcome, now) -> None:
        """Let runs end."""
        settlements = [
            a_settlement(token, started_at=started_at, ended_at=now, outcome=outcome)
            for token in tokens
        ]
        await self.queue.settle(settlements, now=now)

    async def fail_once(self) -> None:
        """Let everything that is due run for a second, and fail."""
        await self.run_due(failed())

    async def succeed_once(self) -> None:
        """Let everything that is due run for a second, and succeed."""
        await self.run_due(succeeded())

    async def run_due(self, outcome: Outcome) -> None:
        """Let everything that is due run for a second, with this outcome."""
        now = self.clock.now()
        tokens = await self.begin_runs()
        await self.end_runs(tokens, started_at=now, outcome=outcome, now=now + SECOND)

    async def audit(self) -> Sequence[AuditEntry]:
        """Read who did what, the oldest first."""
        async with self.reading() as work:
            return (await work.audit.list_entries(DEFAULT_TENANT, limit=1000))[::-1]

    async def deeds(self) -> list[str]:
        """Read what was done, the oldest first."""
        return [entry.action for entry in await self.audit()]


@pytest.fixture
def office() -> Office:
    """Provide an empty store at noon."""
    return Office()
