"""Answers are kept for whoever asks the same again, and nobody does it twice."""

import asyncio
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from cronicorn_domain.errors import KeyOfAnother, StillUnderWay
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId, new_uuid
from cronicorn_domain.model.answer import Answer, KeyedRequest
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_domain.testing.builders import EPOCH, SECOND, at
from cronicorn_domain.testing.store_suite import StoreSuite

REQUEST = KeyedRequest(tenant=DEFAULT_TENANT, key="k" * 64, fingerprint="f" * 64)
ANSWER = Answer(status=201, media_type="application/json", body='{"name": "café \\u0000"}')
SOON = at("12:01:00")
TOMORROW = at("12:00:00", day=2)


class AnswerBookContract(StoreSuite):
    """What holds for kept answers."""

    async def begin(
        self, request: KeyedRequest = REQUEST, *, attempt: UUID | None = None, now: datetime = EPOCH
    ) -> Answer | None:
        """Begin a request, in a unit of its own."""
        return await begun(self.given.units, request, attempt=attempt, now=now)

    async def finish(self, attempt: UUID, answer: Answer = ANSWER) -> None:
        """Keep an answer until tomorrow, in a unit of its own."""
        async with self.unit() as unit:
            await unit.answers.finish(REQUEST, answer, attempt=attempt, until=TOMORROW)

    async def test_a_repeat_gets_the_first_answer(self) -> None:
        """Byte for byte, from the first time on until its end."""
        attempt = new_uuid()
        assert await self.begin(attempt=attempt) is None
        await self.finish(attempt)

        assert await self.begin() == ANSWER
        assert await self.begin(now=TOMORROW - SECOND) == ANSWER

    async def test_a_secret_comes_back(self) -> None:
        """Whoever has the key gets what was shown once a second time."""
        attempt, answer = new_uuid(), replace(ANSWER, secret=True)
        await self.begin(attempt=attempt)
        await self.finish(attempt, answer)

        assert await self.begin() == answer

    async def test_nobody_does_it_meanwhile(self) -> None:
        """Until the attempt has answered, or its time is over; equal is over: trap T44."""
        await self.begin()

        with pytest.raises(StillUnderWay):
            await self.begin(now=SOON - SECOND)
        assert await self.begin(now=SOON) is None

    async def test_one_of_many_does_it(self) -> None:
        """However many begin at once through two handles."""
        other = await self.given.another()

        results = await asyncio.gather(
            *(begun(handle.units, REQUEST) for handle in [self.given, other] * 5),
            return_exceptions=True,
        )

        assert results.count(None) == 1
        assert sum(isinstance(each, StillUnderWay) for each in results) == 9

    async def test_a_key_is_for_one_request(self) -> None:
        """Another under the same key is refused, while the first is under way and afterwards."""
        attempt, another = new_uuid(), replace(REQUEST, fingerprint="0" * 64)
        await self.begin(attempt=attempt)
        with pytest.raises(KeyOfAnother):
            await self.begin(another)
        await self.finish(attempt)

        with pytest.raises(KeyOfAnother):
            await self.begin(another)
        assert await self.begin(another, now=TOMORROW) is None

    async def test_each_tenant_has_its_own_keys(self) -> None:
        """The same key of another tenant is another."""
        await self.begin()

        assert await self.begin(replace(REQUEST, tenant=TenantId(new_uuid()))) is None

    async def test_what_is_abandoned_may_be_done(self) -> None:
        """Also something else under the key."""
        attempt = new_uuid()
        await self.begin(attempt=attempt)

        async with self.unit() as unit:
            await unit.answers.abandon(REQUEST, attempt=attempt)

        assert await self.begin(replace(REQUEST, fingerprint="0" * 64)) is None

    async def test_who_is_too_late_keeps_nothing(self) -> None:
        """An attempt whose time is over, and that another has taken over, changes nothing."""
        late, attempt = new_uuid(), new_uuid()
        await self.begin(attempt=late)
        await self.begin(attempt=attempt, now=SOON)

        await self.finish(late, replace(ANSWER, status=200))
        async with self.unit() as unit:
            await unit.answers.abandon(REQUEST, attempt=late)
        await self.finish(attempt)

        assert await self.begin(now=SOON) == ANSWER

    async def test_what_was_undone_was_not_begun(self) -> None:
        """It takes part in the unit of work."""
        async with self.given.units.begin() as unit:
            await unit.answers.begin(REQUEST, attempt=new_uuid(), until=SOON, now=EPOCH)

        assert await self.begin() is None

    async def test_what_has_ended_is_thrown_away(self) -> None:
        """Equal has ended; what has not stays."""
        attempt = new_uuid()
        await self.begin(attempt=attempt)
        await self.begin(replace(REQUEST, key="0" * 64))
        await self.finish(attempt)

        async with self.unit() as unit:
            assert await unit.answers.forget(now=SOON) == 1
            assert await unit.answers.forget(now=TOMORROW - SECOND) == 0
            assert await unit.answers.forget(now=TOMORROW) == 1


async def begun(
    units: UnitsOfWork, request: KeyedRequest, *, attempt: UUID | None = None, now: datetime = EPOCH
) -> Answer | None:
    """Begin a request in a unit of its own."""
    async with units.begin() as unit:
        answer = await unit.answers.begin(
            request, attempt=attempt or new_uuid(), until=max(SOON, now + SECOND), now=now
        )
        await unit.commit()
    return answer
