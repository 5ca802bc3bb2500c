"""Applying a jobs file makes the store hold what it says: all of it, once, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_memory.egress_rules import EveryUrlAllowed
from cronicorn_adapter_memory.rate_limits import MemoryRateLimits
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.errors import SecretsUnavailable, StoreUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.model.state import Situation
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.job_catalog import EndpointRefusal
from cronicorn_domain.ports.unit_of_work import UnitOfWork, UnitsOfWork
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND
from cronicorn_management.desk import Desk
from cronicorn_management.throttle import Throttle
from cronicorn_worker.jobs_file.applied import Applied
from cronicorn_worker.jobs_file.applying import AT_ONCE, NEW_AT_ONCE, apply_jobs
from cronicorn_worker.jobs_file.caller import file_caller
from cronicorn_worker.jobs_file.desired import DesiredJob

Read = Callable[..., tuple[DesiredJob, ...]]

FILE = """\
jobs:
  - name: shop
    endpoints:
      - {name: health, url: 'http://shop.example/health', every: 30s}
      - {name: stock, url: 'http://shop.example/stock', cron: '*/5 * * * *'}
  - name: office
    endpoints:
      - {name: mail, url: 'http://office.example/', every: 1h}
"""


class Impatient(ManualClock):
    """A clock on which every wait is over at once."""

    async def sleep_until(self, instant: datetime) -> None:
        """Move on to the instant."""
        self.advance_to(max(instant, self.now()))


class Lossy:
    """
    Units of work over a connection that is lost at some commits.

    ``commits`` counts the tries; ``lost`` says at which of them, from 1, the connection is lost.
    ``written`` holds the endpoints of each unit in the order in which they were written.
    """

    def __init__(self, units: UnitsOfWork, lost: Callable[[int], bool] = lambda _: False) -> None:
        self.commits = 0
        self.written: list[list[EndpointId]] = []
        self._units = units
        self._lost = lost

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[UnitOfWork]:
        """Begin a unit."""
        async with self._units.begin() as unit:
            yield Watched(unit, self)

    @asynccontextmanager
    async def begin_reading(self) -> AsyncIterator[UnitOfWork]:
        """Begin a unit that only reads, which nothing is lost of."""
        async with self._units.begin_reading() as unit:
            yield unit

    def commit(self, written: list[EndpointId]) -> None:
        """Lose the connection, or note what was written."""
        self.commits += 1
        if self._lost(self.commits):
            raise StoreUnavailable("the connection is lost")
        self.written.append(written)


class Watched:
    """A unit of work that tells what was written in it."""

    def __init__(self, unit: UnitOfWork, lossy: Lossy) -> None:
        self._unit, self._lossy = unit, lossy
        self._written: list[EndpointId] = []
        self.hints, self.runs, self.rollback = unit.hints, unit.runs, unit.rollback
        self.audit = unit.audit

    @property
    def catalog(self) -> Any:
        """Give the catalog, which passes on whatever is asked."""
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unit.catalog, name)

    async def add_endpoints(
        self, endpoints: Sequence[Endpoint], *, now: datetime
    ) -> Sequence[EndpointRefusal | None]:
        """Note and pass on."""
        self._written += [endpoint.id for endpoint in endpoints]
        if any(endpoint.name == "unsealable" for endpoint in endpoints):
            return [SecretsUnavailable("there is no key")] * len(endpoints)
        return await self._unit.catalog.add_endpoints(endpoints, now=now)

    async def change_endpoint(self, endpoint: Endpoint, *, now: datetime) -> bool:
        """Note and pass on."""
        self._written.append(endpoint.id)
        return await self._unit.catalog.change_endpoint(endpoint, now=now)

    async def commit(self) -> None:
        """Commit unless the connection is lost."""
        self._lossy.commit(self._written)
        await self._unit.commit()


async def apply(
    jobs: Sequence[DesiredJob], units: UnitsOfWork, clock: Clock, *, prune: bool = False
) -> Applied:
    """Apply a file's jobs."""
    desk = Desk(
        units=units,
        clock=clock,
        rules=EveryUrlAllowed(),
        throttle=Throttle(MemoryRateLimits(MemoryStore()), clock),
        conditions=CelRuleEvaluator(),
    )
    return await apply_jobs(jobs, desk=desk, caller=file_caller("jobs.yaml"), prune=prune)


class Bench:
    """A store, and the file applied to it again and again."""

    def __init__(self, read: Read) -> None:
        self.clock = ManualClock(EPOCH)
        self.store = MemoryStore()
        self.units = MemoryUnitsOfWork(self.store)
        self._read = read

    async def apply(self, text: str, *, prune: bool = False) -> Applied:
        """Read a file and apply it."""
        return await apply(self._read(text), self.units, self.clock, prune=prune)

    async def situation(self, job: str, name: str) -> Situation:
        """Return everything about an endpoint."""
        async with self.units.begin() as unit:
            endpoint = await unit.catalog.find_endpoint(
                DEFAULT_TENANT, (await self.job(job)).id, name
            )
            assert endpoint is not None
            return await unit.catalog.get_situation(DEFAULT_TENANT, endpoint.id)

    async def job(self, name: str) -> Job:
        """Return a job that is there."""
        async with self.units.begin() as unit:
            job = await unit.catalog.find_job(DEFAULT_TENANT, name)
            assert job is not None
            return job

    async def names(self) -> set[str]:
        """Return the names of the unarchived jobs and endpoints."""
        async with self.units.begin() as unit:
            jobs = {
                job.id: job.name
                for job in await unit.catalog.list_jobs(DEFAULT_TENANT)
                if job.state is not JobState.ARCHIVED
            }
            endpoints = await unit.catalog.list_endpoints(DEFAULT_TENANT)
            return {*jobs.values()} | {
                f"{jobs[each.job_id]} / {each.name}"
                for each in endpoints
                if each.archived_at is None and each.job_id in jobs
            }


@pytest.fixture
def bench(read: Read) -> Bench:
    """Give an empty store at the epoch."""
    return Bench(read)


async def test_what_is_not_there_is_created_and_planned(bench: Bench) -> None:
    """Jobs and endpoints appear under their names, each with its first slot."""
    applied = await bench.apply(FILE)

    health = await bench.situation("shop", "health")
    assert applied.created == ["shop", "shop / health", "shop / stock", "office", "office / mail"]
    assert await bench.names() == set(applied.created)
    assert health.state.plan is not None
    assert health.state.plan.decision.slot == EPOCH + 30 * SECOND


async def test_the_same_file_again_changes_nothing(bench: Bench) -> None:
    """Trap T50: applied every five minutes, it writes no row and replans nothing."""
    await bench.apply(FILE)
    before = await bench.situation("shop", "health")
    bench.clock.advance(5 * MINUTE)

    applied = await bench.apply(FILE)

    assert not applied.wrote
    assert len(applied.unchanged) == 5
    assert await bench.situation("shop", "health") == before


async def test_a_change_is_written_and_planned_at_once(bench: Bench) -> None:
    """Trap T01: the new interval counts from the edit, and not from the next run on."""
    await bench.apply(FILE)
    before = await bench.situation("shop", "health")
    bench.clock.advance(SECOND)

    applied = await bench.apply(FILE.replace("every: 30s", "every: 5s"))

    after = await bench.situation("shop", "health")
    assert applied.changed == ["shop / health"]
    assert after.endpoint.id == before.endpoint.id
    assert after.state.plan is not None
    assert after.state.plan.decision.slot == EPOCH + 6 * SECOND


async def test_every_optional_member_can_be_set_and_cleared(bench: Bench) -> None:
    """Trap T12: what is removed from the file has its default again."""
    await bench.apply(FILE)
    before = (await bench.situation("shop", "health")).endpoint
    rich = FILE.replace(
        "every: 30s",
        "every: 30s, min: 5s, max: 1h, jitter: 1s, max_runs: 7, timeout: 1s, redirects: 1,"
        " response_hints: true, pause_when_gone: true,"
        " description: d, method: POST, body: [1], headers: {a: b}, retry: {attempts: 2},"
        " success_when: status < 400, shadow_rules: true,"
        " rules: [{when: status == 500, then: {every: 5s}}],"
        " misfire: {policy: skip}, delivery: at_most_once, ends_at: 2030-01-01T00:00:00Z",
    )

    await bench.apply(rich)
    changed = (await bench.situation("shop", "health")).endpoint
    await bench.apply(FILE)
    cleared = (await bench.situation("shop", "health")).endpoint

    assert changed != before
    assert replace(cleared, updated_at=before.updated_at) == before


async def test_a_job_is_described_anew(bench: Bench) -> None:
    """A description follows the file as well."""
    await bench.apply(FILE)

    applied = await bench.apply(
        FILE.replace("  - name: shop\n", "  - name: shop\n    description: d\n")
    )

    assert applied.changed == ["shop"]
    assert (await bench.job("shop")).description == "d"


async def test_without_prune_the_rest_stays(bench: Bench) -> None:
    """A file speaks of its own jobs, and leaves those of others alone."""
    await bench.apply(FILE)
    shorter = FILE[: FILE.index("  - name: office")]

    applied = await bench.apply(shorter)

    assert applied.archived == []
    assert "office / mail" in await bench.names()


async def test_prune_archives_what_is_gone(bench: Bench) -> None:
    """Jobs and endpoints that are in the file no longer are archived, once."""
    await bench.apply(FILE)
    less = "jobs: [{name: shop, endpoints: [{name: stock, url: 'http://x.example', every: 30s}]}]"

    first = await bench.apply(less, prune=True)
    second = await bench.apply(less, prune=True)

    assert first.archived == ["shop / health", "office"]
    assert second.archived == []
    assert await bench.names() == {"shop", "shop / stock"}


async def test_a_name_that_was_archived_is_free_again(bench: Bench) -> None:
    """What comes back into the file is created anew; the archived one keeps its history."""
    await bench.apply(FILE)
    await bench.apply("jobs: []", prune=True)

    applied = await bench.apply(FILE)

    assert len(applied.created) == 5


async def test_paused_in_the_file_is_paused_in_the_store(bench: Bench) -> None:
    """True is open-ended, an instant ends by itself, false resumes; each is written once."""
    until = "2025-01-02T00:00:00Z"

    async def pause(value: str) -> tuple[bool, Pause | None]:
        applied = await bench.apply(FILE.replace("every: 30s", f"every: 30s, paused: {value}"))
        return applied.wrote, (await bench.situation("shop", "health")).endpoint.pause

    await bench.apply(FILE)
    opened, again = await pause("true"), await pause("true")
    ended, resumed, still = await pause(until), await pause("false"), await pause("false")

    assert opened[1] is not None
    assert opened[1].until == OPEN_ENDED
    assert again == (False, opened[1])
    assert ended[1] is not None
    assert ended[1].until == EPOCH.replace(day=2, hour=0)
    assert resumed == (True, None)
    assert still == (False, None)


async def test_a_pause_that_the_file_does_not_mention_stays(bench: Bench) -> None:
    """What a person paused is not resumed by the next application of a file."""
    await bench.apply(FILE)
    endpoint = (await bench.situation("shop", "health")).endpoint
    async with bench.units.begin() as unit:
        await unit.catalog.pause_endpoint(
            DEFAULT_TENANT, endpoint.id, Pause(until=OPEN_ENDED), now=bench.clock.now()
        )
        await unit.catalog.pause_job(DEFAULT_TENANT, endpoint.job_id, now=bench.clock.now())
        await unit.commit()

    applied = await bench.apply(FILE.replace("every: 30s", "every: 20s"))

    paused = (await bench.situation("shop", "health")).endpoint
    assert applied.changed == ["shop / health"]
    assert paused.paused_at(bench.clock.now())
    assert (await bench.job("shop")).state is JobState.PAUSED


async def test_a_job_is_paused_and_resumed(bench: Bench) -> None:
    """A new job may begin paused; false resumes it."""
    paused = FILE.replace("  - name: shop\n", "  - name: shop\n    paused: true\n")

    await bench.apply(paused)
    before = (await bench.job("shop")).state
    again = await bench.apply(paused)
    await bench.apply(paused.replace("true", "false"))

    assert before is JobState.PAUSED
    assert not again.wrote
    assert (await bench.job("shop")).state is JobState.ACTIVE


async def test_a_pause_that_is_over_is_no_change(bench: Bench) -> None:
    """Trap T44: a pause until now has ended, and the file with it stays without effect."""
    text = FILE.replace("every: 30s", f"every: 30s, paused: {EPOCH.isoformat()}")
    await bench.apply(text)

    applied = await bench.apply(text)

    assert not applied.wrote
    assert (await bench.situation("shop", "health")).endpoint.pause is None


async def test_a_store_that_stays_away_is_an_error(bench: Bench, read: Read) -> None:
    """After some tries it is given up, and nothing of what could not be committed is there."""
    units = Lossy(bench.units, lambda _: True)

    with pytest.raises(StoreUnavailable):
        await apply(read(FILE), units, Impatient(EPOCH))

    assert units.commits == 5
    assert await bench.names() == set()


async def test_an_outage_in_the_middle_is_ridden_out(bench: Bench, read: Read) -> None:
    """What was written before it stays, the rest follows, and all of it is told (trap T31)."""
    units = Lossy(bench.units, lambda commit: commit == 2)

    applied = await apply(read(FILE), units, Impatient(EPOCH))

    assert sorted(applied.created) == [
        "office",
        "office / mail",
        "shop",
        "shop / health",
        "shop / stock",
    ]
    assert (applied.changed, applied.unchanged) == ([], [])
    assert len(await bench.names()) == 5


async def test_a_large_file_is_written_in_short_units(bench: Bench, read: Read) -> None:
    """No unit of work is so long that a worker could not renew meanwhile."""
    count = NEW_AT_ONCE * 2 + 1
    text = _many("shop", count)
    units = Lossy(bench.units)

    applied = await apply(read(text), units, bench.clock)

    assert [len(each) for each in units.written] == [NEW_AT_ONCE, NEW_AT_ONCE, 1]
    assert len(applied.created) == count + 1


async def test_what_is_there_is_written_in_the_order_of_ids(bench: Bench, read: Read) -> None:
    """Two who write the same endpoints never wait for each other in a circle; new ones go first."""
    await bench.apply(_many("shop", 9))
    turned = (
        _many("shop", 9, every="20s", step=-1)
        + "      - {name: new, url: 'http://a.example/', every: 9s}\n"
    )
    units = Lossy(bench.units)

    await apply(read(turned), units, bench.clock)

    (new,), there = units.written
    assert there == sorted(there)
    assert new not in there
    assert len(there) == 9


async def test_each_unit_is_written_at_its_own_instant(bench: Bench, read: Read) -> None:
    """However long a file takes, nothing is planned in the past, where runs may have been."""
    count = AT_ONCE + 1
    await bench.apply(_many("shop", count))

    def a_minute_passes(_: int) -> bool:
        bench.clock.advance(MINUTE)
        return False

    units = Lossy(bench.units, a_minute_passes)
    edited = read(_many("shop", count, every="20s"))
    await apply(edited, units, bench.clock)

    _, (last,) = units.written
    async with bench.units.begin() as unit:
        plan = (await unit.catalog.get_situation(DEFAULT_TENANT, last)).state.plan
    assert plan is not None
    assert plan.slot > EPOCH + MINUTE


async def test_a_secret_without_a_key_keeps_everything_from_being_applied(
    bench: Bench, read: Read
) -> None:
    """All of the file or nothing of it: whether a key is there is seen before the first commit."""
    secret = """\
      - name: unsealable
        url: http://a.example/
        every: 1m
        headers: {authorization: x}
"""

    with pytest.raises(SecretsUnavailable):
        await apply(read(FILE + secret), Lossy(bench.units), bench.clock)

    assert await bench.names() == set()


def _many(job: str, count: int, *, every: str = "30s", step: int = 1) -> str:
    """Return a file with a job of so many endpoints."""
    lines = [
        f"      - {{name: e{n}, url: 'http://shop.example/{n}', every: {every}}}"
        for n in range(count)
    ]
    return "\n".join(["jobs:", f"  - name: {job}", "    endpoints:", *lines[::step], ""])


async def test_two_workers_may_apply_one_file_at_once(bench: Bench) -> None:
    """Trap T18: who comes second sees what the first wrote, and has nothing left to do."""
    first, second = await asyncio.gather(bench.apply(FILE), bench.apply(FILE))

    assert (first.wrote, second.wrote) == (True, False)
    assert len(await bench.names()) == 5


async def test_a_file_mends_an_endpoint_that_cannot_be_read(bench: Bench) -> None:
    """Trap T15: a stored cron that no longer parses harms only itself, until a valid edit."""
    await bench.apply(FILE)
    endpoint = (await bench.situation("shop", "stock")).endpoint
    row = bench.store.tables.endpoints[endpoint.id]
    row.unreadable = "its cron has lost a field"

    applied = await bench.apply(FILE)

    mended = await bench.situation("shop", "stock")
    assert applied.changed == ["shop / stock"]
    assert mended.endpoint.id == endpoint.id
    assert mended.state.plan is not None


async def test_what_was_done_is_told_by_name(bench: Bench) -> None:
    """Numbers first, then the names of what was written, as many as one can read."""
    await bench.apply(FILE)

    applied = await bench.apply(FILE.replace("every: 30s", "every: 20s"), prune=True)
    many = Applied(created=[f"e{n}" for n in range(100)])

    assert applied.fields() == {
        "created": 0,
        "changed": 1,
        "archived": 0,
        "unchanged": 4,
        "names": "~ shop / health",
    }
    assert str(many.fields()["names"]).endswith("+ e19, …")


async def test_the_audit_tells_what_a_file_did(bench: Bench) -> None:
    """Each deed is told in the file's name; applying it again tells nothing, trap T50."""
    await bench.apply(FILE)
    edited = FILE.replace("every: 30s", "every: 20s, paused: true")
    await bench.apply(edited)
    await bench.apply(edited)
    await bench.apply("jobs: []", prune=True)

    async with bench.units.begin() as unit:
        told = [
            (entry.actor, entry.action, entry.subject.name)
            for entry in reversed(await unit.audit.list_entries(DEFAULT_TENANT))
        ]
    assert {actor for actor, _, _ in told} == {"file:jobs.yaml"}
    assert sorted((action, name) for _, action, name in told) == [
        ("archive", "office"),
        ("archive", "shop"),
        ("change", "health"),
        ("create", "health"),
        ("create", "mail"),
        ("create", "office"),
        ("create", "shop"),
        ("create", "stock"),
        ("pause", "health"),
    ]
