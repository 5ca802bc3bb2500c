"""
When a run may start, and until when it may be put off.

SEMANTICS §1: nothing is before its slot or its due instant (step 0, "never fire before due_at");
starts lie 9/10 of the shortest apart (step 4), those of manual runs, repeats and slots caught up
9/10 of the floor (steps 0 and 4, §3); jitter delays recurring slots alone, below its bound and the
gap to the next slot, and is the same for the same slot (step 6).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cronicorn_domain.model.decision import Kind, Rule, Source
from cronicorn_domain.model.run import OutcomeClass

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.standing import NO_TIME, Claim, living

CLAIM_AHEAD_MOST = timedelta(milliseconds=500)
"""A claim may come so much before the due instant; a start never (SEMANTICS §5 step 1)."""
MILLISECOND = timedelta(milliseconds=1)
ONLY_FLOOR = frozenset({Source.MANUAL, Source.RETRY, Source.CATCH_UP})


def check_due(claim: Claim) -> Iterator[Finding]:
    """Judge one claim and its start against slot, due instant, and the start before."""
    run, decision = claim.run, claim.run.decision
    if decision.due_at < decision.slot:
        yield about(run, Fault.EARLY, f"it was due at {stamp(decision.due_at)}, before its slot")
    if claim.at + CLAIM_AHEAD_MOST < decision.due_at:
        yield about(run, Fault.EARLY, f"it was claimed at {stamp(claim.at)}, and due later")
    started_at = run.started_at
    if started_at is not None:
        if started_at < decision.due_at:
            yield about(run, Fault.EARLY, f"it started at {stamp(started_at)}, and was due later")
        if claim.last_start is not None:
            yield from _check_distance(claim, started_at, claim.last_start)
    if run.kind is not Kind.TEST:
        yield from _check_delay(claim)


def _check_distance(claim: Claim, started_at: datetime, before: datetime) -> Iterator[Finding]:
    distance = started_at - before
    if distance < claim.setting.floor * 9 // 10:
        yield about(claim.run, Fault.FLOOR_BROKEN, f"it started {distance} after the run before")
    elif distance < _least_distance(claim):
        yield about(
            claim.run,
            Fault.GUARDRAIL_BROKEN,
            f"it started {distance} after the run before, and the shortest is "
            f"{claim.setting.shortest}",
        )


def _least_distance(claim: Claim) -> timedelta:
    only_floor = claim.run.decision.source in ONLY_FLOOR
    return (claim.setting.floor if only_floor else claim.setting.shortest) * 9 // 10


def _check_delay(claim: Claim) -> Iterator[Finding]:
    """Nothing but jitter, a wait, the start before and a deferral puts a run off."""
    decision = claim.run.decision
    rules = {line.rule for line in decision.trail}
    if Rule.NOT_BEFORE in rules:
        return  # the target asked for it, and a history does not hold how long
    latest = decision.slot + _jitter_most(claim)
    if claim.last_start is not None:
        latest = max(latest, claim.last_start + _least_distance(claim) + MILLISECOND)
    if decision.source is Source.RETRY:
        latest = max(latest, _repeat_by(claim))
    if decision.due_at > latest:
        yield about(
            claim.run,
            Fault.LATE,
            f"it was put off to {stamp(decision.due_at)}; {stamp(latest)} was the latest",
        )
    elif decision.source is Source.RETRY:
        yield from _check_repeat(claim)


def _jitter_most(claim: Claim) -> timedelta:
    endpoint, decision = claim.setting.endpoint, claim.run.decision
    recurs = claim.run.kind is Kind.RECURRING and decision.source not in ONLY_FLOOR
    rhythm = claim.setting.rhythm
    if not endpoint.jitter or not recurs or rhythm is None:
        return NO_TIME
    following = rhythm.after(decision.slot)
    gaps = [] if following is None else [following - decision.slot]
    gaps += [hint.every for hint in living(claim.setting.hints, claim.at)]
    return min(endpoint.jitter, max(gaps, default=endpoint.jitter)) - MILLISECOND


def _repeat_by(claim: Claim) -> datetime:
    """A retry waits at most its backoff; the successor of a lost run does not wait at all."""
    before = _repeated(claim)
    if before is None or before.ended_at is None:
        return claim.run.decision.due_at
    wait = NO_TIME
    if before.run.outcome_class is OutcomeClass.TARGET:
        retry = (before.end_setting or before.setting).endpoint.retry
        tries = sum(each.run.outcome_class is OutcomeClass.TARGET for each in claim.earlier)
        wait = min(retry.backoff * (1 << tries - 1), retry.backoff_most)
    return before.ended_at + wait + MILLISECOND


def _check_repeat(claim: Claim) -> Iterator[Finding]:
    before = _repeated(claim)
    if before is None or before.ended_at is None:
        return
    if claim.run.decision.due_at < before.ended_at:
        yield about(claim.run, Fault.EARLY, "it was due before the attempt before it had ended")


def _repeated(claim: Claim) -> Claim | None:
    started = [each for each in claim.earlier if each.run.started_at is not None]
    return started[-1] if started else None
