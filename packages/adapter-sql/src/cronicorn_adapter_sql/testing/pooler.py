"""PgBouncer for tests, in transaction mode, with fewer sessions than clients."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

_INSTALL: Final = "apt-get update && apt-get install -y --no-install-recommends pgbouncer"
_TRIES: Final = 5
REFUSES: Final = "extra_float_digits"
IGNORES: Final = "extra_float_digits,options"
"""What the pooler ignores: with or without the parameter that carries a session's settings."""


def through(port: int, url: str) -> str:
    """Lead the URL of a database through a pooler."""
    return make_url(url).set(port=port).render_as_string(hide_password=False)


@contextmanager
def started_pooler(postgres_url: str, folder: Path, *, ignored: str = REFUSES) -> Iterator[int]:
    """Run a pooler on a free port; another process may take the port first, so try a few."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert program, f"these tests need PgBouncer: {_INSTALL}"
    for _ in range(_TRIES):
        port = _free_port()
        with _running(program, _settings(postgres_url, port, folder, ignored), folder) as up:
            if up:
                yield port
                return
    raise AssertionError("PgBouncer does not start")


def _settings(postgres_url: str, port: int, folder: Path, ignored: str) -> Path:
    server = make_url(postgres_url)
    path = folder / "pgbouncer.ini"
    path.write_text(
        f"""
[databases]
* = host={server.host} port={server.port} user={server.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_idle_timeout = 1
max_client_conn = 200
ignore_startup_parameters = {ignored}
"""
    )
    return path


@contextmanager
def _running(program: str, settings: Path, folder: Path) -> Iterator[bool]:
    command = [program, str(settings)]
    if os.geteuid() == 0:  # it refuses to be root
        settings.chmod(0o644)
        command += ["-u", "nobody"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  the program was found by us
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        yield _becomes_ready(process, folder / "log")
    finally:
        process.terminate()
        process.wait(10)


def _becomes_ready(process: subprocess.Popen[bytes], log: Path) -> bool:
    """Wait until it says that it is up; false if it ended."""
    while process.poll() is None:
        if b"process up" in log.read_bytes():
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
