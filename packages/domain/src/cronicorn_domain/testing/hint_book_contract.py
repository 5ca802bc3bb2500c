"""Hints and triggers: written, ended, remembered, and none touching another."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from cronicorn_domain.errors import ForbiddenTransition, NotFound
from cronicorn_domain.identity import HintId, TenantId, new_uuid
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import Author, Hint, TriggerKind
from cronicorn_domain.ports.hint_book import HintBook, HintEnd, HintRecord
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_oneshot,
    a_trigger,
    an_endpoint,
    an_interval_hint,
    at,
    every,
)
from cronicorn_domain.testing.store_suite import StoreSuite

OTHER_TENANT = TenantId(new_uuid())
FOREIGN: dict[str, Callable[[HintBook, Endpoint], Awaitable[object]]] = {
    "offer": lambda hints, endpoint: hints.offer(
        OTHER_TENANT, endpoint.id, an_interval_hint(), now=EPOCH
    ),
    "clear": lambda hints, endpoint: hints.clear(OTHER_TENANT, endpoint.id, now=EPOCH),
    "trigger": lambda hints, endpoint: hints.trigger(
        OTHER_TENANT, endpoint.id, a_trigger(), now=EPOCH
    ),
    "history": lambda hints, endpoint: hints.history(OTHER_TENANT, endpoint.id, now=EPOCH),
}


class HintBookContract(StoreSuite):
    """What holds for hints and triggers."""

    async def add_hourly(self) -> Endpoint:
        """Keep an endpoint of one hour, whose first slot is 13:00:00."""
        return await self.add(an_endpoint(await self.add_job(), schedule=every(HOUR)))

    async def history(
        self, endpoint: Endpoint, now: datetime, *, limit: int = 100
    ) -> Sequence[HintRecord]:
        """Read what became of the endpoint's hints."""
        async with self.unit() as unit:
            return await unit.hints.history(endpoint.tenant, endpoint.id, now=now, limit=limit)

    async def test_a_hint_is_kept_as_it_is(self) -> None:
        """Interval hints and one-shots of any author come back as they were written."""
        endpoint = await self.add_hourly()
        hints: list[Hint] = [
            an_interval_hint(90 * SECOND, author=author, reason="höher ✓") for author in Author
        ]
        hints.append(a_oneshot(at("12:30:00"), reason=None))
        for hint in hints:
            await self.offer(endpoint, hint)

        records = await self.history(endpoint, EPOCH)

        assert {each.hint.id: each.hint for each in records} == {each.id: each for each in hints}
        assert all(record.end is None and record.ended_at is None for record in records)

    async def test_a_hint_changes_the_plan_at_once(self) -> None:
        """The plan that is read after the write is the hint's, trap T01."""
        endpoint = await self.add_hourly()

        await self.offer(endpoint, an_interval_hint(5 * MINUTE))

        decision = await self.decision(endpoint)
        assert (decision.slot, decision.source) == (at("12:05:00"), Source.AI_INTERVAL)

    async def test_clearing_brings_the_baseline_back(self) -> None:
        """Without its hint an endpoint goes on as its schedule says, at once, trap T01."""
        endpoint = await self.add_hourly()
        await self.offer(endpoint, an_interval_hint(5 * MINUTE))
        await self.offer(endpoint, a_oneshot(at("12:30:00")))

        assert await self.clear_hints(endpoint, at("12:01:00")) == 2

        assert await self.next_slot(endpoint) == at("13:00:00")
        records = await self.history(endpoint, at("12:01:00"))
        assert {record.end for record in records} == {HintEnd.CLEARED}
        assert {record.ended_at for record in records} == {at("12:01:00")}

    async def test_one_hint_can_be_cleared(self) -> None:
        """The others stay as they are."""
        endpoint = await self.add_hourly()
        first, second = an_interval_hint(10 * MINUTE), an_interval_hint(5 * MINUTE)
        await self.offer(endpoint, first)
        await self.offer(endpoint, replace(second, created_at=at("12:00:01")))

        async with self.unit() as unit:
            cleared = await unit.hints.clear(
                endpoint.tenant, endpoint.id, now=at("12:01:00"), hint_id=second.id
            )

        assert cleared == 1
        assert await self.next_slot(endpoint) == at("12:10:00")
        ends = {each.hint.id: each.end for each in await self.history(endpoint, at("12:01:00"))}
        assert ends == {first.id: None, second.id: HintEnd.CLEARED}

    async def test_clearing_nothing_changes_nothing(self) -> None:
        """Where no hint is active none is ended, and the plan stands."""
        endpoint = await self.add_hourly()
        await self.offer(endpoint, an_interval_hint(life=MINUTE))
        state = await self.state(endpoint)

        assert await self.clear_hints(endpoint, at("12:01:00")) == 0
        async with self.unit() as unit:
            unknown = HintId(new_uuid())
            ended = await unit.hints.clear(
                endpoint.tenant, endpoint.id, now=at("12:00:30"), hint_id=unknown
            )

        assert ended == 0
        assert await self.state(endpoint) == state
        (record,) = await self.history(endpoint, at("12:01:00"))
        assert record.end is HintEnd.EXPIRED

    async def test_a_hint_expires_on_its_instant(self) -> None:
        """Equal is expired, and a millisecond earlier it is active, trap T44."""
        endpoint = await self.add_hourly()
        await self.offer(endpoint, an_interval_hint(life=MINUTE))

        (active,) = await self.history(endpoint, at("12:00:59.999"))
        (expired,) = await self.history(endpoint, at("12:01:00"))

        assert (active.end, active.ended_at) == (None, None)
        assert (expired.end, expired.ended_at) == (HintEnd.EXPIRED, at("12:01:00"))

    async def test_an_expired_hint_stays_in_the_history(self) -> None:
        """Runs that come after it do not sweep it away, trap T11."""
        endpoint = await self.add_minutely()
        hint = an_interval_hint(20 * SECOND, life=30 * SECOND)
        await self.offer(endpoint, hint)
        await self.run_once(at("12:00:20"))
        await self.run_once(at("12:01:00"))
        await self.run_once(at("12:02:00"))

        (record,) = await self.history(endpoint, at("12:02:01"))

        assert (record.hint, record.end) == (hint, HintEnd.EXPIRED)
        assert record.ended_at == hint.expires_at

    async def test_a_new_hint_does_not_prolong_another(self) -> None:
        """Each hint ends when it was going to end, whatever is written later, trap T11."""
        endpoint = await self.add_hourly()
        older = an_interval_hint(10 * MINUTE, life=15 * MINUTE)
        await self.offer(endpoint, older)
        newer = an_interval_hint(5 * MINUTE, created_at=at("12:09:00"), life=HOUR)
        await self.offer(endpoint, newer)

        records = await self.history(endpoint, at("12:15:00"))

        assert [(each.hint, each.end) for each in records] == [
            (newer, None),
            (older, HintEnd.EXPIRED),
        ]

    async def test_a_new_hint_does_not_revive_another(self) -> None:
        """A hint that was cleared or has expired stays ended when others come and go, trap T11."""
        endpoint = await self.add_hourly()
        await self.offer(endpoint, an_interval_hint(10 * MINUTE, life=5 * MINUTE))
        await self.offer(endpoint, an_interval_hint(11 * MINUTE, created_at=at("12:00:01")))
        await self.clear_hints(endpoint, at("12:01:00"))

        await self.offer(endpoint, an_interval_hint(7 * MINUTE, created_at=at("12:06:00")))
        assert (await self.decision(endpoint)).source is Source.AI_INTERVAL
        await self.clear_hints(endpoint, at("12:06:30"))

        assert await self.next_slot(endpoint) == at("13:00:00")
        ends = [record.end for record in await self.history(endpoint, at("12:07:00"))]
        assert ends == [HintEnd.CLEARED] * 3

    async def test_a_consumed_oneshot_names_its_run(self) -> None:
        """The history says which run served it."""
        endpoint = await self.add_hourly()
        await self.offer(endpoint, a_oneshot(at("12:10:00")))

        run = await self.run_once(at("12:10:01"))

        (record,) = await self.history(endpoint, at("12:11:00"))
        assert (record.end, record.run_id) == (HintEnd.CONSUMED, run.lease.run_id)
        assert record.ended_at == at("12:10:01")

    async def test_a_consumed_oneshot_cannot_be_cleared(self) -> None:
        """While its run lasts it is no longer active, and afterwards neither."""
        endpoint = await self.add_hourly()
        await self.offer(endpoint, a_oneshot(at("12:10:00")))
        run = await self.start_one(at("12:10:00"))

        assert await self.clear_hints(endpoint, at("12:10:01")) == 0
        await self.settle(run, at("12:10:02"))

        assert await self.clear_hints(endpoint, at("12:10:03")) == 0

    async def test_only_what_has_come_is_consumed(self) -> None:
        """A claim takes the one-shots whose instant has come, and leaves the others."""
        endpoint = await self.add_hourly()
        early, late = a_oneshot(at("12:10:00")), a_oneshot(at("12:20:00"))
        await self.offer(endpoint, early)
        await self.offer(endpoint, late)

        await self.run_once(at("12:15:00"))

        ends = {each.hint.id: each.end for each in await self.history(endpoint, at("12:15:02"))}
        assert ends == {early.id: HintEnd.CONSUMED, late.id: None}
        assert await self.next_slot(endpoint) == at("12:20:00")

    async def test_the_newest_hints_come_first(self) -> None:
        """The history is read from its end, as far as was asked for."""
        endpoint = await self.add_hourly()
        hints = [an_interval_hint(created_at=EPOCH + number * SECOND) for number in range(5)]
        for hint in hints:
            await self.offer(endpoint, hint)
        await self.clear_hints(endpoint, at("12:00:10"))

        records = await self.history(endpoint, at("12:00:10"), limit=3)
        async with self.unit() as unit:
            key = (endpoint.tenant, endpoint.id)
            rest = await unit.hints.history(*key, now=EPOCH, before=records[-1].hint.id)
            nothing = await unit.hints.history(*key, now=EPOCH, before=HintId(new_uuid()))

        assert [record.hint for record in records] == [hints[4], hints[3], hints[2]]
        assert [record.hint for record in rest] == [hints[1], hints[0]]
        assert nothing == []

    @pytest.mark.parametrize("verb", FOREIGN)
    async def test_another_tenants_endpoint_does_not_exist(self, verb: str) -> None:
        """Hints and triggers of another tenant's endpoint are neither written nor read."""
        endpoint = await self.add_hourly()
        await self.offer(endpoint, an_interval_hint(10 * MINUTE))

        async with self.given.units.begin() as unit:
            with pytest.raises(NotFound):
                await FOREIGN[verb](unit.hints, endpoint)
            await unit.rollback()

        assert len(await self.history(endpoint, EPOCH)) == 1

    async def test_a_hint_waits_with_a_paused_endpoint(self) -> None:
        """A paused endpoint takes hints, which count when it is resumed."""
        endpoint = await self.add_hourly()
        await self.pause(endpoint, at("12:01:00"))

        await self.offer(endpoint, an_interval_hint(10 * MINUTE, created_at=at("12:02:00")))

        await self.expect_nothing_due(at("12:10:00"))
        await self.resume(endpoint, at("12:10:10"))
        await self.claim_one(at("12:10:10"))

    async def test_an_archived_endpoint_takes_no_hint(self) -> None:
        """Neither a hint nor a trigger of any kind."""
        endpoint = await self.add_hourly()
        await self.archive(endpoint, at("12:01:00"))

        with pytest.raises(ForbiddenTransition):
            await self.offer(endpoint, an_interval_hint())
        for kind in TriggerKind:
            with pytest.raises(ForbiddenTransition):
                await self.run_now(endpoint, at("12:02:00"), kind=kind)

    @pytest.mark.parametrize("verb", ["pause", "archive"])
    async def test_a_stopped_job_takes_no_trigger(self, verb: str) -> None:
        """What could not run now is refused, and not kept for later."""
        endpoint = await self.add_hourly()
        async with self.unit() as unit:
            stop = unit.catalog.pause_job if verb == "pause" else unit.catalog.archive_job
            await stop(endpoint.tenant, endpoint.job_id, now=at("12:01:00"))

        for kind in TriggerKind:
            with pytest.raises(ForbiddenTransition):
                await self.run_now(endpoint, at("12:02:00"), kind=kind)

    async def test_a_paused_endpoint_is_not_run_by_hand(self) -> None:
        """A run by hand is refused while the pause lasts; at its end it is over, trap T44."""
        endpoint = await self.add_hourly()
        await self.pause(endpoint, at("12:01:00"), until=at("12:10:00"))

        with pytest.raises(ForbiddenTransition):
            await self.run_now(endpoint, at("12:09:59"))
        await self.run_now(endpoint, at("12:10:00"))

        await self.claim_one(at("12:10:00"))

    async def test_a_trigger_lives_for_an_hour(self) -> None:
        """What nobody could run within its life is over, unrun."""
        endpoint = await self.add(an_endpoint(await self.add_job(), schedule=every(100 * HOUR)))
        await self.run_now(endpoint, at("12:10:00"))

        batch = await self.claim(at("13:10:00"))

        assert (batch.runs, batch.passed) == ((), 1)
        assert await self.next_slot(endpoint) == EPOCH + 100 * HOUR
