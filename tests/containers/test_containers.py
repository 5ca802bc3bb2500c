"""The container and compose files: sound, and true to what they start, without any Docker."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import typer
from cronicorn_adapter_sql.command.verbs import app as database_command
from cronicorn_adapter_sql.database_url import PostgresDatabase, parse_database_url
from cronicorn_adapter_sql.keys import parse_keys
from cronicorn_adapter_sql.testing.throwaway_postgres import find_programs, throwaway_postgres
from cronicorn_api.command import app as api_command
from cronicorn_api.settings import ApiSettings
from cronicorn_api.settings import read_settings as read_api_settings
from cronicorn_worker.command import app as worker_command
from cronicorn_worker.settings import WorkerSettings
from cronicorn_worker.settings import read_settings as read_worker_settings
from ruamel.yaml import YAML
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMPOSE: Any = YAML(typ="safe").load(ROOT / "compose.yaml")
DOCUMENT = (ROOT / "docs" / "containers.md").read_text("utf-8")
COMMANDS: Mapping[str, typer.Typer] = {
    "cronicorn-api": api_command,
    "cronicorn-db": database_command,
    "cronicorn-worker": worker_command,
}
GIVEN = {
    "POSTGRES_PASSWORD": "0123456789abcdef",
    "CRONICORN_SECRET_KEY": "A" * 43 + "=",
    "CRONICORN_BOOTSTRAP_API_KEY": "k" * 32,
}
"""What `.env` holds beside the compose file."""
TRIES = 400
"""So often a service that comes up is asked whether it is well; each time takes a while."""


@dataclass(slots=True)
class Stage:
    """A stage of the container file, with what it has from the one that it begins with."""

    image: str
    instructions: list[tuple[str, str]] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    ports: set[int] = field(default_factory=set)
    user: str = "root"
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def stages() -> dict[str, Stage]:
    """Read the container file, stage by stage."""
    read: dict[str, Stage] = {}
    name = ""
    for kind, rest in instructions((ROOT / "Dockerfile").read_text("utf-8")):
        if kind == "FROM":
            image, _, name = rest.split()
            before = read.get(image, Stage(image))
            read[name] = Stage(before.image, [], {**before.environment}, user=before.user)
            continue
        read[name].instructions.append((kind, rest))
        take(read[name], kind, rest)
    return read


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Split the file into instructions, each in one line."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        kind, _, rest = line.strip().partition(" ")
        yield kind, rest.strip()


def take(stage: Stage, kind: str, rest: str) -> None:
    """Keep what an instruction says of the image."""
    match kind:
        case "ENV":
            for pair in shlex.split(rest):
                name, _, value = pair.partition("=")
                stage.environment[name] = value
        case "EXPOSE":
            stage.ports.add(int(rest))
        case "USER":
            stage.user = rest
        case "CMD":
            stage.command = list_of(rest)
        case "HEALTHCHECK":
            stage.health = list_of(rest.partition("CMD ")[2])
        case _:
            pass


def list_of(text: str) -> list[str]:
    """Read the form that needs no shell."""
    found: list[str] = YAML(typ="safe").load(text)
    return found


STAGES = stages()
SERVED = ("api", "worker")


def run(command: Sequence[str | Path], **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command, whatever comes of it."""
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", "Dockerfile"],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
    ],
    ids=["container", "compose"],
)
def test_the_files_are_sound(command: list[str]) -> None:
    """The linters of their kinds have nothing to say."""
    linted = run([BIN / command[0], *command[1:]], cwd=ROOT)

    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_image_is_named_to_the_patch() -> None:
    """What is built or pulled tomorrow is what was today; the server is the one tests run on."""
    images = {stage.image for stage in STAGES.values()} - STAGES.keys()
    images |= {each["image"] for each in COMPOSE["services"].values() if "build" not in each}
    tags = {image.partition(":")[0]: image.partition(":")[2] for image in images}

    assert tags.keys() == {"ghcr.io/astral-sh/uv", "python", "postgres"}
    assert all(re.match(r"\d+\.\d+", tag) for tag in tags.values())
    assert re.match(r"\d+\.\d+\.\d+-slim-", tags["python"])
    ours = run([find_programs() / "postgres", "--version"]).stdout.split()[-1]
    assert tags["postgres"].split(".")[0] == ours.split(".")[0]


def test_the_images_python_is_one_that_we_run_on() -> None:
    """It is the one that the workspace asks for at least, which is tested."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    version = STAGES["build"].image.partition(":")[2]

    assert project["requires-python"] == f">={'.'.join(version.split('.')[:2])}"
    assert STAGES["base"].image == STAGES["build"].image


@pytest.mark.parametrize("target", SERVED)
def test_nothing_runs_as_root(target: str) -> None:
    """The user has a number, so that an orchestrator can see that it is not root."""
    assert int(STAGES[target].user) > 0
    assert ("WORKDIR", "/var/lib/cronicorn") in STAGES["base"].instructions
    assert any("--uid 10001" in rest for kind, rest in STAGES["base"].instructions if kind == "RUN")


def service(target: str) -> Any:
    """Return the service of an image."""
    (found,) = [
        each
        for each in COMPOSE["services"].values()
        if each.get("build", {}).get("target") == target
    ]
    return found


def variables(target: str) -> dict[str, str]:
    """Return what a service of the compose file has in its environment, with its image's."""

    def given(name: re.Match[str]) -> str:
        if name["must"] and name["name"] not in GIVEN:
            raise AssertionError(f"{name['name']} must be given, and the tests do not know it")
        return GIVEN.get(name["name"], "")

    pattern = re.compile(r"\$\{(?P<name>\w+):(?:(?P<must>\?)[^}]+|-)\}")
    composed = service(target)["environment"].items()
    return STAGES[target].environment | {
        name: pattern.sub(given, str(value)) for name, value in composed
    }


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give an empty current directory and an environment without any option of ours."""
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith("CRONICORN_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.parametrize(("target", "settings"), [("api", ApiSettings), ("worker", WorkerSettings)])
def test_every_variable_is_an_option(target: str, settings: type) -> None:
    """None is misspelled, or one of the other application's."""
    known = {f"CRONICORN_{name.upper()}" for name in settings.model_fields}  # type: ignore[attr-defined]
    ours = {name for name in variables(target) if name.startswith("CRONICORN_")}

    assert len(ours) > 2
    assert ours <= known


OF_THE_IMAGE = {"HOST", "PORT", "METRICS_HOST", "METRICS_PORT", "DATABASE", "LOG_FORMAT"}
"""Options that say where a container is reached, what it stores in, and what its log is read by."""
OF_ONE_START = {"DEMO", "JOBS", "PRUNE", "RUN_FOR", "WITH_WORKER"}
"""Options that make something else of a service; an override of the compose file gives them."""


@pytest.mark.parametrize(("target", "settings"), [("api", ApiSettings), ("worker", WorkerSettings)])
def test_every_option_may_stand_in_env(target: str, settings: type) -> None:
    """What a document tells to set has an effect in containers, too."""
    options = {name.upper() for name in settings.model_fields}  # type: ignore[attr-defined]
    given = {name.removeprefix("CRONICORN_") for name in variables(target)}
    left = options - OF_THE_IMAGE - OF_ONE_START - given

    assert {name for name in left if not (target == "api" and name.startswith("AI_"))} == set()


@pytest.mark.usefixtures("bare")
def test_the_settings_fit_the_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """What each reads from its environment is where its image says that it can be reached."""
    for name, value in variables("api").items():
        monkeypatch.setenv(name, value)
    api = read_api_settings({})
    for name, value in variables("worker").items():
        monkeypatch.setenv(name, value)
    worker = read_worker_settings({})

    assert STAGES["api"].ports == {api.port}
    assert STAGES["worker"].ports == {worker.metrics_port}
    assert (api.host, worker.metrics_host) == ("0.0.0.0", "0.0.0.0")
    assert service("api")["ports"] == [f"127.0.0.1:{api.port}:{api.port}"]
    for target in SERVED:
        (port,) = STAGES[target].ports
        assert f"http://127.0.0.1:{port}/" in STAGES[target].health[-1]


@pytest.mark.usefixtures("bare")
def test_a_model_is_named_by_variables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is, none is asked; the quota of tokens reaches both who count and who show it."""
    for name, value in variables("worker").items():
        monkeypatch.setenv(name, value)
    assert read_worker_settings({}).chosen_model is None

    named = {"CRONICORN_AI_MODEL": "qwen3", "CRONICORN_AI_BASE_URL": "http://ollama:11434/v1"}
    for name, value in {**named, "CRONICORN_TOKEN_QUOTA": "9000"}.items():
        monkeypatch.setitem(GIVEN, name, value)
    for name, value in variables("worker").items():
        monkeypatch.setenv(name, value)
    chosen = read_worker_settings({}).chosen_model
    assert chosen is not None
    assert (chosen.planner.model, chosen.address.base_url) == tuple(named.values())
    assert variables("api")["CRONICORN_TOKEN_QUOTA"] == "9000"


@pytest.mark.usefixtures("bare")
def test_both_use_the_one_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL leads to the service beside them, as the user that it makes; the key is a key."""
    server = COMPOSE["services"]["postgres"]["environment"]
    for target in SERVED:
        given = variables(target)
        database = parse_database_url(given["DATABASE_URL"])

        assert isinstance(database, PostgresDatabase)
        url = database.url
        assert (url.host, url.port) == ("postgres", 5432)
        assert (url.username, url.database) == (server["POSTGRES_USER"], server["POSTGRES_DB"])
        assert url.password == GIVEN["POSTGRES_PASSWORD"]
        assert len(parse_keys(given["CRONICORN_SECRET_KEY"])) == 1
        assert service(target)["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_nobody_is_cut_off_while_draining() -> None:
    """An end is waited for longer than it may take; and no container may more than it has to."""
    for target, longest in (("api", 20), ("worker", 35)):
        each = service(target)

        assert int(each["stop_grace_period"].removesuffix("s")) > longest
        assert (each["init"], each["read_only"], each["cap_drop"]) == (True, True, ["ALL"])


def ignored(path: str, patterns: Sequence[str]) -> bool:
    """Say whether a path stays out of the build: the last pattern that fits it, or a parent."""
    parts = path.split("/")
    parents = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    out = False
    for pattern in patterns:
        fits = re.compile(translated(pattern.removeprefix("!")))
        if any(fits.fullmatch(each) for each in parents):
            out = not pattern.startswith("!")
    return out


def translated(pattern: str) -> str:
    """Write a pattern of `.dockerignore` as a regular expression."""
    pieces = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    parts = re.split(r"(\*\*/|\*\*|\*)", pattern)
    return "".join(pieces.get(part, re.escape(part)) for part in parts)


PATTERNS = [
    line
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "apps/api/src/cronicorn_api/.env.local",
        "cronicorn.db",
        "cronicorn.key",
        "packages/domain/src/cronicorn.db-wal",
        ".git/config",
        ".venv/bin/python",
        "apps/worker/tests/conftest.py",
        "packages/domain/src/cronicorn_domain/__pycache__/errors.cpython-311.pyc",
    ],
)
def test_no_secret_gets_into_an_image(path: str) -> None:
    """Trap T43: neither keys nor databases nor what lies about at the builder's."""
    assert ignored(path, PATTERNS)


def context() -> Iterator[Path]:
    """Name the files that a build gets."""
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for name in names:
            path = (Path(folder) / name).relative_to(ROOT)
            if not ignored(path.as_posix(), PATTERNS):
                yield path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do what the build stage does, in a folder, and give the environment that it makes."""
    room = tmp_path_factory.mktemp("image")
    work, environment = room / "build", room / "environment"
    work.mkdir()
    for kind, rest in STAGES["build"].instructions:
        match kind, rest.split():
            case "COPY", ["--from=uv", "/uv", "/usr/local/bin/uv"]:
                pass
            case "COPY", [*names, "./"]:
                for name in names:
                    shutil.copy(ROOT / name, work)
            case "COPY", [".", "."]:
                for path in context():
                    (work / path).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / path, work / path)
            case "RUN", ["--mount=type=cache,target=/root/.cache/uv", "uv", "sync", *arguments]:
                synced = run(
                    ["uv", "sync", *arguments],
                    cwd=work,
                    env=os.environ
                    | STAGES["build"].environment
                    | {
                        "UV_PROJECT_ENVIRONMENT": str(environment),
                        "UV_PYTHON": sys.executable,
                        "UV_COMPILE_BYTECODE": "0",
                    },
                )
                assert synced.returncode == 0, synced.stderr
            case (("ENV" | "WORKDIR"), _):
                pass
            case _:
                raise AssertionError(f"nobody has tried {kind} {rest}")
    return environment


def free_port() -> int:
    """Find a port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.timeout(300)
@pytest.mark.parametrize("target", SERVED)
def test_an_image_starts_is_well_and_ends(target: str, built: Path, tmp_path: Path) -> None:
    """What was built runs its command, answers its health check, and ends well when told to."""
    image, port = STAGES[target], str(free_port())
    (documented,) = image.ports
    environment = {
        **{name: value.replace(str(documented), port) for name, value in image.environment.items()},
        "PATH": image.environment["PATH"].replace("/opt/cronicorn", str(built)),
        "HOME": str(tmp_path),
    }
    check = [part.replace(str(documented), port) for part in image.health]
    check[0] = str(built / "bin" / check[0])

    ready = [part.replace("/healthz", "/readyz").replace("/live", "/ready") for part in check]

    def is_well(asked: Sequence[str] = check) -> bool:
        return run(asked, env=environment, cwd=tmp_path).returncode == 0

    with (tmp_path / "log").open("wb") as log:
        service = subprocess.Popen(
            [built / "bin" / image.command[0], *image.command[1:]],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
    try:
        well = any(is_well() for _ in range(TRIES) if service.poll() is None)
        # It lives from its start on, and is ready when its database is.
        well = well and any(is_well(ready) for _ in range(TRIES) if service.poll() is None)
        service.send_signal(signal.SIGTERM)
        code = service.wait(60)
    finally:
        service.kill()

    assert (well, code) == (True, 0), (tmp_path / "log").read_text()
    assert not is_well()
    assert (tmp_path / "cronicorn.db").exists()


def test_an_image_has_what_is_documented(built: Path) -> None:
    """Every command of ours, and the extras for traces and for models, are in the environment."""
    commands = {path.name for path in (built / "bin").glob("cronicorn-*")}

    assert commands == COMMANDS.keys()
    assert {STAGES[target].command[0] for target in SERVED} <= commands
    for each in ("opentelemetry/sdk", "cronicorn_adapter_ai", "openai", "anthropic"):
        assert [*built.glob(f"lib/*/site-packages/{each}")], each


DOCUMENTED = re.findall(
    r"^\$ docker compose (?:exec|run --rm)(?: -T)? (\w+) (\S+) ?(.*)$", DOCUMENT, re.MULTILINE
)


@pytest.mark.parametrize(("name", "command", "rest"), DOCUMENTED)
def test_what_is_documented_can_be_typed(name: str, command: str, rest: str) -> None:
    """Services, commands and options are there under the names that the document gives them."""
    if command not in COMMANDS:
        tools = ("psql", "pg_dump", "pg_restore", "createdb", "dropdb")
        assert (name, command) in {("postgres", tool) for tool in tools}
        assert (find_programs() / command).exists()
        return
    arguments = shlex.split(re.split(r"\s[|>#]", rest)[0])

    typed = CliRunner().invoke(COMMANDS[command], [*arguments, "--help"])

    assert name in COMPOSE["services"]
    assert typed.exit_code == 0, typed.output


def test_the_document_names_what_there_is() -> None:
    """Each service, and each variable that has to be given, is explained."""
    must = set(re.findall(r"\$\{(\w+):[?-]", (ROOT / "compose.yaml").read_text("utf-8")))

    assert all(f"`{name}`" in DOCUMENT for name in (*COMPOSE["services"], *must))
    assert DOCUMENTED


SHIM = """\
#!/usr/bin/env bash
# Does what docker compose would do in a container, on this machine.
set -euo pipefail
shift
case "$1" in
  exec|run) ;;
  up) [[ -n "${CRONICORN_VERSION:-}" ]] || cronicorn-worker --log-format json --for 1s; exit 0 ;;
  *) exit 0 ;;
esac
while [[ "$1" != postgres && "$1" != worker ]]; do shift; done
shift
exec "$@"
"""
"""
What stands for `docker compose`: builds and stops of containers are left out, and the worker of a
start works for a second. An older version is not there to be started.
"""


def block_under(heading: str, number: int) -> str:
    """Give the commands of a block below a heading of the document, as they are typed."""
    part = DOCUMENT.split(f"## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", part, re.DOTALL)
    return "\n".join(line.removeprefix("$ ") for line in blocks[number].splitlines())


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """Give the environment of a shell on a machine with the containers, and its database, on it."""
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(SHIM, "utf-8")
    docker.chmod(0o755)
    with throwaway_postgres() as server:
        address = make_url(server)
        with psycopg.connect(server, autocommit=True) as administrator:
            administrator.execute("CREATE ROLE cronicorn LOGIN SUPERUSER")
            administrator.execute("CREATE DATABASE cronicorn OWNER cronicorn")
        yield os.environ | {
            "PATH": f"{docker.parent}:{BIN}:{find_programs()}:{os.environ['PATH']}",
            "PGHOST": str(address.host),
            "PGPORT": str(address.port),
            "DATABASE_URL": str(address.set(username="cronicorn", database="cronicorn")),
        }


@pytest.mark.timeout(300)
def test_the_documented_commands_bring_a_database_back(
    installed: Mapping[str, str], tmp_path: Path
) -> None:
    """Backup, restore, upgrade and downgrade, typed as they stand there, do what is said."""

    def typed(commands: str) -> str:
        shell = ["bash", "-euo", "pipefail", "-c", commands]
        done = run(shell, env={**installed}, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def jobs() -> list[str]:
        with psycopg.connect(installed["DATABASE_URL"]) as connection:
            return [name for (name,) in connection.execute("SELECT name FROM jobs")]

    typed(block_under("Upgrading, and going back", 0))
    with psycopg.connect(installed["DATABASE_URL"]) as connection:
        connection.execute(
            "INSERT INTO jobs (id, tenant, name, state, created_at, updated_at)"
            " VALUES (gen_random_uuid(), gen_random_uuid(), 'kept', 'active', now(), now())"
        )
    typed(block_under("Backup and restore", 0))
    with psycopg.connect(installed["DATABASE_URL"]) as connection:
        connection.execute("UPDATE jobs SET name = 'spoiled'")
    restored = typed(block_under("Backup and restore", 1))
    after_restore = jobs()
    typed(block_under("Upgrading, and going back", 1))

    assert after_restore == ["kept"]
    assert "no differences" in restored
    assert "nothing found" in restored
    assert "is at revision 0001" in typed("cronicorn-db current")
    assert jobs() == ["kept"]


def test_images_are_named_after_the_version() -> None:
    """So that those of the version before are still there, to go back to."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]

    for target in SERVED:
        named = service(target)["image"]
        assert named == f"cronicorn-{target}:${{CRONICORN_VERSION:-{version}}}"


def test_prometheus_is_led_to_the_workers() -> None:
    """Its settings in the document name a service that is there, and the port it listens on."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    read: list[Any] = [YAML(typ="safe").load(block) for block in blocks]
    (scraped,) = [each["scrape_configs"][0] for each in read if "scrape_configs" in each]
    (found,) = scraped["dns_sd_configs"]
    published = [each["services"]["worker"]["ports"] for each in read if "ports" in str(each)]

    assert found["names"] == ["worker"]
    assert {found["port"]} == STAGES["worker"].ports
    assert published == [[f"127.0.0.1:{found['port']}:{found['port']}"]]
    assert set(found["names"]) <= COMPOSE["services"].keys()
