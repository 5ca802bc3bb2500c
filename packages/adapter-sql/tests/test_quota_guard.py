"""The quota guard on SQL keeps the contract, over connections and processes of their own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.quota_guard import SqlQuotaGuard
from cronicorn_adapter_sql.tables import usage_entries
from cronicorn_domain.identity import DEFAULT_TENANT, new_uuid
from cronicorn_domain.model.quota import NO_QUOTAS, Meter, Proceed, Quotas, Reservation
from cronicorn_domain.policies.quotas import month_of
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_domain.testing.builders import EPOCH, SECOND
from cronicorn_domain.testing.quota_guard_contract import (
    OTHER,
    GuardMaker,
    QuotaGuardContract,
    limited,
)
from sqlalchemy import event, insert, text
from sqlalchemy.ext.asyncio import AsyncEngine

SHARED = 30
"""The limit that processes use up together: each of it is a commit."""


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    """Keep engines open until the test is over."""
    async with AsyncExitStack() as stack:
        yield stack


class TestSqlQuotaGuard(QuotaGuardContract):
    """Guards over one database, each with an engine of its own: as processes would have it."""

    @pytest.fixture
    async def guard_maker(self, database_url: str, opened: AsyncExitStack) -> GuardMaker:
        """Provide guards over the test's database."""

        async def make(quotas: Quotas) -> QuotaGuard:
            engine = open_engine(parse_database_url(database_url))
            return SqlQuotaGuard(await opened.enter_async_context(engine), quotas)

        return make


@contextmanager
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """Collect the statements that are sent within the block."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):  # which PostgreSQL's driver sends unseen
            sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine.sync_engine, "before_cursor_execute", note)


async def test_a_tenant_without_quota_is_asked_about_nowhere(engine: AsyncEngine) -> None:
    """Whoever has no limit costs no statement."""
    guard = SqlQuotaGuard(engine, NO_QUOTAS)

    with statements(engine) as sent:
        assert await guard.can_proceed(DEFAULT_TENANT, now=EPOCH) == Proceed()
        assert not guard.limits(DEFAULT_TENANT, Meter.TOKENS)

    assert sent == []


async def add_lines(engine: AsyncEngine, count: int) -> None:
    """Fill the month's ledger."""
    month = month_of(EPOCH).begins
    lines = [
        {
            "id": new_uuid(),
            "tenant": DEFAULT_TENANT,
            "meter": "tokens",
            "month": month,
            "amount": 1,
            "at": EPOCH,
        }
        for _ in range(count)
    ]
    async with engine.begin() as connection:
        await connection.execute(insert(usage_entries), lines)


async def test_a_check_costs_the_same_at_the_end_of_the_month(engine: AsyncEngine) -> None:
    """Trap T28: it is the same few statements, and none of them reads the ledger."""
    guard = SqlQuotaGuard(engine, limited())
    await guard.record_usage(DEFAULT_TENANT, 1, now=EPOCH)

    with statements(engine) as early:
        await guard.can_proceed(DEFAULT_TENANT, now=EPOCH)
        await guard.reserve(DEFAULT_TENANT, 1, now=EPOCH)
    await add_lines(engine, 3000)
    with statements(engine) as late:
        await guard.can_proceed(DEFAULT_TENANT, now=EPOCH)
        await guard.reserve(DEFAULT_TENANT, 1, now=EPOCH)

    assert early == late
    assert not [each for each in late if "usage_entries" in each]
    assert len(late) <= 6


async def test_a_check_looks_rows_up_by_their_keys(engine: AsyncEngine) -> None:
    """Trap T28: one row of the total, and of the reservations those that live, by their index."""
    explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    asked: list[tuple[str, Any]] = []

    def note(
        _connection: object, _cursor: object, statement: str, parameters: Any, *_: Any
    ) -> None:
        asked.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    await SqlQuotaGuard(engine, limited()).can_proceed(DEFAULT_TENANT, now=EPOCH)
    event.remove(engine.sync_engine, "before_cursor_execute", note)
    statement, parameters = asked[-1]
    async with engine.begin() as connection:
        if engine.dialect.name != "sqlite":
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        found = await connection.exec_driver_sql(f"{explain} {statement}", parameters)
        plan = str(found.all())

    assert "usage_totals" in plan
    assert "ix_quota_holds_tenant_meter_expires_at" in plan
    assert "SCAN usage_totals" not in plan
    assert "Seq Scan" not in plan


async def test_processes_together_never_exceed_the_hard_limit(
    database_url: str, engine: AsyncEngine
) -> None:
    """Several processes that reserve and settle until nothing is left use exactly the limit."""
    module = "cronicorn_adapter_sql.testing.quota_process"
    running = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            database_url,
            str(SHARED),
            EPOCH.isoformat(),
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]
    answers = [json.loads((await each.communicate())[0]) for each in running]

    guard = SqlQuotaGuard(engine, limited(SHARED))
    standing = await guard.standing(DEFAULT_TENANT, now=EPOCH)
    assert sum(answers) == standing.used == SHARED
    assert (standing.held, standing.overrun) == (0, 0)


async def test_a_transaction_of_one_tenant_keeps_no_other_waiting(
    postgres_database: str, opened: AsyncExitStack
) -> None:
    """While one's row is locked, another's asks and reservations go on."""
    first = await opened.enter_async_context(open_engine(parse_database_url(postgres_database)))
    second = await opened.enter_async_context(open_engine(parse_database_url(postgres_database)))
    await SqlQuotaGuard(first, limited()).record_usage(DEFAULT_TENANT, 1, now=EPOCH)

    async with first.begin() as connection:
        await connection.execute(text("SELECT * FROM usage_totals FOR UPDATE"))
        guard = SqlQuotaGuard(second, limited())
        await guard.can_proceed(DEFAULT_TENANT, now=EPOCH)
        reservation = await guard.reserve(OTHER, 1, now=EPOCH)

    assert isinstance(reservation, Reservation)


async def test_what_has_expired_is_swept_out(engine: AsyncEngine) -> None:
    """Reservations of processes that died do not pile up."""
    guard = SqlQuotaGuard(engine, limited())
    for _ in range(5):
        await guard.reserve(DEFAULT_TENANT, 1, now=EPOCH, lasts=SECOND)

    await guard.reserve(DEFAULT_TENANT, 1, now=EPOCH + SECOND)

    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT count(*) FROM quota_holds"))).scalar_one()
    assert rows == 1
