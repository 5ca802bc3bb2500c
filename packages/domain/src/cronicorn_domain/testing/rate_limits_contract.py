"""Rate limits: buckets that fill up evenly, one for each subject and all processes."""

import asyncio
from datetime import datetime, timedelta

from cronicorn_domain.model.rate import Rate, Taken
from cronicorn_domain.testing.builders import EPOCH, SECOND, at
from cronicorn_domain.testing.store_suite import StoreSuite

THREE = Rate(count=3, per=timedelta(seconds=30))
"""Three at once, and one each ten seconds."""


class RateLimitsContract(StoreSuite):
    """What holds for rate limits."""

    async def take(
        self, now: datetime, *, subject: str = "ada", rate: Rate = THREE, wanted: int = 1
    ) -> Taken:
        """Take from a bucket."""
        return await self.given.limits.take(subject, rate, now=now, wanted=wanted)

    async def empty(self, now: datetime = EPOCH) -> None:
        """Take everything there is."""
        assert (await self.take(now, wanted=99)).left == 0

    async def test_a_bucket_is_full_at_first(self) -> None:
        """What is taken is told with what is left, and when it will be full again."""
        assert await self.take(EPOCH) == Taken(
            granted=1, left=2, full_at=at("12:00:10"), next_at=EPOCH
        )
        assert await self.take(at("12:00:01")) == Taken(
            granted=1, left=1, full_at=at("12:00:20"), next_at=at("12:00:01")
        )

    async def test_an_empty_bucket_refuses(self) -> None:
        """It says when there is one to be had, and asking in vain costs nothing."""
        await self.empty()

        for _ in range(3):
            assert await self.take(at("12:00:09")) == Taken(
                granted=0, left=0, full_at=at("12:00:30"), next_at=at("12:00:10")
            )

    async def test_permissions_come_back_one_by_one(self) -> None:
        """The instant at which one is to be had is one at which it is granted; trap T44."""
        await self.empty()

        assert (await self.take(at("12:00:10"))).granted == 1
        assert (await self.take(at("12:00:10"))).granted == 0
        assert (await self.take(at("12:00:30"), wanted=9)).granted == 2

    async def test_who_wants_many_gets_what_there_is(self) -> None:
        """No more than was wanted, and no more than there is."""
        assert (await self.take(EPOCH, wanted=2)).granted == 2
        assert (await self.take(EPOCH, wanted=2)).granted == 1
        assert (await self.take(EPOCH, wanted=2)).granted == 0

    async def test_a_bucket_never_overflows(self) -> None:
        """After a year there is no more in it than at first."""
        await self.empty()

        assert (await self.take(EPOCH + timedelta(days=365), wanted=99)).granted == 3

    async def test_each_subject_has_its_own(self) -> None:
        """Who asks too often keeps nobody else from asking."""
        await self.empty()

        assert (await self.take(EPOCH, subject="bob", wanted=99)).granted == 3

    async def test_a_stricter_rate_holds_at_once(self) -> None:
        """And a laxer one forgets for how long the stricter one would have refused."""
        slow = Rate(count=1, per=timedelta(hours=1))
        await self.take(EPOCH, rate=slow)

        assert (await self.take(at("12:00:01"), rate=slow)).granted == 0
        assert (await self.take(at("12:00:01"))).next_at == at("12:00:11")
        assert (await self.take(at("12:00:11"))).granted == 1

    async def test_two_processes_share_a_bucket(self) -> None:
        """What one takes, the other finds taken."""
        other = await self.given.another()
        await self.empty()

        assert (await other.limits.take("ada", THREE, now=EPOCH)).granted == 0

    async def test_no_more_is_granted_than_there_is(self) -> None:
        """However many take at once through two handles."""
        other = await self.given.another()
        seven = Rate(count=7, per=timedelta(minutes=1))

        taken = await asyncio.gather(
            *(
                handle.limits.take("ada", seven, now=EPOCH, wanted=2)
                for handle in [self.given, other] * 6
            )
        )

        assert sum(each.granted for each in taken) == 7

    async def test_what_is_full_again_is_forgotten(self) -> None:
        """Equal is full; what is not full stays, and goes on refusing."""
        await self.empty()
        await self.take(EPOCH, subject="bob")

        assert await self.given.limits.forget(now=at("12:00:10")) == 1
        assert await self.given.limits.forget(now=at("12:00:30") - SECOND) == 0
        assert (await self.take(EPOCH + SECOND)).granted == 0
        assert await self.given.limits.forget(now=at("12:00:30")) == 1
