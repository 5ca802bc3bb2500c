"""Brings a database to a revision of the schema, and refuses to work with another one."""

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from cronicorn_domain.errors import InvalidInput, SchemaMismatch, StoreRefused, StoreUnavailable
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

import cronicorn_adapter_sql.tables  # noqa: F401  it brings the tables into the metadata
from cronicorn_adapter_sql.column_types import metadata
from cronicorn_adapter_sql.engine import read_only
from cronicorn_adapter_sql.errors import translated

HEAD: Final = "head"
BASE: Final = "base"
OUR_TREE: Final = "cronicorn_adapter_sql:migrations"
"""Where the migrations lie; what works on them can be tried with another tree."""


_VERSION_TABLE: Final = "alembic_version"
_TARGET: Final = re.compile(r"[A-Za-z0-9_]+|[A-Za-z0-9_]*[+-][0-9]+")

_BETWEEN_TRIES: Final = 0.02
_migrating = threading.Lock()

_TABLES: Final = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgresql": "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
    " AND NOT relispartition AND relnamespace = current_schema()::regnamespace",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A migration that was applied or undone, with the first sentence of its description."""

    revision: str
    title: str


async def upgrade(
    engine: AsyncEngine, *, target: str = HEAD, tree: str = OUR_TREE
) -> tuple[Step, ...]:
    """
    Apply the migrations up to ``target``: a revision, ``+1``, or the newest.

    Processes that upgrade at the same time wait for each other; each migration is applied once. One
    that fails leaves nothing behind.

    Returns:
        What was applied, in order; nothing if the database was there already.

    Raises:
        InvalidInput: the target is no revision, or lies behind.
        SchemaMismatch: the database is at a revision that this code does not know.
        StoreUnavailable, StoreRefused: the database could not or would not.
    """
    return await _migrate(engine, command.upgrade, target, tree)


async def downgrade(engine: AsyncEngine, *, target: str, tree: str = OUR_TREE) -> tuple[Step, ...]:
    """
    Undo the migrations down to ``target``: a revision, ``-1``, or ``base`` for an empty database.

    Returns:
        What was undone, in order.

    Raises:
        InvalidInput: the target is no revision, or lies ahead.
        SchemaMismatch: the database is at a revision that this code does not know.
        StoreUnavailable, StoreRefused: the database could not or would not.
    """
    return await _migrate(engine, command.downgrade, target, tree)


async def current(engine: AsyncEngine) -> str | None:
    """Return the revision that the database is at; None if it has no tables of ours."""
    with translated():
        async with read_only(engine).connect() as connection:
            heads = await connection.run_sync(_heads)
    return ", ".join(heads) or None


async def table_names(engine: AsyncEngine) -> frozenset[str]:
    """Return the names of our tables that there are; the partitions of one are not counted."""
    with translated():
        async with read_only(engine).connect() as connection:
            names = await connection.execute(text(_TABLES[engine.dialect.name]))
            return frozenset(names.scalars()) - {_VERSION_TABLE}


async def require_head(engine: AsyncEngine, *, tree: str = OUR_TREE) -> None:
    """
    Refuse a database whose schema is not the one this code was written for.

    Raises:
        SchemaMismatch: it is older, newer, or empty; the message says what to run.
    """
    script = _script(_config(tree))
    found, expected = await current(engine), script.get_current_head() or BASE
    _refuse_unknown(script, found)
    if found == expected or (found is None and expected == BASE):
        return
    state = "has no tables yet" if found is None else f"is at the older revision {found}"
    raise SchemaMismatch(
        f"the database {state}, and this version needs {expected}: run `cronicorn-db upgrade`",
        found=found,
        expected=expected,
    )


def _refuse_unknown(script: ScriptDirectory, found: str | None) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    if found is None or found in known:
        return
    expected = script.get_current_head() or BASE
    raise SchemaMismatch(
        f"the database is at revision {found}, which this version does not know (its newest is"
        f" {expected}): a newer version made it, so install that one, or it is another program's,"
        " so name another one",
        found=found,
        expected=expected,
    )


async def _migrate(
    engine: AsyncEngine, verb: Callable[[Config, str], None], target: str, tree: str
) -> tuple[Step, ...]:
    if not _TARGET.fullmatch(target):
        raise _refused_target(target, "it is not written like one")
    config = _config(tree)
    done: list[MigrationInfo] = config.attributes["steps"]
    found = await current(engine)
    _refuse_unknown(_script(config), found)
    if found is None:
        await _refuse_tables_of_others(engine)
    try:
        with translated():
            async with _alone_in_process(), engine.connect() as connection:
                try:
                    await connection.run_sync(_run, config, verb, target)
                finally:
                    # Its session holds a lock and settings that are good for migrating only.
                    await connection.invalidate()
    except CommandError as error:
        raise _refused_target(target, str(error)) from error
    except (StoreUnavailable, StoreRefused) as error:
        raise type(error)(
            f"migrating {_name(engine)} to {target} failed, and the step that failed was undone:"
            f" {error}"
        ) from error
    return tuple(_step(info) for info in done)


async def _refuse_tables_of_others(engine: AsyncEngine) -> None:
    """Refuse a database whose tables have our names, but were not made by our migrations."""
    in_the_way = sorted(await table_names(engine) & metadata.tables.keys())
    # Another process may have migrated since the revision was read.
    if in_the_way and await current(engine) is None:
        raise StoreRefused(
            f"{_name(engine)} has a table {in_the_way[0]} already, and that is another program's:"
            " name another database"
        )


@asynccontextmanager
async def _alone_in_process() -> AsyncIterator[None]:
    """Let one task migrate at a time: Alembic keeps what it works on in globals of its modules."""
    while not _migrating.acquire(blocking=False):  # noqa: ASYNC110  also other threads are awaited
        await asyncio.sleep(_BETWEEN_TRIES)
    try:
        yield
    finally:
        _migrating.release()


def _name(engine: AsyncEngine) -> str:
    url = engine.url.set(drivername=engine.dialect.name, query={})
    return url.render_as_string(hide_password=True)


def _run(
    connection: Connection, config: Config, verb: Callable[[Config, str], None], target: str
) -> None:
    config.attributes["connection"] = connection
    verb(config, target)


def _refused_target(target: str, reason: str) -> InvalidInput:
    remedy = "name a revision, head, base, or a number of steps such as +1 or -1"
    return InvalidInput(
        f"cannot go to revision {target!r}: {reason}; {remedy}", field="target", remedy=remedy
    )


def _step(info: MigrationInfo) -> Step:
    """Describe the migration itself, whichever way it went."""
    revision = info.up_revision
    title = revision.doc if isinstance(revision, Script) else ""
    return Step(revision=", ".join(info.up_revision_ids), title=" ".join(title.split()))


def _heads(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


def _config(tree: str) -> Config:
    """Configure Alembic without a file: what is configured is part of the package."""
    config = Config()
    config.set_main_option("script_location", tree)
    config.set_main_option("path_separator", "os")
    config.attributes["steps"] = []
    return config


def _script(config: Config) -> ScriptDirectory:
    return ScriptDirectory.from_config(config)
