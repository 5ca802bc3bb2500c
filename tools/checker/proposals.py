"""
One-shots, triggers and the lives of hints.

SEMANTICS §1: a claim consumes every one-shot and trigger whose instant has come (step 3), so that
each is served at most once; it ends with its life, unrun; nothing acts at or beyond
``expires_at``, nor after its clear. The earliest wins against the recurring candidate.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cronicorn_domain.model.decision import Kind, Rule, Source
from cronicorn_domain.model.hint import OneShotHint, TriggerKind

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.next_slot import MOVES_MOST
from tools.checker.standing import Claim, Fate, Proposal, Waiting
from tools.checker.walking import Walked


def check_served(claim: Claim, walked: Walked) -> Iterator[Finding]:
    """A run of a one-shot or trigger has one that was pending, and whose instant had come."""
    run = claim.run
    if run.kind in {Kind.RECURRING, Kind.TEST} or claim.partly_known:
        return
    if any(each.run.started_at is not None for each in claim.earlier):
        return
    if any(_asks_for(each.proposal, claim) for each in claim.served):
        return
    asked = [
        each
        for each in walked.offered.values()
        if isinstance(each, Waiting) and _asks_for(each.proposal, claim)
    ]
    if not asked:
        yield about(run, Fault.UNEXPLAINED, "nobody asked for it")
    elif any(_fate_at(each, walked, claim.at) is Fate.SERVED for each in asked):
        yield about(run, Fault.DOUBLED, "what asked for it had been served")
    else:
        yield about(run, Fault.HINT_AFTER_LIFE, "what asked for it had been cleared, or was over")


def check_hint(claim: Claim) -> Iterator[Finding]:
    """A run that names a hint's interval has such a hint, alive and not cleared."""
    source = claim.run.decision.source
    if not source.endswith("-interval") or source is Source.BASELINE_INTERVAL:
        return
    if claim.partly_known:
        return
    author = source.removesuffix("-interval")
    slot = claim.run.slot
    if any(
        hint.author == author and claim.at < hint.expires_at and slot < hint.expires_at
        for hint in claim.setting.hints
    ):
        return
    yield about(claim.run, Fault.HINT_AFTER_LIFE, f"no hint by {author} was alive")


def check_turn(claim: Claim) -> Iterator[Finding]:
    """A one-shot before the next recurring slot goes first; a tie goes to the recurring one."""
    run = claim.run
    if not claim.as_planned or claim.earlier or not claim.served:
        return
    moved = {Rule.MISFIRE, Rule.MOVED_ON, Rule.LONGEST}
    if run.decision.source is Source.CATCH_UP or any(
        line.rule in moved for line in run.decision.trail
    ):
        return
    for waiting in claim.served:
        instant = waiting.proposal.at
        if claim.last_start is not None:
            instant = max(instant, claim.last_start)
        if instant + MOVES_MOST < run.slot and waiting.offered_at < run.slot:
            if _outside(claim, waiting.proposal) or _stood_aside(claim, waiting):
                continue
            yield about(
                run,
                Fault.WRONG_SOURCE,
                f"what was asked for at {stamp(waiting.proposal.at)} was to go first",
            )


def _outside(claim: Claim, proposal: Proposal) -> bool:
    bounds = claim.setting.endpoint.bounds
    early = bounds.starts_at is not None and proposal.at < bounds.starts_at
    return early or (bounds.ends_at is not None and proposal.at > bounds.ends_at)


def _stood_aside(claim: Claim, waiting: Waiting) -> bool:
    """
    A sibling's trigger of a paused endpoint does not compete: it goes before what is planned.

    Where the pause ended by itself before it was claimed, the slot that was planned beside it runs,
    and serves it.
    """
    proposal, until = waiting.proposal, claim.access.paused_until
    triggered = not isinstance(proposal, OneShotHint) and proposal.kind is TriggerKind.SIBLING
    return triggered and until is not None and until > waiting.offered_at


def _asks_for(proposal: Proposal, claim: Claim) -> bool:
    run = claim.run
    if isinstance(proposal, OneShotHint):
        fits = run.decision.source == f"{proposal.author}-oneshot"
    elif proposal.kind is TriggerKind.SIBLING:
        fits = run.kind is Kind.TRIGGER
    else:
        fits = run.kind is Kind.MANUAL
    instant = proposal.at - timedelta(microseconds=proposal.at.microsecond % 1000)
    return fits and instant <= run.slot <= claim.at


def _fate_at(waiting: Waiting, walked: Walked, now: datetime) -> Fate | None:
    proposal = waiting.proposal
    ended_at = walked.ended_at.get(proposal.id)
    if ended_at is not None and ended_at <= now:
        return walked.gone[proposal.id]
    return None
