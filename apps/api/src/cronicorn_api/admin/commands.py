"""
The commands of whoever runs the installation: people and keys, without being signed in.

What does the work is imported by who needs it, so that help comes at once.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from cronicorn_api.exits import foreseen

if TYPE_CHECKING:
    from cronicorn_management.desk import Desk

people = typer.Typer(help="Add, list and disable those who may sign in.", no_args_is_help=True)
keys = typer.Typer(help="Issue, list and revoke API keys.", no_args_is_help=True)

Database = Annotated[
    str | None,
    typer.Option(metavar="URL", help="[default: as for the API, sqlite:///cronicorn.db]"),
]
Tenant = Annotated[
    str | None, typer.Option(metavar="ID", help="Of which tenant.  [default: the first]")
]
Scopes = Annotated[str, typer.Option(metavar="SCOPES", help="Of read, write and admin.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL")]


@people.command("add")
def add(
    context: typer.Context,
    email: Email,
    *,
    name: Annotated[str | None, typer.Option(help="[default: the e-mail address]")] = None,
    scopes: Scopes = "read,write",
    tenant: Annotated[
        str | None,
        typer.Option(metavar="ID|new", help="Of which tenant.  [default: the first]"),
    ] = None,
    database: Database = None,
) -> None:
    """Add somebody; the password is asked for, or read from standard input."""
    from cronicorn_api.admin import deeds  # noqa: PLC0415

    password = _password()
    _do(
        context,
        lambda desk: deeds.add(
            desk, email=email, password=password, name=name, scopes=scopes, tenant=tenant
        ),
        database,
    )


@people.command("list")
def list_people(
    context: typer.Context, *, tenant: Tenant = None, database: Database = None
) -> None:
    """List those who may sign in, and those who may no more."""
    from cronicorn_api.admin import deeds  # noqa: PLC0415

    _do(context, lambda desk: deeds.people(desk, tenant=tenant), database)


@people.command()
def disable(context: typer.Context, email: Email, *, database: Database = None) -> None:
    """Let somebody in no more, at once: their sessions end, and so do the keys that they issued."""
    from cronicorn_api.admin import deeds  # noqa: PLC0415

    _do(context, lambda desk: deeds.disable(desk, email=email), database)


@people.command()
def enable(context: typer.Context, email: Email, *, database: Database = None) -> None:
    """Let somebody sign in again, with the password that they had."""
    from cronicorn_api.admin import deeds  # noqa: PLC0415

    _do(context, lambda desk: deeds.enable(desk, email=email), database)


@people.command()
def password(context: typer.Context, email: Email, *, database: Database = None) -> None:
    """Give somebody a new password, asked for or read from standard input; their sessions end."""
    from cronicorn_api.admin import deeds  # noqa: PLC0415

    new = _password()
    _do(context, lambda desk: deeds.give_password(desk, email=email, new=new), database)


@keys.command()
def issue(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    *,
    scopes: Scopes = "read,write",
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="How long it holds.  [default: for good]")
    ] = None,
    tenant: Tenant = None,
    database: Database = None,
) -> None:
    """Issue a key, and print it this once."""
    from cronicorn_api.admin import deeds  # noqa: PLC0415

    _do(
        context,
        lambda desk: deeds.issue(desk, name=name, scopes=scopes, days=days, tenant=tenant),
        database,
    )


@keys.command("list")
def list_keys(context: typer.Context, *, tenant: Tenant = None, database: Database = None) -> None:
    """List keys that are not revoked, without themselves."""
    from cronicorn_api.admin import deeds  # noqa: PLC0415

    _do(context, lambda desk: deeds.keys(desk, tenant=tenant), database)


@keys.command()
def revoke(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="As the list has it.")],
    *,
    tenant: Tenant = None,
    database: Database = None,
) -> None:
    """End a key for good."""
    from cronicorn_api.admin import deeds  # noqa: PLC0415

    _do(context, lambda desk: deeds.revoke(desk, key=key, tenant=tenant), database)


def _password() -> str:
    """Ask for a password where somebody types, else read a line."""
    if sys.stdin.isatty():
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    return sys.stdin.readline().rstrip("\r\n")


def _do(
    context: typer.Context, deed: "Callable[[Desk], Awaitable[str]]", database: str | None
) -> None:
    """Open the database, do what is to be done, and print what it says."""
    import asyncio  # noqa: PLC0415

    from cronicorn_api.composition import Choices, open_desk  # noqa: PLC0415
    from cronicorn_api.settings import read_settings  # noqa: PLC0415

    given = {**context.obj, **({} if database is None else {"database": database})}

    async def done() -> str:
        settings = read_settings(given)
        chosen = Choices(poll_only=settings.poll_only)
        async with open_desk(settings.database_url, settings.key, chosen) as desk:
            return await deed(desk)

    with foreseen():
        typer.echo(asyncio.run(done()))
