"""A backup made as the manual says, of a store at work, and what goes on after a restore."""

import asyncio
import re
import shlex
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path

import pytest
from cronicorn_adapter_sql.migrating.drift import find_drift
from cronicorn_adapter_sql.testing.handle import SqlHandle, opened_handle
from cronicorn_adapter_sql.testing.throwaway_postgres import find_programs
from cronicorn_domain.model.endpoint import Endpoint, Header, HttpRequest
from cronicorn_domain.model.run import FailureKind
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.ports.endpoint_queue import Settled
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    MINUTE,
    a_job,
    a_oneshot,
    a_settlement,
    an_endpoint,
    at,
    every,
    once,
)
from cronicorn_domain.testing.store_suite import LEASE, StoreSuite

MANUAL = (Path(__file__).parents[3] / "docs" / "operating.md").read_text("utf-8")
SECRET = "Bearer hunter2"

Restore = Callable[[], Awaitable[SqlHandle]]
"""Restores into a new database what was backed up, and opens it."""


def in_manual(program: str) -> list[str]:
    """Find the one command of a program in the manual, without what is put in its place here."""
    (line,) = set(re.findall(rf"^ *\$ {program} (.*)$", MANUAL, re.MULTILINE))
    return shlex.split(line)


def run(program: str, **instead: str) -> None:
    """Run a program of PostgreSQL as the manual has it, with other names for what it works on."""
    given = in_manual(program)
    for name, ours in instead.items():
        assert any(argument.endswith(name) for argument in given)
        given = [argument.replace(name, ours) for argument in given]
    done = subprocess.run(
        [find_programs() / program, *given], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def copy_sqlite(original: str, copy: Path) -> None:
    """Do what `.backup` of SQLite's shell does."""
    assert in_manual("sqlite3") == ["cronicorn.db", ".backup 'backup.db'"]
    with (
        closing(sqlite3.connect(original.removeprefix("sqlite:///"))) as here,
        closing(sqlite3.connect(copy)) as there,
    ):
        here.backup(there)


class TestBackups(StoreSuite):
    """On SQLite and on PostgreSQL, with the programs that each has for it."""

    @pytest.fixture
    async def store(self, sql_store: SqlHandle) -> SqlHandle:
        """Provide an empty store on SQL."""
        return sql_store

    @pytest.fixture
    async def back_up(
        self, database_url: str, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncIterator[Callable[[], Awaitable[Restore]]]:
        """Give what makes a backup, and returns what restores it."""
        async with AsyncExitStack() as opened:

            async def back_up() -> Restore:
                if database_url.startswith("sqlite"):
                    copy = tmp_path / "backup.db"
                    await asyncio.to_thread(copy_sqlite, database_url, copy)
                    return lambda: opened.enter_async_context(opened_handle(f"sqlite:///{copy}"))
                dump = str(tmp_path / "cronicorn.dump")
                url = {"$DATABASE_URL": database_url, "cronicorn.dump": dump}
                await asyncio.to_thread(lambda: run("pg_dump", **url))

                async def restore() -> SqlHandle:
                    new = request.getfixturevalue("empty_postgres_database")
                    into = {"$NEW_DATABASE_URL": new, "cronicorn.dump": dump}
                    await asyncio.to_thread(lambda: run("pg_restore", **into))
                    return await opened.enter_async_context(opened_handle(new))

                return restore

            yield back_up

    async def add_some(self) -> tuple[Endpoint, Endpoint]:
        """
        Keep endpoints: of a single instant, with a one-shot, of every minute and of every ten.

        The last two are returned; a header of the first of them is secret.
        """
        job = await self.add_job()
        headers = (Header(name="Authorization", value=SECRET),)
        request = HttpRequest(url="http://shop.example/health", headers=headers)
        health = await self.add(an_endpoint(job, "health", request=request))
        await self.add(an_endpoint(job, "report", schedule=once(at("12:03:00"))))
        mail = await self.add(an_endpoint(job, "mail", schedule=every(HOUR)))
        await self.offer(mail, a_oneshot(at("12:04:00"), created_at=EPOCH))
        stock = await self.add(an_endpoint(job, "stock", schedule=every(10 * MINUTE)))
        return health, stock

    async def test_a_restored_store_goes_on_from_the_backup(
        self, back_up: Callable[[], Awaitable[Restore]]
    ) -> None:
        """
        What ran since the backup runs again, once, under the same keys; the rest goes on.

        A run that was under way is lost, as if its worker had died, and its slot is repeated; slots
        of a rhythm that passed are made up for by one run.
        """
        health, stock = await self.add_some()
        await self.run_once(at("12:01:00"))
        under_way = await self.start_one(at("12:02:00"))
        restore = await back_up()
        await self.settle(under_way, at("12:02:01"))
        since = (await self.claim(at("12:04:00"))).runs
        await self.queue.start([run.lease.token for run in since], now=at("12:04:00"))
        for run in since:
            await self.settle(run, at("12:04:01"))

        self.given = await restore()
        assert await self.reap(at("12:30:00")) == [under_way.lease.token]
        again = {run.endpoint.name: run for run in (await self.claim(at("12:30:00"))).runs}

        before = {run.endpoint.name: run.plan.decision.slot for run in since}
        slots = {name: run.plan.decision.slot for name, run in again.items()}
        assert slots == {**before, "health": at("12:02:00"), "stock": at("12:30:00")}
        assert before == {
            "health": at("12:03:00"),
            "report": at("12:03:00"),
            "mail": at("12:04:00"),
        }
        assert again["health"].endpoint.request.headers[0].value == SECRET
        _, lost, ran = await self.runs(health)
        assert again["health"].plan.attempt == 2
        assert (lost.slot, lost.failure_kind) == (at("12:02:00"), FailureKind.ABANDONED)
        assert (ran.slot, ran.failure_kind) == (at("12:01:00"), None)
        (passed,) = await self.records(stock)
        assert (passed.fate, passed.first, passed.last) == (
            Fate.COALESCED,
            at("12:10:00"),
            at("12:20:00"),
        )

    async def test_who_lived_through_a_restore_has_lost_its_leases(
        self, back_up: Callable[[], Awaitable[Restore]]
    ) -> None:
        """
        Trap T07: no token is given out again, although the backup knows nothing of those since.

        So a worker that nobody has stopped neither renews nor ends what another one runs now.
        """
        endpoint = await self.add_minutely()
        restore = await back_up()
        before = await self.start_one(at("12:01:00"))

        self.given = await restore()
        after = await self.start_one(at("12:01:00"))
        stale, now = before.lease.token, at("12:01:02")
        lost = await self.queue.renew([stale], lease_for=LEASE, now=now)
        answers = await self.queue.settle([a_settlement(stale, started_at=now)], now=now)

        assert after.lease.token > stale
        assert set(lost) == {stale}
        assert dict(answers) == {stale: Settled.LOST}
        assert [run.id for run in await self.runs(endpoint)] == [after.lease.run_id]
        assert await self.settle(after, now) is Settled.ACCEPTED

    async def test_a_backup_holds_nobody_up(
        self, back_up: Callable[[], Awaitable[Restore]]
    ) -> None:
        """It is made beside an open transaction, without what that has not committed."""
        await self.add_minutely()
        async with self.unit() as unit:
            job = a_job("later")
            await unit.catalog.add_job(job)
            restore = await back_up()

        self.given = restored = await restore()
        async with self.unit() as unit:
            names = [each.name for each in await unit.catalog.list_jobs(job.tenant, limit=9)]

        assert names == ["shop"]
        assert [str(each) for each in await find_drift(restored.engine)] == []
