"""
Late claims, and what was due and never claimed (SEMANTICS §5 step 1, §0 promise 5).

Lateness counts from the due instant, or from when the endpoint could be claimed again, if that was
later: behind the lease before, a pause, a write. Outages do not count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.decision import Kind, Source
from cronicorn_domain.model.hint import OneShotHint, Trigger

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.history import Kept, LeaseEnd, Outage
from tools.checker.life import Life
from tools.checker.next_slot import Next
from tools.checker.standing import NO_TIME, Claim, Waiting
from tools.checker.waits import waits_until
from tools.checker.walking import Walked

REAPED_WITHIN = timedelta(seconds=2)
"""SEMANTICS §5 step 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How late is late, or how long is for ever, and when nobody could have been on time."""

    allowed: timedelta
    outages: Sequence[Outage]
    ends_at: datetime

    def is_late(self, since: datetime, at: datetime) -> bool:
        """Say whether what could be claimed from ``since`` on was claimed too late at ``at``."""
        if at - since <= self.allowed:
            return False
        away = sum((self._overlap(outage, since, at) for outage in self.outages), NO_TIME)
        # What an outage has piled up is worked off behind it, within what is allowed.
        stuck = any(outage.begins_at < at and since < outage.ends_at for outage in self.outages)
        return at - since - away > self.allowed * (2 if stuck else 1)

    @staticmethod
    def _overlap(outage: Outage, since: datetime, at: datetime) -> timedelta:
        return max(min(outage.ends_at, at) - max(outage.begins_at, since), NO_TIME)


def check_claimed(claim: Claim, patience: Patience) -> Iterator[Finding]:
    """Judge when a run was claimed."""
    if claim.run.kind is Kind.TEST:
        return
    due_at = claim.run.decision.due_at
    if claim.run.decision.source is Source.CATCH_UP:
        due_at += claim.setting.endpoint.jitter  # its slot was put off, and is told without that
    since = max(due_at, claim.claimable_since)
    if patience.is_late(since, claim.at):
        yield about(claim.run, Fault.LATE, f"it was claimed {claim.at - since} late")


def check_reaped(life: Life, patience: Patience) -> Iterator[Finding]:
    """A lease that has run out is taken away within two seconds."""
    runs = {run.id: run for run in life.runs}
    for lease in life.leases.values():
        ran_out = lease.promised[-1][1] + REAPED_WITHIN
        if lease.end is None:
            ended_at = patience.ends_at
        elif lease.end is LeaseEnd.REAPED and lease.ended_at is not None:
            ended_at = lease.ended_at
        else:
            continue
        if lease.run_id in runs and patience.is_late(ran_out, ended_at):
            yield about(
                runs[lease.run_id],
                Fault.LATE,
                f"its lease ran out at {stamp(lease.promised[-1][1])} and was not taken away",
            )


def check_left(
    life: Life, walked: Walked, due: Sequence[Next], patience: Patience
) -> Iterator[Finding]:
    """Judge what was due at the end of the history, and nobody had claimed."""
    since = _open_since(walked, patience.ends_at, triggered=False)
    if since is None or not due:
        return
    # Where the reading leaves two plans, it has to be late for both.
    slot = max(each.slot if each.latest is None else each.latest for each in due)
    since = max(since, slot + _put_off(walked), waits_until(life, patience.ends_at))
    # A hint's plan stands no longer than the hint; what takes its place was never claimed either.
    over = min([patience.ends_at, *(each.hint.expires_at for each in due if each.hint)])
    if patience.is_late(since, over):
        yield Finding(
            fault=Fault.LOST,
            endpoint_id=life.endpoint_id,
            slot=slot,
            sentence=f"the slot {stamp(slot)} could be claimed, and was not until the end",
        )


def waits(life: Life, patience: Patience) -> bool:
    """Say whether a database tells that the endpoint is to wait, or was until a moment ago."""
    until = None if life.kept is None else life.kept.waits_until
    return until is not None and until > patience.ends_at - patience.allowed


def check_kept(
    walked: Walked, due: Sequence[Next], endpoint_id: EndpointId, kept: Kept
) -> Iterator[Finding]:
    """Hold what a database keeps of an endpoint against the slot that is to come next."""
    if not due:
        return
    slot = max(each.slot if each.latest is None else each.latest for each in due)
    sentence = None
    if kept.last_slot is not None and slot <= kept.last_slot:
        sentence = (
            f"the slot {stamp(slot)} has no run and no record, and the endpoint has got as far "
            f"as {stamp(kept.last_slot)}"
        )
    elif not kept.planned and _open_since(walked, kept.seen_at, triggered=False) is not None:
        sentence = f"the slot {stamp(slot)} has to come, and nothing is planned any more"
    if sentence is not None:
        yield Finding(fault=Fault.LOST, endpoint_id=endpoint_id, slot=slot, sentence=sentence)


def check_unrun(life: Life, walked: Walked, patience: Patience) -> Iterator[Finding]:
    """A one-shot or trigger may end unrun only if it could not be claimed while it lived."""
    for waiting in walked.waiting.values():
        proposal = waiting.proposal
        come = max(proposal.at, waiting.offered_at)
        over = min(proposal.expires_at, patience.ends_at)
        if walked.judged_from is not None:
            come = max(come, walked.judged_from)
        if over <= come or not _counts(walked, waiting, over):
            continue
        is_sibling = isinstance(proposal, Trigger)
        since = _open_since(walked, over, triggered=is_sibling)
        if since is None:
            continue
        since = max(max(come, since) + _put_off(walked), waits_until(life, over))
        if patience.is_late(since, over):
            yield Finding(
                fault=Fault.LOST,
                endpoint_id=life.endpoint_id,
                slot=proposal.at,
                sentence=f"what was asked for at {stamp(proposal.at)} was never served",
            )


def _counts(walked: Walked, waiting: Waiting, over: datetime) -> bool:
    """Bounds judge one-shots and siblings' triggers; those that hold as its life ends are asked."""
    setting = [epoch for epoch in walked.epochs if epoch.at < over][-1].setting
    bounds, at = setting.endpoint.bounds, waiting.proposal.at
    if isinstance(waiting.proposal, OneShotHint) or setting.used_up:
        inside = (bounds.starts_at is None or at >= bounds.starts_at) and (
            bounds.ends_at is None or at <= bounds.ends_at
        )
        return inside and not setting.used_up
    return bounds.starts_at is None and bounds.ends_at is None


def _put_off(walked: Walked) -> timedelta:
    """Jitter and the distance of starts may put a start off by so much, and no more."""
    settings = {id(epoch.setting): epoch.setting for epoch in walked.epochs[-8:]}.values()
    return max(each.endpoint.jitter for each in settings) + max(each.shortest for each in settings)


def _open_since(walked: Walked, at: datetime, *, triggered: bool) -> datetime | None:
    """Return from when on, until ``at``, it could be claimed; None: it could not."""
    if walked.deleted_at is not None and walked.deleted_at < at:
        return None
    accesses = [access for access in walked.accesses if access.since < at]
    if not accesses or accesses[-1].refusal(at, triggered=triggered) is not None:
        return None
    since = accesses[-1].since
    if not triggered and accesses[-1].paused_until is not None:
        since = max(since, accesses[-1].paused_until)
    for claim in reversed(walked.claims):
        if claim.at >= at:
            continue
        if claim.ended_at is None or claim.ended_at >= at:
            return None
        return max(since, claim.ended_at)
    return since
