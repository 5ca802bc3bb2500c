"""The path that every run takes: few statements, whatever the batch, and no stale decision."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.lease_statements import START
from cronicorn_adapter_sql.lease_writes import CLAIM
from cronicorn_adapter_sql.settle_statements import SETTLE, SETTLE_BY_INDEX
from cronicorn_adapter_sql.slot_spans import span
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import due, endpoint_state
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.identity import Token, WorkerId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Endpoint, Guardrails, Pause
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.ports.endpoint_queue import Settled
from cronicorn_domain.ports.unit_of_work import UnitOfWork
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_job,
    a_settlement,
    a_trigger,
    an_alert,
    an_endpoint,
    an_interval_hint,
    every,
    failed,
    succeeded,
)
from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

FIRST_SLOT = EPOCH + MINUTE
LEASE = 10 * SECOND
FAILED = failed()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    """Give an empty store, on either dialect in turn."""
    async with open_store(parse_database_url(database_url), vault=Vault(Keyring())) as store:
        yield store


@pytest.fixture
async def other(store: SqlStore, database_url: str) -> AsyncIterator[SqlStore]:
    """Give the same store as another process has it: it remembers nothing of the first."""
    assert store
    async with open_store(parse_database_url(database_url), vault=Vault(Keyring())) as other:
        yield other


async def add(
    store: SqlStore, count: int, name: str = "shop", *, length: timedelta = MINUTE
) -> list[Endpoint]:
    """Keep a job with endpoints, of one minute unless another length is given."""
    job, schedule = a_job(name), every(length)
    added = [an_endpoint(job, f"endpoint {number}", schedule=schedule) for number in range(count)]
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        for endpoint in added:
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()
    return added


async def claimed(store: SqlStore, now: datetime) -> dict[Endpoint, Token]:
    """Claim what is due."""
    batch = await store.queue.claim(worker=WorkerId("a"), limit=100, lease_for=LEASE, now=now)
    return {run.endpoint: run.lease.token for run in batch.runs}


async def settle(
    store: SqlStore,
    tokens: Sequence[Token],
    started_at: datetime,
    outcome: Outcome = FAILED,
) -> set[Settled]:
    """Settle runs, as failed unless another outcome is given."""
    results = [a_settlement(each, started_at=started_at, outcome=outcome) for each in tokens]
    return set((await store.queue.settle(results, now=started_at + SECOND)).values())


@contextmanager
def counting(store: SqlStore) -> Iterator[list[str]]:
    """Collect the statements that the store sends within the block."""
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(store.engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(store.engine.sync_engine, "before_cursor_execute", note)


async def statements_of_a_round(store: SqlStore, now: datetime) -> tuple[int, int, int]:
    """Claim, start and settle all there is, and return how many statements each took."""
    with counting(store) as of_claim:
        tokens = list((await claimed(store, now)).values())
    with counting(store) as of_start:
        await store.queue.start(tokens, now=now)
    with counting(store) as of_settle:
        assert await settle(store, tokens, now, succeeded("fine")) == {Settled.ACCEPTED}
    return len(of_claim), len(of_start), len(of_settle)


async def test_a_batch_costs_as_much_as_one(store: SqlStore) -> None:
    """What all runs of a batch need is asked and written together, however many they are."""
    await add(store, 1)
    await statements_of_a_round(store, FIRST_SLOT)
    for_one = await statements_of_a_round(store, FIRST_SLOT + MINUTE)
    await add(store, 30, "many")
    await statements_of_a_round(store, FIRST_SLOT + 2 * MINUTE)

    for_many = await statements_of_a_round(store, FIRST_SLOT + 3 * MINUTE)

    assert for_many <= for_one
    if store.engine.dialect.name == "postgresql":
        assert for_many[1:] == (1, 1)


async def test_a_full_claim_for_an_only_tenant_is_one_question_and_one_write(
    store: SqlStore,
) -> None:
    """What is known is not read again, and where nobody else waits nobody's turn is looked for."""
    await add(store, 100, length=4 * SECOND)
    await statements_of_a_round(store, EPOCH + 4 * SECOND)

    with counting(store) as sent:
        found = await claimed(store, EPOCH + 8 * SECOND)

    assert len(found) == 100
    if store.engine.dialect.name == "postgresql":
        assert len(sent) == 2


async def test_signing_keys_are_asked_for_once_in_five_seconds(store: SqlStore) -> None:
    """Also where there are none: most claims ask nothing about them, and none asks for each run."""
    await add(store, 30, length=4 * SECOND)

    asked = []
    for seconds in (4, 8, 12):
        with counting(store) as sent:
            tokens = list((await claimed(store, EPOCH + seconds * SECOND)).values())
        assert len(tokens) == 30
        await settle(store, tokens, EPOCH + seconds * SECOND, succeeded("fine"))
        asked.append(sum("signing_keys" in each for each in sent))

    assert asked == [1, 0, 1]


async def test_what_another_process_has_run_is_not_read_whole(
    postgres_database: str,
) -> None:
    """Whoever takes turns with another reads the state alone, unless more has changed."""
    database, vault = parse_database_url(postgres_database), Vault(Keyring())
    async with open_store(database, vault=vault) as one, open_store(database, vault=vault) as two:
        endpoints = await add(one, 3)
        for number, each in enumerate((one, two, one, two)):
            await statements_of_a_round(each, FIRST_SLOT + number * MINUTE)

        with counting(one) as handed_over:
            tokens = await claimed(one, FIRST_SLOT + 4 * MINUTE)
        await settle(one, list(tokens.values()), FIRST_SLOT + 4 * MINUTE, succeeded("fine"))
        async with one.units.begin() as unit:
            edited = replace(endpoints[0], description="edited")
            await unit.catalog.change_endpoint(edited, now=FIRST_SLOT + 4 * MINUTE)
            await unit.commit()
        with counting(two) as edited_meanwhile:
            found = await claimed(two, FIRST_SLOT + 5 * MINUTE)

    assert [each for each in handed_over if "JOIN jobs" in each] == []
    assert len([each for each in edited_meanwhile if "JOIN jobs" in each]) == 1
    assert {each.description for each in found} == {None, "edited"}


@pytest.mark.parametrize("outcome", [FAILED, succeeded("fine")], ids=["fails", "recovers"])
async def test_a_streak_costs_nothing_where_nobody_wants_to_know(
    store: SqlStore, outcome: Outcome
) -> None:
    """On PostgreSQL the one statement looks, and no other asks, as long as there is no alert."""
    await add(store, 3)
    now = FIRST_SLOT
    for ended in (FAILED, outcome):
        tokens = list((await claimed(store, now)).values())
        with counting(store) as sent:
            await settle(store, tokens, now, ended)
        now += 3 * MINUTE

    if store.engine.dialect.name == "postgresql":
        assert sent[0] in {SETTLE, SETTLE_BY_INDEX}
        assert not any("alert" in each for each in sent[1:])
    assert not any("alert_streaks" in each for each in sent)


async def test_with_alerts_only_what_they_are_about_is_settled_otherwise(store: SqlStore) -> None:
    """What goes on going well costs what it did, and a streak is told of with its result."""
    added = await add(store, 2)
    async with store.units.begin() as unit:
        await unit.alerts.add(an_alert(threshold=1))
        await unit.commit()
    tokens = list((await claimed(store, FIRST_SLOT)).values())
    with counting(store) as of_well:
        await settle(store, tokens, FIRST_SLOT, succeeded("fine"))
    later = FIRST_SLOT + MINUTE
    found = {endpoint.id: token for endpoint, token in (await claimed(store, later)).items()}

    await settle(store, [found[added[0].id]], later, FAILED)

    if store.engine.dialect.name == "postgresql":
        assert len(of_well) == 1
    assert not any("notices" in each for each in of_well)
    async with store.units.begin() as unit:
        due = await unit.alerts.take(limit=9, now=later + HOUR, keep_until=later + 2 * HOUR)
    assert [each.notice.endpoint_id for each in due] == [added[0].id]


async def left_behind(store: SqlStore, endpoint: Endpoint) -> tuple[object, ...]:
    """Read what a settle leaves: the plan, the failures, and from when it can be claimed."""
    async with store.units.begin() as unit:
        ((_, state),) = await unit.catalog.get_states(endpoint.tenant, [endpoint.id])
    async with store.engine.connect() as connection:
        key = due.c.endpoint_id == endpoint.id
        instants = (await connection.execute(select(due.c.due_at).where(key))).scalars().all()
    plan = state.next_plan
    decision = None if plan is None else (plan.decision.slot, plan.decision.source)
    return decision, state.failures, instants


Verb = Callable[[UnitOfWork, Endpoint, datetime], Any]


async def offer(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
    """Write a hint."""
    hint = an_interval_hint(5 * SECOND, created_at=now)
    await unit.hints.offer(endpoint.tenant, endpoint.id, hint, now=now)


async def clear(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
    """Clear the hint that was there at the claim."""
    assert await unit.hints.clear(endpoint.tenant, endpoint.id, now=now) == 1


async def ask(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
    """Ask for a run."""
    await unit.hints.trigger(endpoint.tenant, endpoint.id, a_trigger(now), now=now)


async def edit(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
    """Change the guardrails."""
    changed = replace(endpoint, guardrails=Guardrails(longest=10 * SECOND))
    await unit.catalog.change_endpoint(changed, now=now)


async def pause(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
    """Pause it."""
    pause = Pause(until=OPEN_ENDED)
    await unit.catalog.pause_endpoint(endpoint.tenant, endpoint.id, pause, now=now)


async def pause_job(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
    """Pause its job."""
    await unit.catalog.pause_job(endpoint.tenant, endpoint.job_id, now=now)


async def archive(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
    """Archive it."""
    await unit.catalog.archive_endpoint(endpoint.tenant, endpoint.id, now=now)


async def reset(unit: UnitOfWork, endpoint: Endpoint, now: datetime) -> None:
    """Reset its failures."""
    await unit.catalog.reset_failures(endpoint.tenant, endpoint.id, now=now)


@pytest.mark.parametrize(
    "verb",
    [offer, clear, ask, edit, pause, pause_job, archive, reset],
    ids=lambda each: each.__name__,
)
async def test_what_is_written_meanwhile_is_settled_upon(
    store: SqlStore, other: SqlStore, verb: Verb
) -> None:
    """Who remembers the claim decides as who reads everything at the settle, trap T08."""
    remembered, read = await add(store, 2)
    async with other.units.begin() as unit:
        for each in (remembered, read):
            hint = an_interval_hint(90 * SECOND)
            await unit.hints.offer(each.tenant, each.id, hint, now=EPOCH)
        await unit.commit()
    now = EPOCH + 90 * SECOND
    tokens = await claimed(store, now)
    await store.queue.start(list(tokens.values()), now=now)
    assert await settle(store, list(tokens.values()), now) == {Settled.ACCEPTED}
    now += 3 * MINUTE
    tokens = await claimed(store, now)
    await store.queue.start(list(tokens.values()), now=now)
    by_id = {endpoint.id: token for endpoint, token in tokens.items()}

    async with other.units.begin() as unit:
        for each in (remembered, read):
            await verb(unit, each, now)
        await unit.commit()
    answers = [
        await settle(store, [by_id[remembered.id]], now),
        await settle(other, [by_id[read.id]], now),
    ]

    assert answers == [{Settled.ACCEPTED}] * 2
    assert await left_behind(other, remembered) == await left_behind(other, read)


async def test_what_was_written_after_the_settle_is_claimed_upon(
    store: SqlStore, other: SqlStore
) -> None:
    """A claim sends what stands in the store, not what its process remembers, traps T01 and T14."""
    (endpoint,) = await add(store, 1)
    tokens = await claimed(store, FIRST_SLOT)
    await settle(store, list(tokens.values()), FIRST_SLOT)
    request = replace(endpoint.request, url="http://shop.example/another")

    async with other.units.begin() as unit:
        changed = replace(endpoint, request=request)
        await unit.catalog.change_endpoint(changed, now=FIRST_SLOT + 2 * SECOND)
        await unit.commit()

    (found,) = await claimed(store, FIRST_SLOT + 5 * MINUTE)
    assert found.request == request


async def grow(connection: AsyncConnection, endpoint: Endpoint) -> None:
    """Let the tables have thousands of rows of which the planner knows nothing."""
    copies = "FROM generate_series(1, 3000) AS n"
    for table, key in (("endpoints", "id"), ("endpoint_state", "endpoint_id")):
        await connection.execute(
            text(
                f"INSERT INTO {table} SELECT (json_populate_record(t, json_build_object("
                f"'{key}', md5('copy' || n)::uuid, 'name', 'copy ' || n))).*"
                f" {copies}, {table} AS t WHERE t.{key} = :id"
            ),
            {"id": endpoint.id},
        )


@pytest.mark.parametrize(
    ("statement", "given"),
    [
        (CLAIM, {"rows": "[]"}),
        (START, {"tokens": "{}", "now": EPOCH}),
        (SETTLE, {"rows": "[]", "records": "[]", **span([EPOCH])}),
    ],
    ids=["claim", "start", "settle"],
)
async def test_rows_are_found_by_an_index(
    postgres_database: str, statement: str, given: dict[str, Any]
) -> None:
    """Also on tables that were empty when the planner looked at them last, trap T27."""
    vault = Vault(Keyring())
    async with open_store(parse_database_url(postgres_database), vault=vault) as store:
        async with store.engine.begin() as connection:
            await connection.execute(text("ANALYZE"))
        (endpoint,) = await add(store, 1)
        async with store.engine.begin() as connection:
            await grow(connection, endpoint)
            count = select(endpoint_state.c.endpoint_id)
            assert len((await connection.execute(count)).all()) == 3001
            plan = await connection.exec_driver_sql(f"EXPLAIN {statement}", given)
            steps = "\n".join(line for (line,) in plan)

    assert "Index" in steps
    assert "Seq Scan" not in steps
    assert "Hash" not in steps


def test_statements_stay_short_enough_to_be_taken_apart_once() -> None:
    """
    The driver keeps what it has found out about a statement of up to 4096 characters.

    A longer one works as well, and costs 10 microseconds more each time, for however many runs.
    """
    assert max(len(each) for each in (CLAIM, START, SETTLE)) <= 4096
