"""
Quotas: in no month of UTC more of a tenant's runs have started than it may have.

A worker that dies between a start and its count leaves that one uncounted: of each run that was
abandoned one more is let pass. What a quota puts off is judged with the waits.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.quota import Meter
from cronicorn_domain.model.run import FailureKind, Run

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.history import History


def check_quotas(history: History) -> Iterator[Finding]:
    """Count the starts of each tenant and month, one after another."""
    if not history.quotas.are_set(Meter.RUNS):
        return
    started, uncounted = Counter[tuple[TenantId, str]](), Counter[tuple[TenantId, str]]()
    for run, at in _starts(history):
        account = run.tenant, f"{at:%Y-%m}"
        limit = history.quotas.of(run.tenant, Meter.RUNS).limit
        started[account] += 1
        if run.failure_kind is FailureKind.ABANDONED:
            uncounted[account] += 1
        if limit is not None and started[account] - uncounted[account] > limit:
            yield about(
                run,
                Fault.QUOTA_BROKEN,
                f"started at {stamp(at)} it was number {started[account]} of its tenant's month, "
                f"which may have {limit}",
            )


def _starts(history: History) -> list[tuple[Run, datetime]]:
    starts = [(run, run.started_at) for run in history.runs if run.started_at is not None]
    return sorted(starts, key=lambda each: each[1])
