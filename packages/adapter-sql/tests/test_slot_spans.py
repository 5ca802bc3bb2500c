"""Runs are found in the partitions of a span of slots, known before a statement begins."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import pytest
from cronicorn_adapter_sql import settle_statements
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.endings import END_RUN
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.settle_statements import SETTLE
from cronicorn_adapter_sql.slot_spans import LONGEST, by_span, span
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import leases, runs
from cronicorn_adapter_sql.testing.databases import migrated_postgres
from cronicorn_adapter_sql.testing.throwaway_postgres import started_postgres
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import Token, WorkerId
from cronicorn_domain.ports.endpoint_queue import Settled
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    MINUTE,
    SECOND,
    a_job,
    a_settlement,
    an_endpoint,
    every,
    succeeded,
)
from sqlalchemy import select, text

DAYS: Final = 8
LEASE: Final = timedelta(days=60)
GATE: Final = 7
WAITING: Final = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def watchful_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give a migrated database of a server that notices when it uses memory it has freed."""
    monkeypatch.setenv("MALLOC_PERTURB_", "165")
    with started_postgres() as server, migrated_postgres(server) as url:
        yield url


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlStore]:
    """Open a store."""
    async with open_store(parse_database_url(url), vault=Vault(Keyring())) as store:
        yield store


async def add(store: SqlStore, count: int, every_so: timedelta = MINUTE) -> None:
    """Keep a job with endpoints, due for the first time a while after the epoch."""
    job = a_job(f"every {every_so}")
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        for number in range(count):
            endpoint = an_endpoint(job, f"{number}", schedule=every(every_so))
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()


async def divide(store: SqlStore) -> None:
    """Make partitions for the first days."""
    made = await store.room.prepare(until=EPOCH + (DAYS - 1) * DAY, now=EPOCH)
    assert made == DAYS


async def claimed(store: SqlStore, after: timedelta) -> Sequence[Token]:
    """Claim and start all that is due so long after the epoch."""
    now = EPOCH + after
    batch = await store.queue.claim(worker=WorkerId("a"), limit=100, lease_for=LEASE, now=now)
    tokens = [run.lease.token for run in batch.runs]
    assert set(await store.queue.start(tokens, now=now)) == set(tokens)
    return tokens


async def settle(store: SqlStore, tokens: Sequence[Token], after: timedelta) -> set[Settled]:
    """Settle runs as succeeded."""
    results = [
        a_settlement(each, started_at=EPOCH + after, outcome=succeeded("fine")) for each in tokens
    ]
    settled = await store.queue.settle(results, now=EPOCH + after + SECOND)
    assert len(settled) == len(tokens)
    return set(settled.values())


@pytest.mark.parametrize(
    ("statement", "given"),
    [(SETTLE, {"rows": "[]", "records": "[]"}), (END_RUN.postgresql, {"rows": "[]"})],
    ids=["settle", "end"],
)
async def test_partitions_are_chosen_before_a_statement_begins(
    postgres_database: str, statement: str, given: dict[str, str]
) -> None:
    """No row's slot is compared with another row's, and one day's slots are one partition."""
    async with opened(postgres_database) as store:
        await divide(store)
        async with store.engine.connect() as connection:
            slots = [EPOCH + DAY, EPOCH + DAY + MINUTE]
            plan = await connection.exec_driver_sql(
                f"EXPLAIN {statement}", {**given, **span(slots)}
            )
            steps = "\n".join(line for (line,) in plan)

    assert f"Subplans Removed: {DAYS}\n" in steps
    assert len(re.findall(r"Index Scan using runs_\w+", steps)) == 1
    assert not re.search(r"\bslot [<=>]+ \w+\.\w+", steps)


async def test_a_lease_renewed_while_it_is_settled_leaves_the_server_alive(
    watchful_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A settle that finds its leases written since it began uses no memory that it has freed."""
    gate = f"(SELECT pg_advisory_xact_lock_shared({GATE})) AS gate"
    gated = SETTLE.replace("FROM json_to_recordset", f"FROM {gate}, json_to_recordset", 1)
    monkeypatch.setattr(settle_statements, "SETTLE", gated)
    async with opened(watchful_database) as store, opened(watchful_database) as other:
        await divide(store)
        await add(store, 60)
        tokens = await claimed(store, MINUTE)

        async with other.engine.connect() as holding:
            await holding.execute(text(f"SELECT pg_advisory_xact_lock({GATE})"))
            settling = asyncio.create_task(settle(store, tokens, MINUTE))
            async with other.engine.connect() as looking:
                for _ in range(100_000):
                    if (await looking.execute(text(WAITING))).first():
                        break
                else:
                    pytest.fail("the settle never came to the gate")
            await other.queue.renew(tokens, lease_for=LEASE, now=EPOCH + MINUTE + SECOND)
            await holding.rollback()

        assert await settling == {Settled.ACCEPTED}
        async with other.engine.connect() as connection:
            found = (await connection.execute(select(runs.c.status))).scalars().all()

    assert found == ["success"] * 60


async def test_runs_of_slots_far_apart_end_together(database_url: str) -> None:
    """Whichever way their ends are written, each finds its row."""
    async with opened(database_url) as store:
        await store.room.prepare(until=EPOCH + (DAYS - 1) * DAY, now=EPOCH)
        tokens: list[Token] = []
        for number, days in enumerate((1, 2, 30), start=1):
            await add(store, number, days * DAY)
            tokens += await claimed(store, days * DAY)
        assert len(tokens) == 6

        assert await settle(store, tokens, 30 * DAY) == {Settled.ACCEPTED}

        async with store.engine.connect() as connection:
            found = (await connection.execute(select(runs.c.status))).scalars().all()
            left = (await connection.execute(select(leases.c.token))).all()
    assert found == ["success"] * 6
    assert not left


def test_rows_are_divided_where_their_slots_are_further_apart_than_a_span() -> None:
    """No part is longer than a span may be, and none is empty."""
    days = (9, 0, 7, 8, 40)

    parts = list(by_span([{"slot": EPOCH + day * DAY} for day in days]))

    assert [[(row["slot"] - EPOCH) // DAY for row in part] for part in parts] == [
        [0, 7],
        [8, 9],
        [40],
    ]
    assert LONGEST == 7 * DAY
    assert not list(by_span([]))
