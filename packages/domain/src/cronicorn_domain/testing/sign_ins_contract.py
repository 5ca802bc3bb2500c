"""Sign-in sessions: found by the hash of their token, ended by their person or tenant."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import DEFAULT_TENANT, SignInId, TenantId, new_uuid
from cronicorn_domain.model.api_key import digest_of
from cronicorn_domain.model.sign_in import SIGN_IN_LASTS, SignIn
from cronicorn_domain.testing.builders import EPOCH, a_person, a_sign_in, at
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())
TOKEN = "cs_0123456789abcdefghijklmnop"  # noqa: S105  it opens nothing
ALIKE = "cs_01234-another-that-begins-alike"
ADA, BOB = a_person(), a_person("bob@example.org")
STRANGER = a_person("eve@example.org", tenant=OTHER_TENANT)


class SignInsContract(StoreSuite):
    """What holds for sign-in sessions."""

    async def keep(self, *sign_ins: SignIn) -> None:
        """Keep sign-ins, in a unit of their own."""
        async with self.unit() as unit:
            for sign_in in sign_ins:
                await unit.sign_ins.add(sign_in)

    async def found(self, token: str) -> SignIn | None:
        """Read which one a token proves."""
        async with self.unit() as unit:
            return await unit.sign_ins.find(digest_of(token))

    async def test_one_is_found_by_its_hash(self) -> None:
        """It comes back as it was kept, whoever's it is, also where another one begins alike."""
        mine, alike = a_sign_in(ADA, TOKEN), a_sign_in(STRANGER, ALIKE)
        assert mine.digest.prefix == alike.digest.prefix

        await self.keep(mine, alike)

        assert await self.found(TOKEN) == mine
        assert await self.found(ALIKE) == alike
        for token in ("", mine.digest.prefix, mine.digest.sha256, f"{TOKEN}x", TOKEN[:-1]):
            assert await self.found(token) is None

    async def test_what_has_not_expired_is_listed(self) -> None:
        """Of a person or of all, page by page, and no other tenant's; at its end it is over."""
        mine = [a_sign_in(ADA, f"{TOKEN}{n}") for n in range(3)]
        bobs, theirs = a_sign_in(BOB, f"{TOKEN}b"), a_sign_in(STRANGER, f"{TOKEN}s")
        over = a_sign_in(ADA, f"{TOKEN}o", created_at=EPOCH - SIGN_IN_LASTS)
        await self.keep(*mine, bobs, theirs, over)

        async with self.unit() as unit:
            listed = unit.sign_ins.list_sign_ins
            assert await listed(DEFAULT_TENANT, now=EPOCH) == [*mine, bobs]
            assert await listed(DEFAULT_TENANT, now=EPOCH, person=ADA.id) == mine
            page = await listed(DEFAULT_TENANT, now=EPOCH, limit=1, after=mine[0].id)
            assert page == [mine[1]]
            assert await listed(OTHER_TENANT, now=EPOCH, person=ADA.id) == []

    async def test_what_has_ended_is_gone(self) -> None:
        """Nothing proves it any more, and it cannot be ended again."""
        mine, other = a_sign_in(ADA, TOKEN), a_sign_in(ADA, ALIKE)
        await self.keep(mine, other)

        async with self.unit() as unit:
            assert await unit.sign_ins.end(DEFAULT_TENANT, mine.id, person=ADA.id) == mine
            assert await unit.sign_ins.end(DEFAULT_TENANT, other.id) == other

        assert await self.found(TOKEN) is None
        async with self.unit() as unit:
            with pytest.raises(NotFound):
                await unit.sign_ins.end(DEFAULT_TENANT, mine.id)

    async def test_another_ones_does_not_exist(self) -> None:
        """Neither another tenant's nor, where a person is named, another person's."""
        mine = a_sign_in(ADA, TOKEN)
        await self.keep(mine)

        async with self.unit() as unit:
            with pytest.raises(NotFound):
                await unit.sign_ins.end(OTHER_TENANT, mine.id)
            with pytest.raises(NotFound):
                await unit.sign_ins.end(DEFAULT_TENANT, mine.id, person=BOB.id)
            assert await unit.sign_ins.end_all(OTHER_TENANT, ADA.id) == 0

        assert await self.found(TOKEN) == mine

    async def test_all_of_a_person_end_together(self) -> None:
        """But for the one that is named, and but for those of others."""
        first, second, kept = (a_sign_in(ADA, f"{TOKEN}{n}") for n in range(3))
        bobs = a_sign_in(BOB, ALIKE)
        await self.keep(first, second, kept, bobs)

        async with self.unit() as unit:
            assert await unit.sign_ins.end_all(DEFAULT_TENANT, ADA.id, but=kept.id) == 2
            assert await unit.sign_ins.list_sign_ins(DEFAULT_TENANT, now=EPOCH) == [kept, bobs]
            assert await unit.sign_ins.end_all(DEFAULT_TENANT, ADA.id) == 1
            assert await unit.sign_ins.list_sign_ins(DEFAULT_TENANT, now=EPOCH) == [bobs]

    async def test_the_last_use_is_the_last(self) -> None:
        """What comes in late does not set it back, and one that is gone is no fault."""
        mine = a_sign_in(ADA, TOKEN)
        await self.keep(mine)

        for instant in ("12:10:00", "12:05:00"):
            async with self.unit() as unit:
                await unit.sign_ins.note_use(mine.id, now=at(instant))
                await unit.sign_ins.note_use(SignInId(new_uuid()), now=at(instant))

        assert await self.found(TOKEN) == replace(mine, last_used_at=at("12:10:00"))

    async def test_what_expired_long_ago_is_pruned(self) -> None:
        """Some at a time, until there is none; what expires at the instant itself stays."""
        end = EPOCH + SIGN_IN_LASTS
        old = [a_sign_in(ADA, f"{TOKEN}{n}", created_at=EPOCH - SIGN_IN_LASTS) for n in range(3)]
        mine = a_sign_in(ADA, TOKEN)
        await self.keep(*old, mine)

        async with self.unit() as unit:
            pruned = [await unit.sign_ins.prune(before=end, limit=2) for _ in range(3)]

        assert pruned == [2, 1, 0]
        assert await self.found(TOKEN) == mine
        async with self.unit() as unit:
            assert await unit.sign_ins.prune(before=end + timedelta(microseconds=1)) == 1

    async def test_one_goes_with_its_unit(self) -> None:
        """What is rolled back was never there."""
        async with self.given.units.begin() as unit:
            await unit.sign_ins.add(a_sign_in(ADA, TOKEN))

        assert await self.found(TOKEN) is None
