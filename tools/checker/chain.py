"""
The recurring slots of a life, one after the other, each with the run or record that tells of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.model.decision import Kind, Rule, Source
from cronicorn_domain.model.slot_record import Fate, SlotRecord

from tools.checker.standing import Claim


@dataclass(slots=True)
class Link:
    """
    Consecutive recurring slots that one run, or one record, accounts for.

    Attributes:
        at: When they were accounted for: the claim of their run, or the record's making.
        claim: The first claim of the slot whose run started, or is still under way; where there is
            none and no record tells of the slot, the first that was given back.
        last_claim: The last one.
        era: How often the rhythm had begun anew before it.
        open: Its claims were all given back, and nothing else tells of the slot: it may still come,
            or what planned it is gone.
    """

    at: datetime
    first: datetime
    last: datetime
    count: int
    claim: Claim | None = None
    last_claim: Claim | None = None
    record: SlotRecord | None = None
    era: int = 0
    open: bool = False

    @property
    def until(self) -> datetime:
        """Return when the last of its slots was accounted for."""
        prolonged = None if self.record is None else self.record.prolonged_at
        return self.at if prolonged is None else prolonged

    @property
    def planned_behind(self) -> int:
        """Return how many epochs there were before its slot was claimed for the first time."""
        assert self.claim is not None
        return self.claim.earlier[0].epochs if self.claim.earlier else self.claim.epochs

    @property
    def last_known(self) -> int:
        """Return how many epochs there were before its slot was claimed for the last time."""
        return -1 if self.last_claim is None else self.last_claim.epochs

    @property
    def caught_up(self) -> bool:
        """Say whether its run makes up for a missed slot (policy ``catch_up``)."""
        return self.claim is not None and self.claim.run.decision.source is Source.CATCH_UP

    def weighed(self, *rules: Rule) -> bool:
        """Say whether the trail of its run names one of these rules, in whichever attempt."""
        if self.claim is None:
            return False
        return any(
            line.rule in rules
            for claim in (self.claim, *self.claim.earlier)
            for line in claim.run.decision.trail
        )


def chain_of(claims: Sequence[Claim], records: Sequence[SlotRecord]) -> list[Link]:
    """
    Link the slots in the order in which they were accounted for.

    A claim that was given back speaks for its slot only while nothing else does. What the egress
    rules blocked has both a run and a record, and the run speaks for it; what a breaker held back
    has a record alone.
    """
    links: list[Link] = []
    given_back: list[Claim] = []
    of_slot: dict[datetime, Link] = {}
    tried: set[datetime] = set()
    for claim in claims:
        run = claim.run
        if run.started_at is not None:
            tried.add(run.slot)
        if run.kind is not Kind.RECURRING:
            continue
        if claim.undone:
            given_back.append(claim)
            continue
        slot = run.decision.slot
        known = of_slot.get(slot)
        if known is not None:
            known.last_claim = claim
            continue
        link = of_slot[slot] = Link(claim.at, slot, slot, 1, claim, claim)
        links.append(link)
    told = [each for each in records if each.fate is not Fate.BLOCKED or each.first not in tried]
    if told:
        links += [
            Link(each.recorded_at, each.first, each.last, each.count, record=each) for each in told
        ]
    for claim in given_back:
        slot = claim.run.slot
        known = of_slot.get(slot)
        if known is None and not any(each.first <= slot <= each.last for each in told):
            of_slot[slot] = Link(claim.at, slot, slot, 1, claim, claim, open=True)
            links.append(of_slot[slot])
        elif known is not None and claim.epochs > known.last_known:
            known.last_claim = claim
    return links
