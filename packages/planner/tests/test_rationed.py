"""A model within a quota: what each ask reserves, costs and tries again."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_memory.model_client import Line, ScriptedModelClient
from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard
from cronicorn_adapter_memory.switched_quota_guard import SwitchedQuotaGuard
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.conversation import (
    NO_USAGE,
    Answer,
    Ask,
    Finish,
    Silence,
    Told,
    Unanswered,
    Usage,
)
from cronicorn_domain.model.quota import (
    Burst,
    Exhausted,
    Meter,
    Quota,
    Quotas,
    Reservation,
    Standing,
)
from cronicorn_domain.ports.quota_guard import RESERVED_FOR
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_planner.asking.rationed import Patience, RationedModel, tokens_most

ASK = Ask(model="m", instructions="Watch it.", messages=(Told("It failed."),), tokens_most=100)
WELL = Answer(text="Well.", calls=(), finish=Finish.DONE, usage=Usage(tokens_in=20, tokens_out=10))
DOWN = Unanswered(why=Silence.OVERLOADED, message="down", usage=NO_USAGE)
LOST = Unanswered(why=Silence.TOO_LATE, message="late")
PATIENCE = Patience(tries=3, first=timedelta(seconds=2), most=timedelta(seconds=30))


class Lossy(SwitchedQuotaGuard):
    """A guard that does not take some of the charges."""

    losses = 0

    async def settle(self, reservation: Reservation, used: int | None, **rest: object) -> None:
        """Settle, unless it is out of reach."""
        self.losses -= 1
        if self.losses >= 0:
            raise StoreUnavailable("no answer")
        await super().settle(reservation, used, **rest)  # type: ignore[arg-type]


class Desk:
    """A model that says lines, a quota, and a clock moved by hand."""

    def __init__(self, *lines: Line, limit: int | None = 10_000) -> None:
        self.clock = ManualClock(EPOCH)
        self.client = ScriptedModelClient(lines)
        quotas = Quotas(every={Meter.TOKENS: Quota(limit=limit)})
        self.guard = Lossy(MemoryQuotaGuard(quotas))
        self.model = RationedModel(self.client, self.guard, clock=self.clock, patience=PATIENCE)

    async def ask(self, ask: Ask = ASK) -> object:
        """Ask, and let the waits between tries pass."""
        asking = asyncio.create_task(self.model.ask(DEFAULT_TENANT, ask))
        for _ in range(200):
            if asking.done():
                break
            await asyncio.sleep(0)
            self.clock.advance(timedelta(seconds=1))
        return await asking

    async def standing(self) -> Standing:
        """Return what was used and is held."""
        return await self.guard.standing(DEFAULT_TENANT, now=self.clock.now())

    async def used(self) -> int:
        """Return what was used."""
        return (await self.standing()).used


async def test_an_answer_costs_what_the_vendor_told() -> None:
    """What was reserved beyond it is free again."""
    desk = Desk(WELL)

    assert await desk.ask() == WELL

    standing = await desk.standing()
    assert (standing.used, standing.held) == (30, 0)


async def test_nothing_is_asked_without_room_for_the_longest_answer() -> None:
    """Trap T35: over the limit no request is made, and the refusal tells until when."""
    desk = Desk(WELL, limit=tokens_most(ASK) - 1)

    assert isinstance(await desk.ask(), Exhausted)
    assert desk.client.asks == []


async def test_asks_that_come_too_fast_are_refused_with_a_time() -> None:
    """Whoever asks in bursts is told when to come again."""
    desk = Desk(WELL)
    desk.guard.hurry(timedelta(seconds=9))

    assert await desk.ask() == Burst(retry_after=timedelta(seconds=9))
    assert desk.client.asks == []


@pytest.mark.parametrize("line", [LOST, replace(WELL, usage=None)])
async def test_what_nobody_knows_costs_all_that_was_reserved(line: Line) -> None:
    """Trap T34: a call that failed, or whose cost was not told, is charged at its most."""
    desk = Desk(line, WELL)
    desk.model = RationedModel(
        desk.client, desk.guard, clock=desk.clock, patience=Patience(tries=1)
    )

    await desk.ask()

    assert await desk.used() == tokens_most(ASK)


async def test_a_vendor_that_is_down_is_asked_again_later() -> None:
    """Trap T34: each try has a reservation and a charge of its own, and waits grow."""
    desk = Desk(DOWN, LOST, WELL)

    assert await desk.ask() == WELL

    assert len(desk.client.asks) == 3
    assert await desk.used() == tokens_most(ASK) + 30
    assert desk.clock.now() - EPOCH >= timedelta(seconds=2 + 4)


async def test_it_is_given_up_after_so_many_tries() -> None:
    """The last word is the vendor's."""
    desk = Desk(DOWN, DOWN, DOWN, WELL)

    assert await desk.ask() == DOWN
    assert len(desk.client.asks) == 3


async def test_a_vendor_that_asks_to_wait_is_given_the_time() -> None:
    """It is not asked before; one that asks for more than is granted is not asked again."""
    busy = Unanswered(
        why=Silence.TOO_MANY, message="wait", retry_after=timedelta(seconds=20), usage=NO_USAGE
    )
    desk = Desk(busy, WELL)
    assert await desk.ask() == WELL
    assert desk.clock.now() - EPOCH >= timedelta(seconds=20)

    hours = replace(busy, retry_after=timedelta(hours=2))
    desk = Desk(hours, WELL)
    assert await desk.ask() == hours


async def test_what_will_not_heal_is_not_tried_again() -> None:
    """A wrong key stays wrong."""
    desk = Desk(Unanswered(why=Silence.REJECTED, message="no", usage=NO_USAGE), WELL)

    await desk.ask()

    assert len(desk.client.asks) == 1
    assert await desk.used() == 0


async def test_the_limit_ends_tries_as_well() -> None:
    """Each try asks the quota anew: a vendor that charges for nothing does not run it over."""
    desk = Desk(LOST, LOST, LOST, limit=tokens_most(ASK) + 10)

    assert isinstance(await desk.ask(), Exhausted)
    assert len(desk.client.asks) == 1
    assert (await desk.standing()).overrun == 0


async def test_whoever_is_cancelled_has_paid() -> None:
    """Trap T35: on shutdown what was under way is charged at its most, and nothing stays held."""
    desk = Desk()
    begun = asyncio.Event()

    class Endless:
        async def ask(self, _: Ask) -> Answer:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

    model = RationedModel(Endless(), desk.guard, clock=desk.clock)
    asking = asyncio.create_task(model.ask(DEFAULT_TENANT, ASK))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking

    standing = await desk.standing()
    assert (standing.used, standing.held) == (tokens_most(ASK), 0)


@pytest.mark.parametrize(("losses", "left"), [(1, (30, 0)), (2, (0, tokens_most(ASK)))])
async def test_an_answer_is_not_lost_with_its_charge(losses: int, left: tuple[int, int]) -> None:
    """A guard that goes away after the answer is asked once more; then what it holds stays held."""
    desk = Desk(WELL)
    desk.guard.losses = losses

    assert await desk.ask() == WELL

    standing = await desk.guard.standing(DEFAULT_TENANT, now=EPOCH)
    assert (standing.used, standing.held) == left


async def test_a_long_conversation_reserves_more() -> None:
    """All that is read counts, in every script."""
    more = replace(ASK, messages=(*ASK.messages, Told("\u96ea" * 3000)))

    assert tokens_most(more) - tokens_most(ASK) >= 3000
    assert tokens_most(ASK) >= ASK.tokens_most


async def test_a_further_try_is_made_only_where_it_may_be() -> None:
    """Each costs as much as the first might have: a bound is looked at before every one."""
    desk = Desk(LOST, WELL)
    asking = asyncio.create_task(desk.model.ask(DEFAULT_TENANT, ASK, may_try=lambda: False))
    while not asking.done():
        await asyncio.sleep(0)
        desk.clock.advance(timedelta(seconds=1))

    assert await asking == LOST
    assert len(desk.client.asks) == 1


@pytest.mark.parametrize(
    "usage",
    [
        Usage(tokens_in=0, tokens_out=10),
        Usage(tokens_in=10**6, tokens_out=10),
        Usage(tokens_in=20, tokens_out=10 * ASK.tokens_most + 1),
    ],
)
async def test_usage_that_cannot_be_is_not_believed(usage: Usage) -> None:
    """It would use up a month at once, or cost nothing; what was reserved is charged."""
    desk = Desk(replace(WELL, usage=usage))
    await desk.ask()

    assert await desk.used() == tokens_most(ASK)


@pytest.mark.parametrize("text", ["1234567890" * 50, '[{"a":1},' * 50, "日本語" * 50])
def test_dense_text_is_reckoned_with_a_token_for_each_digit_and_mark(text: str) -> None:
    """Three bytes a token is what words have, and numbers and brackets have not."""
    more = replace(ASK, messages=(Told("It failed." + text),))
    dense = sum(not each.isalpha() for each in text)

    assert tokens_most(more) - tokens_most(ASK) >= dense


async def test_a_reservation_outlives_an_ask_that_is_short_of_time() -> None:
    """What lapses is charged in full: a settle behind the end of a session is heard."""
    desk = Desk(WELL)
    held: list[Reservation] = []
    reserve = desk.guard.reserve

    async def noted(*given: object, **rest: object) -> object:
        held.append(await reserve(*given, **rest))  # type: ignore[arg-type]
        return held[-1]

    desk.guard.reserve = noted  # type: ignore[assignment]
    await desk.ask(replace(ASK, timeout=timedelta(milliseconds=1)))

    assert held[0].expires_at == EPOCH + RESERVED_FOR
