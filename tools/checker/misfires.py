"""
Misfires, and what each policy makes of them (SEMANTICS §3).

A recurring slot is a misfire when it is claimed later than ``misfire_grace`` after its due instant:
not after its slot, since jitter is no lateness. ``run_once`` runs the newest missed slot now;
``skip`` passes over what is older than the grace, never twice in a row; ``catch_up`` runs at most
``catch_up_limit`` of them in order.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cronicorn_domain.model.decision import Rule, Source
from cronicorn_domain.model.endpoint import MisfirePolicy
from cronicorn_domain.model.slot_record import Fate

from tools.checker.chain import Link
from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.life import Life
from tools.checker.standing import Cause, Claim, Setting
from tools.checker.walking import Walked

WAITS = frozenset({Rule.JITTER, Rule.SHORTEST_START, Rule.NOT_BEFORE})


def check_misfires(life: Life, walked: Walked, links: Sequence[Link]) -> Iterator[Finding]:
    """Judge what late claims have run, and what they have recorded."""
    for link in links:
        if link.claim is not None and not link.claim.earlier:
            yield from _check_run(link.claim)
    if life.records:
        yield from _check_skips(life, walked, links)
    if any(link.caught_up for link in links):
        yield from _check_caught_up(links)


def _check_run(claim: Claim) -> Iterator[Finding]:
    decision, misfire = claim.run.decision, claim.setting.endpoint.misfire
    named = any(line.rule is Rule.MISFIRE for line in decision.trail)
    if named:
        if misfire.policy is MisfirePolicy.SKIP:
            yield about(claim.run, Fault.UNEXPLAINED, "its policy is skip, and it ran instead")
        due_at = _planned_for(claim)
        if due_at is not None and claim.at - due_at <= misfire.grace:
            yield about(
                claim.run,
                Fault.UNEXPLAINED,
                f"it was due at {stamp(due_at)}, and no misfire at {stamp(claim.at)}",
            )
    elif _is_plain(claim) and claim.at - decision.due_at > misfire.grace:
        yield from _check_late(claim)


def _check_late(claim: Claim) -> Iterator[Finding]:
    """A plan that was claimed too late, and ran as if nothing were amiss."""
    match claim.setting.endpoint.misfire.policy:
        case MisfirePolicy.RUN_ONCE:
            yield about(claim.run, Fault.UNEXPLAINED, "it is a misfire, and does not say so")
        case MisfirePolicy.CATCH_UP if claim.setting.rhythm is not None:
            yield about(claim.run, Fault.WRONG_SOURCE, "it is late, and had to be caught up")
        case _:
            return  # the slot after a skip runs, however late: `_check_skips`


def _is_plain(claim: Claim) -> bool:
    return claim.run.decision.source not in {Source.RETRY, Source.CATCH_UP}


def _planned_for(claim: Claim) -> datetime | None:
    """Return the due instant that was missed, from the trail; None: it does not tell."""
    instant: datetime | None = None
    for line in claim.run.decision.trail:
        if line.rule is Rule.MISFIRE:
            return instant
        if line.rule is not Rule.MOVED_ON:
            instant = line.instant
    return instant


def _check_skips(life: Life, walked: Walked, links: Sequence[Link]) -> Iterator[Finding]:
    """
    Never two skips in a row; and nothing is skipped that is within the grace.

    What one claim has passed over is one skip, also where a stretch without slots, such as an
    archive, parts it in several records.
    """
    by_hand = {epoch.at for epoch in walked.epochs if epoch.cause is Cause.SKIP}
    oldest: dict[datetime, datetime] = {}
    for each in life.records:
        if each.fate is Fate.SKIPPED:
            oldest[each.recorded_at] = min(each.first, oldest.get(each.recorded_at, each.first))
    skipped_at: datetime | None = None
    for link in sorted(links, key=lambda each: each.at):
        if link.claim is not None and link.claim.run.started_at is not None:
            skipped_at = None
        record = link.record
        if record is not None and record.fate is Fate.BLOCKED:
            skipped_at = None  # but for the breaker it had run
        if record is None or record.fate is not Fate.SKIPPED or link.at in by_hand:
            continue
        misfires = [each.endpoint.misfire for each in _settings_at(walked, link.at)]
        if all(each.policy is not MisfirePolicy.SKIP for each in misfires):
            sentence = f"{link.count} slots from {stamp(link.first)} were skipped without a reason"
            yield _found(life, link, Fault.UNEXPLAINED, sentence)
        if all(link.at - oldest[link.at] <= each.grace for each in misfires):
            sentence = f"the slot {stamp(link.first)} was skipped within its grace"
            yield _found(life, link, Fault.UNEXPLAINED, sentence)
        if skipped_at is not None and skipped_at < link.at:
            sentence = f"slots were skipped at {stamp(skipped_at)} and again at {stamp(link.at)}"
            yield _found(life, link, Fault.LOST, sentence)
        skipped_at = link.at


def _settings_at(walked: Walked, at: datetime) -> list[Setting]:
    """A record and a write of the same instant have no order: return each that may have held."""
    held = [walked.epochs[0].setting]
    for epoch in walked.epochs:
        if epoch.at > at:
            break
        held = [*held, epoch.setting] if epoch.at == at else [epoch.setting]
    return held


def _found(life: Life, link: Link, fault: Fault, sentence: str) -> Finding:
    return Finding(fault=fault, endpoint_id=life.endpoint_id, slot=link.first, sentence=sentence)


def _check_caught_up(links: Sequence[Link]) -> Iterator[Finding]:
    """At the first late claim the newest missed slots are noted, no more than the limit."""
    noted_at: datetime | None = None
    count = limit = 0
    for link in links:
        claim = link.claim
        if claim is None or not link.caught_up:
            continue
        if noted_at is None or link.first > noted_at:
            noted_at, count = claim.at, 0
            first = claim.earlier[0] if claim.earlier else claim
            limit = first.setting.endpoint.misfire.catch_up_limit
        count += 1
        if count == limit + 1:
            yield about(claim.run, Fault.UNEXPLAINED, f"more than {limit} slots are caught up")
