# ruff: noqa: S608  names of our own tables only
"""What a downgrade would cost: the rows that would go, and the workers that would trip over it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import StoreRefused
from sqlalchemy import Connection, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.clock import DatabaseClock
from cronicorn_adapter_sql.engine import read_only, reading_first
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.migrating.alone import alone_in_process
from cronicorn_adapter_sql.migrating.catalog import Catalog, Part, read_catalog
from cronicorn_adapter_sql.migrating.scratch import expected_catalog
from cronicorn_adapter_sql.migrating.standing import current, name_of, table_names
from cronicorn_adapter_sql.migrating.tree import OUR_TREE, read_tree
from cronicorn_adapter_sql.tables import workers

_UNSEEN: Final = timedelta(seconds=30)
"""A worker that lives tells of itself three times in this time."""
_COUNTED_MOST: Final = 100_000
_BEHIND_THE_TYPE: Final = re.compile(
    r"\s+(?:collate|not null|null|default|identity|generated|primary key|unique|check|constraint"
    r"|references)\b.*",
    re.IGNORECASE,
)
_NAMED_MOST: Final = 8
_SERVING: Final = (
    "SELECT application_name || ' (process ' || pid || ')' FROM pg_stat_activity"
    " WHERE datname = current_database()"
    " AND application_name IN ('cronicorn-api', 'cronicorn-worker') ORDER BY pid"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """
    A table that would go, or a column, and how many rows are in it; not all are counted.

    ``becomes``: the type that the column would have; what does not fit into it is lost, or keeps
    the migration from going through.
    """

    part: Part
    rows: int
    becomes: str | None = None

    def __str__(self) -> str:
        """Say what is lost."""
        counted = f"{self.rows}" if self.rows <= _COUNTED_MOST else f"more than {_COUNTED_MOST}"
        bound = f", where it does not fit into {self.becomes}," if self.becomes else ""
        return f"{self.part}{bound} ({counted} row{'' if self.rows == 1 else 's'})"


async def refuse_careless_downgrade(
    engine: AsyncEngine, *, target: str, accepted: bool, tree: str = OUR_TREE
) -> None:
    """
    Refuse to take the tables from those who live on them, and rows from who did not accept that.

    Raises:
        InvalidInput, SchemaMismatch: the downgrade itself would be refused.
        StoreRefused: a worker or an API is at work on the database, or rows would go.
    """
    if await would_go_nowhere(engine, target=target, tree=tree):
        return
    if living := await _living(engine):
        raise StoreRefused(
            f"at work on {name_of(engine)}: {_some(living)}. Stop them first; one that was killed"
            f" counts for {_UNSEEN.total_seconds():.0f} s. Nothing was migrated"
        )
    if not accepted and (lost := await losses(engine, target=target, tree=tree)):
        raise StoreRefused(
            f"rows would be lost: {_some([str(each) for each in lost])}. Make a backup, and say"
            " --yes. Nothing was migrated"
        )


async def would_go_nowhere(engine: AsyncEngine, *, target: str, tree: str = OUR_TREE) -> bool:
    """Say whether a target is no way down: the database is there already, or below."""
    migrations = read_tree(tree)
    found = await current(engine)
    migrations.refuse_unknown(found)
    return migrations.reaches_up(found=found, target=migrations.resolve_down(target, found=found))


async def losses(engine: AsyncEngine, *, target: str, tree: str = OUR_TREE) -> tuple[Loss, ...]:
    """
    Tell the tables and columns with something in them that a downgrade would take, or retype.

    That is what follows from the tables before and after. What a statement of the migration does to
    rows that stay (an UPDATE, a DELETE) is not told: it stands in the plan. A constraint that rows
    do not keep loses nothing: the migration fails, and is undone.

    Nothing is written: on PostgreSQL the migrations are tried in a transaction that is rolled back.

    Raises:
        StoreRefused: this role may not make a schema to try them in.
    """
    migrations = read_tree(tree)
    found = await current(engine)
    resolved = migrations.resolve(target, found=found)

    def work(connection: Connection) -> Mapping[Part, str | None]:
        there = read_catalog(connection)
        before = expected_catalog(connection, migrations, found)
        after = expected_catalog(connection, migrations, resolved)
        going = _going(part for part in before if part not in after and part in there)
        return {**dict.fromkeys(going), **_retyped(before, after, there)}

    with translated():
        async with alone_in_process(), reading_first(engine).connect() as connection:
            try:
                going = await connection.run_sync(work)
            finally:
                await connection.rollback()
        async with read_only(engine).connect() as connection:
            counted = [
                Loss(
                    part=part,
                    rows=(await connection.execute(text(_count(part)))).scalar_one(),
                    becomes=becomes,
                )
                for part, becomes in going.items()
            ]
    return tuple(each for each in counted if each.rows)


def _going(parts: Iterator[Part]) -> Iterator[Part]:
    """Give the tables that go, and the columns of those that stay."""
    kept = sorted(each for each in parts if each.kind in {"table", "column"})
    tables = {each.table for each in kept if each.kind == "table"}
    return (each for each in kept if each.kind == "table" or each.table not in tables)


def _retyped(before: Catalog, after: Catalog, there: Catalog) -> Mapping[Part, str]:
    """Give the columns that stay under another type, with that type."""
    types = {
        part: (_type(before[part]), _type(after[part]))
        for part in sorted(before.keys() & after.keys() & there.keys())
        if part.kind == "column"
    }
    return {part: new for part, (old, new) in types.items() if old != new}


def _type(definition: str) -> str:
    return _BEHIND_THE_TYPE.split(definition, maxsplit=1)[0]


def _count(part: Part) -> str:
    filled = "" if part.kind == "table" else f' WHERE "{part.name}" IS NOT NULL'
    some = f'SELECT 1 FROM "{part.table}"{filled} LIMIT {_COUNTED_MOST + 1}'
    return f"SELECT count(*) FROM ({some}) AS counted"


async def _living(engine: AsyncEngine) -> Sequence[str]:
    """Name the workers that told of themselves lately, and who else is connected."""
    if workers.name not in await table_names(engine):
        return ()
    since = (await DatabaseClock.synchronized(engine)).now() - _UNSEEN
    seen = select(workers.c.name).where(workers.c.seen_at > since).order_by(workers.c.name)
    with translated():
        async with read_only(engine).connect() as connection:
            named = [f"worker {name}" for name in (await connection.execute(seen)).scalars()]
            if named or engine.dialect.name == "sqlite":
                return named
            return [*(await connection.execute(text(_SERVING))).scalars()]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED_MOST} more" if len(names) > _NAMED_MOST else ""
    return f"{', '.join(names[:_NAMED_MOST])}{more}"
