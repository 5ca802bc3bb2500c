"""Setup links: each serves once, and not for long."""

import asyncio

from cronicorn_domain.model.api_key import digest_of
from cronicorn_domain.model.setup_link import SetupLink
from cronicorn_domain.testing.builders import EPOCH, MINUTE, at
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import StoreSuite

TOKEN = "su_0123456789abcdefghijklmnop"  # noqa: S105  it opens nothing
ALIKE = "su_01234-another-that-begins-alike"


class SetupLinksContract(StoreSuite):
    """What holds for setup links."""

    async def print(self, token: str = TOKEN, *, expires_at: str = "13:00:00") -> None:
        """Keep a link."""
        async with self.unit() as unit:
            link = SetupLink(digest=digest_of(token), expires_at=at(expires_at))
            await unit.setup_links.add(link, now=EPOCH)

    async def take(self, token: str, instant: str = "12:30:00") -> bool:
        """Use a link up."""
        async with self.unit() as unit:
            return await unit.setup_links.take(digest_of(token), now=at(instant))

    async def test_a_link_serves_once(self) -> None:
        """Then it is none any more; another that begins alike is another."""
        await self.print()
        await self.print(ALIKE)

        async with self.unit() as unit:
            assert await unit.setup_links.holds(digest_of(TOKEN), now=EPOCH)
        assert [await self.take(TOKEN) for _ in range(2)] == [True, False]
        async with self.unit() as unit:
            assert not await unit.setup_links.holds(digest_of(TOKEN), now=EPOCH)
        assert await self.take(ALIKE)

    async def test_what_was_never_printed_does_not_hold(self) -> None:
        """Neither nothing, nor a beginning, nor what comes with more behind it."""
        await self.print()

        for token in ("", TOKEN[:8], TOKEN[:-1], f"{TOKEN}x", digest_of(TOKEN).sha256):
            assert not await self.take(token)
        assert await self.take(TOKEN)

    async def test_a_link_expires(self) -> None:
        """At its end it holds no more: trap T44; the next one that is printed sweeps it away."""
        await self.print(expires_at="12:30:00")

        async with self.unit() as unit:
            assert await unit.setup_links.holds(digest_of(TOKEN), now=at("12:29:59"))
            assert not await unit.setup_links.holds(digest_of(TOKEN), now=at("12:30:00"))
        assert not await self.take(TOKEN, "12:30:00")
        async with self.unit() as unit:
            link = SetupLink(digest=digest_of(ALIKE), expires_at=at("14:00:00"))
            await unit.setup_links.add(link, now=at("12:30:00"))
        assert not await self.take(TOKEN, "12:00:00")

    async def test_one_of_many_takes_it(self) -> None:
        """Those who come at once, over connections of their own, are not all told that it held."""
        await self.print()
        others = [await self.given.another() for _ in range(3)]

        async def taken(store: Store) -> bool:
            async with store.units.begin() as unit:
                held = await unit.setup_links.take(digest_of(TOKEN), now=EPOCH + MINUTE)
                await unit.commit()
                return held

        assert sorted(await asyncio.gather(*map(taken, others))) == [False, False, True]

    async def test_what_is_rolled_back_was_not_taken(self) -> None:
        """Whoever could not be made the owner may try again."""
        await self.print()

        async with self.given.units.begin() as unit:
            assert await unit.setup_links.take(digest_of(TOKEN), now=EPOCH)

        assert await self.take(TOKEN)
