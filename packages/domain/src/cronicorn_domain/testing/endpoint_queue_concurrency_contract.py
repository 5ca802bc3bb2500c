"""Several processes over one store: each endpoint has one holder, and nothing is done twice."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.run import RunStatus
from cronicorn_domain.ports.endpoint_queue import ClaimBatch, EndpointQueue, Reaped, Settled
from cronicorn_domain.testing.builders import MINUTE, SECOND, a_settlement, an_endpoint
from cronicorn_domain.testing.store_suite import FIRST_SLOT, LEASE, StoreSuite


class EndpointQueueConcurrencyContract(StoreSuite):
    """Claims, settles and reaps of several handles at once."""

    async def queues(self, count: int) -> Sequence[EndpointQueue]:
        """Open as many ways into the store as there would be workers."""
        return [(await self.given.another()).queue for _ in range(count)]

    async def add_many(self, count: int) -> None:
        """Keep one job with endpoints of one minute."""
        job = await self.add_job()
        async with self.unit() as unit:
            for number in range(count):
                endpoint = an_endpoint(job, f"endpoint {number}")
                await unit.catalog.add_endpoint(endpoint, now=endpoint.created_at)

    async def claim_at_once(
        self, queues: Sequence[EndpointQueue], now: datetime, *, limit: int
    ) -> Sequence[ClaimBatch]:
        """Claim through every queue at the same time."""
        claims = (self.claim(now, limit=limit, queue=queue) for queue in queues)
        return await asyncio.gather(*claims)

    async def test_concurrent_claims_never_overlap(self) -> None:
        """Workers that claim at once share the endpoints out between them, trap T05."""
        await self.add_many(20)

        batches = await self.claim_at_once(await self.queues(4), FIRST_SLOT, limit=20)

        claimed = [run.endpoint.id for batch in batches for run in batch.runs]
        assert len(claimed) == len(set(claimed))
        left = await self.claim(FIRST_SLOT)
        assert len(claimed) + len(left.runs) == 20

    async def test_overlapping_loops_of_one_worker_share_too(self) -> None:
        """Two loops over one handle hold no endpoint twice, trap T05."""
        await self.add_many(10)

        batches = await self.claim_at_once([self.queue] * 5, FIRST_SLOT, limit=4)

        claimed = [run.endpoint.id for batch in batches for run in batch.runs]
        assert len(claimed) == len(set(claimed))

    async def test_ids_and_tokens_never_collide(self) -> None:
        """Runs and tokens of several processes are all different, trap T24."""
        await self.add_many(40)
        queues = await self.queues(4)

        batches = [
            batch
            for _ in range(4)
            for batch in await self.claim_at_once(queues, FIRST_SLOT, limit=5)
        ]

        leases = [run.lease for batch in batches for run in batch.runs]
        assert len(leases) == 40
        assert len({lease.token for lease in leases}) == 40
        assert len({lease.run_id for lease in leases}) == 40

    async def test_only_one_settle_of_a_run_counts(self) -> None:
        """The same result sent through several processes at once is taken once, trap T07."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        settlement = a_settlement(run.lease.token, started_at=FIRST_SLOT)
        now = FIRST_SLOT + SECOND

        answers = await asyncio.gather(
            *(queue.settle([settlement], now=now) for queue in await self.queues(4))
        )

        results = [answer[run.lease.token] for answer in answers]
        assert sorted(results) == [Settled.ACCEPTED, *[Settled.LOST] * 3]
        assert len(await self.runs(endpoint)) == 1

    async def test_a_settle_and_a_reap_at_once_have_one_winner(self) -> None:
        """Either the result counts or the loss, and the run says which, trap T25."""
        endpoint = await self.add_minutely()
        run = await self.start_one(FIRST_SLOT)
        end = FIRST_SLOT + LEASE
        settling, reaping = await self.queues(2)
        settlement = a_settlement(run.lease.token, started_at=FIRST_SLOT, ended_at=end)

        settled, reaped = await asyncio.gather(
            settling.settle([settlement], now=end), reaping.reap(limit=10, now=end)
        )

        accepted = settled[run.lease.token] is Settled.ACCEPTED
        assert accepted != bool(reaped)
        (row,) = await self.runs(endpoint)
        assert (row.status is RunStatus.SUCCESS) == accepted

    async def test_a_lease_is_reaped_once(self) -> None:
        """Reapers that look at once take each lease once."""
        await self.add_many(6)
        await self.claim(FIRST_SLOT)
        queues = await self.queues(3)

        answers = await asyncio.gather(
            *(queue.reap(limit=10, now=FIRST_SLOT + LEASE) for queue in queues)
        )

        reaped: list[Reaped] = [each for answer in answers for each in answer]
        late = await self.queue.reap(limit=10, now=FIRST_SLOT + LEASE)
        tokens = [each.token for each in (*reaped, *late)]
        assert len(tokens) == len(set(tokens)) == 6

    async def test_nothing_is_lost_when_many_work_for_a_while(self) -> None:
        """Workers that claim and settle side by side run every slot once, trap T05."""
        await self.add_many(8)
        queues = await self.queues(3)

        for number in range(4):
            now = FIRST_SLOT + number * MINUTE
            await asyncio.gather(*(self._work(queue, now) for queue in queues))
            await self._work(self.queue, now)

        async with self.unit() as unit:
            for endpoint in await unit.catalog.list_endpoints(DEFAULT_TENANT):
                runs = await unit.runs.list_runs(endpoint.tenant, endpoint.id)
                slots = [run.slot for run in reversed(runs)]
                assert slots == [FIRST_SLOT + number * MINUTE for number in range(4)]

    async def _work(self, queue: EndpointQueue, now: datetime) -> None:
        batch = await self.claim(now, limit=3, queue=queue)
        while batch.runs:
            tokens = [run.lease.token for run in batch.runs]
            await queue.start(tokens, now=now)
            settlements = [a_settlement(token, started_at=now) for token in tokens]
            await queue.settle(settlements, now=now + SECOND)
            batch = await self.claim(now, limit=3, queue=queue)
