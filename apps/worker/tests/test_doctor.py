"""The doctor: what it finds in a live database it tells, with the remedy, and mends if it may."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cronicorn_adapter_sql import engine
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.migrating.runner import downgrade, upgrade
from cronicorn_adapter_sql.tables import due
from cronicorn_domain.identity import DEFAULT_TENANT, WorkerId
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.model.finding import Ailment, Mending
from cronicorn_domain.model.state import DEFAULT_FLOOR
from cronicorn_domain.model.worker import Worker
from cronicorn_domain.policies.diagnosing import Thresholds
from cronicorn_domain.schedules.zones import tzdata_version
from cronicorn_domain.testing.builders import (
    HOUR,
    MINUTE,
    a_job,
    a_settlement,
    an_endpoint,
    an_interval_hint,
    every,
)
from cronicorn_worker.command import app
from cronicorn_worker.composition import open_store
from sqlalchemy import make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry
from typer.testing import CliRunner, Result


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, bare: Path) -> str:
    """Give the URL of a database with one endpoint and room for its history, on either dialect."""
    url = f"sqlite:///{bare / 'cronicorn.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")
    asyncio.run(settle_in(url))
    return url


async def settle_in(url: str) -> None:
    """Do what a worker does when it begins, and keep an endpoint that is due in an hour."""
    async with open_store(url, None) as store:
        now = store.clock.now()
        await store.room.prepare(until=now + timedelta(days=3), now=now)
    await add(url, "shop")


async def add(url: str, *names: str) -> None:
    """Keep jobs of these names, each with an endpoint that is due in an hour."""
    async with open_store(url, None) as store:
        now = store.clock.now()
        async with store.units.begin() as unit:
            for name in names:
                job = a_job(name, created_at=now)
                endpoint = an_endpoint(job, created_at=now, schedule=every(HOUR))
                await unit.catalog.add_job(job)
                await unit.catalog.add_endpoint(endpoint, now=now)
            await unit.commit()


async def time_of(url: str) -> datetime:
    """Tell the database's time."""
    async with open_store(url, None) as store:
        return store.clock.now().astimezone(UTC)


def plant(url: str, *statements: str) -> None:
    """Do to a database what no part of the system does."""

    async def write() -> None:
        async with (
            open_engine(parse_database_url(url)) as engine,
            engine.begin() as connection,
        ):
            for statement in statements:
                await connection.execute(text(statement))

    asyncio.run(write())


def announce(url: str, **told: object) -> None:
    """Let a worker tell of itself, now."""

    async def tell() -> None:
        async with open_store(url, None) as store:
            now = store.clock.now()
            known: Mapping[str, object] = {
                "name": WorkerId("w"),
                "started_at": now,
                "seen_at": now,
                "concurrency": 1,
                "version": "1",
                "zone_data": tzdata_version(),
                "clock_skew": timedelta(),
                "floor": DEFAULT_FLOOR,
                **told,
            }
            await store.workers.announce(Worker(**known))  # type: ignore[arg-type]

    asyncio.run(tell())


def claim(url: str, *, settled: bool = False) -> None:
    """Keep one more endpoint, which is due, and start its run; end it, or hold it for an hour."""

    async def work() -> None:
        async with open_store(url, None) as store:
            now = store.clock.now()
            job = a_job("late", created_at=now - 90 * MINUTE)
            late = an_endpoint(job, created_at=now - 90 * MINUTE, schedule=every(HOUR))
            async with store.units.begin() as unit:
                await unit.catalog.add_job(job)
                await unit.catalog.add_endpoint(late, now=now - 90 * MINUTE)
                await unit.commit()
            batch = await store.queue.claim(
                worker=WorkerId("gone"), limit=1, lease_for=HOUR, now=now
            )
            (token,) = [run.lease.token for run in batch.runs]
            await store.queue.start([token], now=now)
            if settled:
                await store.queue.settle([a_settlement(token, started_at=now)], now=now)

    asyncio.run(work())


def offer_a_hint(url: str) -> None:
    """Let the endpoint's rhythm be another one for an hour."""

    async def work() -> None:
        async with open_store(url, None) as store, store.units.begin() as unit:
            now = store.clock.now()
            (endpoint,) = await unit.catalog.list_endpoints(DEFAULT_TENANT, limit=9)
            hint = an_interval_hint(timedelta(minutes=5), created_at=now)
            await unit.hints.offer(DEFAULT_TENANT, endpoint.id, hint, now=now)
            await unit.commit()

    asyncio.run(work())


def doctor(url: str, *options: str) -> Result:
    """Let the doctor come."""
    return CliRunner().invoke(app, ["doctor", "--database", url, *options])


def test_a_healthy_database_has_no_findings(database: str) -> None:
    """It exits with 0 and says how much it looked at, to people and to programs."""
    announce(database)
    told, known = doctor(database), doctor(database, "--json")

    assert (told.exit_code, told.stderr) == (0, "")
    assert "looked at 1 endpoints, all of them\nnothing found\n" in told.stdout
    report = json.loads(known.stdout)
    assert (known.exit_code, report["findings"], report["endpoints"]) == (0, [], 1)


PAST = "'2020-01-01 00:00:00.000000'"
NO_PARTITIONS = (
    "DO $$ DECLARE part regclass; BEGIN FOR part IN SELECT inhrelid::regclass FROM pg_inherits"
    " WHERE inhrelid::regclass::text ~ '_[0-9]{8}$' AND inhparent IN"
    " ('runs'::regclass, 'run_bodies'::regclass)"
    " LOOP EXECUTE 'DROP TABLE ' || part; END LOOP; END $$"
)


def plant_lost_lease(url: str) -> None:
    """Let a lease run out."""
    claim(url)
    plant(url, f"UPDATE leases SET until = {PAST}")


def plant_open_run(url: str) -> None:
    """Take a lease away by hand."""
    claim(url)
    plant(url, "DELETE FROM leases")


def plant_old_hint(url: str) -> None:
    """Let a hint be over that planned what is queued."""
    offer_a_hint(url)
    plant(url, f"UPDATE hints SET created_at = {PAST}, expires_at = '2020-01-02 00:00:00.000000'")


def plant_miscount(url: str) -> None:
    """Forget what was counted."""
    claim(url, settled=True)
    plant(url, "DELETE FROM roll_ups")


def plant_stray(url: str) -> None:
    """Put an endpoint into the queue a second time, without its knowledge."""
    others = ", ".join(column.name for column in due.columns if column.name != "due_at")
    again = f"SELECT '2030-01-01 00:00:00.000000', {others} FROM due"
    plant(url, f"INSERT INTO due (due_at, {others}) {again}")


def plant_late_look(url: str) -> None:
    """Let an endpoint wait for a planner, as one did that is not there any more."""
    plant(url, "UPDATE endpoints SET ai_mode = 'auto'")

    async def enrol() -> None:
        async with open_store(url, None) as store, store.units.begin() as unit:
            await unit.analyses.enrol(now=store.clock.now() - HOUR)
            await unit.commit()

    asyncio.run(enrol())


PLANTED: Mapping[Ailment, Callable[[str], None]] = {
    Ailment.SLOT_OVERDUE: lambda url: plant(url, f"UPDATE due SET due_at = {PAST}"),
    Ailment.WORKER_GONE: claim,
    Ailment.LEASE_PAST_ITS_END: plant_lost_lease,
    Ailment.RUN_LEFT_OPEN: plant_open_run,
    Ailment.HINT_PAST_ITS_LIFE: plant_old_hint,
    Ailment.PLAN_DIFFERS: lambda url: plant(url, "UPDATE endpoints SET every = 2 * every"),
    Ailment.NOT_QUEUED: lambda url: plant(url, "DELETE FROM due"),
    Ailment.QUEUED_IN_VAIN: plant_stray,
    Ailment.SET_ASIDE: lambda url: plant(
        url, "UPDATE endpoints SET misfire_grace = 10 * 86400 * 1e11"
    ),
    Ailment.COUNT_DIFFERS: plant_miscount,
    Ailment.CLOCK_SKEW: lambda url: announce(url, clock_skew=timedelta(minutes=-10)),
    Ailment.ZONE_DATA_OLD: lambda url: announce(url, zone_data="2019a"),
    Ailment.PARTITION_MISSING: lambda url: plant(url, NO_PARTITIONS),
    Ailment.SCHEMA_DIFFERS: lambda url: plant(url, "ALTER TABLE jobs ADD COLUMN color TEXT"),
    Ailment.ANALYSIS_OVERDUE: plant_late_look,
    Ailment.OLD_TRANSACTION: lambda _: None,  # one is open while the doctor looks
}
LASTING = {Ailment.SCHEMA_DIFFERS: "ALTER TABLE jobs DROP COLUMN color"}
"""What outlives the rows of a test, and how it is undone."""
ONLY_ON_POSTGRESQL = {Ailment.PARTITION_MISSING, Ailment.OLD_TRANSACTION}
MANUAL = (Path(__file__).parents[3] / "docs" / "operating.md").read_text("utf-8")
DOCUMENTED = dict(re.findall(r"^\| `([a-z-]+)` \|.*\|([^|]*)\|$", MANUAL, re.MULTILINE))
"""The findings that the manual explains, and what it says of `--fix`."""


def careless(url: str, ailment: Ailment) -> AbstractContextManager[object]:
    """Leave a transaction open, if that is what is to be found."""
    if ailment is not Ailment.OLD_TRANSACTION:
        return nullcontext()
    connection = psycopg.connect(url)
    connection.execute("SELECT count(*) FROM jobs")
    return connection


def test_each_finding_is_planted_and_explained() -> None:
    """None is without its fault below, none is without its row in the manual."""
    assert PLANTED.keys() == {*Ailment}
    assert DOCUMENTED.keys() == {*Ailment}


@pytest.mark.parametrize("ailment", PLANTED)
def test_each_finding_is_told(
    ailment: Ailment, request: pytest.FixtureRequest, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To people and to programs, with exit code 1 and its remedy; `--fix` mends what it says."""
    monkeypatch.setattr(
        "cronicorn_worker.doctor.examining.Thresholds", lambda: Thresholds(transaction=timedelta())
    )
    urls = [request.getfixturevalue("postgres")]
    if ailment not in ONLY_ON_POSTGRESQL:
        urls.append(f"sqlite:///{bare / 'cronicorn.db'}")
    for url in urls:
        asyncio.run(settle_in(url))
        PLANTED[ailment](url)

        with careless(url, ailment):
            told, known = doctor(url), doctor(url, "--json")
        if ailment in LASTING:
            plant(url, LASTING[ailment])

        found = {each["ailment"]: each for each in json.loads(known.stdout)["findings"]}
        finding = found[ailment]
        assert (told.exit_code, known.exit_code) == (1, 1)
        what = re.split(r"\d", finding["what"])[0]  # a length has grown since
        assert f"{ailment}: {finding['subject']} {what}" in told.stdout
        assert f"    {finding['remedy']}\n" in told.stdout
        assert (finding["mending"] is not None) == bool(DOCUMENTED[ailment].strip())


SUM_OF_NOTHING = (
    "INSERT INTO job_days (job_id, begins_at, outcome_class, source, tenant, runs, timed_runs,"
    " duration) SELECT id, '{day}', 'success', 'baseline-interval', tenant, 7, 0, 0 FROM jobs"
)


def test_a_sum_that_nothing_adds_up_to_is_told(database: str) -> None:
    """A job's day has runs that neither its hours nor its endpoints' days have; it stays so."""
    midnight = asyncio.run(time_of(database)).replace(hour=0, minute=0, second=0, microsecond=0)
    plant(database, SUM_OF_NOTHING.format(day=f"{midnight:%Y-%m-%d %H:%M:%S.%f}"))

    told, known = doctor(database), doctor(database, "--json", "--fix")

    has = "has a sum of 7 runs of one outcome and source for the day that begins at"
    assert (told.exit_code, known.exit_code) == (1, 1)
    assert f"{has} {midnight:%Y-%m-%d} 00:00:00 UTC, and its hours come to 0" in told.stdout
    findings = json.loads(known.stdout)["findings"]
    assert {each["ailment"] for each in findings} == {"count-differs"}
    assert [each["what"].split(", and ")[1] for each in findings] == [
        "its hours come to 0",
        "the days of its endpoints come to 0",
    ]
    assert {each["mending"] for each in findings} == {None}
    assert all(each["subject"].startswith("job ") for each in findings)


def test_findings_are_told_with_their_remedy(database: str) -> None:
    """It exits with 1, changes nothing, and finds the same again."""
    plant(database, "DELETE FROM due")
    told, known = doctor(database), doctor(database, "--json")

    assert told.exit_code == 1
    assert "not-queued: endpoint " in told.stdout
    assert "it would never run\n    Plan it anew with --fix" in told.stdout
    assert "findings: 1; --fix can see to 1 of them" in told.stdout
    (finding,) = json.loads(known.stdout)["findings"]
    assert known.exit_code == 1
    assert (finding["ailment"], finding["mending"]) == ("not-queued", "replan")


def test_a_fix_says_first_what_it_will_do(database: str) -> None:
    """Then it does it, looks again, and exits with 0 where nothing is left."""
    plant(database, "DELETE FROM due")

    mended = doctor(database, "--fix")

    assert mended.exit_code == 0
    assert mended.stderr.splitlines() == [
        f"to be done: {Mending.REPLAN.value} (findings: 1)",
        "done; looking again",
    ]
    assert "nothing found" in mended.stdout
    assert doctor(database).exit_code == 0


def test_a_fix_leaves_what_is_not_safe(database: str) -> None:
    """What a person has to judge is told, and nothing is done about it."""
    announce(database, clock_skew=timedelta(minutes=-10))

    left = doctor(database, "--fix")

    assert (left.exit_code, left.stderr) == (1, "")
    assert "clock-skew: worker w has a clock 10 min behind the database's" in left.stdout
    assert "none of them can be mended by itself" in left.stdout


def test_a_fix_says_what_it_leaves_to_a_person(database: str) -> None:
    """Beside what it does; and of a sort that is found too often, that there is more."""
    plant(database, "DELETE FROM due")
    announce(database, clock_skew=timedelta(minutes=-10))

    mended = doctor(database, "--fix")

    assert "left alone, for a person to judge: clock-skew 1" in mended.stderr.splitlines()


def test_a_fix_takes_out_what_no_endpoint_knows_of(database: str) -> None:
    """And nothing else: whatever is planned stays."""
    plant_stray(database)

    mended = doctor(database, "--fix")

    assert (mended.exit_code, "to be done: take these places out" in mended.stderr) == (0, True)


def waits_for_room(url: str) -> None:
    """Let three endpoints be due, one of them run, and two wait for room, as a cap has it."""

    async def work() -> None:
        async with open_store(url, None) as store:
            now = store.clock.now()
            job = a_job("capped", created_at=now - 90 * MINUTE)
            async with store.units.begin() as unit:
                await unit.catalog.add_job(job)
                for name in ("a", "b", "c"):
                    due_now = an_endpoint(
                        job, name, created_at=now - 90 * MINUTE, schedule=every(HOUR)
                    )
                    await unit.catalog.add_endpoint(due_now, now=due_now.created_at)
                await unit.commit()
            batch = await store.queue.claim(
                worker=WorkerId("w"), limit=9, lease_for=HOUR, now=now, caps=Caps(per_host=1)
            )
            assert (len(batch.runs), batch.held_back) == (1, 2)

    asyncio.run(work())


def test_what_waits_for_room_is_told_with_its_cap_and_left_there(database: str) -> None:
    """It is as it should be, but for how long it waits: no plan differs, and --fix moves none."""
    announce(database)
    waits_for_room(database)

    told = json.loads(doctor(database, "--fix", "--json").stdout)["findings"]

    assert {each["ailment"] for each in told} == {"slot-overdue"}
    assert len(told) == 2
    assert all("waits for room under the cap of host shop.example" in each["what"] for each in told)
    assert all("--host-cap" in each["remedy"] for each in told)


def test_plans_are_judged_by_the_floor_that_workers_have_told(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by the doctor's own; and where nobody told any, it says so."""
    monkeypatch.setenv("CRONICORN_PLAN_FLOOR_SECONDS", str(4 * 3600))
    claim(database, settled=True)
    unknown = doctor(database)
    announce(database)
    known = doctor(database)

    assert "no worker has told by which floor it plans" in unknown.stderr
    assert "by the one set here, 4 h" in unknown.stderr
    assert "plan-differs: " in unknown.stdout
    assert (known.exit_code, known.stderr) == (0, ""), known.stdout


def test_old_zone_data_is_found(database: str) -> None:
    """A worker whose zone data is older than another's fires an hour off some day."""
    announce(database, zone_data="2019a")

    found = doctor(database)

    assert found.exit_code == 1
    assert "zone-data-old: worker w goes by the zone data 2019a" in found.stdout
    assert "Update the package tzdata" in found.stdout


def test_leases_that_ran_out_are_taken_away(database: str) -> None:
    """With no worker to do it, the doctor does as one would."""

    async def claim_and_die() -> None:
        async with open_store(database, None) as store:
            soon = store.clock.now() + timedelta(hours=1)
            batch = await store.queue.claim(
                worker=WorkerId("w"), limit=1, lease_for=timedelta(seconds=1), now=soon
            )
            assert len(batch.runs) == 1

    asyncio.run(claim_and_die())
    plant(database, "UPDATE leases SET until = '2020-01-01 00:00:00.000000'")

    found, mended = doctor(database), doctor(database, "--fix")

    assert "lease-past-its-end: lease " in found.stdout
    assert "to be done: take away every lease that has run out" in mended.stderr
    assert mended.exit_code == 0


def test_missing_partitions_are_made(postgres: str) -> None:
    """A database on PostgreSQL whose workers could not make them."""
    asyncio.run(settle_in(postgres))
    plant(postgres, NO_PARTITIONS)

    found, mended = doctor(postgres), doctor(postgres, "--fix")

    assert found.stdout.count("partition-missing: the partitions of ") == 2
    assert "to be done: make the partitions that are missing from today" in mended.stderr
    assert "(findings: 2)" in mended.stderr
    assert mended.exit_code == 0


@contextmanager
def reading_role(url: str) -> Iterator[str]:
    """Give the URL by which a role comes in that may read everything, and write nothing."""
    with psycopg.connect(url, autocommit=True) as administrator:
        administrator.execute("CREATE ROLE reader LOGIN")
        administrator.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
        try:
            yield make_url(url).set(username="reader").render_as_string(hide_password=False)
        finally:
            administrator.execute("DROP OWNED BY reader")
            administrator.execute("DROP ROLE reader")


def test_on_postgresql_it_only_reads(postgres: str) -> None:
    """All it looks at it sees without a write; the tables alone it cannot compare, and says so."""
    asyncio.run(settle_in(postgres))
    plant_lost_lease(postgres)
    with reading_role(postgres) as url:
        told, known, refused = doctor(url), doctor(url, "--json"), doctor(url, "--fix")

    report = json.loads(known.stdout)
    assert (told.exit_code, known.exit_code) == (1, 1), known.output
    assert {each["ailment"] for each in report["findings"]} == {"lease-past-its-end"}
    assert (report["error"], report["schema_compared"]) == (None, False)
    assert "the tables were not compared with what they should be\n" in told.stdout
    assert "the tables are not compared with what they should be: " in told.stderr
    assert (refused.exit_code, "permission denied" in refused.stderr) == (3, True), refused.output


def test_on_sqlite_it_only_reads(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On connections that refuse each write it sees all the same, and the file stays as it is."""
    url = f"sqlite:///{bare / 'cronicorn.db'}"
    asyncio.run(settle_in(url))
    plant_lost_lease(url)
    before = (bare / "cronicorn.db").read_bytes()

    def refuse_writes(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        connection.cursor().execute("PRAGMA query_only=ON")

    monkeypatch.setattr(engine, "_prepare_sqlite_connection", refuse_writes)
    known = doctor(url, "--json")
    refused = doctor(url, "--fix")

    report = json.loads(known.stdout)
    assert known.exit_code == 1, known.output
    assert {each["ailment"] for each in report["findings"]} == {"lease-past-its-end"}
    assert report["schema_compared"] is True
    assert (refused.exit_code, "readonly" in refused.stderr) == (3, True), refused.output
    assert (bare / "cronicorn.db").read_bytes() == before


def test_only_so_many_endpoints_are_looked_at(database: str, monkeypatch) -> None:
    """A large database is looked at in part, and the report says so."""
    monkeypatch.setattr("cronicorn_worker.doctor.examining._BATCH", 1)
    asyncio.run(add(database, "another"))

    looked = doctor(database, "--most", "1", "--json")

    report = json.loads(looked.stdout)
    assert (report["endpoints"], report["all_endpoints"]) == (1, False)


def test_often_found_is_told_in_part(database: str) -> None:
    """Ten of a sort are shown to people, and programs get all."""
    asyncio.run(add(database, *(f"job {n}" for n in range(11))))
    plant(database, "DELETE FROM due")

    told, known = doctor(database), doctor(database, "--json")

    assert "not-queued: and 2 more" in told.stdout
    assert len(json.loads(known.stdout)["findings"]) == 12


def test_a_database_that_is_not_there_is_refused(bare: Path) -> None:
    """It makes none; what cannot be examined is one line and an exit of its own."""
    refused, known = doctor("sqlite:///nowhere.db"), doctor("sqlite:///nowhere.db", "--json")

    assert (refused.exit_code, refused.stderr.count("\n"), refused.stdout) == (3, 1, "")
    assert "there is no database" in refused.stderr
    assert (known.exit_code, known.stderr) == (3, refused.stderr)
    assert "there is no database" in json.loads(known.stdout)["error"]
    assert list(bare.iterdir()) == []


def test_an_older_database_is_refused(bare: Path) -> None:
    """Nobody knows here what its tables mean; it says what to run, and migrates nothing."""
    url = "sqlite:///old.db"

    async def make() -> None:
        async with open_engine(parse_database_url(url)) as engine:
            await upgrade(engine)
            await downgrade(engine, target="base")

    asyncio.run(make())

    refused = doctor(url)

    assert (refused.exit_code, "run `cronicorn-db upgrade`" in refused.stderr) == (3, True)


def test_a_database_that_lacks_a_column_is_refused(bare: Path) -> None:
    """What is missing is named, and so is what lists all of it; nothing trips over it half-way."""
    database = f"sqlite:///{bare / 'cronicorn.db'}"
    asyncio.run(settle_in(database))
    plant(database, "ALTER TABLE jobs DROP COLUMN description")

    refused = doctor(database)

    assert refused.exit_code == 3
    assert "lacks the column description of jobs" in refused.stderr
    assert "`cronicorn-db check` lists what differs" in refused.stderr
