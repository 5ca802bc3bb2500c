"""
Nothing runs of what is paused or archived (SEMANTICS §2).

Eligibility is checked at the claim and again at the start. A sibling's trigger fires a paused
endpoint once; a run by hand is refused there.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.hint import TriggerKind

from tools.checker.finding import Fault, Finding, about
from tools.checker.standing import Access, Claim
from tools.checker.walking import Walked


def check_access(
    claim: Claim, accesses: Sequence[Access], clocks_ahead: timedelta
) -> Iterator[Finding]:
    """Judge a claim and its start."""
    triggered = claim.run.kind is Kind.TRIGGER
    refusal = claim.access.refusal(claim.at, triggered=triggered)
    if refusal is not None:
        yield about(claim.run, Fault.UNEXPLAINED, f"it was claimed although {refusal}")
    started_at = claim.run.started_at
    if started_at is None or started_at <= claim.at:
        return
    refusals = [
        access.refusal(started_at, triggered=triggered)
        for access in _before(accesses, claim.access, started_at, clocks_ahead)
    ]
    if None not in refusals:
        yield about(claim.run, Fault.UNEXPLAINED, f"it started although {refusals[-1]}")


def _before(
    accesses: Sequence[Access], claimed: Access, started_at: datetime, clocks_ahead: timedelta
) -> Sequence[Access]:
    """
    Return each that may have held at a start: its clock may have been ahead of who changed it.

    A commit at the very instant of the start may have come before or after it.
    """
    first = bisect_left(accesses, started_at - clocks_ahead, key=lambda access: access.since)
    last = bisect_left(accesses, started_at, key=lambda access: access.since)
    held = [each for each in accesses[max(first - 1, 0) : last] if each.since >= claimed.since]
    return held or [claimed]


def check_triggers(walked: Walked, endpoint_id: EndpointId) -> Iterator[Finding]:
    """A run by hand is refused on a paused or archived endpoint."""
    for trigger, access, at in walked.triggered:
        if not walked.is_judged(at):
            continue
        by_sibling = trigger.kind is TriggerKind.SIBLING
        refusal = access.refusal(at, triggered=by_sibling)
        if refusal is not None:
            yield Finding(
                fault=Fault.UNEXPLAINED,
                endpoint_id=endpoint_id,
                sentence=f"a {trigger.kind} trigger was taken at {at} although {refusal}",
            )
