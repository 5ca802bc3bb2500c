"""Several processes and connections over one database: no overlap, nothing lost, nobody waits."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import due, endpoint_state, endpoints, leases, roll_ups, runs
from cronicorn_adapter_sql.testing.claiming_process import LEASE
from cronicorn_adapter_sql.testing.processes import Claimed, Processes
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.errors import ForbiddenTransition, StoreUnavailable
from cronicorn_domain.identity import TenantId, Token, WorkerId, new_uuid
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import Job
from cronicorn_domain.ports.endpoint_queue import ClaimBatch
from cronicorn_domain.testing.builders import (
    EPOCH,
    MINUTE,
    SECOND,
    a_job,
    a_settlement,
    a_trigger,
    an_endpoint,
    an_interval_hint,
)
from sqlalchemy import Table, func, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

FIRST_SLOT = EPOCH + MINUTE


def opened(url: str) -> Any:
    """Open the store of a database, as one process would."""
    return open_store(parse_database_url(url), vault=Vault(Keyring()))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    """Give an empty store, on either dialect in turn."""
    async with opened(database_url) as store:
        yield store


def with_settings(url: str, **settings: str) -> str:
    """Have PostgreSQL's own settings in the sessions of a URL."""
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return make_url(url).update_query_dict({"options": options}).render_as_string(False)


async def add_many(store: SqlStore, count: int, *, job: Job | None = None) -> list[Endpoint]:
    """Keep a job with endpoints of one minute."""
    job = job or a_job()
    added = [an_endpoint(job, f"endpoint {number}") for number in range(count)]
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        for endpoint in added:
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()
    return added


async def claim(store: SqlStore, now: datetime = FIRST_SLOT, *, limit: int = 100) -> ClaimBatch:
    """Claim what is due."""
    return await store.queue.claim(worker=WorkerId("here"), limit=limit, lease_for=LEASE, now=now)


async def count(store: SqlStore, table: Table) -> int:
    """Count the rows of a table."""
    async with store.engine.connect() as connection:
        found = await connection.execute(select(func.count()).select_from(table))
        number: int = found.scalar_one()
    return number


@pytest.fixture
async def processes(database_url: str, store: SqlStore) -> AsyncIterator[Processes]:
    """Give a way to start processes over the store's database."""
    started = Processes(database_url)
    yield started
    await started.end()


async def test_processes_share_out_every_slot(store: SqlStore, processes: Processes) -> None:
    """Whatever is due is run once by one process: no overlap, nothing lost, trap T05, trap T24."""
    added = await add_many(store, 40)
    workers = [await processes.start(f"worker {number}") for number in range(3)]
    told: list[Claimed] = []

    for number in range(3):
        now = FIRST_SLOT + number * MINUTE
        answers = await asyncio.gather(*(each.ask(f"work {now.isoformat()}") for each in workers))
        told += [run for answer in answers for run in answer]

    slots = [(FIRST_SLOT + number * MINUTE).isoformat() for number in range(3)]
    expected = {(str(endpoint.id), slot, 1) for endpoint in added for slot in slots}
    assert {(key, slot, attempt) for _, key, slot, attempt in told} == expected
    assert len(told) == len(expected)
    assert len({token for token, *_ in told}) == len(told)
    assert await count(store, runs) == len(expected)
    assert await count(store, leases) == 0
    assert await count(store, due) == len(added)


BUSY_MACHINE = "60s"
"""So long a lock may stay on a machine that is busy with other work, before it counts as kept."""


async def no_locks_are_left(store: SqlStore) -> None:
    """Return once whoever died holds nothing any more; a lock that stays is an error."""
    async with store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            await connection.execute(text(f"SET LOCAL lock_timeout = '{BUSY_MACHINE}'"))
        await connection.execute(select(due.c.endpoint_id).with_for_update())
        await connection.execute(select(endpoint_state.c.endpoint_id).with_for_update())


@pytest.mark.parametrize("words", ["INSERT INTO leases", "INSERT INTO runs", "UPDATE endpoint_st"])
async def test_a_process_killed_within_a_claim_leaves_nothing(
    store: SqlStore, processes: Processes, words: str
) -> None:
    """Half a claim is none: everything is due as it was, for the next one to come, trap T05."""
    await add_many(store, 5)
    victim = await processes.start("victim")
    await victim.ask(f"die-before {words}")

    # Slots were missed by then, so that a claim writes to everything.
    late = FIRST_SLOT + 5 * MINUTE
    await victim.say(f"claim {late.isoformat()}")
    assert await victim.running.wait() == -signal.SIGKILL

    await no_locks_are_left(store)
    assert (await count(store, leases), await count(store, runs)) == (0, 0)
    assert len((await claim(store, late)).runs) == 5


@pytest.mark.parametrize(
    "words", ["DELETE FROM leases", "UPDATE runs", "INSERT INTO roll_ups", "INSERT INTO due"]
)
async def test_a_process_killed_within_a_settle_leaves_its_leases(
    store: SqlStore, processes: Processes, words: str
) -> None:
    """Results are kept whole or not at all; what was not kept is for the reaper."""
    await add_many(store, 5)
    victim = await processes.start("victim")
    await victim.ask(f"die-before {words}")

    await victim.say(f"work {FIRST_SLOT.isoformat()}")
    assert await victim.running.wait() == -signal.SIGKILL

    await no_locks_are_left(store)
    assert (await count(store, roll_ups), await count(store, due)) == (0, 0)
    reaped = await store.queue.reap(limit=100, now=FIRST_SLOT + LEASE)
    assert [each.given_back for each in reaped] == [False] * 5


async def test_the_leases_of_a_killed_process_are_reaped(
    store: SqlStore, processes: Processes
) -> None:
    """What had not started is given back, what had is lost, and both are due again, trap T48."""
    await add_many(store, 6)
    victim = await processes.start("victim")
    held = await victim.ask(f"claim {FIRST_SLOT.isoformat()}")
    started = await victim.ask(f"start {FIRST_SLOT.isoformat()}")
    victim.running.kill()
    assert await victim.running.wait() == -signal.SIGKILL

    reaped = await store.queue.reap(limit=100, now=FIRST_SLOT + LEASE)

    assert {each.token for each in reaped} == {token for token, *_ in held}
    assert {each.token for each in reaped if not each.given_back} == {
        token for token, *_ in started
    }
    again = (await claim(store, FIRST_SLOT + LEASE)).runs
    assert {(run.plan.decision.slot, run.plan.attempt) for run in again} == {(FIRST_SLOT, 2)}
    assert len(again) == 6


PLAIN_PLANS = "-c enable_hashjoin=off -c enable_mergejoin=off -c enable_seqscan=off"
ROUGH_PLANS = f"{PLAIN_PLANS} -c enable_material=off -c enable_bitmapscan=off -c enable_sort=off"


@pytest.mark.parametrize("plans", [PLAIN_PLANS, ROUGH_PLANS, "-c enable_nestloop=off"])
async def test_no_plan_leases_more_than_the_limit(postgres_database: str, plans: str) -> None:
    """However PostgreSQL plans the claim, the limit holds, with tenants in turn and without."""
    options = plans.replace(" ", "%20").replace("=", "%3D")
    async with opened(f"{postgres_database}?options={options}") as store:
        await add_many(store, 30)
        first = await claim(store, limit=4)
        await add_many(store, 30, job=a_job(tenant=TenantId(new_uuid())))

        second = await claim(store, limit=5)

        assert (len(first.runs), len(second.runs)) == (4, 5)
        assert await count(store, leases) == 9


async def test_a_claim_does_not_wait(postgres_database: str) -> None:
    """What another transaction has locked is passed over; the rest is leased, trap T05."""
    async with opened(postgres_database) as store, opened(postgres_database) as other:
        locked, *free = await add_many(store, 3)
        async with other.engine.begin() as connection:
            key = due.c.endpoint_id == locked.id
            await connection.execute(select(due).where(key).with_for_update())

            batch = await claim(store)

        assert {run.endpoint.id for run in batch.runs} == {each.id for each in free}
        assert [run.endpoint.id for run in (await claim(store)).runs] == [locked.id]


async def copy_rows(store: SqlStore, endpoint: Endpoint, number: int) -> None:
    """Keep copies of an endpoint, due as it is, without planning each."""
    copies = [(new_uuid(), f"copy {each}") for each in range(number)]
    async with store.engine.begin() as connection:
        for table, key in (
            (endpoints, "id"),
            (endpoint_state, "endpoint_id"),
            (due, "endpoint_id"),
        ):
            row = (
                (await connection.execute(select(table).where(table.c[key] == endpoint.id)))
                .mappings()
                .one()
            )
            changed: list[dict[str, Any]] = [{**row, key: copy} for copy, _ in copies]
            if table is endpoints:
                changed = [
                    {**each, "name": name, "headers": []}
                    for each, (_, name) in zip(changed, copies, strict=True)
                ]
            await connection.execute(insert(table), changed)


async def test_a_backlog_delays_nobody_else(store: SqlStore) -> None:
    """Thousands of one tenant's overdue endpoints leave others their turn, trap T29."""
    (first,) = await add_many(store, 1)
    await copy_rows(store, first, 3000)
    others = [
        (await add_many(store, 1, job=a_job(tenant=TenantId(new_uuid()))))[0] for _ in range(3)
    ]

    batch = await claim(store, FIRST_SLOT + MINUTE, limit=8)

    claimed = [run.endpoint.tenant for run in batch.runs]
    assert len(claimed) == 8
    assert {each.tenant for each in others} < set(claimed)
    assert claimed.count(first.tenant) == 5


async def test_a_batch_is_shared_out_evenly(store: SqlStore) -> None:
    """Among tenants with a backlog each gets as much as the others."""
    jobs = [a_job(tenant=TenantId(new_uuid())) for _ in range(3)]
    for job in jobs:
        await add_many(store, 10, job=job)

    batch = await claim(store, limit=9)

    tenants = [run.endpoint.tenant for run in batch.runs]
    assert {tenants.count(job.tenant) for job in jobs} == {3}


WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")

Verb = Callable[[SqlStore, list[Token]], Coroutine[Any, Any, object]]


async def start(store: SqlStore, tokens: list[Token]) -> object:
    """Start runs."""
    return await store.queue.start(tokens, now=FIRST_SLOT)


async def settle(store: SqlStore, tokens: list[Token]) -> object:
    """Settle runs."""
    return await store.queue.settle([a_settlement(each) for each in tokens], now=FIRST_SLOT)


async def release(store: SqlStore, tokens: list[Token]) -> object:
    """Give leases back."""
    return await store.queue.release(tokens, now=FIRST_SLOT)


async def reap(store: SqlStore, _: list[Token]) -> object:
    """Take leases away."""
    return await store.queue.reap(limit=10, now=FIRST_SLOT + LEASE)


@pytest.mark.parametrize("verb", [start, settle, release, reap])
async def test_leases_are_locked_in_the_order_of_their_endpoints(
    postgres_database: str, verb: Verb
) -> None:
    """Whoever waits for the first of several holds none of the others: no circle can come about."""
    patient = with_settings(postgres_database, lock_timeout=BUSY_MACHINE)
    async with opened(postgres_database) as store, opened(patient) as other:
        early, late = await add_many(store, 2)
        async with other.engine.begin() as connection:
            key = due.c.endpoint_id == early.id
            await connection.execute(select(due).where(key).with_for_update())
            tokens = [run.lease.token for run in (await claim(store)).runs]
        tokens += [run.lease.token for run in (await claim(store)).runs]
        async with other.engine.begin() as connection:
            key = leases.c.endpoint_id == early.id
            await connection.execute(select(leases).where(key).with_for_update())

            # By who did not claim them, and so remembers nothing of them.
            working = asyncio.create_task(verb(other, tokens))
            while (await connection.execute(WAITING)).scalar_one() == 0:
                assert not working.done()
            key = leases.c.endpoint_id == late.id
            free = await connection.execute(select(leases).where(key).with_for_update(nowait=True))

            assert len(free.all()) == 1
        await working


def is_circle(error: StoreUnavailable) -> bool:
    """Say whether PostgreSQL has ended a circle of waits, and not just one long wait."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) == "40P01"


class Turmoil:
    """What several processes do to a few endpoints, in an order that a seed decides."""

    def __init__(self, stores: Sequence[SqlStore], added: Sequence[Endpoint], seed: int) -> None:
        self._stores = stores
        self._added = added
        self._chance = random.Random(seed)
        self._held: list[Token] = []
        self._now = FIRST_SLOT

    async def round(self) -> None:
        """Let every kind of work go on at the same time."""
        self._now += SECOND * self._chance.randint(1, 20)
        self._chance.shuffle(self._held)
        works: list[Callable[[SqlStore], Awaitable[None]]] = [
            self._claim,
            self._settle,
            self._renew,
            self._hint,
            self._ask,
            self._toggle_job,
            self._reap,
        ]
        self._chance.shuffle(works)
        await asyncio.gather(
            *(self._tried(work, self._chance.choice(self._stores)) for work in works)
        )

    async def _tried(self, work: Callable[[SqlStore], Awaitable[None]], store: SqlStore) -> None:
        """Do it; who waited for too long on a busy machine comes again, a circle is an error."""
        try:
            await work(store)
        except StoreUnavailable as error:
            if is_circle(error):
                raise

    async def _claim(self, store: SqlStore) -> None:
        batch = await claim(store, self._now)
        tokens = [run.lease.token for run in batch.runs]
        started = await store.queue.start(tokens, now=self._now)
        self._held += [token for token, refusal in started.items() if refusal is None]

    async def _settle(self, store: SqlStore) -> None:
        given = self._held[: len(self._held) // 2]
        results = [
            a_settlement(each, started_at=self._now - SECOND, ended_at=self._now) for each in given
        ]
        await store.queue.settle(results, now=self._now)
        self._held = [each for each in self._held if each not in given]

    async def _renew(self, store: SqlStore) -> None:
        await store.queue.renew(self._held[::-1], lease_for=LEASE, now=self._now)

    async def _hint(self, store: SqlStore) -> None:
        endpoint = self._chance.choice(self._added)
        async with store.units.begin() as unit:
            hint = an_interval_hint(5 * SECOND, created_at=self._now)
            await unit.hints.offer(endpoint.tenant, endpoint.id, hint, now=self._now)
            await unit.commit()

    async def _ask(self, store: SqlStore) -> None:
        endpoint = self._chance.choice(self._added)
        async with store.units.begin() as unit:
            trigger = a_trigger(self._now)
            try:
                await unit.hints.trigger(endpoint.tenant, endpoint.id, trigger, now=self._now)
            except ForbiddenTransition:
                return
            await unit.commit()

    async def _toggle_job(self, store: SqlStore) -> None:
        endpoint = self._added[0]
        async with store.units.begin() as unit:
            for verb in (unit.catalog.pause_job, unit.catalog.resume_job):
                await verb(endpoint.tenant, endpoint.job_id, now=self._now)
            await unit.commit()

    async def _reap(self, store: SqlStore) -> None:
        await store.queue.reap(limit=5, now=self._now)


@pytest.mark.parametrize("seed", range(3))
async def test_nobody_waits_for_one_another_in_a_circle(database_url: str, seed: int) -> None:
    """Claims, settles, renewals, reaps, hints and pauses at once end without an error."""
    if database_url.startswith("postgresql"):
        # A circle is noticed before the shortest patience ends, and so is not taken for slowness.
        database_url = with_settings(database_url, deadlock_timeout="50ms")
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(database_url)) for _ in range(3)]
        added = await add_many(stores[0], 12)
        turmoil = Turmoil(stores, added, seed)

        for _ in range(15):
            await turmoil.round()

        async with stores[0].engine.connect() as connection:
            attempts = await connection.execute(
                select(func.count())
                .select_from(runs)
                .group_by(runs.c.endpoint_id, runs.c.slot, runs.c.attempt)
            )
            assert set(attempts.scalars()) == {1}
            waiting = select(due.c.endpoint_id).union(select(leases.c.endpoint_id))
            everybody = set((await connection.execute(waiting)).scalars())
        assert everybody == {UUID(str(each.id)) for each in added}
        held_or_due = await count(stores[0], due) + await count(stores[0], leases)
        assert held_or_due == len(added)
