"""What is done to a system that works; each returns when its fault is over."""

import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bench.processes import Child, GaveUp, tree
from tools.soak.looking import can_be_written, holds_lease
from tools.soak.site import Site
from tools.soak.turning import BACK, FORWARD

_PIDS: Final = "SELECT pid FROM pg_stat_activity WHERE application_name = 'cronicorn-worker'"
_TERMINATE: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'cronicorn-worker'"
)
_TOO_SMALL: Final = 64 * 1024
_TEN_MINUTES: Final = 600.0
_TRIES: Final = 200
_BETWEEN_TRIES: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    Something that goes wrong.

    Attributes:
        name: What it is selected by.
        sentence: What happens.
        inflict: Does it, and returns when it is over.
        passes: It has an end, after which everything has to recover.
        kills: So many workers do not survive it, and are not meant to.
        takes_leases: A worker loses leases by it, and another repeats its slots.
        noticed: Workers are expected to tell of an outage.
        again: It strikes anew as soon as they have got over it, until it is over.
        shifts: By how many seconds the workers' clocks are wrong.
        by_line: It is one of the network.
        on_sqlite: It can be tried on an SQLite file; ``on_postgres`` likewise.
    """

    name: str
    sentence: str
    inflict: Callable[[Site], None]
    passes: bool = True
    kills: int = 0
    takes_leases: bool = False
    noticed: bool = False
    again: bool = False
    shifts: Sequence[float] = ()
    by_line: bool = False
    on_sqlite: bool = False
    on_postgres: bool = True


def _nothing(_: Site) -> None:
    """Leave everything as it is."""


def _kill_worker(site: Site) -> None:
    victim = _stopped_with_a_lease(site)
    victim.process.kill()
    victim.process.wait()


def _stop_worker(site: Site) -> None:
    """Stop one for longer than its leases live and are taken away, and let it go on."""
    victim = _stopped_with_a_lease(site)
    time.sleep(site.size.lease * 1.2 + 2)
    victim.process.send_signal(signal.SIGCONT)


def _stopped_with_a_lease(site: Site) -> Child:
    """
    Stop the first worker at a moment at which it holds a lease, and keeps nobody from writing.

    Who stands still amid a write to an SQLite file holds everybody up, the reaper of its leases,
    too: then they are its own when it goes on, and nothing is to be repeated.
    """
    victim = site.workers[0]
    for _ in range(_TRIES):
        victim.process.send_signal(signal.SIGSTOP)
        if holds_lease(site.database, victim.pid) and can_be_written(site.database):
            return victim
        victim.process.send_signal(signal.SIGCONT)
        time.sleep(_BETWEEN_TRIES)
    raise GaveUp("the worker that was to be stopped never held a lease")


def _restart_database(site: Site) -> None:
    site.postgres.stop(signal.SIGINT)
    time.sleep(site.size.lasts)
    site.postgres.start()


def _kill_database(site: Site) -> None:
    site.postgres.stop(signal.SIGQUIT)
    time.sleep(site.size.lasts)
    site.postgres.start()


def _kill_postmaster(site: Site) -> None:
    """
    Kill the process above all others, which can tell nobody: the others notice, and end.

    A new one would refuse to start beside those that have not.
    """
    below = [pid for pid in tree(site.postgres.pid) if pid != site.postgres.pid]
    site.postgres.stop(signal.SIGKILL)
    time.sleep(site.size.lasts)
    for pid in below:
        _wait_for_end(pid)
    # Whoever started it has not asked how it ended, so that its number is still taken.
    (site.postgres.data / "postmaster.pid").unlink()
    site.postgres.start()


def _wait_for_end(pid: int) -> None:
    for _ in range(_TRIES):
        try:
            state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return  # it has ended, and nobody asks how
        time.sleep(_BETWEEN_TRIES)
    raise GaveUp(f"process {pid} outlives the one that started it")


def _turn_clocks(site: Site) -> None:
    """Turn one worker's wall clock forward and the other's back amid their work, and all back."""
    for first, then in ((FORWARD, BACK), (BACK, FORWARD)):
        site.workers[0].process.send_signal(first)
        site.workers[1].process.send_signal(then)
        time.sleep(site.size.lasts)


def _terminate_backends(site: Site) -> None:
    """End every connection of the workers, again and again, whatever it is about to do."""
    until = time.monotonic() + site.size.lasts
    with _administrator(site) as connection:
        while time.monotonic() < until:
            connection.execute(_TERMINATE)
            time.sleep(0.05)


def _exhaust_connections(site: Site) -> None:
    """Take every connection that there is, those of the workers, too, and hold them."""
    with _administrator(site) as connection:
        connection.execute("CREATE ROLE others LOGIN")
        try:
            _hold_all(site, connection)
        finally:
            connection.execute("DROP ROLE others")


def _hold_all(site: Site, administrator: psycopg.Connection) -> None:
    held: list[psycopg.Connection] = []
    until = time.monotonic() + site.size.lasts
    try:
        while time.monotonic() < until:
            administrator.execute(_TERMINATE)
            _take_free(site, held)
            time.sleep(0.05)
    finally:
        for connection in held:
            connection.close()


def _take_free(site: Site, held: list[psycopg.Connection]) -> None:
    address = urlsplit(site.database)
    others = address._replace(netloc=f"others@{address.hostname}:{address.port}").geturl()
    try:
        while True:
            held.append(psycopg.connect(others, connect_timeout=5))
    except psycopg.OperationalError:
        return  # there is none left


def _forbid_writes(site: Site) -> None:
    """Make the database read-only, as a failover that left a standby does."""
    name = sql.Identifier(urlsplit(site.database).path.removeprefix("/"))
    with _administrator(site) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name)
        )
        connection.execute(_TERMINATE)
        time.sleep(site.size.lasts)
        connection.execute(
            sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name)
        )
        connection.execute(_TERMINATE)


def _fill_log_disk(site: Site) -> None:
    """Have the kernel refuse what the server writes for the workers: it panics, and recovers."""
    until = time.monotonic() + site.size.lasts
    while time.monotonic() < until:
        try:
            with _administrator(site) as connection:
                pids = [pid for (pid,) in connection.execute(_PIDS)]
        except psycopg.OperationalError:
            pids = []  # it is recovering
        for pid in pids:
            site.postgres.limit_files(pid, _TOO_SMALL)
        time.sleep(0.25)
    site.postgres.wait()
    with _administrator(site) as connection:
        connection.execute(_TERMINATE)  # those that are limited, and had nothing to write yet


def _fill_disk(site: Site) -> None:
    """Have the kernel refuse what the workers write to their file behind its first pages."""
    pids = [worker.pid for worker in site.workers]
    for pid in pids:
        _limit_files(pid, _TOO_SMALL)
    time.sleep(site.size.lasts)
    for pid in pids:
        _limit_files(pid, resource.RLIM_INFINITY)


def _limit_files(pid: int, size: int) -> None:
    """Let a process write no file beyond a size; what it has stays."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    limit = hard if size == resource.RLIM_INFINITY else size
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, hard))


def _cut_network(site: Site) -> None:
    site.network.cut()
    time.sleep(site.size.lasts)
    site.network.restore()


def _stall_network(site: Site) -> None:
    site.network.stall()
    time.sleep(site.size.lasts)
    site.network.restore()


@contextmanager
def _administrator(site: Site) -> Iterator[psycopg.Connection]:
    with psycopg.connect(site.postgres.url, autocommit=True, connect_timeout=5) as connection:
        yield connection


FAULTS: Final = (
    Fault(name="none", sentence="nothing goes wrong", inflict=_nothing, passes=False),
    Fault(
        name="worker killed",
        sentence="one of two workers gets SIGKILL",
        inflict=_kill_worker,
        kills=1,
        takes_leases=True,
        on_sqlite=True,
    ),
    Fault(
        name="worker stopped",
        sentence="one of two workers gets SIGSTOP, and SIGCONT when its leases are long taken",
        inflict=_stop_worker,
        takes_leases=True,
        on_sqlite=True,
    ),
    Fault(
        name="database restarted",
        sentence="a fast shutdown of PostgreSQL, a rest, a start",
        inflict=_restart_database,
        noticed=True,
    ),
    Fault(
        name="database killed",
        sentence="an immediate shutdown, a rest, a start with recovery",
        inflict=_kill_database,
        noticed=True,
    ),
    Fault(
        name="postmaster killed",
        sentence="the process above all others of PostgreSQL gets SIGKILL; a rest, a start",
        inflict=_kill_postmaster,
        noticed=True,
    ),
    Fault(
        name="backends terminated",
        sentence="every connection of the workers is ended, twenty times a second",
        inflict=_terminate_backends,
        noticed=True,
        again=True,
    ),
    Fault(
        name="connections exhausted",
        sentence="others hold every connection, those of the workers, too",
        inflict=_exhaust_connections,
        noticed=True,
        again=True,
    ),
    Fault(
        name="read-only",
        sentence="the database takes no writes, as after a failover",
        inflict=_forbid_writes,
        noticed=True,
    ),
    Fault(
        name="log disk full",
        sentence="the kernel refuses what PostgreSQL writes for the workers: it panics, recovers",
        inflict=_fill_log_disk,
        noticed=True,
        again=True,
    ),
    Fault(
        name="disk full",
        sentence="the kernel refuses what the workers write to their SQLite file",
        inflict=_fill_disk,
        noticed=True,
        on_sqlite=True,
        on_postgres=False,
    ),
    Fault(
        name="clocks wrong",
        sentence="one worker's wall clock is ten minutes ahead, the other's ten behind",
        inflict=_nothing,
        passes=False,
        shifts=(_TEN_MINUTES, -_TEN_MINUTES),
    ),
    Fault(
        name="clocks turned",
        sentence="amid work one worker's wall clock jumps ten minutes ahead, the other's back",
        inflict=_turn_clocks,
    ),
    Fault(
        name="network cut",
        sentence="connections to the database end, and none can be made",
        inflict=_cut_network,
        noticed=True,
        by_line=True,
    ),
    Fault(
        name="network stalled",
        sentence="connections to the database stay, and pass nothing on",
        inflict=_stall_network,
        by_line=True,
    ),
)
"""All that is tried."""
