"""The benchmark measures: the floors and this project, small and for seconds."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.contest import Contest
from bench.measurement import Measurement
from bench.postgres import Server, server
from bench.systems.all_systems import select
from bench.trials import QUICK

TINY = replace(
    QUICK,
    warm_up=1,
    window=4,  # on a busy machine calls may be seconds late
    ladder=(5,),
    rates=(5,),
    parked=(30,),
    parked_rate=5,
    idle=30,
    idle_window=4,
    load=5,
)


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    """Start the benchmark's own kind of server."""
    with server() as started:
        yield started


def measured(database: Server, scenario: str, *systems: str) -> list[Measurement]:
    """Run a scenario with systems, and return what was measured."""
    contest = Contest(size=TINY, scenarios=[scenario], systems=select(list(systems)))
    assert all(each is not None for each in contest.run(database, lambda heat: None))
    return contest.measured


def test_the_project_is_measured_at_the_target(database: Server) -> None:
    """Calls of the worker on SQLite arrive, each slot at most once and none before its time."""
    [found] = measured(database, "lateness", "cronicorn-sqlite")

    assert found.failed is None
    assert found.expected == 20
    assert found.lateness is not None
    assert (found.doubled, found.early) == (0, 0)
    assert found.memory["worker"] > 0


def test_the_floors_are_measured(database: Server) -> None:
    """Both floors fire: the one at the target, the other in the database alone."""
    sql, http = measured(database, "throughput", "floor-sql", "floor-http")

    assert (sql.failed, http.failed) == (None, None)
    assert sql.fires > 0
    assert http.fires > 0
    assert sql.queries is not None
    assert sql.queries > 0


def test_parked_endpoints_are_stored_and_not_run(database: Server) -> None:
    """Endpoints that are paused, archived or far ahead are there, and nothing of them is due."""
    [found] = measured(database, "idle", "cronicorn-pg")

    assert found.failed is None
    assert found.parked == 30
    assert found.fires == 0
