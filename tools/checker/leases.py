"""
Leases and their fences (SEMANTICS §5).

No two live leases on one endpoint, ever. A lease lives until its settle, release or reap was
committed; the reaper takes it only when it has run out; behind that a stale token writes nothing.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from cronicorn_domain.identity import RunId, Token
from cronicorn_domain.model.run import FailureKind, Run, RunStatus

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.history import History, LeaseEnd, LeaseLife
from tools.checker.life import Life


def check_tokens(history: History) -> Iterator[Finding]:
    """No token is used again, of whichever endpoint."""
    used: set[Token] = set()
    for lease in history.leases:
        if lease.token in used:
            yield _found(lease, None, Fault.TWO_LEASES, f"token {lease.token} was used before")
        used.add(lease.token)


def check_leases(life: Life, settled_orders: Mapping[RunId, int]) -> Iterator[Finding]:
    """Judge the leases of one endpoint."""
    leases = sorted(life.leases.values(), key=lambda lease: lease.order)
    runs = {run.id: run for run in life.runs}
    for before, behind in pairwise(leases):
        run = runs.get(behind.run_id)
        if before.end_order is None or before.end_order > behind.order:
            yield _found(behind, run, Fault.TWO_LEASES, f"lease {before.token} was still alive")
        if behind.token <= before.token:
            yield _found(behind, run, Fault.TWO_LEASES, f"token {behind.token} is no larger")
    for lease in leases:
        run = runs.get(lease.run_id)
        if run is None:
            yield _found(lease, None, Fault.UNEXPLAINED, f"lease {lease.token} has no run")
            continue
        yield from _check_end(lease, run)
        yield from _check_start(lease, run)
        yield from _check_renewals(lease, run)
        order = settled_orders.get(run.id)
        if order is not None and lease.end_order is not None and order != lease.end_order:
            yield about(run, Fault.STALE_WRITE, f"it was ended again, by commit {order}")


def _check_end(lease: LeaseLife, run: Run) -> Iterator[Finding]:
    abandoned = run.failure_kind is FailureKind.ABANDONED
    match lease.end:
        case LeaseEnd.REAPED:
            kept = abandoned if run.started_at is not None else run.status is RunStatus.CANCELED
            if not kept:
                yield about(run, Fault.STALE_WRITE, f"it was reaped, and is {run.status}")
            # What was promised stands, also where a renewal that came late promised less.
            until = max(until for _, until in lease.promised)
            if lease.ended_at is not None and lease.ended_at < until:
                yield about(
                    run,
                    Fault.STALE_WRITE,
                    f"it was reaped at {stamp(lease.ended_at)}, its lease ran until {stamp(until)}",
                )
        case LeaseEnd.SETTLED if run.started_at is None or run.status is RunStatus.RUNNING:
            yield about(run, Fault.STALE_WRITE, f"it was settled, and is {run.status}")
        case LeaseEnd.RELEASED if run.started_at or run.status is not RunStatus.CANCELED:
            yield about(run, Fault.STALE_WRITE, f"it was given back, and is {run.status}")
        case None if run.status is not RunStatus.RUNNING:
            yield about(run, Fault.STALE_WRITE, f"its lease lives, and it is {run.status}")
        case _:
            return


def _check_start(lease: LeaseLife, run: Run) -> Iterator[Finding]:
    """A lease that ends now is lost: nothing starts on it."""
    if run.started_at is None:
        return
    promises = [until for said_at, until in lease.promised if said_at <= run.started_at]
    until = lease.started_before or (promises[-1] if promises else None)
    if until is not None and run.started_at >= until:
        yield about(run, Fault.STALE_WRITE, "it started when its lease had run out")


def _check_renewals(lease: LeaseLife, run: Run) -> Iterator[Finding]:
    """Behind its end a lease is prolonged no more."""
    if lease.end_order is not None and lease.renewed and lease.renewed[-1] > lease.end_order:
        sentence = f"its lease had ended, and was prolonged by commit {lease.renewed[-1]}"
        yield about(run, Fault.STALE_WRITE, sentence)


def _found(lease: LeaseLife, run: Run | None, fault: Fault, sentence: str) -> Finding:
    if run is not None:
        return about(run, fault, sentence)
    return Finding(
        fault=fault, endpoint_id=lease.endpoint_id, run_id=lease.run_id, sentence=sentence
    )
