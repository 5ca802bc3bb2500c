"""Who looks at a database, and changes nothing, may do so through a pooler."""

import asyncio
import json
from datetime import timedelta

import psycopg
import pytest
from cronicorn_adapter_sql.command.verbs import app as database_command
from cronicorn_adapter_sql.testing.pooler import IGNORES, REFUSES
from cronicorn_domain.testing.builders import HOUR, a_job, an_endpoint, every
from cronicorn_worker.command import app as worker_command
from cronicorn_worker.composition import open_store
from typer import Typer
from typer.testing import CliRunner, Result

pytestmark = pytest.mark.parametrize(
    "pooler_port", [REFUSES, IGNORES], ids=["refuses", "ignores"], indirect=True
)


def run(command: Typer, *arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(command, arguments)


async def settle_in(url: str) -> None:
    """Do what a worker does when it begins, and keep an endpoint that is due in an hour."""
    async with open_store(url, None) as store:
        now = store.clock.now()
        await store.room.prepare(until=now + timedelta(days=3), now=now)
        job = a_job(created_at=now)
        async with store.units.begin() as unit:
            await unit.catalog.add_job(job)
            endpoint = an_endpoint(job, created_at=now, schedule=every(HOUR))
            await unit.catalog.add_endpoint(endpoint, now=now)
            await unit.commit()


@pytest.mark.parametrize("told", [["--poll-only"], []], ids=["told", "by-itself"])
def test_the_doctor_examines_and_mends(
    pooled_url: str, administrator: psycopg.Connection, told: list[str]
) -> None:
    """It finds nothing in what is well, tells what is not, and mends it."""
    asyncio.run(settle_in(pooled_url))
    well = run(worker_command, *told, "doctor", "--database", pooled_url)
    administrator.execute("DELETE FROM due")
    ill = run(worker_command, *told, "doctor", "--database", pooled_url, "--json")
    mended = run(worker_command, *told, "doctor", "--database", pooled_url, "--fix")

    assert (well.exit_code, "nothing found" in well.stdout) == (0, True), well.output
    (finding,) = json.loads(ill.stdout)["findings"]
    assert (ill.exit_code, finding["ailment"]) == (1, "not-queued")
    assert (mended.exit_code, "nothing found" in mended.stdout) == (0, True), mended.output


def test_the_schema_is_checked(pooled_url: str, administrator: psycopg.Connection) -> None:
    """It is compared with what the migrations make, tried in one transaction; drift is seen."""
    option = ("--database", pooled_url)
    at, well = run(database_command, "current", *option), run(database_command, "check", *option)
    administrator.execute("CREATE INDEX mine ON jobs (description)")
    try:
        drifted = run(database_command, "check", *option)
    finally:
        administrator.execute("DROP INDEX mine")

    assert (at.exit_code, well.exit_code) == (0, 0), well.output
    assert "no differences" in well.stdout
    assert drifted.exit_code == 1
    assert "the index mine of jobs is not ours" in drifted.stdout
