"""
Bounds judge slots of every kind but manual (SEMANTICS §1 step 7).

An occurrence that has started goes on with its repeats whatever becomes of the bounds.
"""

from collections.abc import Iterator

from cronicorn_domain.model.decision import Kind

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.next_slot import MOVES_MOST
from tools.checker.standing import Claim


def check_bounds(claim: Claim) -> Iterator[Finding]:
    """Judge a new occurrence against the bounds that hold."""
    run, setting = claim.run, claim.setting
    bounds = setting.endpoint.bounds
    if bounds.starts_at is None and bounds.ends_at is None and bounds.max_runs is None:
        return
    if run.kind in {Kind.MANUAL, Kind.TEST}:
        return
    if any(each.run.started_at is not None for each in claim.earlier):
        return
    if bounds.starts_at is not None and run.slot < bounds.starts_at:
        yield about(run, Fault.UNEXPLAINED, f"it begins only at {stamp(bounds.starts_at)}")
    if bounds.ends_at is not None and run.slot > bounds.ends_at + MOVES_MOST:
        yield about(run, Fault.UNEXPLAINED, f"it was over at {stamp(bounds.ends_at)}")
    if setting.used_up:
        yield about(run, Fault.UNEXPLAINED, f"its {bounds.max_runs} runs had been used up")
