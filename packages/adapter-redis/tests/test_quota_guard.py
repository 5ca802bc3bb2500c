"""The quota guard on Redis keeps the contract, over a real server."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from cronicorn_adapter_redis.quota_guard import open_redis_quota_guard
from cronicorn_domain.errors import InvalidInput, StoreUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.quota import Proceed, Quotas
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_domain.testing.quota_guard_contract import (
    LIMIT,
    GuardMaker,
    QuotaGuardContract,
    limited,
)
from redis.asyncio import Redis


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    """Keep connections open until the test is over."""
    async with AsyncExitStack() as stack:
        yield stack


class TestRedisQuotaGuard(QuotaGuardContract):
    """Guards over one server, each with connections of its own: as processes would have them."""

    @pytest.fixture
    async def guard_maker(self, redis_url: str, opened: AsyncExitStack) -> GuardMaker:
        """Provide guards over the test's server."""

        async def make(quotas: Quotas) -> QuotaGuard:
            return await opened.enter_async_context(open_redis_quota_guard(redis_url, quotas))

        return make


USE_UP = """
import asyncio, sys
from cronicorn_adapter_redis.quota_guard import open_redis_quota_guard
from cronicorn_domain.model.quota import Reservation
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.testing.quota_guard_contract import limited

async def use(guard):
    used = 0
    while isinstance(held := await guard.reserve(DEFAULT_TENANT, 1, now=EPOCH), Reservation):
        await guard.settle(held, 1, now=EPOCH)
        used += 1
    return used

async def main():
    async with open_redis_quota_guard(sys.argv[1], limited()) as guard:
        print(sum(await asyncio.gather(*(use(guard) for _ in range(4)))))

asyncio.run(main())
"""


async def test_processes_together_never_exceed_the_hard_limit(redis_url: str) -> None:
    """Several processes that reserve and settle until nothing is left use exactly the limit."""
    pipe = asyncio.subprocess.PIPE
    running = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", USE_UP, redis_url, stdout=pipe)
        for _ in range(3)
    ]
    answers = [int((await each.communicate())[0]) for each in running]

    async with open_redis_quota_guard(redis_url, limited()) as guard:
        standing = await guard.standing(DEFAULT_TENANT, now=EPOCH)
    assert sum(answers) == standing.used == LIMIT
    assert (standing.held, standing.overrun) == (0, 0)


async def test_a_server_that_forgets_the_scripts_is_given_them_again(redis_url: str) -> None:
    """A restart or a flush of its scripts is no fault that anybody sees."""
    async with open_redis_quota_guard(redis_url, limited()) as guard:
        await guard.record_usage(DEFAULT_TENANT, 1, now=EPOCH)
        async with Redis.from_url(redis_url) as client:
            await client.script_flush()

        assert await guard.can_proceed(DEFAULT_TENANT, now=EPOCH) == Proceed()
        assert (await guard.standing(DEFAULT_TENANT, now=EPOCH)).used == 1


async def test_a_check_reads_no_line_of_the_ledger(redis_url: str) -> None:
    """Trap T28: with thousands of lines it is one call of the server, and touches the same keys."""
    async with open_redis_quota_guard(redis_url, limited()) as guard:
        await guard.record_usage(DEFAULT_TENANT, 1, now=EPOCH)
        async with Redis.from_url(redis_url, decode_responses=True) as client:
            (lines,) = [key async for key in client.scan_iter("*:lines")]
            await client.rpush(lines, *(f"0 {n}" for n in range(1, 3001)))
            await client.config_resetstat()
            await guard.can_proceed(DEFAULT_TENANT, now=EPOCH)
            told = await client.info("commandstats")

    assert told["cmdstat_evalsha"]["calls"] == 1
    assert "cmdstat_lrange" not in told


async def test_all_keys_of_a_tenant_lie_together(redis_url: str) -> None:
    """Every key has the tenant as its hash tag, so that a cluster can run the scripts."""
    async with open_redis_quota_guard(redis_url, limited()) as guard:
        await guard.record_usage(DEFAULT_TENANT, 1, now=EPOCH)
        await guard.reserve(DEFAULT_TENANT, 1, now=EPOCH)
        async with Redis.from_url(redis_url, decode_responses=True) as client:
            keys = [key async for key in client.scan_iter("*")]

    assert len(keys) == 5
    assert all(f"{{{DEFAULT_TENANT}}}" in key for key in keys)


async def test_a_server_that_is_not_there_is_told_as_such() -> None:
    """The error is the domain's, and comes at once; a URL that is none is the caller's fault."""
    async with open_redis_quota_guard("redis://127.0.0.1:1/0", limited()) as guard:
        with pytest.raises(StoreUnavailable):
            await guard.standing(DEFAULT_TENANT, now=EPOCH)
    with pytest.raises(InvalidInput):
        async with open_redis_quota_guard("http://127.0.0.1:1/0", limited()):
            pass
