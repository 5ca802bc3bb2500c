"""
Every recurring slot is run, or recorded with the reason why not (SEMANTICS §0 promise 1, §3).

Link after link it is asked which slot had to follow. One that is later has left a slot out: lost.
One that is earlier, or where nothing had to be, is unexplained. The slots within a record have to
follow one another likewise, and to be as many as it says.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TypeGuard

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.decision import Kind, Rule, Source

from tools.checker.chain import Link, chain_of
from tools.checker.even_slots import EvenSlots
from tools.checker.finding import Fault, Finding, stamp
from tools.checker.life import Life
from tools.checker.next_slot import MICROSECOND, Next, Past, next_slot
from tools.checker.standing import Cause, Epoch, Setting, with_failures
from tools.checker.walking import Walked

MILLISECOND = timedelta(milliseconds=1)
MOVES_MOST = 20 * MILLISECOND
"""A slot that is due now moves on from taken instants by milliseconds; so many are in reason."""
EXACT_MOST = 100
"""
Slots within one record are stepped through so far. Behind a hundred of an uneven rhythm the rest
may be counted by the schedule alone: a freedom that SEMANTICS §3 leaves, since hints, failures and
guardrails of slots that nobody ran are hypothetical.
"""


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
    _Accountant(life, walked, accounts).judge()
    return accounts


class _Accountant:
    def __init__(self, life: Life, walked: Walked, accounts: Accounts) -> None:
        self._endpoint_id: EndpointId = life.endpoint_id
        self._epochs: Sequence[Epoch] = walked.epochs
        # What a worker does as of an instant long past comes behind what was committed before it.
        self._instants = list(accumulate((epoch.at for epoch in walked.epochs), max))
        self._claims_at = {claim.at for claim in walked.claims}
        self._moved_at = {
            claim.at
            for claim in walked.claims
            if any(line.rule is Rule.MOVED_ON for line in claim.run.decision.trail)
        }
        self._given_back: dict[datetime, int] = {}
        for claim in walked.claims:
            if claim.undone:
                self._given_back.setdefault(claim.run.slot, claim.epochs)
        self._last_recurring = max(
            (each.epochs for each in walked.claims if each.run.kind is Kind.RECURRING), default=0
        )
        self._partly_known = walked.partly_known
        self._forgetting: list[bool] = []
        self._unserved = list(walked.waiting.values())
        self._accounts = accounts
        self._from = 0

    def judge(self) -> None:
        if not self._epochs:
            return
        befores: list[Link | None] = [None]
        for link in self._in_order():
            if befores == [None] and self._partly_known:
                self._accounts.judged["first known"] += link.count
            else:
                self._judge_link(befores, link)
            solid = befores[0]
            if link.open:
                befores.append(link)
                continue
            self._from = max(self._from, min(self._starts(link)))
            if solid is None or link.era > solid.era or link.last > solid.last:
                befores = [link]
        stop = len(self._epochs)
        self._accounts.due = [
            each for before in befores for each in self._plans(before, self._start(before), stop)
        ]

    def _in_order(self) -> list[Link]:
        """Sort links by slot, within the eras between one beginning of the rhythm and the next."""
        links = self._accounts.links
        restarts = [
            number for number, epoch in enumerate(self._epochs) if epoch.cause is Cause.AFRESH
        ]
        instants = [self._instants[number] for number in restarts]
        self._forgetting = [_forgets(self._epochs[number]) for number in restarts]
        for link in links if restarts else ():
            link.era = bisect_left(restarts, self._epochs_behind(link, instants, restarts))
        links.sort(key=lambda link: (link.era, link.first))
        return links

    def _epochs_behind(
        self, link: Link, instants: Sequence[datetime], restarts: Sequence[int]
    ) -> int:
        """
        Return the epoch before which a link's slot was planned.

        A record that a restart made is of the time before it. One that tells of a slot given back
        is of the time of its claim.
        """
        if link.claim is not None:
            return link.planned_behind
        given_back = self._given_back.get(link.first)
        if given_back is not None:
            return given_back
        if (place := self._skip_behind(link)) is not None:
            return place
        era = bisect_left(instants, link.at)
        return restarts[era] if era < len(restarts) else len(self._epochs)

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
        setting = self._epochs[start].setting
        endpoint = setting.endpoint
        if setting.hints or setting.failures or setting.used_up or endpoint.guardrails.longest:
            return False
        rhythm = setting.rhythm
        if rhythm is None or endpoint.bounds.ends_at is not None or before.last < setting.begun:
            return False
        slot = rhythm.after(before.last)
        if slot != link.first or slot - before.last < setting.shortest:
            return False
        if slot <= self._epochs[start].at:
            return False  # it came during the run before, and had to be recorded
        source = link.claim.run.decision.source
        expected = (
            Source.BASELINE_INTERVAL if isinstance(rhythm, EvenSlots) else Source.BASELINE_CRON
        )
        link.claim.as_planned = True
        return source is expected

    # Where a link had to be

    def _judge_place(self, befores: Sequence[Link | None], link: Link) -> None:
        passed = self._passed_during_run(befores[0], link)
        if passed is not None and passed < link.first:
            self._find(Fault.LOST, link, f"the slot {stamp(passed)} passed during the run before")
            return
        expected: list[Next] = []
        for before in befores:
            planned = [
                each
                for start in self._starts(before)
                for stop in self._stops(link)
                for each in self._plans(before, start, stop, link)
            ]
            exact = not self._source_is_free(before, link)
            if self._matches(planned, link, exact=exact):
                if link.claim is not None:
                    link.claim.as_planned = exact
                return
            others = [
                *self._passed(before, link),
                *self._passed_over(before, link),
                *self._behind_skip(before),
                *self._behind_expired(before, link),
            ]
            if self._matches(others, link, exact=False):
                return
            expected += [*planned, *others]
        self._report(link, expected)

    def _passed_during_run(self, before: Link | None, link: Link) -> datetime | None:
        """
        Return the first slot that came while the run before was under way: it has to be recorded.

        While slots are caught up that waits for the last of them; and it waits while the run
        before may still be repeated.
        """
        if before is None or before.last_claim is None or before.last_claim.end_epoch is None:
            return None
        if before.caught_up or link.caught_up or before.era != link.era:
            return None
        last_claim = before.last_claim
        over = link.claim is not None or self._last_recurring > last_claim.epochs
        if not over or last_claim.undone or last_claim.end_epoch is None:
            return None
        epoch = self._epochs[last_claim.end_epoch]
        if link.record is not None and link.at < epoch.at:
            skips = [each for each in self._epochs_at(link.at) if each.cause is Cause.SKIP]
            if not skips:
                return None
            epoch = skips[0]
        found = _passed_after(epoch.setting, max(before.last, epoch.setting.begun))
        return None if found is None or found.slot > epoch.at else found.slot

    def _matches(self, expected: Sequence[Next], link: Link, *, exact: bool) -> bool:
        places = [each for each in expected if _is_at(each, link.first)]
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

    def _source_is_free(self, before: Link | None, link: Link) -> bool:
        """
        A repeat and a slot caught up name themselves; a late claim may run another slot.

        Of that slot the source stays that of the plan it came from, or says how it came to lie
        where it does (a freedom: the decision that planned the run is the one it carries).
        """
        if link.claim is None or link.caught_up or link.claim.earlier:
            return True
        return _behind_record(before, link) or link.weighed(Rule.MISFIRE, Rule.MOVED_ON)

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

    # Which slots could have been planned

    def _plans(
        self, before: Link | None, start: int, stop: int, link: Link | None = None
    ) -> list[Next]:
        """
        Go through the commits since the slot before, and plan as SEMANTICS §1 says.

        A plan whose slot has come stands as long as what planned it; else each commit plans anew.
        Where the reading leaves two answers both are kept.
        """
        start = max(start, self._from)
        last_slot = None if before is None else before.last
        plans: list[Next] = []
        for number in range(start, stop):
            epoch = self._epochs[number]
            if number == start and _made_behind(before, epoch):
                epoch = replace(epoch, at=before.at, cause=Cause.WRITE)
            if epoch.cause is Cause.AFRESH and number > start:
                plans = self._closed(before, plans, epoch, link)
                if last_slot is not None and _forgets(epoch):
                    last_slot = min(last_slot, epoch.at)
            if epoch.unplanned:
                if epoch.cause is Cause.OTHER_END:
                    plans = [plan for plan in plans if plan.slot <= epoch.at]
                continue
            held = self._epochs[max(number - 1, 0)].setting
            plans = list(dict.fromkeys(_planned(plans, epoch, last_slot, held)))
        if link is None or stop <= start:
            return plans
        epoch = self._epochs[stop - 1]
        others = [other for plan in plans for other in _at_claim(plan, epoch, last_slot, link.at)]
        return [*plans, *others] if self._is_closed(link, stop) else others

    def _is_closed(self, link: Link, stop: int) -> bool:
        """Say whether an edit or a restore told of what had come, of an ended hint's slot too."""
        if link.record is None or stop >= len(self._epochs):
            return False
        epoch = self._epochs[stop]
        return epoch.cause is Cause.AFRESH and epoch.at == link.at

    def _closed(
        self, before: Link | None, plans: list[Next], epoch: Epoch, link: Link | None
    ) -> list[Next]:
        """An edit or a restore closes what had come, with a record; a living hint's plan stands."""
        come = [
            plan
            for plan in plans
            if plan.hint is None and plan.slot <= epoch.at and plan.slot != epoch.leased
        ]
        told_later = link is None or link.at > epoch.at
        if come and len(come) == len(plans) and told_later and not _is_long(before):
            slot = min(plan.slot for plan in come)
            self._accounts.findings.append(
                Finding(
                    fault=Fault.LOST,
                    endpoint_id=self._endpoint_id,
                    slot=slot,
                    sentence=f"the slot {slot} had come before the rhythm began anew at "
                    f"{epoch.at}, and has no run and no record",
                )
            )
        return [plan for plan in plans if plan not in come]

    def _passed(self, before: Link | None, link: Link) -> Iterator[Next]:
        """
        Slots that came while a run was under way, or before a late claim, as if each was passed.

        Failures do not stretch them where a late claim tells of them: each is then taken as run.
        """
        if link.record is None and not self._source_is_free(before, link):
            return
        plainly = _counted_plainly(before, link) or link.at in self._moved_at
        plainly = plainly or link.weighed(Rule.MOVED_ON)
        for setting in self._settings(before, link):
            # Behind a restart nothing before it counts, nor what was passed over ahead of it.
            last_slot = setting.begun
            if before is not None and not any(self._forgetting[before.era : link.era]):
                last_slot = max(before.last, last_slot)
            for each in {setting, with_failures(setting, 0)}:
                if (passed := _passed_after(each, last_slot)) is not None:
                    yield passed
            if plainly and setting.rhythm is not None:
                slot = setting.rhythm.after(last_slot)
                if slot is not None:
                    yield Next(slot=slot, source=Source.CLAMPED_MAX)

    def _passed_over(self, before: Link | None, link: Link) -> Iterator[Next]:
        """A person passes the next slot over; while a run is under way, the first behind now."""
        if link.record is None:
            return
        last_slot = None if before is None else before.last
        for epoch in self._epochs_at(link.at):
            if epoch.cause is not Cause.SKIP:
                continue
            for setting in {epoch.setting, with_failures(epoch.setting, 0)}:
                for last_end in {epoch.last_end, last_slot}:
                    past = Past(
                        last_slot=last_slot, last_end=last_end, after=epoch.at, now=epoch.at
                    )
                    if (found := next_slot(setting, past)) is not None:
                        yield found

    def _behind_skip(self, before: Link | None) -> Iterator[Next]:
        """What follows a slot that was passed over by hand after it had come."""
        if before is None or before.record is None:
            return
        for epoch in self._epochs_at(before.at):
            if epoch.cause is Cause.SKIP:
                last = before.last
                past = Past(last_slot=last, last_end=epoch.last_end, after=last, now=before.at)
                if (found := next_slot(epoch.setting, past)) is not None:
                    yield found

    def _behind_expired(self, before: Link | None, link: Link) -> Iterator[Next]:
        """
        A one-shot or trigger stood before the recurring slots until it expired, unrun.

        What is then planned lies behind its slot; when a claim met that left no trace.
        """
        last_slot = None if before is None else before.last
        for waiting in self._unserved:
            ended_at = waiting.proposal.expires_at
            if ended_at > link.at or (before is not None and ended_at < before.at):
                continue
            epoch = self._epochs[max(bisect_right(self._instants, link.at) - 1, 0)]
            after = waiting.proposal.at - MILLISECOND
            for now in (ended_at, link.at):
                past = Past(last_slot=last_slot, last_end=epoch.last_end, after=after, now=now)
                if (found := next_slot(epoch.setting, past)) is not None:
                    yield replace(found, latest=link.at) if found.due_now else found

    def _settings(self, before: Link | None, link: Link) -> list[Setting]:
        """Return every setting under which the slots between two links may have passed."""
        start = self._start(before)
        if link.caught_up or (before is not None and before.caught_up):
            start = 0  # it was noted at some earlier claim
        elif before is not None and before.claim is not None:
            start = before.planned_behind - 1
        elif before is not None:
            start = bisect_left(self._instants, min(before.at, link.at)) - 1
        start = max(start, 0)
        found: list[Setting] = []
        for number in range(start, len(self._epochs)):
            epoch = self._epochs[number]
            if number > start and epoch.at > link.at:
                break
            for setting in (epoch.before, epoch.setting):
                if setting is not None and setting not in found:
                    found.append(setting)
        return found

    def _epochs_at(self, at: datetime) -> Sequence[Epoch]:
        first, behind = bisect_left(self._instants, at), bisect_right(self._instants, at)
        return self._epochs[first:behind]

    def _start(self, before: Link | None) -> int:
        """Return the epoch from which on what follows ``before`` was planned."""
        if before is None:
            return 0
        if before.last_claim is not None:
            end = before.last_claim.end_epoch
            return before.last_claim.epochs if end is None else end
        if (place := self._skip_behind(before)) is not None:
            return place
        place = bisect_left(self._instants, before.at)
        if place < len(self._instants) and self._instants[place] == before.at:
            return place
        return max(place - 1, 0)

    def _skip_behind(self, link: Link) -> int | None:
        """Return the epoch in which a person passed over a slot that had not come."""
        if link.first <= link.at:
            return None
        for place in range(bisect_left(self._instants, link.at), len(self._epochs)):
            epoch = self._epochs[place]
            if epoch.at == link.at and epoch.cause is Cause.SKIP:
                return place
        return None

    def _starts(self, before: Link | None) -> Iterator[int]:
        """A record's place among commits of the same instant is not known: try each."""
        start = self._start(before)
        yield start
        if before is None or before.record is None or self._skip_behind(before) is not None:
            return
        first = bisect_left(self._instants, before.at)
        for place in range(max(first - 1, 0), bisect_right(self._instants, before.at)):
            if place != start:
                yield place

    def _stops(self, link: Link) -> Iterator[int]:
        """Return how many epochs there may have been before a link was accounted for."""
        if link.claim is not None:
            yield link.claim.epochs
            return
        first, behind = bisect_left(self._instants, link.at), bisect_right(self._instants, link.at)
        for place in range(first, behind):
            if self._epochs[place].cause is not Cause.WRITE:
                yield place
        yield behind

    # Within a record

    def _judge_span(self, before: Link | None, link: Link) -> None:
        for setting in self._settings(before, link):
            for each in {setting, with_failures(setting, 0)}:
                # A plan's own slot may stand before the hundred.
                if any(_adds_up(each, link, exact) for exact in (EXACT_MOST, EXACT_MOST + 1)):
                    return
            if _counts_plainly(setting, link) or _lies_between(setting, link):
                return
        self._find(
            Fault.UNEXPLAINED, link, f"{link.count} slots do not add up to those until {link.last}"
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


def _planned(
    plans: Sequence[Next], epoch: Epoch, last_slot: datetime | None, held: Setting
) -> Iterator[Next]:
    """
    What stands after a commit: plans whose slot has come, or what is planned anew.

    Where there are two plans, one of them is real: each is followed by itself. ``held`` is what
    held until then.
    """
    if not plans:
        yield from _planned_behind(_behind_now(epoch), epoch, last_slot)
    for plan in plans:
        if plan.slot > epoch.at:
            yield from _planned_behind(_behind_now(epoch), epoch, last_slot)
        elif _stands(plan, epoch.setting, epoch.at):
            yield plan
            if epoch.cause is Cause.OTHER_END:
                yield from _planned_behind(_behind_now(epoch), epoch, last_slot)
        else:
            if epoch.cause is Cause.OTHER_END:
                yield from _planned_behind(_behind_now(epoch), epoch, last_slot)
            yield from _postponed(plan, replace(epoch, setting=held), last_slot, epoch.at)
            yield from _planned_behind(plan.slot - MICROSECOND, epoch, last_slot)


def _behind_now(epoch: Epoch) -> datetime:
    """A slot that passed while a run of another kind was under way is run."""
    if epoch.cause is Cause.OTHER_END and epoch.claim is not None:
        return epoch.claim.run.slot
    return epoch.at


def _planned_behind(after: datetime, epoch: Epoch, last_slot: datetime | None) -> Iterator[Next]:
    past = Past(last_slot=last_slot, last_end=epoch.last_end, after=after, now=epoch.at)
    if (found := next_slot(epoch.setting, past)) is not None:
        yield found


def _stands(plan: Next, setting: Setting, now: datetime) -> bool:
    if setting.used_up:
        return False
    return plan.hint is None or (plan.hint in setting.hints and plan.hint.expires_at > now)


def _at_claim(plan: Next, epoch: Epoch, last_slot: datetime | None, at: datetime) -> Iterator[Next]:
    """A claim whose plan's hint has expired replans instead, from just before its slot."""
    if plan.hint is None or plan.hint.expires_at > at:
        yield plan
        return
    after = plan.slot - MICROSECOND
    past = Past(last_slot=last_slot, last_end=epoch.last_end, after=after, now=at)
    found = next_slot(epoch.setting, past)
    if found is not None:
        yield found
    yield from _postponed(plan, epoch, last_slot, at)


def _postponed(
    plan: Next, epoch: Epoch, last_slot: datetime | None, until: datetime
) -> Iterator[Next]:
    """
    A claim that met an expired hint planned anew, and left no trace of when it did.

    Only a slot that is due now depends on it: it lies between the hint's end and what is known.
    """
    if plan.hint is None or plan.hint.expires_at > until:
        return
    now = max(plan.hint.expires_at, plan.slot)
    past = Past(
        last_slot=last_slot, last_end=epoch.last_end, after=plan.slot - MICROSECOND, now=now
    )
    known = tuple(hint for hint in epoch.setting.hints if hint.created_at <= now)
    found = next_slot(replace(epoch.setting, hints=known), past)
    if found is not None:
        yield replace(found, latest=until) if found.due_now else found
        yield from _postponed(found, epoch, last_slot, until)


def _passed_after(setting: Setting, slot: datetime) -> Next | None:
    return next_slot(setting, Past(last_slot=slot, last_end=slot, after=slot, now=slot))


def _adds_up(setting: Setting, link: Link, exact: int) -> bool:
    slot, count = link.first, 1
    while count < min(link.count, exact):
        following = _passed_after(setting, slot)
        if following is None:
            return False
        slot, count = following.slot, count + 1
    if count == link.count:
        return slot == link.last
    rhythm = setting.rhythm
    if rhythm is None or not rhythm.holds(link.last):
        return False
    return count + rhythm.count(slot + MICROSECOND, link.last) == link.count


def _counts_plainly(setting: Setting, link: Link) -> bool:
    rhythm = setting.rhythm
    if rhythm is None or not rhythm.holds(link.last):
        return False
    first = rhythm.after(link.first)
    return first is not None and 1 + rhythm.count(first, link.last) == link.count


def _lies_between(setting: Setting, link: Link) -> bool:
    """
    Count the slots that a late start made a plan move on from, and behind them those that passed.

    The former are the schedule's own, the latter keep the shortest: the record tells of both.
    """
    rhythm = setting.rhythm
    if rhythm is None or not rhythm.holds(link.last):
        return False
    first = rhythm.after(link.first)
    most = 1 if first is None or first > link.last else 1 + rhythm.count(first, link.last)
    slot, least = link.first, 1
    while least <= EXACT_MOST and slot < link.last:
        following = _passed_after(setting, slot)
        if following is None:
            return False
        slot, least = following.slot, least + 1
    return least <= link.count <= most


def _is_at(expected: Next, slot: datetime) -> bool:
    if not expected.due_now:
        return slot == expected.slot
    latest = expected.slot if expected.latest is None else expected.latest
    return expected.slot - MILLISECOND < slot <= latest + MOVES_MOST


def _forgets(epoch: Epoch) -> bool:
    """
    A restart forgets a slot passed over ahead of its time, unless the slots stay where they are.
    """
    if epoch.before is None:
        return False
    old, new = epoch.before.endpoint, epoch.setting.endpoint
    restored = old == new
    return restored or (old.schedule, old.anchor) != (new.schedule, new.anchor)


def _made_behind(before: Link | None, epoch: Epoch) -> TypeGuard[Link]:
    """A late claim that ran nothing left a record, and planned from there."""
    return before is not None and before.record is not None and before.at >= epoch.at


def _behind_record(before: Link | None, link: Link) -> bool:
    """What had come by the time a record was made is what the record left to be run."""
    return before is not None and before.record is not None and link.first <= before.at


def _counted_plainly(before: Link | None, link: Link) -> bool:
    return _is_long(before) or link.caught_up or link.record is not None


def _is_long(link: Link | None) -> bool:
    return link is not None and link.count > EXACT_MOST
