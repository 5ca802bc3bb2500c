"""Pruning of slot records and claims, each in a transaction of its own at the same time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

import pytest
from cronicorn_adapter_sql.pruning import Pruning
from cronicorn_adapter_sql.tables import slot_records
from cronicorn_adapter_sql.testing.handle import SqlHandle, opened_handle
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import FailureKind
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.ports.endpoint_queue import ClaimedRun
from cronicorn_domain.testing.builders import HOUR, MINUTE, SECOND, an_endpoint, cron, failed
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import FIRST_SLOT, StoreSuite
from sqlalchemy import update

REFUSED = failed(FailureKind.CONNECTION, message="refused")
HELD = FIRST_SLOT + MINUTE
LATER = FIRST_SLOT + 5 * HOUR
PATIENCE = 20
"""So many seconds something may take that would wait for ever, were it to wait for the other."""


class TestPruningBesideClaims(StoreSuite):
    """PostgreSQL alone: SQLite has one writer at a time, and pruning there takes small steps."""

    @pytest.fixture
    async def store(self, postgres_database: str) -> AsyncIterator[Store]:
        """Provide an empty store on PostgreSQL."""
        async with opened_handle(postgres_database) as handle:
            self.sql: SqlHandle = handle
            yield handle

    async def round(self, now: datetime) -> Sequence[ClaimedRun]:
        """Claim and start what is due, and fail all of it; two failures open the breaker."""
        runs = (await self.claim(now, breaker=Breaker(opens_after=2))).runs
        await self.queue.start([each.lease.token for each in runs], now=now)
        await self.settle_all([(each, REFUSED) for each in runs], now)
        return runs

    async def hold_back(self) -> tuple[Endpoint, SlotRecord]:
        """Let a host fail, so that of its two endpoints one is held back; return that."""
        job = await self.add_job()
        added = [await self.add(an_endpoint(job, n, schedule=cron("* * * * *"))) for n in "ab"]
        await self.round(FIRST_SLOT)
        (probe,) = await self.round(HELD)
        (held,) = [each for each in added if each.id != probe.endpoint.id]
        (record,) = await self.records(held)
        return held, record

    async def test_pruning_of_slot_records_blocks_no_claim(self) -> None:
        """A claim that records slots itself is done while a pruning has not committed."""
        endpoint = await self.add_minutely()
        await self.run_once(FIRST_SLOT + 70 * MINUTE)
        old = await self.records(endpoint)

        async with self.sql.engine.connect() as pruning:
            step = Pruning(pruning, limit=100)
            pruned = await step.prune(before=LATER - HOUR, now=LATER, most=None)
            async with asyncio.timeout(PATIENCE):
                await self.run_once(LATER)
            beside = await self.records(endpoint)
            await pruning.commit()

        left = await self.records(endpoint)
        assert pruned.slot_records == len(old) > 0
        assert list(left) == [each for each in beside if each not in old]
        assert Fate.COALESCED in {each.fate for each in left}

    async def test_a_claim_does_not_wait_for_the_record_it_would_prolong(self) -> None:
        """It is being deleted by a pruning that has not committed: a new one is begun instead."""
        held, old = await self.hold_back()

        async with self.sql.engine.connect() as pruning:
            step = Pruning(pruning, limit=100)
            pruned = await step.prune(before=HELD + SECOND, now=HELD + SECOND, most=None)
            async with asyncio.timeout(PATIENCE):
                await self.round(HELD + MINUTE)
            await pruning.commit()

        (record,) = await self.records(held)
        assert pruned.slot_records == 1
        assert old.last == HELD
        assert (record.first, record.last, record.count) == (HELD + MINUTE, HELD + MINUTE, 1)

    async def test_pruning_waits_for_no_claim(self) -> None:
        """A record that somebody writes to is left to the next step, and the others go."""
        endpoint = await self.add_minutely()
        await self.run_once(FIRST_SLOT + 70 * MINUTE)
        await self.run_once(LATER)
        kept, *others = await self.records(endpoint)
        written = update(slot_records).where(slot_records.c.last == kept.last)

        async with self.sql.engine.connect() as claiming:
            await claiming.execute(written.values(reason=kept.reason))
            async with asyncio.timeout(PATIENCE), self.unit() as unit:
                pruned = await unit.runs.prune(before=LATER + HOUR, limit=100, now=LATER + HOUR)
            await claiming.commit()

        assert pruned.slot_records == len(others) > 0
        assert list(await self.records(endpoint)) == [kept]
