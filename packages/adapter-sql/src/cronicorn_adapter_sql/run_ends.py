"""What the end of a run, whichever it is, makes of its endpoint; all within one transaction."""

from dataclasses import replace
from datetime import datetime

from cronicorn_domain.model.alert import Happening, Occasion
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.alerting import deferring, happening_after_run, telling_by_rule
from cronicorn_domain.policies.following import leased_plan
from cronicorn_domain.policies.reaping import abandoned_run, reap
from cronicorn_domain.policies.releasing import defer, release, released_run
from cronicorn_domain.policies.settling import settle, settled_run
from cronicorn_domain.ports.endpoint_queue import Deferral, Settlement

from cronicorn_adapter_sql.endings import run_of
from cronicorn_adapter_sql.noting_happenings import AskedAnalysis
from cronicorn_adapter_sql.situations import ReadEndpoint, UnreadableEndpoint
from cronicorn_adapter_sql.transaction import AskedSibling, Transaction


def lease_of(read: ReadEndpoint | UnreadableEndpoint) -> Lease | None:
    """Return the lease of an endpoint, readable or not."""
    return read.lease if isinstance(read, UnreadableEndpoint) else read.situation.lease


def settle_one(
    transaction: Transaction,
    read: ReadEndpoint | UnreadableEndpoint,
    lease: Lease,
    settlement: Settlement,
    now: datetime,
) -> Situation | None:
    """End a run with its outcome, and return the situation that it leaves, if it can be read."""
    if isinstance(read, UnreadableEndpoint):
        _end_unreadable(transaction, read, lease, now, settlement)
        return None
    run = run_of(lease, leased_plan(read.situation), now)
    change = settle(read.situation, settlement, now)
    after = change.after_the_run(read.situation, now)
    ended = settled_run(run, settlement, change.remark)
    transaction.endings.end(lease, ended, now)
    _happened(transaction, happening_after_run(read.situation, change.state, ended.message, now))
    _happened(transaction, telling_by_rule(after.endpoint, change, now))
    if change.analysis is not None:
        asked = AskedAnalysis(endpoint_id=read.id, reason=change.analysis, at=now)
        transaction.asked_analyses.append(asked)
    transaction.changes.apply(read, change, now, after=after)
    transaction.asked_siblings += [
        AskedSibling(job_id=after.endpoint.job_id, sibling=each) for each in change.siblings
    ]
    return after


def release_one(
    transaction: Transaction,
    read: ReadEndpoint | UnreadableEndpoint,
    now: datetime,
    deferral: Deferral | None = None,
) -> None:
    """Undo a claim; what it consumed has been read as pending again."""
    lease = lease_of(read)
    if lease is None:
        return
    if isinstance(read, UnreadableEndpoint):
        _end_unreadable(transaction, read, lease, now, None)
        return
    run = run_of(lease, leased_plan(read.situation), now)
    held = read.situation
    change = release(held, now) if deferral is None else defer(held, deferral, now)
    transaction.endings.end(lease, released_run(run, now, deferral), now)
    if deferral is not None:
        _happened(transaction, deferring(held.endpoint, deferral.reason, now))
    transaction.changes.apply(read, change, now, after=replace(read.situation, lease=None))


def abandon_one(
    transaction: Transaction,
    read: ReadEndpoint | UnreadableEndpoint,
    lease: Lease,
    started_at: datetime,
    now: datetime,
) -> None:
    """Give a run up whose worker was lost after its start."""
    if isinstance(read, UnreadableEndpoint):
        _end_unreadable(transaction, read, lease, now, None)
        return
    run = run_of(lease, leased_plan(read.situation), now)
    change = reap(read.situation, now)
    ended = abandoned_run(run, started_at, now)
    transaction.endings.end(lease, ended, now)
    _happened(transaction, happening_after_run(read.situation, change.state, ended.message, now))
    transaction.changes.apply(read, change, now, after=replace(read.situation, lease=None))


def _end_unreadable(
    transaction: Transaction,
    read: UnreadableEndpoint,
    lease: Lease,
    now: datetime,
    settlement: Settlement | None,
) -> None:
    """End the run of an endpoint that became unreadable meanwhile; healing it makes a plan."""
    plan = read.state.urgent if lease.urgent else read.state.plan
    if plan is not None:
        run = run_of(lease, plan, now)
        if settlement is not None:
            run = settled_run(run, settlement)
        elif lease.started_at is not None:
            run = abandoned_run(run, lease.started_at, now)
        else:
            run = released_run(run, now)
        transaction.endings.end(lease, run, now)
    else:
        transaction.endings.end_unplanned(lease, now)
    set_aside(transaction, read, now)


def set_aside(transaction: Transaction, endpoint: UnreadableEndpoint, now: datetime) -> None:
    """Quarantine an endpoint that cannot be read."""
    transaction.changes.set_aside(endpoint)
    happening = Happening(
        occasion=Occasion.QUARANTINED,
        tenant=endpoint.tenant,
        endpoint_id=endpoint.id,
        at=now,
        message=endpoint.reason,
    )
    _happened(transaction, happening)


def _happened(transaction: Transaction, happening: Happening | None) -> None:
    if happening is not None:
        transaction.happenings.append(happening)
