"""The SQL units of work keep the contract, and wait for one another only when they write."""

import asyncio
from datetime import timedelta

import pytest
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import EngineLimits, open_engine
from cronicorn_adapter_sql.keys import Keyring
from cronicorn_adapter_sql.store import store_over
from cronicorn_adapter_sql.vault import Vault
from cronicorn_domain.errors import NameTaken, StoreUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_domain.testing.builders import EPOCH, a_job, an_endpoint
from cronicorn_domain.testing.store import Store
from cronicorn_domain.testing.unit_of_work_contract import UnitOfWorkContract

ONE_IMPATIENT = EngineLimits(
    connections=1,
    wait_for_connection=timedelta(milliseconds=1),
    lock=timedelta(milliseconds=1),
)


class TestSqlUnitOfWork(UnitOfWorkContract):
    """Commits and rollbacks."""

    @pytest.fixture
    async def store(self, sql_store: Store) -> Store:
        """Provide an empty store on SQL."""
        return sql_store


async def names(units: UnitsOfWork) -> list[str]:
    """Read the names of all jobs."""
    async with units.begin() as unit:
        return [job.name for job in await unit.catalog.list_jobs(DEFAULT_TENANT)]


async def test_reading_does_not_keep_others_from_writing(sql_store: Store) -> None:
    """A unit that only reads holds nothing that a writer would wait for."""
    async with sql_store.units.begin() as reading:
        assert await reading.catalog.list_jobs(DEFAULT_TENANT) == []

        async with sql_store.units.begin() as writing:
            await writing.catalog.add_job(a_job())
            await writing.commit()

    assert await names(sql_store.units) == ["shop"]


async def test_units_that_read_first_write_one_after_the_other(sql_store: Store) -> None:
    """Whoever comes second waits for the right to write, and then gets it."""
    both_have_read = asyncio.Barrier(2)

    async def read_and_write(name: str) -> None:
        async with sql_store.units.begin() as unit:
            await unit.catalog.list_jobs(DEFAULT_TENANT)
            await both_have_read.wait()
            await unit.catalog.add_job(a_job(name))
            await unit.commit()

    await asyncio.gather(read_and_write("one"), read_and_write("two"))

    assert sorted(await names(sql_store.units)) == ["one", "two"]


async def test_what_is_decided_about_is_read_under_the_lock(sql_store: Store) -> None:
    """A write builds on the newest commit, also where the unit had read before that one."""
    job = a_job()
    endpoint = an_endpoint(job)
    async with sql_store.units.begin() as unit:
        await unit.catalog.add_job(job)
        await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()

    async with sql_store.units.begin() as late:
        await late.catalog.get_endpoint(endpoint.tenant, endpoint.id)
        async with sql_store.units.begin() as early:
            await early.catalog.archive_endpoint(endpoint.tenant, endpoint.id, now=EPOCH)
            await early.commit()
        await late.catalog.restore_endpoint(endpoint.tenant, endpoint.id, now=EPOCH)
        await late.commit()

    async with sql_store.units.begin() as unit:
        assert (await unit.catalog.get_endpoint(endpoint.tenant, endpoint.id)).archived_at is None


async def test_a_refused_name_leaves_the_unit_usable(sql_store: Store) -> None:
    """What a unit wrote before and after a name that is in use is kept with its commit."""
    async with sql_store.units.begin() as unit:
        await unit.catalog.add_job(a_job("one"))
        with pytest.raises(NameTaken):
            await unit.catalog.add_job(a_job("one"))
        await unit.catalog.add_job(a_job("two"))
        await unit.commit()

    assert await names(sql_store.units) == ["one", "two"]


async def test_a_unit_gives_its_connection_back(sqlite_database: str) -> None:
    """However a unit ends, its connection is free for the next: here there is only one."""
    async with open_engine(parse_database_url(sqlite_database), limits=ONE_IMPATIENT) as engine:
        units = store_over(engine, vault=Vault(Keyring())).units
        async with units.begin() as unit:
            await unit.catalog.add_job(a_job("committed"))
            await unit.commit()
        with pytest.raises(ZeroDivisionError):
            await _fail(units)
        async with (
            open_engine(parse_database_url(sqlite_database)) as other,
            other.begin(),
            units.begin() as unit,
        ):
            with pytest.raises(StoreUnavailable, match="locked"):
                await unit.catalog.add_job(a_job("too late"))

        assert await names(units) == ["committed"]


async def _fail(units: UnitsOfWork) -> None:
    async with units.begin() as unit:
        await unit.catalog.add_job(a_job("undone"))
        raise ZeroDivisionError
