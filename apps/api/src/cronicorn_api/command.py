"""
The command: options, and what each fault is worth to who typed them.

What does the work is imported by who needs it, so that help comes at once.
"""

from collections.abc import Mapping
from typing import Annotated

import typer

from cronicorn_api.admin import commands
from cronicorn_api.exits import foreseen

app = typer.Typer(
    name="cronicorn-api",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(commands.people, name="people")
app.add_typer(commands.keys, name="keys")


@app.callback(invoke_without_command=True)
def api(
    context: typer.Context,
    *,
    host: Annotated[str | None, typer.Option(help="[default: 127.0.0.1]")] = None,
    port: Annotated[str | None, typer.Option(metavar="N", help="[default: 3333]")] = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME; brought to the"
            " newest revision on start.  [default: sqlite:///cronicorn.db]",
        ),
    ] = None,
    with_worker: Annotated[
        bool,
        typer.Option(
            "--with-worker", help="also run what is due, in this process; more workers may join it"
        ),
    ] = False,
    traces: Annotated[
        bool,
        typer.Option(
            "--traces",
            help="send a trace of each call, and of each run of --with-worker, over OTLP/HTTP;"
            " OTEL_EXPORTER_OTLP_ENDPOINT says where to. Needs the extra `traces`.",
        ),
    ] = False,
) -> None:
    """
    Serve the HTTP API until SIGTERM or Ctrl-C, and finish the requests under way.

    Each option is also read from the environment and from a .env file, --port as
    CRONICORN_PORT and so on, the database also as DATABASE_URL. CRONICORN_BOOTSTRAP_API_KEY is an
    API key for machines that is issued at the first start; CRONICORN_ADMIN_EMAIL and
    CRONICORN_ADMIN_PASSWORD are the owner's.
    """
    options = {
        "host": host,
        "port": port,
        "database": database,
        "with_worker": with_worker or None,
        "traces": traces or None,
    }
    context.obj = {name: value for name, value in options.items() if value is not None}
    if context.invoked_subcommand is None:
        _serve(context.obj)


def _serve(given: Mapping[str, object]) -> None:
    from cronicorn_api.loops import complete  # noqa: PLC0415
    from cronicorn_api.serving import serve  # noqa: PLC0415
    from cronicorn_api.settings import read_settings  # noqa: PLC0415

    with foreseen():
        complete(serve(read_settings(given)))
