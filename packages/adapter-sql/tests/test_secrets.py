"""Secret header values at rest: sealed wherever they lie, and refused where they cannot be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest
from cronicorn_adapter_sql.claiming import WITHHELD_FOR
from cronicorn_adapter_sql.column_types import metadata
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.keys import Keyring, parse_keys
from cronicorn_adapter_sql.store import SqlStore, open_store
from cronicorn_adapter_sql.tables import endpoints
from cronicorn_adapter_sql.vault import Vault, vault_for
from cronicorn_domain.errors import SecretsUnavailable, UnreadableRow
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, TenantId, WorkerId, new_uuid
from cronicorn_domain.instants import NO_TIME, OPEN_ENDED
from cronicorn_domain.model.endpoint import Endpoint, Header, HttpRequest, Pause
from cronicorn_domain.model.signing import NoKeys, Signing
from cronicorn_domain.ports.endpoint_queue import ClaimBatch, Settled
from cronicorn_domain.testing.builders import (
    EPOCH,
    MINUTE,
    SECOND,
    a_job,
    a_settlement,
    a_signing_key,
    an_endpoint,
    an_interval_hint,
    failed,
    signing_keys,
)
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

FIRST_SLOT: Final = EPOCH + MINUTE
OURS: Final = Vault(Keyring(parse_keys("ours:" + "A" * 43 + "=")))
THEIRS: Final = Vault(Keyring(parse_keys("theirs:" + "B" * 43 + "=")))

PLAIN: Final = ("Bearer tr0ub4dor-and-3", "another-s3cret-entirely")
REQUEST: Final = HttpRequest(
    url="http://shop.example/",
    headers=(
        Header(name="Authorization", value=PLAIN[0], secret=True),
        Header(name="X-Shop", value="open to all"),
    ),
)


def opened(url: str, vault: Vault = OURS) -> AbstractAsyncContextManager[SqlStore]:
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


async def claim(store: SqlStore, *, now: datetime = FIRST_SLOT, limit: int = 10) -> ClaimBatch:
    """Claim what is due, at the first slot unless another instant is given."""
    return await store.queue.claim(
        worker=WorkerId("a"), limit=limit, lease_for=10 * SECOND, now=now
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


async def test_an_endpoint_whose_key_is_elsewhere_is_left_alone(
    store: SqlStore, database_url: str
) -> None:
    """A worker with another key says what it lacks; who has the key runs the endpoint, trap T15."""
    secret, open_to_all = await add(store)

    async with opened(database_url, THEIRS) as keyless:
        batch = await claim(keyless)

    assert [run.endpoint.id for run in batch.runs] == [open_to_all.id]
    assert (batch.quarantined, batch.passed) == ({}, 0)
    assert "CRONICORN_SECRET_KEY" in batch.withheld[secret.id]
    assert [run.endpoint.request for run in (await claim(store)).runs] == [REQUEST]


async def test_what_is_withheld_takes_no_place_from_others(
    store: SqlStore, database_url: str
) -> None:
    """A worker meets it once in a while, neither in each claim nor never again."""
    secret, open_to_all = await add(store)

    async with opened(database_url, THEIRS) as keyless:
        first = await claim(keyless, limit=1)
        second = await claim(keyless, limit=1)
        again_at = await keyless.queue.next_due()
        third = await claim(keyless, limit=1)
        again = await claim(keyless, limit=1, now=FIRST_SLOT + WITHHELD_FOR)

    assert set(first.withheld) == {secret.id}
    assert [run.endpoint.id for run in second.runs] == [open_to_all.id]
    assert again_at == FIRST_SLOT + WITHHELD_FOR
    assert third == ClaimBatch()
    assert set(again.withheld) == {secret.id}


async def test_what_is_withheld_is_met_again_whatever_ran_since(
    store: SqlStore, database_url: str
) -> None:
    """Its row lies far below those that were claimed meanwhile, and is not forgotten there."""
    secret, _ = await add(store)

    async with opened(database_url, THEIRS) as keyless:
        for n in range(10):  # looks from the floor come every few seconds by themselves
            now = FIRST_SLOT + n * WITHHELD_FOR / 10
            batch = await claim(keyless, now=now)
            for run in batch.runs:
                await keyless.queue.start([run.lease.token], now=now)
                await keyless.queue.settle(
                    [a_settlement(run.lease.token, started_at=now, ended_at=now)], now=now
                )
        await claim(keyless, now=FIRST_SLOT + WITHHELD_FOR - SECOND)
        again = await claim(keyless, now=FIRST_SLOT + WITHHELD_FOR)
        looked_from = keyless.queue._database.due_bound.lowest

    assert set(again.withheld) == {secret.id}
    assert looked_from > FIRST_SLOT, "no look walks over all that has gone since"


async def test_what_is_withheld_stays_out_of_every_tenants_turn(
    store: SqlStore, database_url: str
) -> None:
    """Where tenants come in turn it takes no share either."""
    await add(store)
    theirs = a_job(tenant=TenantId(new_uuid()))
    other = an_endpoint(theirs, "other")
    async with store.units.begin() as unit:
        await unit.catalog.add_job(theirs)
        await unit.catalog.add_endpoint(other, now=EPOCH)
        await unit.commit()

    async with opened(database_url, THEIRS) as keyless:
        first = await claim(keyless, limit=1)
        second = await claim(keyless, limit=1)
        third = await claim(keyless, limit=1)

    assert [len(batch.withheld) for batch in (first, second, third)] == [1, 0, 0]
    assert [len(batch.runs) for batch in (second, third)] == [1, 1]


async def test_a_lost_run_is_reaped_without_the_key(store: SqlStore, database_url: str) -> None:
    """What a worker with the key has leased goes on as any other's, and stays out of quarantine."""
    secret, _ = await add(store)
    batch = await claim(store)
    await store.queue.start([run.lease.token for run in batch.runs], now=FIRST_SLOT)
    end = FIRST_SLOT + 10 * SECOND

    async with opened(database_url, THEIRS) as keyless:
        assert len(await keyless.queue.reap(limit=10, now=end)) == 2

    repeats = {run.endpoint.id: run for run in (await claim(store, now=end)).runs}
    assert (repeats[secret.id].plan.decision.slot, repeats[secret.id].plan.attempt) == (
        FIRST_SLOT,
        2,
    )


async def test_a_claim_is_given_back_and_settled_without_the_key(
    store: SqlStore, database_url: str
) -> None:
    """No plan depends on a secret: whatever ends a lease plans on."""
    secret, _ = await add(store)
    async with opened(database_url, THEIRS) as keyless:
        held = [run.lease.token for run in (await claim(store)).runs]
        released = await keyless.queue.release(held, now=FIRST_SLOT)
        batch = await claim(store)
        tokens = [run.lease.token for run in batch.runs]
        await store.queue.start(tokens, now=FIRST_SLOT)
        results = [a_settlement(each, started_at=FIRST_SLOT) for each in tokens]
        settled = await keyless.queue.settle(results, now=FIRST_SLOT + SECOND)

    assert {*released.values(), *settled.values()} == {Settled.ACCEPTED}
    later = await claim(store, now=FIRST_SLOT + MINUTE)
    assert secret.id in {run.endpoint.id for run in later.runs}


async def test_a_person_reaches_an_endpoint_without_its_key(
    store: SqlStore, database_url: str
) -> None:
    """Hints, pause and resume take effect at once, and the secret stays as it was."""
    secret, _ = await add(store)

    async with opened(database_url, THEIRS) as keyless, keyless.units.begin() as unit:
        hint = an_interval_hint(10 * SECOND)
        await unit.hints.offer(secret.tenant, secret.id, hint, now=EPOCH)
        pause = Pause(until=OPEN_ENDED)
        await unit.catalog.pause_endpoint(secret.tenant, secret.id, pause, now=EPOCH)
        await unit.catalog.resume_endpoint(secret.tenant, secret.id, now=EPOCH)
        await unit.commit()

    batch = await claim(store, now=EPOCH + 10 * SECOND)
    assert [run.endpoint.request for run in batch.runs] == [REQUEST]


async def test_a_new_value_is_sealed_with_the_key_at_hand(
    store: SqlStore, database_url: str
) -> None:
    """Without the old key the endpoint can be written anew, and then runs here."""
    secret, _ = await add(store)
    async with opened(database_url, THEIRS) as rekeyed:
        async with rekeyed.units.begin() as unit:
            assert await unit.catalog.change_endpoint(secret, now=EPOCH)
            await unit.commit()

        batch = await claim(rekeyed)

    assert REQUEST in [run.endpoint.request for run in batch.runs]


async def test_a_damaged_secret_names_the_remedies(store: SqlStore) -> None:
    """A value that no key opens is withheld by every worker, and says what to do."""
    secret, _ = await add(store)
    moved = replace(secret, id=EndpointId(new_uuid()))
    spoilt = [
        {
            "name": "Authorization",
            "secret": True,
            "value": OURS.seal(moved.tenant, moved.id, "Authorization", PLAIN[0]),
        }
    ]
    async with store.engine.begin() as connection:
        statement = update(endpoints).where(endpoints.c.id == secret.id)
        await connection.execute(statement.values(headers=spoilt))

    batch = await claim(store)

    assert "set its value again" in batch.withheld[secret.id]
    assert "CRONICORN_SECRET_KEY" in batch.withheld[secret.id]


async def test_lists_leave_out_what_cannot_be_opened(store: SqlStore, database_url: str) -> None:
    """Reading the endpoint itself says why; the others are listed."""
    secret, open_to_all = await add(store)

    async with opened(database_url, THEIRS) as keyless, keyless.units.begin() as unit:
        listed = await unit.catalog.list_endpoints(secret.tenant)
        with pytest.raises(SecretsUnavailable, match="CRONICORN_SECRET_KEY"):
            await unit.catalog.get_endpoint(secret.tenant, secret.id)
        with pytest.raises(UnreadableRow, match="CRONICORN_SECRET_KEY"):
            await unit.catalog.get_situation(secret.tenant, secret.id)

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


async def test_without_a_key_the_others_of_many_are_kept(postgres_database: str) -> None:
    """Where many come at once only the secret one is refused, and it is told as if alone."""
    vault = vault_for(parse_database_url(postgres_database), secret_key=None)
    job = a_job()
    secret, plain = an_endpoint(job, "secret", request=REQUEST), an_endpoint(job, "plain")
    async with opened(postgres_database, vault) as keyless, keyless.units.begin() as unit:
        await unit.catalog.add_job(job)
        refusal, none = await unit.catalog.add_endpoints([secret, plain], now=EPOCH)

        assert isinstance(refusal, SecretsUnavailable)
        assert "CRONICORN_SECRET_KEY" in str(refusal)
        assert none is None
        assert await unit.catalog.list_endpoints(job.tenant) == [plain]


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


async def keep_signing_key(store: SqlStore) -> None:
    """Make the key of the default tenant."""
    async with store.units.begin() as unit:
        await unit.signing_keys.add(signing_keys())
        await unit.commit()


async def test_signing_keys_are_sealed(store: SqlStore, database_url: str, tmp_path: Path) -> None:
    """No row and no file holds one, also after a rotation and after a run was signed, trap T43."""
    await add(store)
    await keep_signing_key(store)
    new = a_signing_key(2)
    async with store.units.begin() as unit:
        await unit.signing_keys.rotate(DEFAULT_TENANT, new, now=EPOCH, overlap=MINUTE)
        await unit.commit()

    batch = await claim(store)

    assert all(run.keys is not None for run in batch.runs)
    at_rest = await everything(store.engine)
    if "sqlite" in database_url:
        at_rest += read_all(tmp_path).decode("latin-1")
    for key in (a_signing_key(), new):
        assert key.text not in at_rest
        assert key.text.removeprefix("whsec_") not in at_rest
    assert at_rest.count("v1.ours.") >= 2


async def test_signing_keys_out_of_reach_keep_nothing_unsigned(database_url: str) -> None:
    """A worker without their key is told so with the run, and where to give it; others sign."""
    async with opened(database_url) as ours, opened(database_url, THEIRS) as theirs:
        job = a_job()
        async with ours.units.begin() as unit:
            await unit.catalog.add_job(job)
            await unit.catalog.add_endpoint(an_endpoint(job, "signed"), now=EPOCH)
            unsigned = an_endpoint(job, "unsigned", signing=Signing.OFF)
            await unit.catalog.add_endpoint(unsigned, now=EPOCH)
            await unit.commit()
        await keep_signing_key(ours)

        found = {run.endpoint.name: run.keys for run in (await claim(theirs)).runs}

        assert found.keys() == {"signed", "unsigned"}
        assert found["unsigned"] is None
        assert isinstance(found["signed"], NoKeys)
        assert "CRONICORN_SECRET_KEY" in found["signed"].reason
        async with theirs.units.begin() as unit:
            assert await unit.signing_keys.card(DEFAULT_TENANT) == signing_keys().card
            with pytest.raises(SecretsUnavailable):
                await unit.signing_keys.find(DEFAULT_TENANT)


async def test_a_signing_key_whose_own_key_is_lost_is_rotated_away(database_url: str) -> None:
    """Without an overlap the tenant signs again at once."""
    async with opened(database_url) as ours:
        await keep_signing_key(ours)
    new = a_signing_key(2)

    async with opened(database_url, THEIRS) as theirs, theirs.units.begin() as unit:
        await unit.signing_keys.rotate(DEFAULT_TENANT, new, now=EPOCH, overlap=NO_TIME)
        keys = await unit.signing_keys.find(DEFAULT_TENANT)

    assert keys is not None
    assert keys.valid_at(EPOCH) == (new,)


async def test_without_a_key_to_seal_with_no_signing_key_is_kept(postgres_database: str) -> None:
    """It is refused with the way to have one, trap T43."""
    async with (
        opened(postgres_database, Vault(Keyring())) as store,
        store.units.begin() as unit,
    ):
        with pytest.raises(SecretsUnavailable, match="CRONICORN_SECRET_KEY"):
            await unit.signing_keys.add(signing_keys())
