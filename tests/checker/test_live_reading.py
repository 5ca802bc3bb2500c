"""What is read from a live database: no more is found than is amiss, and no less."""

import asyncio
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.tables import (
    due,
    endpoint_state,
    endpoints,
    jobs,
    runs,
    slot_records,
    workers,
)
from cronicorn_adapter_sql.testing.databases import migrate, migrated_postgres, sqlite_url
from cronicorn_adapter_sql.testing.throwaway_postgres import throwaway_postgres
from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.model.job import Job, JobState
from sqlalchemy import Executable, delete, select, update

from tools.check.command import main
from tools.check.job_moves import moves_of
from tools.check.live import read_history
from tools.checker.check import examine
from tools.checker.finding import Finding
from tools.checker.history import History

pytestmark = pytest.mark.timeout(180)

JOBS = """
jobs:
  - name: shop
    endpoints:
      - {name: steady, url: 'http://ADDRESS/', every: 1s}
      - {name: stopped, url: 'http://ADDRESS/', every: 1s}
      - {name: forgotten, url: 'http://ADDRESS/', every: 1s}
      - {name: unplanned, url: 'http://ADDRESS/', every: 1s}
      - {name: broken, url: 'http://ADDRESS/broken', every: 1s}
      - name: hinted
        url: http://ADDRESS/
        every: 1s
        rules: [{when: status == 200, then: {every: 2s}, for: 10m, cooldown: 10m}]
  - name: pausable
    endpoints:
      - {name: of-paused, url: 'http://ADDRESS/', every: 1s}
"""

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Database:
    """A database in which a worker has worked, and its endpoints by name."""

    url: str
    ids: Mapping[str, EndpointId]


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Database]]:
    """Let a worker work for some seconds on either database."""
    folder = tmp_path_factory.mktemp("worked")
    migrate(sqlite_url(folder))
    with throwaway_postgres() as server, migrated_postgres(server) as postgres:
        urls = {"sqlite": sqlite_url(folder), "postgres": postgres}
        asyncio.run(_work(folder, [*urls.values()]))
        yield {name: Database(url, asyncio.run(_ids(url))) for name, url in urls.items()}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, worked: Mapping[str, Database]) -> Database:
    """Give either of them; each test spoils what no other looks at."""
    return worked[request.param]


async def _answer(request: web.Request) -> web.Response:
    return web.Response(status=500 if request.path == "/broken" else 200)


async def _work(folder: Path, urls: list[str]) -> None:
    app = web.Application()
    app.router.add_route("*", "/{page:.*}", _answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"127.0.0.1:{runner.addresses[0][1]}"
        file = folder / "jobs.yaml"
        file.write_text(JOBS.replace("ADDRESS", address))
        bare = {key: value for key, value in os.environ.items() if not key.startswith("CRONICORN_")}
        workers = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cronicorn_worker", "--log-format", "json"),
                *("--database", url, "--jobs", str(file), "--egress-allow", address),
                *("--for", "10s"),
                env=bare,
                cwd=folder,
                stdout=asyncio.subprocess.DEVNULL,
            )
            for url in urls
        ]
        assert await asyncio.gather(*(each.wait() for each in workers)) == [0] * len(workers)
    finally:
        await runner.cleanup()


async def _ids(url: str) -> Mapping[str, EndpointId]:
    async with open_engine(parse_database_url(url)) as engine, engine.connect() as connection:
        rows = await connection.execute(select(endpoints.c.name, endpoints.c.id))
        return {name: EndpointId(identity) for name, identity in rows}


async def do(database: Database, *statements: Executable) -> None:
    url = parse_database_url(database.url)
    async with open_engine(url) as engine, engine.begin() as connection:
        for statement in statements:
            await connection.execute(statement)


def of(database: Database, name: str, history: History) -> list[Finding]:
    report = examine(history)
    return [each for each in report.findings if each.endpoint_id == database.ids[name]]


async def test_a_database_is_sound_however_long_ago_its_last_worker_left(
    database: Database,
) -> None:
    """What comes when no worker works any more waits for the next one, and is not lost."""
    await do(database, delete(workers))
    history = replace(await read_history(database.url), patience=MINUTE)

    assert history.ends_at < history.kept[database.ids["steady"]].seen_at
    assert of(database, "steady", history) == []
    assert [each.fault for each in of(database, "steady", _longer(history))] == ["lost"]
    assert len([run for run in history.runs if run.endpoint_id == database.ids["steady"]]) > 5


async def test_an_endpoint_whose_runs_end_before_its_state_has_lost_slots(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a database has got as far as is told of by runs and records; the command finds it."""
    stopped = database.ids["stopped"]
    told = (await read_history(database.url)).runs
    third = [run for run in told if run.endpoint_id == stopped][2]
    await do(
        database,
        delete(runs).where(runs.c.endpoint_id == stopped, runs.c.slot > third.slot),
    )
    code = await asyncio.to_thread(main, ["--database", database.url])

    assert code == 1
    assert f"lost · endpoint {stopped}" in capsys.readouterr().out


async def test_an_endpoint_that_never_ran_is_found_without_being_asked_for(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """What could be served for longer than the patience, and was not, is lost."""
    forgotten = database.ids["forgotten"]
    await do(
        database,
        delete(runs).where(runs.c.endpoint_id == forgotten),
        delete(slot_records).where(slot_records.c.endpoint_id == forgotten),
        update(endpoint_state)
        .where(endpoint_state.c.endpoint_id == forgotten)
        .values(last_slot=None),
    )
    code = await asyncio.to_thread(main, ["--database", database.url, "--patience", "3"])

    assert code == 1
    assert "could be claimed, and was not until the end" in capsys.readouterr().out
    patient = replace(await read_history(database.url), patience=MINUTE)
    assert of(database, "forgotten", patient) == []
    assert [each.fault for each in of(database, "forgotten", _longer(patient))] == ["lost"]


def _longer(history: History) -> History:
    return replace(history, ends_at=history.ends_at + 2 * MINUTE)


async def test_an_endpoint_of_which_nothing_is_planned_has_stopped(database: Database) -> None:
    """A due row or a lease has to be there where a slot is to come, whatever the patience."""
    unplanned = database.ids["unplanned"]
    before = of(database, "unplanned", await read_history(database.url))
    await do(database, delete(due).where(due.c.endpoint_id == unplanned))
    found = of(database, "unplanned", await read_history(database.url))

    assert before == []
    assert [each.fault for each in found] == ["lost"]
    assert "nothing is planned any more" in found[0].sentence


@pytest.mark.parametrize("state", ["paused", "archived"])
async def test_a_job_that_was_moved_was_active_before(database: Database, state: str) -> None:
    """Runs from before a job was paused or archived are none of a job that is."""
    now = (await read_history(database.url)).ends_at + MINUTE
    archived_at = now if state == "archived" else None
    values = {"state": state, "updated_at": now, "archived_at": archived_at}
    await do(database, update(jobs).where(jobs.c.name == "pausable").values(**values))
    history = _longer(replace(await read_history(database.url), patience=MINUTE))

    assert of(database, "of-paused", history) == []
    assert len([run for run in history.runs if run.endpoint_id == database.ids["of-paused"]]) > 5


@pytest.mark.parametrize("name", ["broken", "hinted"])
async def test_failures_and_hints_from_before_an_edit_hold_behind_it(
    database: Database, name: str
) -> None:
    """An edit of a description, amid failures or the life of a hint, changes no slot."""
    told = (await read_history(database.url)).runs
    whose = endpoints.c.id == database.ids[name]
    ran = [run for run in told if run.endpoint_id == database.ids[name]]
    created_at = min(run.claimed_at for run in told) - MINUTE
    for run in ran[:2]:
        for at in (run.claimed_at, run.finished_at or run.claimed_at):
            edited_at = at + timedelta(milliseconds=1)
            await do(database, update(endpoints).where(whose).values(updated_at=edited_at))
            history = await read_history(database.url)
            assert of(database, name, replace(history, patience=MINUTE)) == []
    await do(database, update(endpoints).where(whose).values(updated_at=created_at))

    assert len(ran) >= 3


def test_the_audit_tells_of_each_move_of_a_job() -> None:
    """What the audit does not tell happened when the job was changed last."""
    job = Job(
        id=JobId(UUID(int=1)),
        tenant=TenantId(UUID(int=2)),
        name="shop",
        state=JobState.ACTIVE,
        created_at=NOON,
        updated_at=NOON + 9 * MINUTE,
    )
    paused = replace(job, state=JobState.PAUSED)
    noted = [(NOON + MINUTE, "pause"), (NOON + 2 * MINUTE, "resume"), (NOON, "change")]
    active, moved = moves_of(job, noted), moves_of(paused, noted)

    assert moves_of(job, []).moves == []
    assert [state for _, state in active.moves] == [JobState.PAUSED, JobState.ACTIVE]
    assert active.until(NOON) is JobState.ACTIVE
    assert active.until(NOON + MINUTE) is JobState.PAUSED
    assert moved.moves[-1] == (NOON + 9 * MINUTE, JobState.PAUSED)
    assert moves_of(paused, [(NOON + MINUTE, "resume")]).at_first is JobState.PAUSED
