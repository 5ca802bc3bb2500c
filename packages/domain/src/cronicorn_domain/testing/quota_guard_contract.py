"""Quota guards: limits of a month, reservations, the pace of asks, and the ledger behind them."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId
from cronicorn_domain.instants import MICROSECOND, NO_TIME
from cronicorn_domain.model.quota import (
    AMOUNT_MOST,
    Burst,
    Exhausted,
    Meter,
    Month,
    Pace,
    Proceed,
    Quota,
    Quotas,
    Reservation,
)
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_domain.testing.builders import DAY, EPOCH, HOUR, MINUTE, SECOND

GuardMaker = Callable[[Quotas], Awaitable[QuotaGuard]]
"""Makes a guard over the counts of the test, another one each time: as another process would."""

OTHER = TenantId(UUID(int=7))
LIMIT = 100
CALLERS = 10
JANUARY = Month(
    begins=datetime.fromisoformat("2025-01-01T00:00:00+00:00"),
    ends=datetime.fromisoformat("2025-02-01T00:00:00+00:00"),
)


def limited(limit: int | None = LIMIT, *, pace: Pace | None = None) -> Quotas:
    """Return quotas by which every tenant has a limit of tokens, and a pace."""
    return Quotas(every={Meter.TOKENS: Quota(limit=limit, pace=pace)})


class QuotaGuardContract:
    """What holds for every guard."""

    make: GuardMaker

    @pytest.fixture
    async def guard_maker(self) -> GuardMaker:
        """Provide what makes guards over counts that are empty."""
        raise NotImplementedError("the adapter's test class provides the guards")

    @pytest.fixture(autouse=True)
    def _use(self, guard_maker: GuardMaker) -> None:
        self.make = guard_maker

    async def reserved(
        self,
        guard: QuotaGuard,
        amount: int,
        meter: Meter = Meter.TOKENS,
        *,
        now: datetime = EPOCH,
        lasts: timedelta = MINUTE,
    ) -> Reservation:
        """Reserve what there is room for."""
        reservation = await guard.reserve(DEFAULT_TENANT, amount, meter, now=now, lasts=lasts)
        assert isinstance(reservation, Reservation)
        return reservation

    async def used(self, guard: QuotaGuard, *, now: datetime = EPOCH) -> int:
        """Return what the month's ledger has of the tenant."""
        return (await guard.standing(DEFAULT_TENANT, now=now)).used

    async def test_who_has_no_quota_proceeds_and_is_counted(self) -> None:
        """Without a limit every ask goes through, and what is used is kept all the same."""
        guard = await self.make(Quotas())
        await guard.record_usage(DEFAULT_TENANT, 10**9, now=EPOCH)

        assert not guard.limits(DEFAULT_TENANT, Meter.TOKENS)
        assert await guard.can_proceed(DEFAULT_TENANT, now=EPOCH) == Proceed()
        standing = await guard.standing(DEFAULT_TENANT, now=EPOCH)
        assert (standing.used, standing.limit, standing.left) == (10**9, None, None)
        assert standing.overrun == 0

    async def test_a_limit_is_reached_when_nothing_is_left(self) -> None:
        """One below it there is room; at it there is none before the month is over."""
        guard = await self.make(limited())
        await guard.record_usage(DEFAULT_TENANT, LIMIT - 1, now=EPOCH)

        assert guard.limits(DEFAULT_TENANT, Meter.TOKENS)
        assert await guard.can_proceed(DEFAULT_TENANT, now=EPOCH) == Proceed()
        await guard.record_usage(DEFAULT_TENANT, 1, now=EPOCH)
        refusal = await guard.can_proceed(DEFAULT_TENANT, now=EPOCH)
        assert isinstance(refusal, Exhausted)
        assert refusal.until == JANUARY.ends
        assert (refusal.standing.used, refusal.standing.limit) == (LIMIT, LIMIT)

    async def test_what_is_used_beyond_the_limit_is_counted_as_overrun(self) -> None:
        """What was used was used: it is recorded, and shown as so much too much."""
        guard = await self.make(limited())
        await guard.record_usage(DEFAULT_TENANT, LIMIT + 30, now=EPOCH)

        standing = await guard.standing(DEFAULT_TENANT, now=EPOCH)
        assert (standing.overrun, standing.left) == (30, 0)

    async def test_a_limit_of_nothing_lets_nothing_through(self) -> None:
        """Zero is a limit, and not the lack of one."""
        guard = await self.make(limited(0))

        assert isinstance(await guard.can_proceed(DEFAULT_TENANT, now=EPOCH), Exhausted)
        assert isinstance(await guard.reserve(DEFAULT_TENANT, 1, now=EPOCH), Exhausted)

    @pytest.mark.parametrize(
        ("last", "first"),
        [
            ("2025-01-31T23:59:59.999999+00:00", "2025-02-01T00:00:00+00:00"),
            ("2024-02-29T23:59:59.999999+00:00", "2024-03-01T00:00:00+00:00"),
            ("2025-12-31T23:59:59.999999+00:00", "2026-01-01T00:00:00+00:00"),
        ],
    )
    async def test_a_month_ends_at_midnight_in_utc(self, last: str, first: str) -> None:
        """Trap T44: the last instant belongs to the month, and the first of the next does not."""
        guard = await self.make(limited())
        end, begin = datetime.fromisoformat(last), datetime.fromisoformat(first)
        await guard.record_usage(DEFAULT_TENANT, LIMIT, now=end)

        refusal = await guard.can_proceed(DEFAULT_TENANT, now=end)
        assert isinstance(refusal, Exhausted)
        assert refusal.until == begin
        assert await guard.can_proceed(DEFAULT_TENANT, now=begin) == Proceed()
        assert await self.used(guard, now=begin) == 0
        assert await self.used(guard, now=end) == LIMIT

    async def test_tenants_and_what_is_counted_are_apart(self) -> None:
        """One tenant's use is no other's, and tokens are no runs."""
        quota = Quota(limit=LIMIT)
        guard = await self.make(Quotas(every={Meter.TOKENS: quota, Meter.RUNS: quota}))
        await guard.record_usage(DEFAULT_TENANT, LIMIT, now=EPOCH)

        assert isinstance(await guard.can_proceed(DEFAULT_TENANT, now=EPOCH), Exhausted)
        assert await guard.can_proceed(OTHER, now=EPOCH) == Proceed()
        assert await guard.can_proceed(DEFAULT_TENANT, Meter.RUNS, now=EPOCH) == Proceed()

    async def test_a_quota_by_name_goes_before_that_of_every_tenant(self) -> None:
        """Some may use more than the rest, or all they like."""
        generous = Quotas(
            every={Meter.TOKENS: Quota(limit=1)},
            tenants={(OTHER, Meter.TOKENS): Quota()},
        )
        guard = await self.make(generous)
        for tenant in (DEFAULT_TENANT, OTHER):
            await guard.record_usage(tenant, 5, now=EPOCH)

        assert isinstance(await guard.can_proceed(DEFAULT_TENANT, now=EPOCH), Exhausted)
        assert await guard.can_proceed(OTHER, now=EPOCH) == Proceed()
        assert not guard.limits(OTHER, Meter.TOKENS)

    async def test_what_is_reserved_is_not_there_for_others(self) -> None:
        """All of an amount is kept or none of it, and everybody sees what is kept."""
        first, second = await self.make(limited()), await self.make(limited())
        await self.reserved(first, 60)

        refusal = await second.reserve(DEFAULT_TENANT, 41, now=EPOCH)
        assert isinstance(refusal, Exhausted)
        assert (refusal.standing.held, refusal.standing.left) == (60, 40)
        await self.reserved(second, 40)
        assert isinstance(await first.can_proceed(DEFAULT_TENANT, now=EPOCH), Exhausted)
        assert await self.used(first) == 0

    async def test_a_settled_reservation_costs_what_was_used(self) -> None:
        """What is left of the amount is free again; what went beyond it counts as well."""
        guard = await self.make(limited())
        await guard.settle(await self.reserved(guard, 60), 20, now=EPOCH)
        assert (await guard.standing(DEFAULT_TENANT, now=EPOCH)).left == LIMIT - 20

        await guard.settle(await self.reserved(guard, 80), 95, now=EPOCH)
        standing = await guard.standing(DEFAULT_TENANT, now=EPOCH)
        assert (standing.used, standing.held, standing.overrun) == (115, 0, 15)

    async def test_what_nobody_measured_costs_the_reserved_amount(self) -> None:
        """A call whose use is not known may have used all of it."""
        guard = await self.make(limited())
        await guard.settle(await self.reserved(guard, 60), None, now=EPOCH)

        assert await self.used(guard) == 60

    async def test_nothing_is_charged_twice(self) -> None:
        """A settle whose answer was lost is made again, and counts once."""
        first, second = await self.make(limited()), await self.make(limited())
        reservation = await self.reserved(first, 60)
        await first.settle(reservation, 20, now=EPOCH)
        await second.settle(reservation, 20, now=EPOCH)
        await second.release(reservation, now=EPOCH)

        assert await self.used(first) == 20

    async def test_a_released_reservation_costs_nothing(self) -> None:
        """Its amount is free again at once, however often it is released."""
        guard = await self.make(limited())
        reservation = await self.reserved(guard, LIMIT)
        for _ in range(2):
            await guard.release(reservation, now=EPOCH)

        standing = await guard.standing(DEFAULT_TENANT, now=EPOCH)
        assert (standing.used, standing.held, standing.left) == (0, 0, LIMIT)

    async def test_a_reservation_of_runs_expires(self) -> None:
        """Trap T44: at its end the amount is free again; whoever held it may have died."""
        runs = Meter.RUNS
        guard = await self.make(Quotas(every={runs: Quota(limit=LIMIT)}))
        await self.reserved(guard, LIMIT, runs, lasts=MINUTE)

        early = await guard.reserve(DEFAULT_TENANT, 1, runs, now=EPOCH + MINUTE - MICROSECOND)
        assert isinstance(early, Exhausted)
        assert await guard.can_proceed(DEFAULT_TENANT, runs, now=EPOCH + MINUTE) == Proceed()
        await self.reserved(guard, LIMIT, runs, now=EPOCH + MINUTE)

    @pytest.mark.parametrize("limit", [LIMIT, None])
    async def test_tokens_that_nobody_settled_are_charged_when_they_lapse(
        self, limit: int | None
    ) -> None:
        """Whoever asked a model and died has cost as much as it reserved, once; later is late."""
        first, second = await self.make(limited(limit)), await self.make(limited(limit))
        lapsed = await self.reserved(first, 60, lasts=MINUTE)
        end = EPOCH + MINUTE
        assert await self.used(first, now=end - MICROSECOND) == 0

        standing = await second.standing(DEFAULT_TENANT, now=end)
        assert (standing.used, standing.held) == (60, 0)
        asked = await asyncio.gather(
            *(guard.reserve(DEFAULT_TENANT, 41, now=end) for guard in (first, second))
        )
        assert all(isinstance(each, Exhausted) is (limit is not None) for each in asked)
        lines = await first.entries(DEFAULT_TENANT, now=end)
        assert [each.amount for each in lines] == [60]
        await first.settle(lapsed, 20, now=end)
        await first.release(lapsed, now=end)
        assert await self.used(second, now=end) == 60

    async def test_tokens_that_lapse_count_in_the_month_in_which_they_were_reserved(self) -> None:
        """The next month begins with nothing, as when they had been settled."""
        guard = await self.make(limited())
        before = JANUARY.ends - SECOND
        await self.reserved(guard, LIMIT, now=before, lasts=MINUTE)
        await self.reserved(guard, LIMIT, now=JANUARY.ends + HOUR)

        standing = await guard.standing(DEFAULT_TENANT, now=JANUARY.ends + HOUR)
        assert (standing.used, standing.held) == (0, LIMIT)

    async def test_what_was_used_counts_also_when_it_is_told_late(self) -> None:
        """A settle behind the end of a reservation, or its release, is charged all the same."""
        guard = await self.make(limited())
        expired = await self.reserved(guard, 10, lasts=SECOND)
        released = await self.reserved(guard, 10)
        await guard.release(released, now=EPOCH)
        await guard.can_proceed(DEFAULT_TENANT, now=EPOCH + HOUR)

        await guard.settle(expired, 10, now=EPOCH + HOUR)
        await guard.settle(released, 5, now=EPOCH + HOUR)

        assert await self.used(guard, now=EPOCH + HOUR) == 15

    async def test_a_reservation_counts_in_the_month_in_which_it_was_made(self) -> None:
        """It had its room there; the next month begins with nothing used and nothing held."""
        guard = await self.make(limited())
        before = JANUARY.ends - SECOND
        reservation = await self.reserved(guard, LIMIT, now=before)
        await self.reserved(guard, LIMIT, now=JANUARY.ends)
        await guard.settle(reservation, 30, now=JANUARY.ends)

        assert await self.used(guard, now=before) == 30
        assert await self.used(guard, now=JANUARY.ends) == 0

    async def test_the_ledger_is_only_added_to(self) -> None:
        """Trap T19: its lines stay as they were, the newest first; nothing used makes no line."""
        guard = await self.make(limited())
        await guard.record_usage(DEFAULT_TENANT, 7, now=EPOCH)
        await guard.record_usage(DEFAULT_TENANT, 0, now=EPOCH + SECOND)
        await guard.settle(await self.reserved(guard, 50), 8, now=EPOCH + 2 * SECOND)
        await guard.release(await self.reserved(guard, 50), now=EPOCH + 3 * SECOND)
        await guard.record_usage(DEFAULT_TENANT, 9, now=EPOCH + 4 * SECOND)

        lines = await guard.entries(DEFAULT_TENANT, now=EPOCH + DAY)
        assert [each.amount for each in lines] == [9, 8, 7]
        assert [each.at - EPOCH for each in lines] == [4 * SECOND, 2 * SECOND, NO_TIME]
        assert [
            each.amount for each in await guard.entries(DEFAULT_TENANT, now=EPOCH, limit=1)
        ] == [9]
        assert list(await guard.entries(DEFAULT_TENANT, now=JANUARY.ends)) == []

    @pytest.mark.parametrize("amount", [-1, AMOUNT_MOST + 1])
    async def test_an_amount_that_cannot_be_meant_is_refused(self, amount: int) -> None:
        """Below nothing, or more than can be: nothing is counted, and a reservation stays."""
        guard = await self.make(limited())
        reservation = await self.reserved(guard, 10)

        with pytest.raises(InvalidInput):
            await guard.record_usage(DEFAULT_TENANT, amount, now=EPOCH)
        with pytest.raises(InvalidInput):
            await guard.reserve(DEFAULT_TENANT, amount, now=EPOCH)
        with pytest.raises(InvalidInput):
            await guard.settle(reservation, amount, now=EPOCH)
        standing = await guard.standing(DEFAULT_TENANT, now=EPOCH)
        assert (standing.used, standing.held) == (0, 10)

    async def test_the_hard_form_never_exceeds_the_limit(self) -> None:
        """Of many that reserve at once, over several guards, as many get it as there is room."""
        guards = [await self.make(limited()) for _ in range(4)]

        asked = [
            guard.reserve(DEFAULT_TENANT, 7, now=EPOCH) for guard in guards for _ in range(CALLERS)
        ]
        granted = [each for each in await asyncio.gather(*asked) if isinstance(each, Reservation)]

        assert len(granted) == LIMIT // 7
        assert (await guards[0].standing(DEFAULT_TENANT, now=EPOCH)).held == 7 * (LIMIT // 7)
        await asyncio.gather(*(guards[1].settle(each, 7, now=EPOCH) for each in granted))
        standing = await guards[2].standing(DEFAULT_TENANT, now=EPOCH)
        assert (standing.used, standing.held, standing.overrun) == (98, 0, 0)

    async def test_the_soft_form_exceeds_it_by_no_more_than_a_call_of_each(self) -> None:
        """
        Ten callers that check and then use two in a hundred each stay within a fifth of the limit.

        The overshoot is measured: it is what the ledger has beyond the limit.
        """
        amount = LIMIT * 2 // 100
        guards = [await self.make(limited()) for _ in range(2)]

        async def use_up(guard: QuotaGuard) -> None:
            for _ in range(LIMIT):
                if await guard.can_proceed(DEFAULT_TENANT, now=EPOCH) != Proceed():
                    return
                await asyncio.sleep(0)  # the call itself, during which others ask
                await guard.record_usage(DEFAULT_TENANT, amount, now=EPOCH)

        await asyncio.gather(*(use_up(guards[n % 2]) for n in range(CALLERS)))

        standing = await guards[0].standing(DEFAULT_TENANT, now=EPOCH)
        assert standing.used >= LIMIT
        assert standing.overrun <= LIMIT // 5

    async def test_use_that_is_told_at_once_is_all_counted(self) -> None:
        """No line is lost among many that are written together."""
        guards = [await self.make(limited()) for _ in range(2)]

        await asyncio.gather(
            *(guards[n % 2].record_usage(DEFAULT_TENANT, n, now=EPOCH) for n in range(1, 21))
        )

        assert await self.used(guards[0]) == 210
        assert len(await guards[0].entries(DEFAULT_TENANT, now=EPOCH)) == 20

    async def test_asks_that_come_too_fast_are_told_when_to_come_again(self) -> None:
        """A bucket of asks that fills evenly: an ask before its time is refused, at it is not."""
        guard = await self.make(limited(None, pace=Pace(asks=5, per=MINUTE)))
        for _ in range(5):
            assert await guard.can_proceed(DEFAULT_TENANT, now=EPOCH) == Proceed()

        refusal = await guard.can_proceed(DEFAULT_TENANT, now=EPOCH + SECOND)
        assert refusal == Burst(retry_after=11 * SECOND)
        again = EPOCH + 12 * SECOND
        assert isinstance(await guard.can_proceed(DEFAULT_TENANT, now=again - MICROSECOND), Burst)
        assert await guard.can_proceed(DEFAULT_TENANT, now=again) == Proceed()
        assert isinstance(await guard.can_proceed(DEFAULT_TENANT, now=again), Burst)

    async def test_a_pace_holds_for_both_forms_and_all_guards(self) -> None:
        """Whoever asks, and however: one tenant's asks are counted together, another's are not."""
        quotas = limited(LIMIT, pace=Pace(asks=3, per=MINUTE))
        first, second = await self.make(quotas), await self.make(quotas)
        await self.reserved(first, 1)
        await second.can_proceed(DEFAULT_TENANT, now=EPOCH)
        await self.reserved(second, 1)

        assert isinstance(await first.reserve(DEFAULT_TENANT, 1, now=EPOCH), Burst)
        assert isinstance(await second.can_proceed(DEFAULT_TENANT, now=EPOCH), Burst)
        assert await first.can_proceed(OTHER, now=EPOCH) == Proceed()

    async def test_who_rests_may_ask_as_often_as_before(self) -> None:
        """The bucket is full again after its time, and never fuller; a month's end is nothing."""
        guard = await self.make(limited(None, pace=Pace(asks=4, per=MINUTE)))
        last = JANUARY.ends - SECOND
        for now in (EPOCH, EPOCH + HOUR, last):
            answers = [await guard.can_proceed(DEFAULT_TENANT, now=now) for _ in range(5)]
            assert [isinstance(each, Burst) for each in answers] == [False] * 4 + [True]

        assert isinstance(await guard.can_proceed(DEFAULT_TENANT, now=JANUARY.ends), Burst)

    async def test_a_burst_goes_through_once_however_many_ask(self) -> None:
        """Of many that ask at once, over several guards, as many go on as the pace allows."""
        quotas = limited(None, pace=Pace(asks=6, per=MINUTE))
        guards = [await self.make(quotas) for _ in range(3)]

        answers = await asyncio.gather(
            *(guard.can_proceed(DEFAULT_TENANT, now=EPOCH) for guard in guards for _ in range(8))
        )

        assert sum(each == Proceed() for each in answers) == 6

    async def test_a_refused_ask_does_not_use_up_the_pace(self) -> None:
        """Whoever is refused for want of room may still ask for less at once."""
        guard = await self.make(limited(10, pace=Pace(asks=1, per=MINUTE)))

        assert isinstance(await guard.reserve(DEFAULT_TENANT, 11, now=EPOCH), Exhausted)
        await self.reserved(guard, 10)
