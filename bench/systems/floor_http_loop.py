"""The loop of `FloorHttp`; work without endpoints is done flat out, other work at its time."""

import asyncio
import sys
import time
from typing import NoReturn

from bench.peers.calling import Caller, open_caller, run_until_told
from bench.peers.ready import say_ready
from bench.work import AT_ONCE, Work


async def main(told: asyncio.Event) -> None:
    """Call until told to stop."""
    work = Work.from_json(sys.argv[1])
    async with open_caller(work) as caller:
        if work.endpoints:
            calling = [_call_in_time(caller, work, n) for n in range(work.endpoints)]
        else:
            calling = [_call_flat_out(caller, n) for n in range(AT_ONCE)]
        tasks = [asyncio.create_task(each) for each in calling]
        say_ready(0.0)
        await told.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _call_flat_out(caller: Caller, endpoint: int) -> NoReturn:
    while True:
        await caller.call(endpoint, _now())


async def _call_in_time(caller: Caller, work: Work, endpoint: int) -> NoReturn:
    slot = work.begins_at - work.step
    while True:
        slot = work.next_slot(endpoint, after=slot)
        # A timer may be a millisecond early.
        while (wait := slot / 1000 - time.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait)
        await caller.call(endpoint, slot)


def _now() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    run_until_told(main)
