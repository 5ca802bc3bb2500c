"""
The command ``cronicorn-db``: brings a database's schema up and down.

What does the work is imported by the verb that needs it, so that help comes at once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer
from cronicorn_domain.errors import (
    CronicornError,
    InvalidInput,
    SchemaMismatch,
    StoreError,
    StoreRefused,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from cronicorn_adapter_sql.migrating.journey import Tell
    from cronicorn_adapter_sql.migrating.planning import Plan
    from cronicorn_adapter_sql.migrating.tree import Step

    Work = Callable[["AsyncEngine"], Awaitable[None]]

Result = TypeVar("Result")

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
PollOnly = Annotated[
    bool,
    typer.Option(
        "--poll-only",
        envvar="CRONICORN_POLL_ONLY",
        help="The database is behind a pooler that gives each transaction another session; most"
        " are noticed without this.",
    ),
]
UpTo = Annotated[
    str, typer.Argument(metavar="[TARGET]", help="A revision, +1, or head for the newest.")
]
DownTo = Annotated[
    str, typer.Argument(metavar="TARGET", help="A revision, -1, or base: no tables at all.")
]
AnyWhere = Annotated[
    str,
    typer.Argument(metavar="[TARGET]", help="A revision, +1, -1, head or base: up or down."),
]
DespiteDrift = Annotated[
    bool,
    typer.Option(
        "--despite-drift",
        help="Go on although the tables are not as the migrations made them.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Go on although rows will be lost.")]

# Plain text, in which the examples keep their lines.
app = typer.Typer(
    name="cronicorn-db",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# A target such as -1 must not be taken for an option.
_TAKES_STEPS: Final = {"ignore_unknown_options": True}


def main() -> None:
    """Run the command: 0 done, 2 bad usage, 1 anything else that was refused, or drift."""
    app()


@app.callback()
def explain() -> None:
    """
    Bring the schema of a Cronicorn database up and down, and see that it is as it should be.

    Workers do `upgrade` by themselves when they start. By hand it goes like this:

    \b
      cronicorn-db current                  where the database is
      cronicorn-db check                    is it as the migrations made it?
      cronicorn-db plan > upgrade.sql       what would be run; nothing is applied
      cronicorn-db upgrade                  do it
      cronicorn-db plan -1; cronicorn-db downgrade -1     and back, with all workers stopped

    A migration that fails leaves nothing behind. One that meets a lock gives up after 2 seconds, so
    that nobody queues behind it, and tries again for three minutes. Processes that migrate at once
    wait for one another.

    It exits with 0 when done, with 1 when something was refused or differs, and with 2 when it was
    called wrongly. What it refuses, it says in a line with the remedy, and it changes nothing.
    """  # noqa: D301  the mark that keeps the lines of the examples apart is meant, not its escape


@app.command(context_settings=_TAKES_STEPS)
def upgrade(
    target: UpTo = "head",
    *,
    database: Database = _EMBEDDED,
    despite_drift: DespiteDrift = False,
    poll_only: PollOnly = False,
) -> None:
    """
    Apply the migrations up to TARGET.

    A SQLite file that is not there is made. Refused where the tables differ from what the
    migrations made of them (see `check`).
    """
    from cronicorn_adapter_sql.migrating import runner  # noqa: PLC0415

    async def work(engine: "AsyncEngine") -> None:
        async with _progress(engine) as tell:
            steps = await runner.upgrade(
                engine, target=target, tell=tell, despite_drift=despite_drift
            )
        _report("applied", steps)
        await _tell_place(engine)

    _in_database(database, work, create=True, poll_only=poll_only)


@app.command(context_settings=_TAKES_STEPS)
def downgrade(
    target: DownTo,
    *,
    database: Database = _EMBEDDED,
    despite_drift: DespiteDrift = False,
    yes: Yes = False,
    poll_only: PollOnly = False,
) -> None:
    """
    Undo the migrations down to TARGET.

    The tables and columns that they brought go, with all that is in them: make a backup. Where
    that are rows, it is refused without --yes, and says how many. What a migration does to rows
    that stay is not counted: read it in `plan`. Where no table would be left, TARGET has to be the
    word base: a number of steps does not go there. It is refused while workers or an API are at
    work on the database: stop them first, also since one that starts would bring it up again.
    """
    from cronicorn_adapter_sql.migrating import losing, runner, standing  # noqa: PLC0415

    async def work(engine: "AsyncEngine") -> None:
        await losing.refuse_careless_downgrade(engine, target=target, accepted=yes)
        before = await standing.table_names(engine)
        async with _progress(engine) as tell:
            steps = await runner.downgrade(
                engine, target=target, tell=tell, despite_drift=despite_drift
            )
        _report("undone", steps)
        if dropped := sorted(before - await standing.table_names(engine)):
            typer.echo(f"dropped, with all their rows: {', '.join(dropped)}")
        await _tell_place(engine)

    _in_database(database, work, create=False, poll_only=poll_only)


@app.command(context_settings=_TAKES_STEPS)
def plan(
    target: AnyWhere = "head",
    *,
    database: Database = _EMBEDDED,
    despite_drift: DespiteDrift = False,
    poll_only: PollOnly = False,
) -> None:
    """
    Print the SQL that would run; apply nothing.

    It would bring the database to TARGET, up or down. The script goes to standard output, and may
    be run with psql or sqlite3 instead; what it is about goes to standard error, with the rows that
    would be lost on the way down. What would be refused to `upgrade` is refused here, too.
    """
    from cronicorn_adapter_sql.database_url import (  # noqa: PLC0415
        SqliteDatabase,
        parse_database_url,
    )
    from cronicorn_adapter_sql.migrating import losing, planning, tree  # noqa: PLC0415

    async def work(engine: "AsyncEngine") -> None:
        planned = await planning.plan(engine, target=target, despite_drift=despite_drift)
        _print_plan(planned)
        if planned.undone:
            for loss in await losing.losses(engine, target=target):
                typer.echo(f"would lose {loss}", err=True)
        if planned.empties and target != tree.BASE:
            typer.echo("no table would be left: `downgrade` wants the word base for that", err=True)

    async def work_on_nothing() -> None:
        _print_plan(await planning.plan_of_new_sqlite(target=target))

    def is_new() -> bool:
        named = parse_database_url(database)
        return isinstance(named, SqliteDatabase) and not named.path.exists()

    if _refusing(is_new):
        _refusing(lambda: asyncio.run(work_on_nothing()))
    else:
        _in_database(database, work, create=False, poll_only=poll_only)


@app.command()
def check(*, database: Database = _EMBEDDED, poll_only: PollOnly = False) -> None:
    """
    Tell where the tables differ; exit 1 then.

    The database is compared with what the migrations make, and with the code. Columns, keys,
    checks, indexes and their conditions, triggers and all else that the database knows of its
    tables is compared. Partitions of days are no difference. Nothing is written: on PostgreSQL the
    migrations are tried in a transaction that is rolled back.
    """
    from cronicorn_adapter_sql.migrating import drift, standing  # noqa: PLC0415

    async def work(engine: "AsyncEngine") -> None:
        differences = await drift.find_drift(engine)
        for difference in differences:
            typer.echo(f"differs: {difference}")
        await _tell_place(engine, note=False)
        await standing.require_head(engine)
        if differences:
            typer.echo(f"differences: {len(differences)}")
            raise typer.Exit(_FAILED)
        typer.echo("no differences")

    _in_database(database, work, create=False, poll_only=poll_only)


@app.command()
def current(*, database: Database = _EMBEDDED, poll_only: PollOnly = False) -> None:
    """Tell the revision of the database, and what to run next."""
    _in_database(database, _tell_place, create=False, poll_only=poll_only)


@app.command()
def history(*, database: Database = _EMBEDDED, poll_only: PollOnly = False) -> None:
    """List the migrations, and where the database is."""
    from cronicorn_adapter_sql.migrating import standing, tree  # noqa: PLC0415

    found: list[str | None] = []

    async def work(engine: "AsyncEngine") -> None:
        found.append(await standing.current(engine))

    async def attempt() -> None:
        try:
            await _work_in_database(database, work, create=False, poll_only=poll_only)
        except StoreError as error:
            typer.echo(f"note: {error}", err=True)

    _refusing(lambda: asyncio.run(attempt()))
    for script in reversed(tree.read_tree(tree.OUR_TREE).line):
        step = tree.step_of(script)
        here = "  <- the database is here" if step.revision in found else ""
        typer.echo(f"{step.revision}  {step.title}{here}")
    if found == [None]:
        typer.echo("base  No tables.  <- the database is here")


@app.command()
def revision(
    title: Annotated[
        str, typer.Argument(metavar="TITLE", help='What it does: "Add caps to endpoints".')
    ],
) -> None:
    """
    Begin a new migration: write its file.

    The steps and their reasons are to be filled in. For who works on Cronicorn itself, in a
    checkout of the sources.
    """
    from cronicorn_adapter_sql.migrating import drafting  # noqa: PLC0415

    path = _refusing(lambda: drafting.draft(title))
    typer.echo(f"wrote {path}: fill in what it does, why, and how it is undone")


def _refusing(work: Callable[[], Result]) -> Result:
    """Do it; say in one line on standard error what was refused."""
    try:
        return work()
    except InvalidInput as error:
        typer.echo(f"cronicorn-db: {error}", err=True)
        raise typer.Exit(_BAD_USAGE) from error
    except CronicornError as error:
        typer.echo(f"cronicorn-db: {error}", err=True)
        raise typer.Exit(_FAILED) from error


def _in_database(database: str, work: "Work", *, create: bool, poll_only: bool) -> None:
    """Do the work on an opened database."""
    _refusing(
        lambda: asyncio.run(_work_in_database(database, work, create=create, poll_only=poll_only))
    )


async def _work_in_database(database: str, work: "Work", *, create: bool, poll_only: bool) -> None:
    from cronicorn_adapter_sql.database_url import parse_database_url  # noqa: PLC0415
    from cronicorn_adapter_sql.engine import open_engine  # noqa: PLC0415

    named = parse_database_url(database)
    async with open_engine(
        named, application_name="cronicorn-db", create=create, poll_only=poll_only
    ) as engine:
        await work(engine)


@asynccontextmanager
async def _progress(engine: "AsyncEngine") -> AsyncIterator["Tell"]:
    """Tell on standard error what lasts long in the block."""
    from cronicorn_adapter_sql.command.telling import Progress  # noqa: PLC0415
    from cronicorn_adapter_sql.migrating.watching import doing  # noqa: PLC0415

    progress = Progress(lambda line: typer.echo(line, err=True), lambda: doing(engine))
    async with progress.watching():
        yield progress.tell


def _report(verb: str, steps: Sequence["Step"]) -> None:
    for step in steps:
        typer.echo(f"{verb} {step.revision}: {step.title}")
    if not steps:
        typer.echo("nothing to do")


async def _tell_place(engine: "AsyncEngine", *, note: bool = True) -> None:
    """Say where the database is, and what to run if it has to be elsewhere."""
    from cronicorn_adapter_sql.migrating import standing  # noqa: PLC0415

    at = await standing.current(engine)
    name = standing.name_of(engine)
    typer.echo(f"{name} " + (f"is at revision {at}" if at else "has no tables of Cronicorn's"))
    try:
        if at is None:
            await standing.refuse_tables_of_others(engine)
        await standing.require_head(engine)
        await standing.refuse_lacking(engine)
    except (SchemaMismatch, StoreRefused) as reason:
        if note:
            typer.echo(f"note: {reason}")


def _print_plan(plan: "Plan") -> None:
    for step in plan.steps:
        verb = "undo" if plan.undone else "apply"
        typer.echo(f"would {verb} {step.revision}: {step.title}", err=True)
    if not plan.steps:
        typer.echo("nothing to do", err=True)
    typer.echo(plan.script, nl=False)
