"""A store in memory with jobs that have run, and the real evaluator."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_adapter_memory.endpoint_queue import MemoryEndpointQueue
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.rulings import Assessed
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, Settlement
from cronicorn_domain.testing.builders import SECOND, a_job, succeeded
from cronicorn_planner.rules.assessing import RuleAssessor


@dataclass
class Shop:
    """One job, whose endpoints run every minute from noon on."""

    store: MemoryStore
    evaluator: CelRuleEvaluator

    def __post_init__(self) -> None:
        self.job = a_job()
        self.units = MemoryUnitsOfWork(self.store)
        self.queue = MemoryEndpointQueue(self.store)
        self.assessor = RuleAssessor(self.evaluator, self.units)

    async def keep(self, endpoint: Endpoint) -> Endpoint:
        async with self.units.begin() as unit:
            if await unit.catalog.find_job(self.job.tenant, self.job.name) is None:
                await unit.catalog.add_job(self.job)
            await unit.catalog.add_endpoint(endpoint, now=endpoint.created_at)
            await unit.commit()
        return endpoint

    async def start(self, now: datetime) -> dict[str, ClaimedRun]:
        """Claim and start whatever is due, by name."""
        batch = await self.queue.claim(
            worker=WorkerId("a"), limit=100, lease_for=10 * SECOND, now=now
        )
        await self.queue.start([run.lease.token for run in batch.runs], now=now)
        return {run.endpoint.name: run for run in batch.runs}

    async def settle(self, run: ClaimedRun, outcome: Outcome, now: datetime) -> None:
        settlement = Settlement(
            token=run.lease.token, started_at=now, ended_at=now + SECOND, outcome=outcome
        )
        await self.queue.settle([settlement], now=now + SECOND)

    async def assess(
        self, run: ClaimedRun, outcome: Outcome | None = None, *, took: timedelta = SECOND
    ) -> Assessed:
        """Assess a run that began when it was due."""
        started = run.plan.decision.due_at
        return await self.assessor.assess(
            run,
            succeeded() if outcome is None else outcome,
            started_at=started,
            ended_at=started + took,
        )


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    """Provide a shop without endpoints."""
    evaluator = CelRuleEvaluator()
    yield Shop(MemoryStore(), evaluator)
    await evaluator.aclose()
