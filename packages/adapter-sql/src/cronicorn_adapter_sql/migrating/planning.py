# ruff: noqa: S608  names of our own tables only
"""What a migration would run: its SQL, of which nothing is applied."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from alembic import command
from cronicorn_domain.errors import InvalidInput
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.engine import read_only
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.migrating.alone import alone_in_process
from cronicorn_adapter_sql.migrating.drift import refuse_drift
from cronicorn_adapter_sql.migrating.journey import Patience
from cronicorn_adapter_sql.migrating.scratch import blank_sqlite, rehearse
from cronicorn_adapter_sql.migrating.sessions import ALONE, LONG, short_of_locks
from cronicorn_adapter_sql.migrating.standing import (
    VERSION_TABLE,
    current,
    refuse_tables_of_others,
)
from cronicorn_adapter_sql.migrating.tree import BASE, HEAD, OUR_TREE, Step, Tree, read_tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    The migrations between a database and a target, and the script that would run them.

    ``script`` may be given to the database's own shell, psql or sqlite3, with the same result: it
    says to the shell that it is to stop at the first error, and is refused where the database is
    not at the revision that it begins with. It is empty where there is nothing to do. ``empties``:
    it drops every table.
    """

    steps: tuple[Step, ...]
    undone: bool
    script: str
    empties: bool = False


async def plan(
    engine: AsyncEngine, *, target: str = HEAD, tree: str = OUR_TREE, despite_drift: bool = False
) -> Plan:
    """
    Tell what would be run to bring a database to ``target``, up or down. Nothing is written to it.

    PostgreSQL's is written from the migrations alone, without the database. SQLite's is taken down
    while the migrations run on a copy of the file's schema in memory, since some of their
    statements follow from what the tables are now.

    Raises:
        InvalidInput: the target is no revision.
        SchemaMismatch, StoreRefused: migrating would be refused as well.
    """
    migrations = read_tree(tree)
    found = await current(engine)
    migrations.refuse_unknown(found)
    resolved = migrations.resolve(target, found=found)
    if found is None:
        await refuse_tables_of_others(engine)
    elif found != resolved and not despite_drift:
        await refuse_drift(engine, migrations, verb="plan")
    if found == resolved:
        return Plan(steps=(), undone=False, script="")
    with translated():
        async with alone_in_process(), read_only(engine).connect() as connection:
            script = await connection.run_sync(_script, migrations, found, resolved)
    return _plan(migrations, found, resolved, script)


async def plan_of_new_sqlite(*, target: str = HEAD, tree: str = OUR_TREE) -> Plan:
    """Tell what would be run in a SQLite file that is not there yet."""
    migrations = read_tree(tree)
    resolved = migrations.resolve(target, found=None)
    if resolved is None:
        return Plan(steps=(), undone=False, script="")
    async with alone_in_process():
        with blank_sqlite() as blank:
            script = _taken_down(blank, migrations, None, resolved)
    return _plan(migrations, None, resolved, script)


def _plan(tree: Tree, found: str | None, target: str | None, script: str) -> Plan:
    return Plan(
        steps=tree.steps(found=found, target=target),
        undone=not tree.reaches_up(found=found, target=target),
        script=script,
        empties=target is None,
    )


def _script(connection: Connection, tree: Tree, found: str | None, target: str | None) -> str:
    if connection.dialect.name == "postgresql":
        return _written_for_postgres(tree, found, target)
    with blank_sqlite() as copy:
        _copy_schema(connection, copy)
        return _taken_down(copy, tree, found, target)


def _written_for_postgres(tree: Tree, found: str | None, target: str | None) -> str:
    written = io.StringIO()
    from_here = f"{found or BASE}:{target or BASE}"
    config = tree.config(output=written)
    config.attributes["dialect"] = "postgresql"
    if tree.reaches_up(found=found, target=target):
        command.upgrade(config, from_here, sql=True)
    else:
        command.downgrade(config, from_here, sql=True)
    session = "".join(f"{each};\n" for each in (*LONG, _OUR_SCHEMA, ALONE, _SHORT))
    steps = written.getvalue().strip()
    # A database that was brought down to nothing keeps the table, which is empty then.
    steps = steps.replace(
        f"CREATE TABLE {VERSION_TABLE} ", f"CREATE TABLE IF NOT EXISTS {VERSION_TABLE} "
    )
    return f"{_STOP_IN_PSQL}\n\n{session}\n{_is_at_on_postgres(found)}\n\n{steps}\n"


_STOP_IN_PSQL: Final = "\\set ON_ERROR_STOP on"
_OUR_SCHEMA: Final = "SET search_path = public"
_SHORT: Final = short_of_locks(Patience())


def _is_at_on_postgres(found: str | None) -> str:
    """Refuse, in the words of SQL, a database that is elsewhere than where the script begins."""
    at = _literal(found or "")
    return f"""DO $$
DECLARE revision text := '';
BEGIN
  IF to_regclass('{VERSION_TABLE}') IS NOT NULL THEN
    SELECT coalesce(max(version_num), '') FROM {VERSION_TABLE} INTO revision;
  END IF;
  IF revision <> {at} THEN
    RAISE EXCEPTION 'this script is for a database {_place(found)}; make a new one with'
      ' cronicorn-db plan';
  END IF;
END $$;"""


def _place(found: str | None) -> str:
    return f"at revision {found}" if found else "without tables"


def _copy_schema(connection: Connection, copy: Connection) -> None:
    for statement in connection.execute(text(_STATEMENTS)).scalars():
        copy.exec_driver_sql(statement)
    known = connection.execute(text(_HAS_VERSION)).scalar()
    if known:
        revision = connection.execute(text(_VERSION)).scalar()
        if revision is not None:
            copy.execute(text(_SET_VERSION), {"revision": revision})
    copy.commit()


_QUESTIONS: Final = ("SELECT", "PRAGMA")
_STATEMENTS: Final = (
    "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%'"
    " ESCAPE '\\' ORDER BY type = 'table' DESC, type = 'index' DESC, rowid"
)
_HAS_VERSION: Final = f"SELECT 1 FROM sqlite_master WHERE name = '{VERSION_TABLE}'"
_VERSION: Final = f"SELECT version_num FROM {VERSION_TABLE}"
_SET_VERSION: Final = f"INSERT INTO {VERSION_TABLE} VALUES (:revision)"


def _taken_down(copy: Connection, tree: Tree, found: str | None, target: str | None) -> str:
    """Migrate the copy, and note every statement that was no question."""
    is_there = bool(copy.execute(text(_HAS_VERSION)).scalar())
    copy.rollback()
    noted: list[str] = []

    def note(
        _: Connection,
        __: object,
        statement: str,
        parameters: Any,
        ___: object,
        many: bool,  # noqa: FBT001  as SQLAlchemy passes it
    ) -> None:
        if not statement.lstrip().upper().startswith(_QUESTIONS):
            noted.extend(_as_text(statement, parameters, many=many))

    event.listen(copy.engine, "after_cursor_execute", note)
    try:
        rehearse(copy, tree, target)
    finally:
        event.remove(copy.engine, "after_cursor_execute", note)
    begins = _is_at_on_sqlite(found) if is_there else ()
    written = (*_SESSION_OF_SQLITE, *begins, *noted, *_NOTHING_DANGLES, "COMMIT")
    statements = "\n\n".join(f"{each.strip()};" for each in written)
    return f"{_STOP_IN_SQLITE}\n\n{statements}\n"


_STOP_IN_SQLITE: Final = f".bail on\n.timeout {Patience().lock // timedelta(milliseconds=1)}"
_SESSION_OF_SQLITE: Final = ("PRAGMA foreign_keys=OFF", "BEGIN IMMEDIATE")


def _is_at_on_sqlite(found: str | None) -> tuple[str, ...]:
    """Refuse a database that is elsewhere; one without the table meets that by itself."""
    at = _literal(found or "")
    revision = f"(SELECT coalesce(max(version_num), '') FROM {VERSION_TABLE})"
    return _refusing(
        f"the_database_is_{'at_' + found if found else 'without_tables'}", f"{revision} = {at}"
    )


def _refusing(name: str, condition: str) -> tuple[str, ...]:
    """Say in SQL what has to hold: outside of triggers only a constraint can refuse."""
    return (
        f"CREATE TEMP TABLE cronicorn_says (holds INTEGER CONSTRAINT {name} CHECK (holds))",
        f"INSERT INTO cronicorn_says SELECT {condition}",
        "DROP TABLE cronicorn_says",
    )


_NOTHING_DANGLES: Final = _refusing(
    "every_row_refers_to_one_that_is_there",
    "NOT EXISTS (SELECT 1 FROM pragma_foreign_key_check)",
)


def _as_text(statement: str, parameters: Any, *, many: bool) -> Iterator[str]:
    """Write the values into a statement, as many times as it ran."""
    if not parameters:
        yield statement
        return
    for each in parameters if many else [parameters]:
        parts = statement.split("?")
        if len(parts) != len(each) + 1:
            raise InvalidInput(f"the values of a statement cannot be written out: {statement}")
        values = (_literal(value) for value in each)
        yield "".join(part + value for part, value in zip(parts, (*values, ""), strict=True))


def _literal(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool() | int() | float():
            return str(int(value)) if isinstance(value, bool) else repr(value)
        case bytes():
            return f"X'{value.hex()}'"
        case _:
            quoted = str(value).replace("'", "''")
            return f"'{quoted}'"
