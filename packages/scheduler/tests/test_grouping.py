"""Grouping: many asks, few calls, and to each its own answer."""

import asyncio
from datetime import timedelta
from random import Random

import pytest
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_scheduler.grouping import Grouping
from cronicorn_scheduler.observing import SilentObserver
from cronicorn_scheduler.outages import Backoff, Outages


async def test_asks_of_one_moment_are_one_call(grouping):
    """What is asked together goes together, and each ask gets its own answer."""
    group = grouping()

    answers = await asyncio.gather(*(group.ask(n, n) for n in range(5)))

    assert answers == [0, -1, -2, -3, -4]
    assert group.calls == [[0, 1, 2, 3, 4]]


async def test_asks_during_a_call_go_with_the_next(rig, grouping):
    """What is asked while a call is under way waits for its end, and then goes together."""
    group = grouping(takes=1)

    first = asyncio.create_task(group.ask(1, 1))
    await rig.until(0.5)
    answers = await asyncio.gather(group.ask(2, 2), group.ask(3, 3), first)

    assert list(answers) == [-2, -3, -1]
    assert group.calls == [[1], [2, 3]]


async def test_a_full_group_does_not_linger(rig, grouping):
    """When a batch is full it is handed over without waiting for the window's end."""
    group = grouping(window=1, limit=3)

    await asyncio.gather(*(group.ask(n, n) for n in range(3)))

    assert rig.elapsed() == 0


async def test_who_leaves_is_not_handed_over(rig, grouping):
    """An ask that is cancelled before its call is not made."""
    group = grouping(window=1)

    leaving = asyncio.create_task(group.ask(1, 1))
    staying = asyncio.create_task(group.ask(2, 2))
    await rig.until(0.5)
    leaving.cancel()

    assert await staying == -2
    assert group.calls == [[2]]


async def test_nothing_is_called_when_all_have_left(rig, grouping):
    """If nobody asks any more there is no call."""
    group = grouping(window=1)

    leaving = asyncio.create_task(group.ask(1, 1))
    await rig.until(0.5)
    leaving.cancel()
    await rig.until(5)

    assert group.calls == []


async def test_who_leaves_during_a_call_harms_no_other(rig, grouping):
    """An answer for somebody who has left is dropped; the others get theirs (trap T15)."""
    group = grouping(takes=1)

    leaving = asyncio.create_task(group.ask(1, 1))
    staying = asyncio.create_task(group.ask(2, 2))
    await rig.until(0.5)
    leaving.cancel()

    assert await staying == -2


async def test_an_error_reaches_only_the_item_at_fault(grouping):
    """A call that fails is made again item by item (trap T15)."""
    group = grouping(poison={2})

    answers = await asyncio.gather(*(group.ask(n, n) for n in range(4)), return_exceptions=True)

    assert [answers[0], answers[1], answers[3]] == [0, -1, -3]
    assert isinstance(answers[2], ValueError)


async def test_who_has_left_is_not_tried_singly(rig, grouping):
    """When a failed call is made again item by item, those who left meanwhile are left out."""
    group = grouping(takes=1, poison={1})

    asks = [asyncio.create_task(group.ask(n, n)) for n in (1, 2, 3)]
    await rig.until(0.5)
    asks[2].cancel()
    answers = await asyncio.gather(*asks, return_exceptions=True)

    assert group.calls == [[1, 2, 3], [1], [2]]
    assert answers[1] == -2


async def test_an_outage_in_the_middle_repeats_only_what_is_left(grouping):
    """What was answered before an outage is not asked again."""
    group = grouping(poison={2}, away_at_call={3})

    answers = await asyncio.gather(*(group.ask(n, n) for n in range(3)), return_exceptions=True)

    assert answers[:2] == [0, -1]
    assert isinstance(answers[2], ValueError)
    assert group.calls[:3] == [[0, 1, 2], [0], [1]]
    assert [0] not in group.calls[2:]


async def test_calls_grow_again_after_an_outage(grouping):
    """After an outage has made the calls small, success makes them large again."""
    group = grouping(limit=8, away_at_call={1, 2, 3})

    await asyncio.gather(*(group.ask(n, n) for n in range(8)))

    assert [len(call) for call in group.calls[:6]] == [8, 4, 2, 1, 2, 4]


class Recorded(Grouping):
    """A grouping that also shows its calls."""

    calls: list[list[int]]


@pytest.fixture
async def grouping(rig):
    """Make groupings whose answers are the negated items, and run them for the test."""
    running = []

    def make(*, takes=0, window=0, limit=100, poison=frozenset(), away_at_call=frozenset()):
        calls = []

        async def call(items):
            calls.append(list(items))
            await rig.clock.sleep_until(rig.after(rig.elapsed() + takes))
            if len(calls) in away_at_call:
                raise StoreUnavailable
            if poison & set(items):
                raise ValueError("poison")
            return {item: -item for item in items}

        backoff = Backoff(first=timedelta(seconds=1), most=timedelta(seconds=2), chance=Random(1))
        outages = Outages(clock=rig.clock, observer=SilentObserver(), backoff=backoff)
        made = Recorded(
            call,
            line=outages.line("test"),
            clock=rig.clock,
            limit=limit,
            window=timedelta(seconds=window),
        )
        made.calls = calls
        running.append(asyncio.create_task(made.run()))
        return made

    yield make
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
