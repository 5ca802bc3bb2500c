"""
Jitter is a stable hash of endpoint and slot (SEMANTICS §1 step 6), computed here once more.

The hash is part of what is promised, since whoever knows it can tell when a slot will start: the
first eight bytes of BLAKE2b over ``endpoint|seconds since 1970, six decimals|jitter``, counted in
whole milliseconds, modulo the jitter or the gap to the next slot if that is less.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.decision import Rule

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.standing import NO_TIME, Claim

MILLISECOND = timedelta(milliseconds=1)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def check_jitter(claim: Claim) -> Iterator[Finding]:
    """Judge the delay of a slot on which nothing but the schedule has had a say."""
    endpoint, slot = claim.setting.endpoint, claim.run.slot
    if not claim.plain or not endpoint.jitter:
        return
    if any(line.rule in {Rule.MISFIRE, Rule.MOVED_ON} for line in claim.run.decision.trail):
        return
    rhythm = claim.setting.rhythm
    following = None if rhythm is None else rhythm.after(slot)
    if following is None or following - slot < claim.setting.shortest:
        return
    expected = slot + _delay(endpoint.id, slot, min(endpoint.jitter, following - slot))
    put_off_to, due_at = _jittered_to(claim), claim.run.decision.due_at
    # Where something else puts the start off further, jitter need not be told of.
    if put_off_to == expected or (put_off_to is None and due_at >= expected):
        return
    yield about(
        claim.run,
        Fault.UNEXPLAINED,
        f"jitter put it off to {stamp(put_off_to or due_at)}, and its hash says {stamp(expected)}",
    )


def check_same_jitter(claim: Claim) -> Iterator[Finding]:
    """A slot given back and claimed again has the delay it had (step 6: a stable hash)."""
    if not claim.earlier or not claim.earlier[-1].undone or not claim.setting.endpoint.jitter:
        return
    before = claim.earlier[-1]
    endpoints = (before.setting.endpoint, claim.setting.endpoint)
    if endpoints[0] != endpoints[1] or before.run.decision.source != claim.run.decision.source:
        return
    if any(line.rule is Rule.MISFIRE for line in claim.run.decision.trail):
        return  # it was to run now; given back, its slot may have its delay again
    here, there = (_jittered_to(each) for each in (claim, before))
    if here is not None and there is not None and here != there:
        yield about(claim.run, Fault.UNEXPLAINED, "its jitter is another than before")


def _jittered_to(claim: Claim) -> datetime | None:
    lines = [line.instant for line in claim.run.decision.trail if line.rule is Rule.JITTER]
    return lines[-1] if lines else None


def _delay(endpoint_id: EndpointId, slot: datetime, spread: timedelta) -> timedelta:
    microseconds = (slot - BEGINNING) // timedelta(microseconds=1)
    seconds = f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06}"
    hashed = blake2b(f"{endpoint_id}|{seconds}|jitter".encode(), digest_size=8).digest()
    steps = spread // MILLISECOND
    return int.from_bytes(hashed, "big") % steps * MILLISECOND if steps else NO_TIME
