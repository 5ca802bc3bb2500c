"""One fault, from a system that works to a system that works again, and the judgement."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from bench.processes import GaveUp
from tools.check.live import read_history
from tools.soak.faults import Fault
from tools.soak.judging import judge
from tools.soak.lines import told_outages, told_troubles
from tools.soak.looking import recovery_of
from tools.soak.raving import ravings
from tools.soak.result import Judged, Result
from tools.soak.server import Server
from tools.soak.site import Site, Size, site

_WARM_UP: Final = 1.0
_PATIENCE: Final = 100.0
_BEHIND_RECOVERY: Final = 1.0


def try_fault(
    fault: Fault, size: Size, server: Server | None, *, told: Callable[[int], None] = lambda _: None
) -> Result:
    """
    Let workers work, inflict the fault, wait until it is got over, and judge everything.

    Args:
        fault: What goes wrong.
        size: How much is done.
        server: Where the database is made; none: an SQLite file.
        told: Called now and then with the slots that have come.

    Raises:
        GaveUp: a process ended that should not have, or did not begin.
    """
    with site(size, on=server, shifts=fault.shifts, by_line=fault.by_line) as at:
        _until(at.work.begins_at / 1000 + _WARM_UP)
        began = time.time()
        fault.inflict(at)
        ended = time.time()
        recovery = recovery_of(at.database, ended) if fault.passes else None
        _see_through(at, told)
        connections = 0 if at.line is None else at.line.connections
        _drain(at, fault)
        lasted = round(ended - began, 1)
        outages = sum(map(told_outages, at.workers))
        troubles = sum(map(told_troubles, at.workers))
        raved = ravings(fault, lasted, outages=outages, troubles=troubles, connections=connections)
        return Result(
            fault=fault.name,
            sqlite=server is None,
            rate=size.endpoints,
            lease=size.lease,
            lasted=lasted,
            passes=fault.passes,
            recovery=recovery,
            outages=outages,
            troubles=troubles,
            connections=connections,
            raved=list(raved),
            judged=_judged(at, timedelta(seconds=size.lease)),
        )


def _judged(at: Site, lease: timedelta) -> Judged:
    history = asyncio.run(read_history(at.database))
    return judge(history, list(at.calls()), at.work, lease=lease)


def _see_through(at: Site, told: Callable[[int], None]) -> None:
    """Let the work go on until enough slots have come, and a little beyond the recovery."""
    begins_at = at.work.begins_at / 1000
    until = max(begins_at + at.size.slots / at.size.endpoints, time.time() + _BEHIND_RECOVERY)
    while time.time() < until:
        told(round((time.time() - begins_at) * at.size.endpoints))
        _until(min(until, time.time() + 1))


def _drain(at: Site, fault: Fault) -> None:
    """Stop all workers; whoever was not meant to die has to have lived until now."""
    for worker in at.workers[fault.kills :]:
        worker.check()
    for worker in at.workers[fault.kills :]:
        worker.process.terminate()
    for worker in at.workers[fault.kills :]:
        if code := worker.process.wait(_PATIENCE):
            raise GaveUp(f"a worker exited with {code}: {worker.output.read_text()[-400:]}")


def _until(instant: float) -> None:
    time.sleep(max(0.0, instant - time.time()))
