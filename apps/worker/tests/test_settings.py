"""Options come from the command line, the environment and .env, in this order."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cronicorn_domain.identity import DEFAULT_TENANT, TenantId
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.quota import Meter
from cronicorn_management.allowance import Allowance
from cronicorn_worker.faults import UsageFault
from cronicorn_worker.settings import LogFormat, LogLevel, process_environment, read_settings

pytestmark = pytest.mark.usefixtures("bare")


def test_nothing_set_is_fine() -> None:
    """Trap T39: the first steps need no option at all."""
    settings = read_settings({})

    assert settings.database is None
    assert settings.jobs is None
    assert (settings.prune, settings.demo, settings.run_for) == (False, False, None)
    assert settings.concurrency == 400
    assert settings.egress_allow == ()
    assert (settings.log_format, settings.log_level) == (None, LogLevel.INFO)


def test_empty_variables_count_as_not_set(monkeypatch: pytest.MonkeyPatch, bare: Path) -> None:
    """Trap T39: a template of .env with nothing filled in changes nothing."""
    names = ["DATABASE", "JOBS", "PRUNE", "DEMO", "FOR", "CONCURRENCY", "EGRESS_ALLOW"]
    names += ["LOG_FORMAT", "LOG_LEVEL", "SECRET_KEY"]
    for name in names:
        monkeypatch.setenv(f"CRONICORN_{name}", "")
    (bare / ".env").write_text("DATABASE_URL=\nCRONICORN_FOR=\n")

    assert read_settings({}) == read_settings({"log_level": "info"})


def test_every_option_has_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """--log-level is CRONICORN_LOG_LEVEL, and so is each of them."""
    variables = {
        "DATABASE": "sqlite:///a.db",
        "JOBS": "jobs.yaml",
        "PRUNE": "true",
        "FOR": "1h30m",
        "CONCURRENCY": "7",
        "EGRESS_ALLOW": "127.0.0.1:9000, 10.0.0.0/8 shop.example",
        "LOG_FORMAT": "JSON",
        "LOG_LEVEL": "warning",
        "SECRET_KEY": "abc",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"CRONICORN_{name}", value)

    settings = read_settings({})

    assert settings.database is not None
    assert settings.database.get_secret_value() == "sqlite:///a.db"
    assert settings.jobs == Path("jobs.yaml")
    assert settings.prune
    assert settings.run_for == timedelta(minutes=90)
    assert settings.concurrency == 7
    assert settings.egress_allow == ("127.0.0.1:9000", "10.0.0.0/8", "shop.example")
    assert (settings.log_format, settings.log_level) == (LogFormat.JSON, LogLevel.WARNING)
    assert settings.secret_key is not None


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, bare: Path
) -> None:
    """Three places, one order."""
    (bare / ".env").write_text("CRONICORN_CONCURRENCY=1\nCRONICORN_LOG_LEVEL=error\nDATABASE_URL=f")
    monkeypatch.setenv("CRONICORN_CONCURRENCY", "2")
    monkeypatch.setenv("CRONICORN_FOR", "2s")

    settings = read_settings({"run_for": "3s"})

    assert settings.log_level is LogLevel.ERROR
    assert settings.concurrency == 2
    assert settings.run_for == timedelta(seconds=3)
    assert settings.database is not None
    assert settings.database.get_secret_value() == "f"


def test_the_database_has_names_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """DATABASE_URL is what platforms set; ours stands before it."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://platform")
    platform = read_settings({}).database
    monkeypatch.setenv("CRONICORN_DATABASE", "postgresql://ours")
    ours = read_settings({}).database

    assert platform is not None
    assert platform.get_secret_value() == "postgresql://platform"
    assert ours is not None
    assert ours.get_secret_value() == "postgresql://ours"


def test_the_demo_never_uses_a_database_that_is_merely_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The demo's jobs get into a database only if the command line names it."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://production")

    assert read_settings({"demo": True}).database is None
    assert read_settings({"demo": True, "database": "sqlite:///mine.db"}).database is not None


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trap T43: neither the key nor the database's password is in what a debugger prints."""
    monkeypatch.setenv("CRONICORN_SECRET_KEY", "hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@host/db")

    assert "hunter2" not in repr(read_settings({}))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"run_for": "x"}, "--for: 'x' is not a length. Write a number with a unit"),
        ({"run_for": "0s"}, "--for: '0s' is no time at all. Give a length above zero"),
        ({"run_for": "-5s"}, "--for: '-5s' is negative."),
        ({"concurrency": "0"}, "--concurrency: '0' is not possible. Give a number from 1 to 10000"),
        ({"concurrency": "many"}, "--concurrency: 'many' is not possible."),
        (
            {"host_cap": ("0",)},
            "--host-cap: '0' is no limit. Write N, or HOST=N, with N from 1 on.",
        ),
        ({"host_cap": ("a.example=x",)}, "--host-cap: 'a.example=x' is no limit."),
        ({"tenant_cap": ("me=3",)}, "--tenant-cap: 'me' is no tenant. Write the tenant's id."),
        ({"breaker": "0"}, "--breaker: '0' is not possible. Give a number from 1 on, or off."),
        ({"retention": "30"}, "--retention: '30' is not possible. Give a number with d, h, m or s"),
        ({"keep_runs": "0"}, "--keep-runs: '0' is not possible. Give a number from 1 to"),
        ({"log_format": "jsn"}, "--log-format: 'jsn' is not possible. Did you mean json?"),
        ({"log_level": "loud"}, "--log-level: 'loud' is not possible. Write one of debug, info"),
        ({"prune": True}, "--prune needs a jobs file. Add --jobs FILE"),
        ({"demo": True, "jobs": "a"}, "--demo and --jobs do not go together. The demo has jobs"),
    ],
)
def test_a_bad_option_is_told_by_its_name(given: dict[str, object], told: str) -> None:
    """The message says which option, what is wrong and what to give instead."""
    with pytest.raises(UsageFault) as fault:
        read_settings(given)

    assert told in str(fault.value)


def test_a_bad_variable_is_told_by_its_name_and_all_of_them_at_once(
    monkeypatch: pytest.MonkeyPatch, bare: Path
) -> None:
    """The variable is named as it was set, and the file if it was set there."""
    monkeypatch.setenv("CRONICORN_CONCURRENCY", "many")
    (bare / ".env").write_text("CRONICORN_FOR=soon\nCRONICORN_PRUNE=perhaps\n")

    with pytest.raises(UsageFault) as fault:
        read_settings({})

    told = str(fault.value).splitlines()
    assert len(told) == 3
    assert any(line.startswith("CRONICORN_CONCURRENCY: 'many' is not possible.") for line in told)
    assert any(line.startswith("CRONICORN_FOR in .env: 'soon' is not a length.") for line in told)
    assert any(line.startswith("CRONICORN_PRUNE in .env: 'perhaps' is neither") for line in told)


def test_an_unreadable_env_file_is_told(bare: Path) -> None:
    """A .env in another encoding is named, and not blamed on the options."""
    (bare / ".env").write_bytes("CRONICORN_FOR=5s\n# ü\n".encode("utf-16"))

    with pytest.raises(UsageFault, match=r"\.env cannot be read"):
        read_settings({})


def test_the_environment_of_jobs_files_holds_the_env_file(
    monkeypatch: pytest.MonkeyPatch, bare: Path
) -> None:
    """A token may stand in .env; the process's own environment wins."""
    (bare / ".env").write_text("SHOP_TOKEN=from-file\nShop_Port=80\nBOTH=file\n")
    monkeypatch.setenv("BOTH", "process")

    environ = process_environment()

    assert environ["SHOP_TOKEN"] == "from-file"
    assert environ["Shop_Port"] == "80"
    assert environ["BOTH"] == "process"


def test_caps_are_for_all_or_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number caps every host or tenant, one with a name that host or tenant alone."""
    tenant = "018f4f2e-0000-7000-8000-000000000001"
    monkeypatch.setenv("CRONICORN_HOST_CAP", "10, Api.example:8443=2")
    caps = read_settings({"tenant_cap": (f"{tenant}=4",)}).caps

    assert (caps.of_host("shop.example"), caps.of_host("api.example:8443")) == (10, 2)
    assert caps.of_tenant(TenantId(UUID(tenant))) == 4
    assert caps.of_tenant(DEFAULT_TENANT) is None


def test_quotas_of_runs_are_for_all_or_by_name() -> None:
    """A number is for every tenant, with an id for that one; by default none has one."""
    tenant = TenantId(UUID("018f4f2e-0000-7000-8000-000000000001"))
    quotas = read_settings({"run_quota": ("5000", f"{tenant}=7")}).quotas

    assert quotas.of(DEFAULT_TENANT, Meter.RUNS).limit == 5000
    assert quotas.of(tenant, Meter.RUNS).limit == 7
    assert not read_settings({}).quotas.are_set(Meter.RUNS)


def test_the_plan_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the names that the API reads; nothing set is generous."""
    assert read_settings({}).allowance == Allowance()

    monkeypatch.setenv("CRONICORN_PLAN_ENDPOINTS", "10")
    monkeypatch.setenv("CRONICORN_PLAN_FLOOR_SECONDS", "60")

    assert read_settings({}).allowance == Allowance(endpoints=10, floor=timedelta(minutes=1))


def test_nothing_is_capped_by_default() -> None:
    """As many runs as the workers take on may go to one host."""
    assert not read_settings({}).caps.are_set


def test_the_breaker_is_on_unless_it_is_taken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten failures of a host in a row by default, another number, or off."""
    assert read_settings({}).breaker == Breaker(opens_after=10)
    assert read_settings({"breaker": "off"}).breaker is None
    monkeypatch.setenv("CRONICORN_BREAKER", "3")
    assert read_settings({}).breaker == Breaker(opens_after=3)


def test_history_is_kept_for_a_month_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By age, and by the number of each tenant's newest runs; either may be off."""
    assert (read_settings({}).retention, read_settings({}).keep_runs) == (timedelta(days=30), None)
    given = read_settings({"retention": "off", "keep_runs": "1000"})
    assert (given.retention, given.keep_runs) == (None, 1000)
    monkeypatch.setenv("CRONICORN_RETENTION", "12h")
    monkeypatch.setenv("CRONICORN_KEEP_RUNS", "off")
    assert (read_settings({}).retention, read_settings({}).keep_runs) == (
        timedelta(hours=12),
        None,
    )


def test_each_process_has_the_next_port() -> None:
    """The first of several has the port that was given; any free one stays any free one."""
    settings = read_settings({"processes": "3", "metrics_port": "9464"})
    free = read_settings({"processes": "3", "metrics_port": "0"})

    assert [settings.of_process(number).metrics_port for number in (1, 3)] == [9464, 9466]
    assert free.of_process(3).metrics_port == 0
    assert read_settings({}).of_process(3).metrics_port is None


@pytest.mark.parametrize("port", ["65536", "-1", "http", "1e3"])
def test_what_is_no_port_is_refused(port: str) -> None:
    """With the remedy, and under the name of the option."""
    with pytest.raises(UsageFault, match=r"--metrics-port: .* is no port\. Give one from 1"):
        read_settings({"metrics_port": port})


def test_ports_must_be_enough_for_all_processes() -> None:
    """The last process would have none."""
    with pytest.raises(UsageFault, match="--metrics-port and --processes do not go together"):
        read_settings({"processes": "4", "metrics_port": "65533"})


def test_a_quota_of_none_lets_nobody_run() -> None:
    """Nought is a quota, as it is for the API, which reads the same words."""
    assert read_settings({"run_quota": ("0",)}).quotas.of(DEFAULT_TENANT, Meter.RUNS).limit == 0


@pytest.mark.parametrize("entry", ["many", "-1", "me=3", "1.5"])
def test_what_is_no_quota_is_refused_with_how_it_is_written(entry: str) -> None:
    """The message names the entry, and the remedy says what to write."""
    with pytest.raises(UsageFault) as refused:
        read_settings({"run_quota": (entry,)})

    assert repr(entry) in str(refused.value)
    assert "Say how many: write N, N@ASKS/TIME such as 5000@20/1m, or the id of a tenant=N." in str(
        refused.value
    )
