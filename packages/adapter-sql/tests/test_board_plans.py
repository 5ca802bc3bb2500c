"""How PostgreSQL looks for where endpoints stand, when there are many of them and many runs."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.ports.board import Order, Wanted
from cronicorn_domain.ports.overview import Selection
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.testing.builders import DAY, EPOCH, HOUR, MINUTE, a_job, an_endpoint
from sqlalchemy import event, text

ENDPOINTS: Final = 3_000
RUNS_EACH: Final = 20
NOW: Final = EPOCH + HOUR

_COLUMNS: Final = (
    "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
    " WHERE table_name = :table AND column_name <> ALL(:own)"
)
_RUNS: Final = (
    "INSERT INTO runs (id, slot, endpoint_id, tenant, attempt, kind, source, due_at, trail,"
    " worker, claimed_at, status, started_at, finished_at, outcome_class)"
    " SELECT gen_random_uuid(), slot, id, tenant, 1, 'recurring', 'baseline-interval', slot, '[]',"
    " 'a', slot, 'success', slot, slot, 'success' FROM endpoints,"
    " generate_series(:first - :count * interval '1 minute', :first, interval '1 minute') AS slot"
)
_MINUTES: Final = (
    "INSERT INTO roll_ups (endpoint_id, begins_at, size, outcome_class, source, duration_step,"
    " tenant, runs, timed_runs, duration, lateness)"
    " SELECT id, minute, 'minute', 'success', 'baseline-interval', 1, tenant, 1, 1, 1, 0"
    " FROM (SELECT id, tenant FROM endpoints ORDER BY id LIMIT 60) AS few,"
    " generate_series(CAST(:first AS timestamptz), :last, interval '1 minute') AS minute"
)


class Watched:
    """A store, and the statements that reach its database."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.statements: list[tuple[str, Any]] = []
        event.listen(store.engine.sync_engine, "before_cursor_execute", self._note)

    def _note(self, _c: object, _u: object, statement: str, given: Any, *_: object) -> None:
        asks = statement.lstrip().startswith(("SELECT", "WITH"))
        if asks and "set_config" not in statement:
            self.statements.append((statement, given))

    async def plans(self, how: str = "") -> Sequence[str]:
        """Explain what has been asked so far."""
        asked, self.statements = self.statements, []
        async with self.store.engine.connect() as connection:
            return [
                "\n".join(
                    (
                        await connection.exec_driver_sql(f"EXPLAIN {how} {statement}", given)
                    ).scalars()
                )
                for statement, given in asked
            ]


async def copies(store: SqlStore, table: str, own: dict[str, str], count: int) -> None:
    """Copy the only row of a table many times, with some columns of their own."""
    async with store.engine.begin() as connection:
        found = await connection.execute(text(_COLUMNS), {"table": table, "own": list(own)})
        others = found.scalar_one()
        await connection.execute(
            text(
                f"INSERT INTO {table} ({others}, {', '.join(own)})"
                f" SELECT {others}, {', '.join(own.values())} FROM {table},"
                f" generate_series(1, {count}) AS n"
            )
        )


@pytest.fixture
async def watched(postgres_database: str) -> AsyncIterator[Watched]:
    """Give a store with many endpoints, few of which fail, and many more runs."""
    async with open_store(parse_database_url(postgres_database), vault=Vault(Keyring())) as opened:
        await fill(opened, ENDPOINTS, RUNS_EACH)
        yield Watched(opened)


async def fill(store: SqlStore, endpoints: int, runs_each: int) -> None:
    """Keep so many endpoints of one job, each with so many runs, a hundredth of them failing."""
    job = a_job()
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        await unit.catalog.add_endpoint(an_endpoint(job, "first"), now=EPOCH)
        await unit.commit()
    key = "md5(n::text)::uuid"
    await copies(store, "endpoints", {"id": key, "name": "'copy ' || n"}, endpoints)
    failures = "CASE WHEN n % 100 = 0 THEN 1 + n % 7 ELSE 0 END"
    due_at = "due_at + interval '1 hour' + n % 3600 * interval '1 second'"
    own = {"endpoint_id": key, "failures": failures, "due_at": due_at}
    await copies(store, "endpoint_state", own, endpoints)
    await copies(store, "due", {"endpoint_id": key, "due_at": due_at}, endpoints)
    async with store.engine.begin() as connection:
        await connection.execute(text(_RUNS), {"first": EPOCH, "count": runs_each})
        await connection.execute(text("ANALYZE"))


async def ask_all(unit: UnitOfWork) -> None:
    """Ask what a page of endpoints and the page of this moment ask."""
    board, tenant = unit.board, DEFAULT_TENANT
    found = await board.find(tenant, Wanted(), now=NOW, limit=50, count_to=10_001)
    ids = [each.id for each in found.standings]
    await board.latest_runs(tenant, ids, limit=30)
    await board.counts(tenant, now=NOW)
    await board.attention(tenant, now=NOW, limit=8, runs=30)
    await board.recent(tenant, [(NOW - HOUR, NOW)])
    await board.upcoming(tenant, until=NOW + 15 * MINUTE)


async def test_each_question_is_one_statement(watched: Watched) -> None:
    """However many endpoints there are: six questions, six statements."""
    async with watched.store.units.begin() as unit:
        await ask_all(unit)

    assert len(watched.statements) == 6


async def test_no_question_looks_through_runs(watched: Watched) -> None:
    """Runs are found by index alone, and by what only they ask for."""
    async with watched.store.units.begin() as unit:
        await ask_all(unit)
    page, latest, counts, needy, *others = await watched.plans()

    for plan in (latest, needy):
        assert "Seq Scan on runs" not in plan
        assert re.search(r"Index Scan .*using runs_.*_endpoint_id_slot_attempt", plan), plan
    assert not [plan for plan in (page, counts, *others) if " on runs" in plan]


async def test_what_needs_somebody_is_found_by_what_is_rare(watched: Watched) -> None:
    """By the indexes of the state that hold few, and by when something was due."""
    async with watched.store.units.begin() as unit:
        await unit.board.attention(DEFAULT_TENANT, now=NOW, limit=8, runs=30)
    (plan,) = await watched.plans()

    assert "ix_endpoint_state_failing" in plan
    assert "ix_endpoint_state_put_off" in plan
    assert "Seq Scan on endpoint_state" not in plan


@pytest.mark.parametrize("order", Order)
async def test_a_page_reads_no_more_endpoints_whole_than_it_shows(
    watched: Watched, order: Order
) -> None:
    """Whatever is filtered and counted, the rest of a row is read for those on the page."""
    which = Wanted(text="copy", conditions=frozenset(Condition), failing=False)
    async with watched.store.units.begin() as unit:
        found = await unit.board.find(
            DEFAULT_TENANT, which, now=NOW, order=order, limit=50, count_to=10_001
        )
    (plan,) = await watched.plans()

    assert (len(found.standings), found.total) == (50, ENDPOINTS - ENDPOINTS // 100)
    assert "Limit" in plan


@pytest.mark.parametrize("order", Order)
async def test_a_list_is_not_sorted_for_a_page_of_it(watched: Watched, order: Order) -> None:
    """In no order; nor is anything else of all endpoints read, but to count them."""
    async with watched.store.units.begin_reading() as unit:
        found = await unit.board.find(DEFAULT_TENANT, Wanted(), now=NOW, order=order, limit=50)
    (plan,) = await watched.plans("(ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF)")
    rows = [float(each) for each in re.findall(r"actual rows=([\d.]+)", plan)]

    assert len(found.standings) == 50
    assert max(rows) < ENDPOINTS / 10, plan


async def test_a_list_is_looked_through_as_postgresql_thinks_best(watched: Watched) -> None:
    """Also where each statement is on its own; whoever has the connection next is as before."""
    asked = text("SELECT current_setting('enable_seqscan')")
    for _ in range(2):
        async with watched.store.units.begin_reading() as unit:
            connection = unit.board._transaction.connection  # type: ignore[attr-defined]
            before = (await connection.execute(asked)).scalar_one()
            await unit.board.counts(DEFAULT_TENANT, now=NOW)
            during = (await connection.execute(asked)).scalar_one()

        assert (before, during) == ("off", "on")


async def test_sums_look_at_no_minute_that_is_in_them(watched: Watched) -> None:
    """Only at those of hours that are not closed yet, however many there are."""
    now = EPOCH + 2 * HOUR
    async with watched.store.engine.begin() as connection:
        await connection.execute(text(_MINUTES), {"first": EPOCH, "last": now - MINUTE})
        await connection.execute(text("ANALYZE"))
    async with watched.store.units.begin() as unit:
        await unit.runs.prune(before=None, limit=100, now=now)
        await unit.commit()
    watched.statements.clear()
    window = Selection(since=EPOCH - DAY, until=now)
    async with watched.store.units.begin() as unit:
        hours = await unit.overview.hours(DEFAULT_TENANT, window)
        await unit.overview.jobs(DEFAULT_TENANT, window)
        await unit.overview.busiest(DEFAULT_TENANT, window, limit=5)
        await unit.overview.spreads(DEFAULT_TENANT, window, edges=[EPOCH])
    plans = await watched.plans("(ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF)")

    assert sum(each.tally.runs for each in hours) == 120 * 60
    for plan in plans:
        rows = re.findall(r"on roll_ups .*?actual rows=(\d+)", plan)
        assert max(map(int, rows)) == 60 * 60, plan


async def test_late_is_told_from_due(watched: Watched) -> None:
    """What is due behind now is on time, however much of it there is."""
    async with watched.store.units.begin() as unit:
        counts = await unit.board.counts(DEFAULT_TENANT, now=NOW)
        later = await unit.board.counts(DEFAULT_TENANT, now=NOW + 2 * MINUTE)

    assert (counts.late, counts.failing) == (1, ENDPOINTS // 100)
    assert later.late > 1
