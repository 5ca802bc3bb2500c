"""Wake-ups: whoever waits learns that something may be due earlier than it knew."""

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.testing.builders import (
    HOUR,
    SECOND,
    a_oneshot,
    a_trigger,
    an_endpoint,
    an_interval_hint,
    at,
    every,
)
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.store_suite import StoreSuite

PATIENCE = 20
"""Seconds after which a wake-up counts as missing; a sound one is there at once."""


class WakeupsContract(StoreSuite):
    """A change that brings a slot earlier ends the waits."""

    async def add_hourly(self) -> Endpoint:
        """Keep an endpoint of one hour, whose first slot is 13:00:00."""
        return await self.add(an_endpoint(await self.add_job(), schedule=every(HOUR)))

    async def expect_wakeup(self) -> None:
        """Expect that a wait ends."""
        async with asyncio.timeout(PATIENCE):
            await self.given.wakeups.wait()

    async def make_earlier(self, how: str, endpoint: Endpoint) -> None:
        """Do something that brings a slot earlier."""
        match how:
            case "hint":
                await self.offer(endpoint, an_interval_hint(SECOND, created_at=at("12:00:10")))
            case "oneshot":
                await self.offer(endpoint, a_oneshot(at("12:30:00")))
            case "run now":
                await self.run_now(endpoint, at("12:00:10"))
            case "edit":
                await self.change(replace(endpoint, schedule=every(SECOND)), at("12:00:10"))
            case "new endpoint":
                other = replace(an_endpoint(await self.add_job("other")), name="other")
                await self.add(other)
            case _:
                raise AssertionError(how)

    @pytest.mark.parametrize("how", ["hint", "oneshot", "run now", "edit", "new endpoint"])
    async def test_no_change_between_arming_and_waiting_is_missed(self, how: str) -> None:
        """A signal that came before the wait ends it at once."""
        endpoint = await self.add_hourly()
        self.given.wakeups.arm()

        await self.make_earlier(how, endpoint)

        await self.expect_wakeup()

    async def test_a_wait_that_has_begun_ends(self) -> None:
        """A change ends every wait that began before it."""
        endpoint = await self.add_hourly()
        self.given.wakeups.arm()
        begun = [asyncio.Event() for _ in range(3)]

        async def wait(event: asyncio.Event) -> None:
            event.set()
            await self.expect_wakeup()

        async with asyncio.TaskGroup() as tasks:
            for event in begun:
                tasks.create_task(wait(event))
            for event in begun:
                await event.wait()
            await self.make_earlier("hint", endpoint)

        assert all(event.is_set() for event in begun)

    async def test_a_resume_wakes(self) -> None:
        """What becomes claimable again is earlier than never."""
        endpoint = await self.add_hourly()
        await self.pause(endpoint, at("12:00:10"))
        self.given.wakeups.arm()

        await self.resume(endpoint, at("12:00:20"))

        await self.expect_wakeup()

    async def test_a_cancelled_wait_harms_nothing(self) -> None:
        """Whoever stops waiting takes no signal from the others."""
        endpoint = await self.add_hourly()
        self.given.wakeups.arm()
        waiting = asyncio.create_task(self.given.wakeups.wait())
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

        await self.make_earlier("hint", endpoint)

        await self.expect_wakeup()

    async def test_a_signal_lasts_until_the_next_arm(self) -> None:
        """Waiting again without arming returns at once."""
        endpoint = await self.add_hourly()
        self.given.wakeups.arm()
        await self.make_earlier("hint", endpoint)
        await self.expect_wakeup()

        await self.expect_wakeup()

    async def test_polling_alone_finds_what_another_process_did(self) -> None:
        """Whoever looks sees it, whether or not a signal comes."""
        endpoint = await self.add_hourly()
        other = await self.given.another()
        self.given.wakeups.arm()
        assert await self.given.queue.next_due() == at("13:00:00")

        await run_now(other, endpoint, at("12:00:10"))

        assert await self.given.queue.next_due() == at("12:00:10")


class WakeupsBetweenProcessesContract(StoreSuite):
    """Where signals of another process can be heard, none that matters to a sleeper is missed."""

    async def sleep_until_due(self, instant: datetime) -> None:
        """Do as a sleeper does, but without ever looking again by itself."""
        async with asyncio.timeout(PATIENCE):
            self.given.wakeups.arm()
            while await self.given.queue.next_due() != instant:
                await self.given.wakeups.wait()
                self.given.wakeups.arm()

    async def add_three(self) -> list[Endpoint]:
        """Keep three endpoints of one hour, whose first slot is 13:00:00."""
        job = await self.add_job()
        names = ("health", "stock", "prices")
        return [await self.add(an_endpoint(job, name, schedule=every(HOUR))) for name in names]

    async def test_what_another_process_commits_ends_the_wait(self) -> None:
        """One change after another is heard, also what comes before anybody waits."""
        endpoints = await self.add_three()
        other = await self.given.another()
        await self.sleep_until_due(at("13:00:00"))

        for second, endpoint in zip((30, 20, 10), endpoints, strict=True):
            instant = at(f"12:00:{second}")
            asleep = asyncio.create_task(self.sleep_until_due(instant))
            await run_now(other, endpoint, instant)
            await asleep

    async def test_several_processes_wake_the_same_sleeper(self) -> None:
        """Whoever of them wrote, and however close together."""
        asleep = asyncio.create_task(self.sleep_until_due(at("12:00:10")))

        for second, endpoint in zip((30, 20, 10), await self.add_three(), strict=True):
            await run_now(await self.given.another(), endpoint, at(f"12:00:{second}"))

        await asleep


async def run_now(store: Store, endpoint: Endpoint, instant: datetime) -> None:
    """Ask for a run at an instant, as another process would."""
    async with store.units.begin() as unit:
        trigger = a_trigger(instant)
        await unit.hints.trigger(endpoint.tenant, endpoint.id, trigger, now=instant)
        await unit.commit()
