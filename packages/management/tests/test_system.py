"""How the system does: who works, how late it is, and what it has lost."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cronicorn_adapter_memory.worker_registry import MemoryWorkerRegistry
from cronicorn_domain.errors import NotAllowed
from cronicorn_domain.identity import WorkerId
from cronicorn_domain.model.run import FailureKind
from cronicorn_domain.model.worker import Worker
from cronicorn_domain.schedules.zones import tzdata_version
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND, failed
from cronicorn_management.system.reading import read_system


def a_worker(name: str, *, seen_at=EPOCH) -> Worker:
    """Give a worker as it tells of itself."""
    return Worker(
        name=WorkerId(name),
        started_at=EPOCH,
        seen_at=seen_at,
        concurrency=10,
        version="0.1.0",
        zone_data="2026a",
        clock_skew=timedelta(0),
        floor=SECOND,
    )


async def test_workers_are_seen_and_those_that_are_silent(office) -> None:
    """A worker tells of itself more often than once a minute."""
    workers = MemoryWorkerRegistry(office.store)
    await workers.announce(a_worker("gone"))
    office.clock.advance(MINUTE + SECOND)
    await workers.announce(a_worker("here", seen_at=office.clock.now()))

    system = await read_system(replace(office.desk, workers=workers), office.ada)

    assert [(each.name, system.is_silent(each)) for each in system.workers] == [
        ("gone", True),
        ("here", False),
    ]
    assert system.zone_data == tzdata_version()


async def test_what_was_late_and_what_was_lost_is_counted(office) -> None:
    """Of the tenant's own runs; where there are none, there is no lateness."""
    assert (await read_system(office.desk, office.ada)).lateness is None
    await office.an_endpoint(every=10 * SECOND)
    office.clock.advance(10 * SECOND)
    await office.succeed_once()
    office.clock.advance(14 * SECOND)
    await office.run_due(replace(failed(), kind=FailureKind.SIGNING))

    system = await read_system(office.desk, office.ada)

    assert (system.last_day.runs, system.last_day.our_failure) == (2, 1)
    assert system.lateness is not None
    assert system.lateness.runs == 2
    assert system.lateness.most >= system.lateness.p99 >= system.lateness.median
    assert system.lateness.most > timedelta(0)
    assert (await read_system(office.desk, office.stranger)).last_day.runs == 0


async def test_only_administrators_see_workers(office) -> None:
    """They are everybody's."""
    with pytest.raises(NotAllowed):
        await read_system(office.desk, office.reader)
