"""A PostgreSQL server that can be stopped, killed, and started again as it was."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypedDict

import psycopg
from cronicorn_adapter_sql.testing.throwaway_postgres import started_postgres

from bench.postgres import database_on
from bench.processes import GaveUp

SETTINGS: Final[Mapping[str, str]] = {
    # A commit that was told of must be there after any fault: else nothing could be promised.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "40",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "restart_after_crash": "on",
}
_WITHIN: Final = 60.0


class _Account(TypedDict, total=False):
    """Who the server runs as; nothing: whoever runs us."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(slots=True, kw_only=True)
class Server:
    """
    A server that runs, or ran.

    ``command``, ``environment`` and ``owner`` are those of its first process, as the kernel knows
    them: it is started again in the same way.
    """

    url: str
    data: Path
    command: tuple[bytes, ...]
    environment: Mapping[bytes, bytes]
    owner: os.stat_result
    again: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """The process above all others of the server."""
        return int((self.data / "postmaster.pid").read_text("utf-8").split()[0])

    def stop(self, how: signal.Signals) -> None:
        """End it: SIGINT is a fast shutdown, SIGQUIT one that leaves everything as it is."""
        pid = self.pid
        os.kill(pid, how)
        # Seen, and not reaped: whoever started it does that.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    def start(self) -> None:
        """
        Start it again, and wait until it answers.

        Raises:
            GaveUp: it does not within a minute.
        """
        with (self.data.parent / "log").open("ab") as log:
            server = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd=self.data.parent,
                **self._account(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.again.append(server)
        self.wait()

    def wait(self) -> None:
        """Wait until it answers; raises ``GaveUp`` when it does not within a minute."""
        deadline = time.monotonic() + _WITHIN
        while time.monotonic() < deadline:
            try:
                psycopg.connect(self.url, connect_timeout=5).close()
            except psycopg.Error:
                time.sleep(0.05)
            else:
                return
        raise GaveUp((self.data.parent / "log").read_text("utf-8", "replace")[-400:])

    def database(self) -> AbstractContextManager[str]:
        """Create an empty database, give its URL, and drop it at the end of the block."""
        return database_on(self.url, prefix="soak")

    def limit_files(self, pid: int, size: int) -> None:
        """Let one of its processes write no file beyond a size in bytes; what it has stays."""
        subprocess.run(
            ["prlimit", "--pid", str(pid), f"--fsize={size}:"],
            **self._account(),
            check=False,  # it may have ended meanwhile
            stderr=subprocess.DEVNULL,
        )

    def _account(self) -> "_Account":
        if os.geteuid() != 0:
            return {}
        return {"user": self.owner.st_uid, "group": self.owner.st_gid, "extra_groups": []}

    def end(self) -> None:
        """End what was started again."""
        for server in self.again:
            if server.poll() is None:
                server.send_signal(signal.SIGINT)
            server.wait(_WITHIN)


@contextmanager
def server(settings: Mapping[str, str] = SETTINGS) -> Iterator[Server]:
    """Start a server; it ends with the block."""
    with started_postgres(settings) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        running = _as_it_runs(url, Path(row[0]))
        try:
            yield running
        finally:
            running.end()


def _as_it_runs(url: str, data: Path) -> Server:
    process = Path("/proc") / (data / "postmaster.pid").read_text("utf-8").split()[0]
    pairs = (process / "environ").read_bytes().split(b"\0")
    return Server(
        url=url,
        data=data,
        # What it runs as is written over its arguments; its own file has them.
        command=_opts(data),
        environment=dict(pair.split(b"=", 1) for pair in pairs if b"=" in pair),
        owner=data.stat(),
    )


def _opts(data: Path) -> tuple[bytes, ...]:
    """Read the command line, as the server wrote it down: the program, then quoted arguments."""
    program, *rest = (data / "postmaster.opts").read_bytes().strip().split(b' "')
    return (program, *(each.removesuffix(b'"') for each in rest))
