"""Breakers of hosts that several tenants call, and several workers count."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from cronicorn_adapter_sql.breakers import Called, Gate, Heard
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.tables import breakers
from cronicorn_domain.identity import TenantId, new_uuid
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.run import FailureKind
from cronicorn_domain.testing.builders import EPOCH, failed, succeeded
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

AFTER_ONE = Breaker(opens_after=1)
REFUSED = failed(FailureKind.CONNECTION, message="refused")
ADA, BOB = sorted(TenantId(new_uuid()) for _ in range(2))


@pytest.fixture
async def engine(postgres_database: str) -> AsyncIterator[AsyncEngine]:
    """Give a database without a breaker."""
    async with open_engine(parse_database_url(postgres_database)) as engine:
        async with engine.begin() as connection:
            await connection.execute(breakers.delete())
        yield engine


async def count(engine: AsyncEngine, *, down: Called, up: Called) -> None:
    """Count one host that fails, and one that answers."""
    heard = Heard()
    heard.hear(down, REFUSED, well=False)
    heard.hear(up, succeeded(), well=False)
    await heard.count(engine, EPOCH)


async def test_whoever_else_calls_a_host_finds_its_breaker_free(engine) -> None:
    """A claim takes the probes of the tenants that it claims for, and locks no other's."""
    for tenant in (ADA, BOB):
        await count(engine, down=Called(tenant, "down.example"), up=Called(tenant, "up.example"))
    adas, bobs = (Called(tenant, "down.example") for tenant in (ADA, BOB))
    gates = [Gate(AFTER_ONE, EPOCH) for _ in range(2)]

    async with engine.begin() as first, engine.begin() as second:
        await gates[0].look(first, [adas, Called(BOB, "up.example")])
        await gates[1].look(second, [bobs])

        assert [*gates[0].open] == [adas]
        assert gates[1].holds_back(bobs) is None


async def test_counts_of_two_workers_never_wait_for_each_other(engine) -> None:
    """One clears what the other adds to: neither is ended by PostgreSQL, and no count is lost."""
    here, there = Called(ADA, "a.example"), Called(ADA, "b.example")
    met: list[BaseException] = []
    event.listen(engine.sync_engine, "handle_error", lambda told: met.append(told.original))

    for _ in range(10):
        await asyncio.gather(count(engine, down=here, up=there), count(engine, down=there, up=here))

    assert met == []
