"""
The command: options, and what each fault is worth to who typed them.

What does the work is imported by who needs it, so that help comes at once.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, NoReturn

import typer

from cronicorn_worker.faults import FAILURE, UNSEEN, USAGE, sentences

app = typer.Typer(
    name="cronicorn-worker",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Database = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME; brought to the newest"
        " revision on start.  [default: sqlite:///cronicorn.db]",
    ),
]
LookedAt = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The database to look at, as for the worker: it is not brought to another revision.",
    ),
]
PollOnly = Annotated[
    bool,
    typer.Option(
        "--poll-only",
        help="The database is behind a pooler that gives each transaction another session, as"
        " PgBouncer may; most are noticed without this.",
    ),
]
Jobs = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="A YAML file of jobs: create or update them by name."),
]
Prune = Annotated[bool, typer.Option("--prune", help="With --jobs: archive what is not in it.")]
Demo = Annotated[
    bool,
    typer.Option("--demo", help="Run a small shop in a flash sale, in a temporary database."),
]
RunFor = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar="DURATION",
        help="End this long (60s, 1h30m) after the first claim.",
    ),
]
Concurrency = Annotated[
    str | None,
    typer.Option(metavar="N", help="Runs at once in each process, at most.  [default: 400]"),
]
Processes = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="Work in so many processes, kept alive; they write log lines.  [default: 1]",
    ),
]
HostCap = Annotated[
    list[str] | None,
    typer.Option(
        metavar="N|HOST=N",
        help="Runs at once to each host, or to one, over all workers; may be given several times."
        "  [default: no cap]",
    ),
]
TenantCap = Annotated[
    list[str] | None,
    typer.Option(
        metavar="N|TENANT=N",
        help="Runs at once of each tenant, or of one, over all workers.  [default: no cap]",
    ),
]
RunQuota = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[TENANT=]N[@ASKS/TIME]",
        help="Runs a month (UTC) of each tenant, or of one, over all workers; behind it runs are"
        " put off to the month's end.  [default: no quota]",
    ),
]
TokenQuota = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[TENANT=]N[@ASKS/TIME]",
        help="Tokens a month (UTC) that the AI planner may use for each tenant, or for one, over"
        " all workers, and how often a model is asked, as in 2000000@20/1m; CRONICORN_AI_MODEL"
        " names the model.  [default: no quota]",
    ),
]
HostBreaker = Annotated[
    str | None,
    typer.Option(
        "--breaker",
        metavar="N|off",
        help="Hold calls to a host back after so many failures in a row, but for one a minute."
        "  [default: 10]",
    ),
]
Retention = Annotated[
    str | None,
    typer.Option(
        metavar="LENGTH|off",
        help="Delete runs, answers and records that are older, such as 90d; the same for all"
        " workers.  [default: 30d]",
    ),
]
KeepRuns = Annotated[
    str | None,
    typer.Option(
        metavar="N|off",
        help="Delete each tenant's runs beyond its newest N, too.  [default: off]",
    ),
]
EgressAllow = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOST[:PORT]|CIDR",
        help="Let requests out to what is not public, such as 127.0.0.1:9000 or 10.1.0.0/16;"
        " may be given several times.",
    ),
]
LogFormat = Annotated[
    str | None,
    typer.Option(
        metavar="console|json",
        help="Write log lines, also on a terminal.  [default: a live view on a terminal]",
    ),
]
LogLevel = Annotated[
    str | None,
    typer.Option(metavar="debug|info|warning|error", help="[default: info]"),
]
MetricsPort = Annotated[
    str | None,
    typer.Option(
        metavar="PORT",
        help="Serve /metrics, /healthz and /readyz there; of several processes the second has the"
        " next port, and so on.  [default: not served]",
    ),
]
MetricsHost = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Where --metrics-port listens; 0.0.0.0 lets other machines ask.  [default: 127.0.0.1]",
    ),
]
Traces = Annotated[
    bool,
    typer.Option(
        "--traces",
        help="Send a trace of each run over OTLP/HTTP; OTEL_EXPORTER_OTLP_ENDPOINT says where to."
        " Needs the extra `traces`.",
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Write the report as JSON.")]
Fix = Annotated[
    bool,
    typer.Option("--fix", help="Mend what is safe to mend, and say before what will be done."),
]
Most = Annotated[
    int, typer.Option(metavar="N", min=1, help="Look at so many endpoints one by one, at most.")
]


@app.callback(invoke_without_command=True)
def worker(
    context: typer.Context,
    *,
    database: Database = None,
    poll_only: PollOnly = False,
    jobs: Jobs = None,
    prune: Prune = False,
    demo: Demo = False,
    run_for: RunFor = None,
    concurrency: Concurrency = None,
    processes: Processes = None,
    host_cap: HostCap = None,
    tenant_cap: TenantCap = None,
    run_quota: RunQuota = None,
    token_quota: TokenQuota = None,
    breaker: HostBreaker = None,
    retention: Retention = None,
    keep_runs: KeepRuns = None,
    egress_allow: EgressAllow = None,
    log_format: LogFormat = None,
    log_level: LogLevel = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = None,
    traces: Traces = False,
) -> None:
    """
    Run HTTP jobs on their schedules until SIGTERM or Ctrl-C, and drain.

    Each option is also read from the environment and from a .env file: --log-level
    as CRONICORN_LOG_LEVEL and so on, the database also as DATABASE_URL.
    """
    given: dict[str, object | None] = {
        "database": database,
        "poll_only": poll_only or None,
        "jobs": jobs,
        "prune": prune or None,
        "demo": demo or None,
        "run_for": run_for,
        "concurrency": concurrency,
        "processes": processes,
        "host_cap": host_cap or None,
        "tenant_cap": tenant_cap or None,
        "run_quota": run_quota or None,
        "token_quota": token_quota or None,
        "breaker": breaker,
        "retention": retention,
        "keep_runs": keep_runs,
        "egress_allow": egress_allow or None,
        "log_format": log_format,
        "log_level": log_level,
        "metrics_port": metrics_port,
        "metrics_host": metrics_host,
        "traces": traces or None,
    }
    context.obj = {name: value for name, value in given.items() if value is not None}
    if context.invoked_subcommand is None:
        _foreseen(lambda: _run(context.obj), context.obj)


@app.command()
def doctor(
    context: typer.Context,
    *,
    database: LookedAt = None,
    as_json: AsJson = False,
    fix: Fix = False,
    most: Most = 100_000,
) -> None:
    """
    Examine a live database, change nothing, and exit with 1 if anything is found.

    Where there is nothing to look at, as the database cannot be reached or read, it exits with 3.

    It looks for slots that nobody takes, leases and runs that nobody ends, plans that
    differ from what the governor says, statistics that differ from the runs, transactions
    that hold the database back, wrong clocks, missing partitions and old zone data. Each
    finding comes with its remedy.
    """
    given = {**context.obj, **({} if database is None else {"database": database})}
    _foreseen(lambda: _visit(given, as_json=as_json, fix=fix, most=most), given)


@app.command()
def replay(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="Its id, or JOB/NAME.")],
    *,
    database: LookedAt = None,
    jobs: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Take the rules from this jobs file, which is not applied.  [default: the rules"
            " that are stored]",
        ),
    ] = None,
    last: Annotated[
        str, typer.Option(metavar="DURATION", help="How much of the history: 1h, 7d.")
    ] = "1d",
    until: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Where it ends, in ISO 8601.")
    ] = None,
    as_json: AsJson = False,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE.svg", help="Draw it into this file, too.")
    ] = None,
) -> None:
    """
    Run rules over recorded answers, and tell what they would have changed.

    Nothing is changed and no target is called: it tells calls, the longest gap, how long
    changes of the target would have stayed unseen, and which rules would have acted.
    """
    given = {**context.obj, **({} if database is None else {"database": database})}
    _foreseen(
        lambda: _replay(
            given, endpoint, jobs=jobs, window=(last, until), as_json=as_json, plot=plot
        ),
        given,
    )


def _replay(
    given: Mapping[str, object],
    endpoint: str,
    *,
    jobs: str | None,
    window: tuple[str, str | None],
    as_json: bool,
    plot: str | None,
) -> None:
    import asyncio  # noqa: PLC0415
    from pathlib import Path  # noqa: PLC0415

    from cronicorn_worker.replaying import telling  # noqa: PLC0415
    from cronicorn_worker.replaying.asking import Question, ask, read_window  # noqa: PLC0415
    from cronicorn_worker.settings import read_settings  # noqa: PLC0415

    last, until = read_window(*window)
    question = Question(
        endpoint=endpoint, jobs=None if jobs is None else Path(jobs), last=last, until=until
    )
    answered = asyncio.run(ask(read_settings(given), question))
    if plot is not None:
        telling.write_svg(answered, Path(plot))
    typer.echo(telling.as_json(answered) if as_json else telling.as_text(answered))


def _visit(given: Mapping[str, object], *, as_json: bool, fix: bool, most: int) -> None:
    import asyncio  # noqa: PLC0415

    from cronicorn_domain.errors import StoreError  # noqa: PLC0415

    from cronicorn_worker.doctor import reporting  # noqa: PLC0415
    from cronicorn_worker.doctor.visiting import visit  # noqa: PLC0415
    from cronicorn_worker.settings import read_settings  # noqa: PLC0415

    def say(line: str) -> None:
        typer.echo(line, err=True)

    try:
        report = asyncio.run(visit(read_settings(given), fix=fix, most=most, say=say))
    except StoreError as error:
        if as_json:
            typer.echo(reporting.unseen_as_json(str(error)))
        _exit(sentences(str(error)), UNSEEN)
    typer.echo(reporting.as_json(report) if as_json else reporting.as_text(report))
    if report.findings:
        raise typer.Exit(FAILURE)


def _run(given: Mapping[str, object]) -> None:
    from cronicorn_worker.loops import complete  # noqa: PLC0415
    from cronicorn_worker.running import run  # noqa: PLC0415
    from cronicorn_worker.settings import read_settings  # noqa: PLC0415

    complete(run(read_settings(given)))


def _foreseen(work: Callable[[], None], given: Mapping[str, object]) -> None:
    """Work, and turn what was foreseen into a message and an exit code."""
    from cronicorn_domain.errors import CronicornError, InvalidInput  # noqa: PLC0415

    from cronicorn_worker.faults import UsageFault, WorkerFault  # noqa: PLC0415
    from cronicorn_worker.jobs_file.problems import JobsFileRefused  # noqa: PLC0415
    from cronicorn_worker.settings import place_of  # noqa: PLC0415

    try:
        work()
    except (UsageFault, JobsFileRefused) as fault:
        _exit(str(fault), USAGE)
    except InvalidInput as fault:
        place = place_of(fault.field or "", given)
        _exit(sentences(f"{place}: {fault}" if place else str(fault), fault.remedy or ""), USAGE)
    except (CronicornError, WorkerFault) as fault:
        _exit(sentences(str(fault)), FAILURE)


def _exit(message: str, code: int) -> NoReturn:
    typer.echo(f"cronicorn-worker: {message}", err=True)
    raise typer.Exit(code)
