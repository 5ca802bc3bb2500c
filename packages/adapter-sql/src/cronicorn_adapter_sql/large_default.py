# ruff: noqa: S608  names of our own tables and days only
"""
Proves that a large default partition holds nothing of days to come.

Who attaches a partition has PostgreSQL read the whole default partition for rows of its day, and
runs wait meanwhile. It reads nothing where a validated constraint says that there are none
(https://www.postgresql.org/docs/current/sql-altertable.html, "ATTACH PARTITION"). So a constraint
is assumed first, which holds for new rows at once; then it is validated, while runs are written;
then days are attached, and the constraint is lifted.

While it stands, a run of its day could not be kept. So days are proven empty that begin an hour
from now at the soonest, and what somebody left behind who ended half-way is lifted before
anything else.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

LARGE: Final = 64 * 2**20
"""Bytes in the default partitions from which on they are not read while runs wait."""
AHEAD: Final = timedelta(hours=1)
"""A day that is proven empty begins no sooner: whoever finds the constraint can lift it in time."""
PROOF_MOST: Final = timedelta(minutes=15)
"""So long the default partition may be read; nobody waits for it."""
DIVIDED: Final = ("runs", "run_bodies")

_NAMES: Final = "'^without_[0-9]{8}$'"
CONSTRAINTS: Final = (
    "SELECT conrelid::regclass::text AS net, conname AS name FROM pg_constraint"
    " WHERE conrelid IN ('runs_default'::regclass, 'run_bodies_default'::regclass)"
    f" AND conname ~ {_NAMES}"
)
"""Finds the constraints that are assumed, by default partition and name."""
UNPROVEN: Final = f"{CONSTRAINTS} AND NOT convalidated ORDER BY 1, 2"
LIFTED: Final = (
    f"DECLARE each record; BEGIN FOR each IN {CONSTRAINTS} LOOP"
    " EXECUTE 'ALTER TABLE ' || each.net || ' DROP CONSTRAINT ' || each.name;"
    " END LOOP; END;"
)
"""Lifts every constraint of a proof, whoever assumed it."""


def assumed(day: date) -> str:
    """Assume that the default partitions hold nothing of a day, and let nothing of it in."""
    return " ".join(
        f"ALTER TABLE {table}_default ADD CONSTRAINT {_name(day)}"
        f" CHECK (NOT ({within(day)})) NOT VALID;"
        for table in DIVIDED
    )


def validated(nets: Iterable[tuple[str, str]]) -> list[str]:
    """Validate constraints, all of a table in one reading."""
    by_net: dict[str, list[str]] = {}
    for net, name in nets:
        by_net.setdefault(net, []).append(f"VALIDATE CONSTRAINT {name}")
    return [f"ALTER TABLE {net} {', '.join(steps)}" for net, steps in by_net.items()]


def is_proven(day: date) -> str:
    """Say as an expression whether no default partition can hold anything of a day."""
    return (
        f"(SELECT count(*) FROM ({CONSTRAINTS} AND convalidated) AS proven"
        f" WHERE name = '{_name(day)}') = {len(DIVIDED)}"
    )


def is_small() -> str:
    """Say as an expression whether the default partitions may be read while runs wait."""
    sizes = [f"pg_relation_size('{table}_default')" for table in DIVIDED]
    return f"{' + '.join(sizes)} <= {LARGE}"


def within(day: date) -> str:
    """
    Say as an expression whether a slot is of a day.

    In the words in which PostgreSQL has the bounds of a partition, which it compares with them.
    """
    first, behind = beginning(day).isoformat(), beginning(day + timedelta(days=1)).isoformat()
    return f"slot IS NOT NULL AND slot >= '{first}' AND slot < '{behind}'"


def beginning(day: date) -> datetime:
    """Return the first instant of a day of slots."""
    return datetime.combine(day, time(), tzinfo=UTC)


def _name(day: date) -> str:
    return f"without_{day:%Y%m%d}"
