"""
The command ``cronicorn-db``: brings a database's schema up and down.

What does the work is imported by the verb that needs it, so that help comes at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer
from cronicorn_domain.errors import CronicornError, InvalidInput, SchemaMismatch

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from cronicorn_adapter_sql.migration_runner import Step

_FAILED: Final = 1
_BAD_USAGE: Final = 2
_EMBEDDED: Final = "sqlite:///cronicorn.db"

Database = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="DATABASE_URL",
        metavar="URL",
        help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME.",
    ),
]
UpTo = Annotated[
    str, typer.Argument(metavar="[TARGET]", help="A revision, +1, or head for the newest.")
]
DownTo = Annotated[
    str, typer.Argument(metavar="TARGET", help="A revision, -1, or base for no tables at all.")
]

app = typer.Typer(
    name="cronicorn-db",
    help="Bring the schema of a Cronicorn database up and down.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command: 0 done, 2 bad usage, 1 anything else that was refused."""
    app()


@app.command()
def upgrade(target: UpTo = "head", database: Database = _EMBEDDED) -> None:
    """Apply the migrations up to TARGET, making the database file if there is none."""
    from cronicorn_adapter_sql import migration_runner  # noqa: PLC0415

    async def work(engine: "AsyncEngine") -> None:
        _report("applied", await migration_runner.upgrade(engine, target=target))

    _in_database(database, work, create=True)


# A target such as -1 must not be taken for an option.
@app.command(context_settings={"ignore_unknown_options": True})
def downgrade(target: DownTo, database: Database = _EMBEDDED) -> None:
    """Undo the migrations down to TARGET, with the tables and rows that they brought."""
    from cronicorn_adapter_sql import migration_runner  # noqa: PLC0415

    async def work(engine: "AsyncEngine") -> None:
        before = await migration_runner.table_names(engine)
        _report("undone", await migration_runner.downgrade(engine, target=target))
        if dropped := sorted(before - await migration_runner.table_names(engine)):
            typer.echo(f"dropped, with all their rows: {', '.join(dropped)}")

    _in_database(database, work, create=False)


@app.command()
def current(database: Database = _EMBEDDED) -> None:
    """Tell the revision that the database is at, and what to run if another one is needed."""

    async def look_only(_: "AsyncEngine") -> None:
        """Leave everything as it is."""

    _in_database(database, look_only, create=False)


def _in_database(
    database: str, work: Callable[["AsyncEngine"], Awaitable[None]], *, create: bool
) -> None:
    """Do the work on an opened database; say in one line on standard error what was refused."""
    try:
        asyncio.run(_work_in_database(database, work, create=create))
    except InvalidInput as error:
        typer.echo(f"cronicorn-db: {error}", err=True)
        raise typer.Exit(_BAD_USAGE) from error
    except CronicornError as error:
        typer.echo(f"cronicorn-db: {error}", err=True)
        raise typer.Exit(_FAILED) from error


async def _work_in_database(
    database: str, work: Callable[["AsyncEngine"], Awaitable[None]], *, create: bool
) -> None:
    from cronicorn_adapter_sql import migration_runner  # noqa: PLC0415
    from cronicorn_adapter_sql.database_url import parse_database_url  # noqa: PLC0415
    from cronicorn_adapter_sql.engine import open_engine  # noqa: PLC0415

    named = parse_database_url(database)
    async with open_engine(named, application_name="cronicorn-db", create=create) as engine:
        await work(engine)
        revision = await migration_runner.current(engine)
        typer.echo(f"{named} " + (f"is at revision {revision}" if revision else "has no tables"))
        try:
            await migration_runner.require_head(engine)
        except SchemaMismatch as mismatch:
            typer.echo(f"note: {mismatch}")


def _report(verb: str, steps: Sequence["Step"]) -> None:
    for step in steps:
        typer.echo(f"{verb} {step.revision}: {step.title}")
    if not steps:
        typer.echo("nothing to do")
