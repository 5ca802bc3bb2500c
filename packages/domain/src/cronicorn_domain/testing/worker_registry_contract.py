"""The registry: what workers told of themselves last, and nothing of those that left."""

from dataclasses import replace
from datetime import timedelta

from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.worker import Worker
from cronicorn_domain.testing.builders import at
from cronicorn_domain.testing.store_suite import StoreSuite

FIRST = Worker(
    name=WorkerId("a-1"),
    started_at=at("12:00:00"),
    seen_at=at("12:00:00"),
    concurrency=200,
    version="1.2.3",
    zone_data="2026a",
    clock_skew=timedelta(microseconds=-1500),
    floor=timedelta(seconds=5),
)
SECOND = replace(FIRST, name=WorkerId("b-2"), clock_skew=timedelta(minutes=10))


class WorkerRegistryContract(StoreSuite):
    """What holds for the registry."""

    async def test_without_workers_it_is_empty(self) -> None:
        """Nobody has told anything."""
        assert list(await self.given.workers.list_workers()) == []

    async def test_workers_are_listed_as_they_told(self) -> None:
        """Whatever a worker told comes back, in the order of the names, through every handle."""
        await self.given.workers.announce(SECOND)
        await self.given.workers.announce(FIRST)

        other = await self.given.another()
        assert list(await other.workers.list_workers()) == [FIRST, SECOND]

    async def test_what_a_worker_told_last_stands(self) -> None:
        """It has one place in the list, however often it tells of itself."""
        later = replace(FIRST, seen_at=at("12:00:05"), clock_skew=timedelta())
        await self.given.workers.announce(FIRST)
        await self.given.workers.announce(later)

        assert list(await self.given.workers.list_workers()) == [later]

    async def test_who_leaves_is_forgotten(self) -> None:
        """A worker that stops is gone; that one which is not known leaves is no error."""
        await self.given.workers.announce(FIRST)
        await self.given.workers.announce(SECOND)

        for _ in range(2):
            await self.given.workers.leave(FIRST.name)

        assert list(await self.given.workers.list_workers()) == [SECOND]

    async def test_who_was_not_seen_for_long_is_forgotten(self) -> None:
        """Those seen before the instant go, equal stays."""
        await self.given.workers.announce(FIRST)
        await self.given.workers.announce(replace(SECOND, seen_at=at("12:00:05")))

        assert await self.given.workers.forget(unseen_since=at("12:00:05")) == 1
        assert await self.given.workers.forget(unseen_since=at("12:00:05")) == 0
        assert [each.name for each in await self.given.workers.list_workers()] == [SECOND.name]

    async def test_no_claim_depends_on_it(self) -> None:
        """A worker that told nothing claims all the same, and keeps its lease when forgotten."""
        await self.add_minutely()
        run = await self.start_one(at("12:01:00"))
        await self.given.workers.announce(replace(FIRST, name=run.lease.worker))

        await self.given.workers.forget(unseen_since=at("13:00:00"))

        lost = await self.queue.renew(
            [run.lease.token], lease_for=timedelta(seconds=10), now=at("12:01:05")
        )
        assert lost == frozenset()
