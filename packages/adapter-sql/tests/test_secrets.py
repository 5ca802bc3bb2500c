"""Secret header values at rest: sealed wherever they lie, and refused where they cannot be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from cronicorn_adapter_sql.column_types import metadata
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring, parse_keys
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import endpoints
from cronicorn_adapter_sql.vault import HeaderVault, vault_for
from cronicorn_domain.errors import SecretsUnavailable, UnreadableRow
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.endpoint import Endpoint, Header, HttpRequest
from cronicorn_domain.ports.endpoint_queue import ClaimBatch, Settled
from cronicorn_domain.testing.builders import (
    EPOCH,
    MINUTE,
    SECOND,
    a_job,
    a_settlement,
    an_endpoint,
    an_interval_hint,
    failed,
)
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

FIRST_SLOT: Final = EPOCH + MINUTE
OURS: Final = HeaderVault(Keyring(parse_keys("ours:" + "A" * 43 + "=")))
THEIRS: Final = HeaderVault(Keyring(parse_keys("theirs:" + "B" * 43 + "=")))

PLAIN: Final = ("Bearer tr0ub4dor-and-3", "another-s3cret-entirely")
REQUEST: Final = HttpRequest(
    url="http://shop.example/",
    headers=(
        Header(name="Authorization", value=PLAIN[0], secret=True),
        Header(name="X-Shop", value="open to all"),
    ),
)


def opened(url: str, vault: HeaderVault = OURS) -> AbstractAsyncContextManager[SqlStore]:
    """Open the store of a database, with keys."""
    return open_store(parse_database_url(url), vault=vault)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    """Give an empty store, on either dialect in turn."""
    async with opened(database_url) as store:
        yield store


async def add(store: SqlStore) -> tuple[Endpoint, Endpoint]:
    """Keep an endpoint with a secret, and one without."""
    job = a_job()
    secret, open_to_all = an_endpoint(job, "secret", request=REQUEST), an_endpoint(job, "open")
    async with store.units.begin() as unit:
        await unit.catalog.add_job(job)
        for endpoint in (secret, open_to_all):
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()
    return secret, open_to_all


async def claim(store: SqlStore) -> ClaimBatch:
    """Claim what is due at the first slot."""
    return await store.queue.claim(
        worker=WorkerId("a"), limit=10, lease_for=10 * SECOND, now=FIRST_SLOT
    )


async def everything(engine: AsyncEngine) -> str:
    """Return all rows of all tables as text."""
    async with engine.connect() as connection:
        rows = [
            repr(tuple(row))
            for table in metadata.tables.values()
            for row in await connection.execute(select(table))
        ]
    return "\n".join(rows)


def read_all(folder: Path) -> bytes:
    """Return what is in all files of a folder."""
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())


async def test_secrets_are_sealed_wherever_they_lie(
    store: SqlStore, database_url: str, tmp_path: Path
) -> None:
    """Added, edited, claimed, failed: no row and no file holds a value in plain, trap T43."""
    secret, _ = await add(store)
    changed = replace(
        secret,
        request=replace(
            REQUEST, headers=(Header(name="Authorization", value=PLAIN[1], secret=True),)
        ),
    )
    batch = await claim(store)
    by_id = {run.endpoint.id: run for run in batch.runs}
    async with store.units.begin() as unit:
        await unit.catalog.change_endpoint(changed, now=FIRST_SLOT)
        hint = an_interval_hint(10 * SECOND, created_at=FIRST_SLOT)
        await unit.hints.offer(secret.tenant, secret.id, hint, now=FIRST_SLOT)
        await unit.commit()
    tokens = [run.lease.token for run in batch.runs]
    await store.queue.start(tokens, now=FIRST_SLOT)
    results = [a_settlement(each, started_at=FIRST_SLOT, outcome=failed()) for each in tokens]
    answers = await store.queue.settle(results, now=FIRST_SLOT + SECOND)

    assert set(answers.values()) == {Settled.ACCEPTED}
    assert by_id[secret.id].endpoint.request == REQUEST
    async with store.units.begin() as unit:
        assert await unit.catalog.get_endpoint(secret.tenant, secret.id) == replace(
            changed, updated_at=FIRST_SLOT
        )
    rows = await everything(store.engine)
    assert str(secret.id) in rows
    for value in PLAIN:
        assert value not in rows
    if database_url.startswith("sqlite"):
        contents = await asyncio.to_thread(read_all, tmp_path)
        assert str(secret.id.hex).encode() in contents
        for value in PLAIN:
            assert value.encode() not in contents


async def test_a_secret_that_cannot_be_opened_sets_its_endpoint_aside(
    store: SqlStore, database_url: str
) -> None:
    """With another key the endpoint is set aside with the remedy, and the others run, trap T15."""
    secret, open_to_all = await add(store)

    async with opened(database_url, THEIRS) as keyless:
        batch = await claim(keyless)

    assert [run.endpoint.id for run in batch.runs] == [open_to_all.id]
    assert "CRONICORN_SECRET_KEY" in batch.quarantined[secret.id]
    async with store.units.begin() as unit:
        ((_, state),) = await unit.catalog.get_states(secret.tenant, [secret.id])
    assert state.quarantine == batch.quarantined[secret.id]


async def test_the_right_key_ends_the_quarantine(store: SqlStore, database_url: str) -> None:
    """Once the key is back the endpoint heals, and its secret is as it was."""
    secret, _ = await add(store)
    async with opened(database_url, THEIRS) as keyless:
        await claim(keyless)
        assert await keyless.queue.heal_quarantined(now=FIRST_SLOT + SECOND) == []

    assert await store.queue.heal_quarantined(now=FIRST_SLOT + SECOND) == [secret.id]

    later = await store.queue.claim(
        worker=WorkerId("a"), limit=10, lease_for=10 * SECOND, now=FIRST_SLOT + MINUTE
    )
    assert [run.endpoint.request for run in later.runs] == [REQUEST]


async def test_a_new_value_ends_the_quarantine_too(store: SqlStore, database_url: str) -> None:
    """Without the old key the endpoint can be written anew, and then runs."""
    secret, _ = await add(store)
    async with opened(database_url, THEIRS) as rekeyed:
        await claim(rekeyed)
        async with rekeyed.units.begin() as unit:
            assert await unit.catalog.change_endpoint(secret, now=FIRST_SLOT + SECOND)
            await unit.commit()

        async with rekeyed.units.begin() as unit:
            kept = await unit.catalog.get_endpoint(secret.tenant, secret.id)
            ((_, state),) = await unit.catalog.get_states(secret.tenant, [secret.id])

    assert kept.request == REQUEST
    assert state.quarantine is None


async def test_lists_leave_out_what_cannot_be_opened(store: SqlStore, database_url: str) -> None:
    """Reading the endpoint itself says why; the others are listed, and it can be told of."""
    secret, open_to_all = await add(store)

    async with opened(database_url, THEIRS) as keyless, keyless.units.begin() as unit:
        listed = await unit.catalog.list_endpoints(secret.tenant)
        with pytest.raises(SecretsUnavailable, match="CRONICORN_SECRET_KEY"):
            await unit.catalog.get_endpoint(secret.tenant, secret.id)
        with pytest.raises(UnreadableRow, match="CRONICORN_SECRET_KEY"):
            await unit.hints.offer(secret.tenant, secret.id, an_interval_hint(), now=EPOCH)

    assert listed == [open_to_all]


async def test_without_a_key_a_secret_is_refused(postgres_database: str) -> None:
    """On a server's database nothing of it is written, and the message says how to make a key."""
    vault = vault_for(parse_database_url(postgres_database), secret_key=None)
    job = a_job()
    async with opened(postgres_database, vault) as keyless:
        async with keyless.units.begin() as unit:
            await unit.catalog.add_job(job)
            with pytest.raises(SecretsUnavailable, match="CRONICORN_SECRET_KEY") as refused:
                await unit.catalog.add_endpoint(an_endpoint(job, request=REQUEST), now=EPOCH)
            await unit.commit()

        async with keyless.engine.connect() as connection:
            found = await connection.execute(select(func.count()).select_from(endpoints))
            assert found.scalar_one() == 0
        assert PLAIN[0] not in await everything(keyless.engine)
    assert PLAIN[0] not in str(refused.value)


async def test_without_a_key_an_edit_is_refused_whole(postgres_database: str) -> None:
    """The endpoint stays as it was, with nothing of the edit, trap T43."""
    vault = vault_for(parse_database_url(postgres_database), secret_key=None)
    job = a_job()
    endpoint = an_endpoint(job)
    async with opened(postgres_database, vault) as keyless:
        async with keyless.units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
            await unit.commit()
        async with keyless.units.begin() as unit:
            with pytest.raises(SecretsUnavailable):
                await unit.catalog.change_endpoint(replace(endpoint, request=REQUEST), now=EPOCH)
            await unit.commit()

        async with keyless.units.begin() as unit:
            assert await unit.catalog.get_endpoint(endpoint.tenant, endpoint.id) == endpoint


async def test_an_embedded_database_makes_its_own_key(sqlite_database: str) -> None:
    """Beside a SQLite file a key is made at the first need, and opens what it sealed."""
    database = parse_database_url(sqlite_database)
    async with opened(sqlite_database, vault_for(database, secret_key=None)) as store:
        secret, _ = await add(store)

    vault = vault_for(database, secret_key=None)
    async with opened(sqlite_database, vault) as again, again.units.begin() as unit:
        kept = await unit.catalog.get_endpoint(secret.tenant, secret.id)

    assert kept.request == REQUEST
