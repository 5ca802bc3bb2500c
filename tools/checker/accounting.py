"""
Every recurring slot is run, or recorded with the reason why not (SEMANTICS §0 promise 1, §3).

Link after link it is asked which slot had to follow. One that is later has left a slot out: lost.
One that is earlier, or where nothing had to be, is unexplained. The slots within a record have to
follow one another likewise, and to be as many as it says.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.decision import Source

from tools.checker.chain import Link, chain_of
from tools.checker.eras import Eras
from tools.checker.even_slots import EvenSlots
from tools.checker.finding import Fault, Finding, stamp
from tools.checker.life import Life
from tools.checker.next_slot import MOVES_MOST, Next, Past, next_slot
from tools.checker.passing import Passing, source_is_free
from tools.checker.planning import plans_behind
from tools.checker.spans import add_up, is_long
from tools.checker.standing import Claim
from tools.checker.timeline import Timeline
from tools.checker.walking import Walked

MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class Accounts:
    """What accounting comes to: findings, how each slot was judged, and what has to come next."""

    findings: list[Finding] = field(default_factory=list)
    judged: Counter[str] = field(default_factory=Counter)
    due: list[Next] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def account(life: Life, walked: Walked) -> Accounts:
    """Judge the recurring slots of one life."""
    accounts = Accounts(links=chain_of(walked.claims, life.records))
    if walked.epochs:
        _Accountant(life.endpoint_id, walked, accounts).judge()
    return accounts


class _Accountant:
    def __init__(self, endpoint_id: EndpointId, walked: Walked, accounts: Accounts) -> None:
        self._endpoint_id = endpoint_id
        self._accounts = accounts
        self._partly_known = walked.partly_known
        self._timeline = Timeline(walked.epochs)
        self._eras = Eras(self._timeline, walked.claims)
        self._passing = Passing(walked, self._timeline, self._eras)
        self._noted = {
            claim.run.slot: claim
            for claim in reversed(walked.claims)
            if claim.undone and claim.run.decision.source is Source.CATCH_UP
        }
        self._from = 0
        self._walked = walked

    def judge(self) -> None:
        """
        Take link after link, and remember behind which the next one has to lie.

        What was claimed and given back may come again or not; so what follows it may as well follow
        the link before. Where the history begins in the middle of the life its first link is free,
        since what it was planned from is known in part.
        """
        befores: list[Link | None] = [None]
        known = not self._partly_known
        self._eras.sort(self._accounts.links)
        for link in self._accounts.links:
            if not self._walked.is_judged(link.at):
                pass
            elif not known:
                self._accounts.judged["first known"] += link.count
                known = True
            else:
                self._judge_link(befores, link)
            solid = befores[0]
            if link.open:
                befores.append(link)
                continue
            self._from = max(self._from, min(self._timeline.starts(link)))
            if solid is None or link.era > solid.era or link.last > solid.last:
                befores = [link]
        self._accounts.due = [each for before in befores for each in self._left_behind(before)]
        if not known:
            self._or_afresh(befores[0])

    def _or_afresh(self, before: Link | None) -> None:
        """
        Plan what is due as if the rhythm had begun anew where the history begins, too.

        Nobody knows whether it did. Where either reading has nothing to come, nothing has to.
        """
        begun, last = self._walked.judged_from, self._timeline.epochs[-1]
        if begun is None:
            return
        ends = [it.at for it in self._timeline.epochs if it.claim is not None]
        now = max(begun, *ends)
        last_slot = None if before is None else before.last
        past = Past(last_slot=last_slot, last_end=last.last_end, after=now, now=now)
        afresh = next_slot(replace(last.setting, begun=begun), past)
        due = self._accounts.due
        self._accounts.due = [*due, afresh] if due and afresh is not None else []

    def _judge_link(self, befores: Sequence[Link | None], link: Link) -> None:
        if len(befores) == 1 and self._follows_plainly(befores[0], link):
            self._accounts.judged["plain"] += 1
            return
        self._judge_place(befores, link)
        if link.count > 1 or link.first != link.last:
            self._judge_span(befores[0], link)
        self._accounts.judged["replayed"] += link.count

    def _follows_plainly(self, before: Link | None, link: Link) -> bool:
        """The common case: nothing but the schedule has had a say since the run before."""
        if before is None or before.last_claim is None or link.claim is None:
            return False
        start = before.last_claim.end_epoch
        if start is None or start + 1 != link.claim.epochs:
            return False
        setting = self._timeline.epochs[start].setting
        endpoint = setting.endpoint
        if setting.hints or setting.failures or setting.used_up or endpoint.guardrails.longest:
            return False
        rhythm = setting.rhythm
        if rhythm is None or endpoint.bounds.ends_at is not None or before.last < setting.begun:
            return False
        slot = rhythm.after(before.last)
        if slot != link.first or slot - before.last < setting.shortest:
            return False
        if slot <= self._timeline.epochs[start].at:
            return False  # it came during the run before, and had to be recorded
        source = link.claim.run.decision.source
        expected = (
            Source.BASELINE_INTERVAL if isinstance(rhythm, EvenSlots) else Source.BASELINE_CRON
        )
        link.claim.as_planned = link.claim.plain = source is expected
        return link.claim.plain

    def _judge_place(self, befores: Sequence[Link | None], link: Link) -> None:
        passed = self._passing.during_run(befores[0], link)
        if passed is not None and passed < link.first:
            self._find(Fault.LOST, link, f"the slot {stamp(passed)} passed during the run before")
            return
        expected: list[Next] = []
        for before in befores:
            planned = list(self._planned(before, link))
            exact = not source_is_free(before, link)
            if exact:
                planned += self._passing.named_anew(before, link, planned)
            if self._matches(planned, link, exact=exact):
                if link.claim is not None:
                    link.claim.as_planned = exact
                return
            others = list(self._passing.unrun(before, link))
            if self._matches(others, link, exact=False):
                return
            expected += [*planned, *others]
        noted = self._noted.get(link.first)
        if noted is not None and noted is not link.claim:
            self._judge_place(befores, _as_noted(noted, link))
        else:
            self._report(link, expected)

    def _planned(self, before: Link | None, link: Link) -> Iterator[Next]:
        """Return every slot that may have been planned when a link was accounted for."""
        for start in self._timeline.starts(before):
            for stop in self._timeline.stops(link):
                yield from self._plans(before, start, stop, link)

    def _left_behind(self, before: Link | None) -> Sequence[Next]:
        """Return what was planned at the end."""
        start, stop = self._timeline.start(before), len(self._timeline.epochs)
        return self._plans(before, start, stop, None)

    def _plans(
        self, before: Link | None, start: int, stop: int, link: Link | None
    ) -> Sequence[Next]:
        start = max(start, self._from)
        planned = plans_behind(self._timeline, before, start, stop, link)
        for slot, at in planned.closed:
            told_later = link is None or link.at > at
            # The record before may be the very one in which it was closed.
            told = before is not None and before.record is not None and before.until == at
            # What was given back may stand instead.
            stands = before is not None and before.open
            judged = self._walked.judged_from is None or at > self._walked.judged_from
            if judged and told_later and not told and not stands and not is_long(before):
                self._find_closed(slot, at)
        return planned.plans

    def _matches(self, expected: Sequence[Next], link: Link, *, exact: bool) -> bool:
        started = None if link.claim is None else link.claim.last_start
        places = [each for each in expected if _is_at(each, link.first, started)]
        if not places:
            return False
        if link.claim is None or not exact:
            return True
        source = link.claim.run.decision.source
        if any(each.source is source for each in places):
            return True
        named = " or ".join(sorted({each.source for each in places}))
        self._find(Fault.WRONG_SOURCE, link, f"its source is {source}, and had to be {named}")
        return True

    def _report(self, link: Link, expected: Sequence[Next]) -> None:
        slots = [each.slot for each in expected]
        if not slots:
            self._find(Fault.UNEXPLAINED, link, "nothing was to follow there")
        elif link.first > max(slots):
            lost = max(slots)
            self._find(
                Fault.LOST, link, f"the slot {lost:%Y-%m-%d %H:%M:%S.%f} has no run and no record"
            )
        else:
            when = " or ".join(f"{slot:%Y-%m-%d %H:%M:%S.%f}" for slot in sorted(set(slots)))
            self._find(Fault.UNEXPLAINED, link, f"the next slot was to be {when}")

    def _judge_span(self, before: Link | None, link: Link) -> None:
        settings = self._timeline.settings(before, link)
        if not add_up(link, settings, self._timeline.between(link.at, link.until)):
            told = f"{link.count} slots do not add up to those until {link.last}"
            self._find(Fault.UNEXPLAINED, link, told)

    def _find_closed(self, slot: datetime, at: datetime) -> None:
        self._accounts.findings.append(
            Finding(
                fault=Fault.LOST,
                endpoint_id=self._endpoint_id,
                slot=slot,
                sentence=f"the slot {stamp(slot)} had come before the rhythm began anew at "
                f"{stamp(at)}, and has no run and no record",
            )
        )

    def _find(self, fault: Fault, link: Link, sentence: str) -> None:
        told = "run" if link.claim is not None else "record"
        self._accounts.findings.append(
            Finding(
                fault=fault,
                endpoint_id=self._endpoint_id,
                slot=link.first,
                run_id=None if link.claim is None else link.claim.run.id,
                sentence=f"{sentence} ({told} of {link.first:%Y-%m-%d %H:%M:%S.%f})",
            )
        )


def _as_noted(claim: Claim, link: Link) -> Link:
    """
    Return the link of a slot as of its first claim for being caught up.

    Given back it is noted again (SEMANTICS §5, step 2), whatever has become since of the hint that
    had asked for it.
    """
    return Link(claim.at, link.first, link.first, 1, claim, claim, era=link.era)


def _is_at(expected: Next, slot: datetime, last_start: datetime | None) -> bool:
    """A slot that is due now lies behind the last start: whatever has started had one before."""
    if not expected.due_now:
        return slot == expected.slot
    latest = expected.slot if expected.latest is None else expected.latest
    if last_start is not None and slot > last_start:
        latest = max(latest, last_start)
    return expected.slot - MILLISECOND < slot <= latest + MOVES_MOST
