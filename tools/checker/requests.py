"""
What reached the targets (SEMANTICS §5 and §6).

A run sends one request; what was undone sends none; two of one endpoint overlap only if the lease
of the earlier had been taken away: it was lost, and its successor is a repeat. (A worker that was
stopped between its start and its request may send behind its lease; no scheduler can prevent it.)
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from cronicorn_domain.model.run import OutcomeClass

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.history import LeaseEnd, LeaseLife, Request
from tools.checker.life import Life


def check_requests(life: Life, clocks_ahead: timedelta) -> Iterator[Finding]:
    """Judge the requests of one endpoint; they are timed by another clock than their worker's."""
    runs = {run.id: run for run in life.runs}
    sent = Counter(request.run_id for request in life.requests)
    for request in life.requests:
        run = runs.get(request.run_id)
        if run is None:
            yield _found(request, Fault.UNEXPLAINED, "no run sent it")
            continue
        if sent[run.id] > 1:
            yield about(run, Fault.DOUBLED, f"it sent {sent[run.id]} requests")
        if (request.slot, request.attempt) != (run.slot, run.attempt):
            yield about(run, Fault.UNEXPLAINED, "its request named another slot or attempt")
        if request.sent_at + clocks_ahead < max(run.slot, run.decision.due_at):
            yield about(run, Fault.EARLY, f"its request was sent at {stamp(request.sent_at)}")
        if run.outcome_class is OutcomeClass.NOT_ATTEMPTED:
            yield about(run, Fault.UNEXPLAINED, "it was not attempted, and sent a request")
    yield from _check_overlaps(life)


def _check_overlaps(life: Life) -> Iterator[Finding]:
    in_order = sorted(life.requests, key=lambda request: request.sent_at)
    for before, behind in pairwise(in_order):
        if before.ended_at is not None and before.ended_at <= behind.sent_at:
            continue
        lease = life.leases.get(before.run_id)
        if lease is None and before.ended_at is None:
            continue  # nothing is known of when it ended
        if lease is not None and _was_reaped_by(lease, behind.sent_at):
            continue
        own = life.leases.get(behind.run_id)
        if own is not None and _was_reaped_by(own, behind.sent_at):
            continue  # stopped between its start and its request, and gone on since
        yield _found(behind, Fault.DOUBLED, f"the request of {stamp(before.slot)} was under way")


def _was_reaped_by(lease: LeaseLife, instant: datetime) -> bool:
    taken_at = lease.ended_seen_at or lease.ended_at
    return lease.end is LeaseEnd.REAPED and taken_at is not None and taken_at <= instant


def _found(request: Request, fault: Fault, sentence: str) -> Finding:
    return Finding(
        fault=fault,
        endpoint_id=request.endpoint_id,
        slot=request.slot,
        run_id=request.run_id,
        sentence=f"request of {stamp(request.slot)}, attempt {request.attempt}: {sentence}",
    )
