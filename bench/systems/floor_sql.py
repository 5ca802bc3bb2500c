"""The floor of any scheduler on PostgreSQL: claim and settle alone, no rules and nothing sent."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from bench.peers.ready import READY
from bench.processes import python, started
from bench.systems.system import Place, Running, Shape, next_second
from bench.work import Work

_STARTS_WITHIN = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorSql:
    """One claim and one settle in turn, each a statement and a transaction for 200 rows."""

    name: str = "floor-sql"
    title: str = "floor: SQL alone"
    settings: str = "psycopg, two statements for 200 rows, one after the other; nothing is sent"
    flat_out: bool = True

    def cannot(self, scenario: str) -> str | None:
        """Say what needs a request or a clock."""
        if scenario in {"throughput", "stored", "old transaction"}:
            return None
        return "it works flat out, sends nothing and so has no lateness"

    def storing(self, shape: Shape) -> float:  # noqa: ARG002  other systems need it
        """Say how many seconds storing takes: next to none."""
        return 0.0

    @contextmanager
    def running(self, shape: Shape, place: Place) -> Iterator[Running]:
        """Start the loop; the number of tokens tells how many it has claimed."""
        with place.server.database() as database:
            numbers = (database, str(shape.endpoints), str(shape.parked))
            command = python("bench.systems.floor_sql_loop", *numbers)
            with started(command, output=place.folder / "floor-sql.log") as child:
                ready = child.wait_for(READY, within=_STARTS_WITHIN)
                with psycopg.connect(database, autocommit=True) as connection:
                    yield Running(
                        work=Work(
                            endpoints=0,  # of the target's: it is never called
                            step=shape.step,
                            begins_at=next_second(time.time() * 1000),
                            target=place.target,
                        ),
                        workers=[child],
                        stored_in=float(ready.rpartition(" ")[2]),
                        database=database,
                        fired=lambda: _tokens(connection),
                    )


def _tokens(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT last_value FROM leases_token_seq").fetchone()
    assert row is not None
    return int(row[0])
