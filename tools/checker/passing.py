"""
Slots that passed without a run of their own (SEMANTICS §1 `after`, §3).

They passed while a run was under way, before a late claim, or because a person passed one over.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

from cronicorn_domain.model.decision import Rule, Source

from tools.checker.chain import Link
from tools.checker.eras import Eras
from tools.checker.next_slot import MICROSECOND, Next, Past, next_slot, passed_after
from tools.checker.spans import is_long
from tools.checker.standing import Cause, Fate, Proposal, Waiting, with_failures
from tools.checker.timeline import Timeline
from tools.checker.walking import Walked

MILLISECOND = timedelta(milliseconds=1)


class Passing:
    """Reads, for the place between two links, which slots may have passed there."""

    def __init__(self, walked: Walked, timeline: Timeline, eras: Eras) -> None:
        self._timeline = timeline
        self._eras = eras
        self._unserved = list(walked.waiting.values())
        self._cleared_at = {
            each: walked.ended_at[each]
            for each, fate in walked.gone.items()
            if fate is Fate.CLEARED
        }
        self._unrun = [
            *((each.proposal, each.proposal.expires_at) for each in self._unserved),
            *_cleared(walked),
        ]
        starts = (claim.run.started_at for claim in walked.claims)
        self._starts = sorted(each for each in starts if each is not None)
        self._moved_at = {
            claim.at
            for claim in walked.claims
            if any(line.rule is Rule.MOVED_ON for line in claim.run.decision.trail)
        }
        recurring = [each for each in walked.claims if each.recurs]
        self._last_recurring = max((each.epochs for each in recurring), default=0)
        self._last_recurring_at = max((each.at for each in recurring), default=None)

    def during_run(self, before: Link | None, link: Link) -> datetime | None:
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
        epoch = self._timeline.epochs[last_claim.end_epoch]
        if link.record is not None and link.at < epoch.at:
            skips = [each for each in self._timeline.at(link.at) if each.cause is Cause.SKIP]
            if not skips:
                return None
            epoch = skips[0]
        # What is written as the run ends has its say in what is planned then. What is cleared as it
        # ends may have had one in what passed, or counts as never written: a repeat waited.
        held = [hint for hint in epoch.setting.hints if hint.created_at < epoch.at]
        left = [hint for hint in held if self._cleared_at.get(hint.id) != epoch.at]
        slots: list[datetime] = []
        for hints in (held, left):
            setting = replace(epoch.setting, hints=tuple(hints))
            found = passed_after(setting, max(before.last, setting.begun), last_slot=before.last)
            if found is None or found.slot > epoch.at:
                return None
            slots.append(found.slot)
        return max(slots)

    def unrun(self, before: Link | None, link: Link) -> Iterator[Next]:
        """Return where else than at a plan's slot a link may lie."""
        if link.record is not None or source_is_free(before, link):
            yield from self._passed(before, link)
        if link.record is not None:
            yield from self._passed_over(before, link)
            yield from self._behind_noted(before, link)
        yield from self._moved_on(before, link)
        yield from self._behind_skip(before)
        yield from self._behind_unrun(before, link)

    def _passed(self, before: Link | None, link: Link) -> Iterator[Next]:
        """
        Slots that came while a run was under way, or before a late claim, as if each was passed.

        Failures do not stretch them where a late claim tells of them: each is then taken as run.
        """
        plainly = _counted_plainly(before, link) or link.at in self._moved_at
        plainly = plainly or link.weighed(Rule.MOVED_ON)
        for setting in self._timeline.settings(before, link):
            # Behind a restart nothing before it counts.
            told = None if before is None else self._eras.remembered_until(before, link)
            begun = setting.begun if told is None else max(told, setting.begun)
            for each in {setting, with_failures(setting, 0)}:
                if (passed := passed_after(each, begun, last_slot=told)) is not None:
                    yield passed
            if plainly and setting.rhythm is not None:
                slot = setting.rhythm.after(begun)
                if slot is not None:
                    yield Next(slot=slot, source=Source.CLAMPED_MAX)

    def _moved_on(self, before: Link | None, link: Link) -> Iterator[Next]:
        """
        A start that was put off moved a plan on to the newest slot by then (SEMANTICS §1, step 4).

        The record before tells what it moved on from. It did so under the guardrails of then.
        """
        if before is None or before.record is None or before.at != link.at or not self._starts:
            return
        started = self._starts[max(bisect_left(self._starts, link.at) - 1, 0)]
        for setting in self._timeline.settings(None, link):
            if setting.rhythm is not None:
                slot = setting.rhythm.until(started + setting.shortest * 9 / 10)
                if slot is not None:
                    yield Next(slot=slot, source=Source.CLAMPED_MAX)

    def _behind_noted(self, before: Link | None, link: Link) -> Iterator[Next]:
        """
        What passed while slots were caught up is recorded before the rest of those noted is run.

        So at the end of a history a record may lie behind slots that are still to be caught up.
        """
        if before is None or not before.caught_up or self._last_recurring_at is None:
            return
        if link.at < self._last_recurring_at:
            return
        setting, last = self._timeline.latest(link.at).setting, before.last
        for _ in range(setting.endpoint.misfire.catch_up_limit):
            if (passed := passed_after(setting, last)) is None:
                return
            yield passed
            last = passed.slot

    def _passed_over(self, before: Link | None, link: Link) -> Iterator[Next]:
        """
        A person passes the next slot over; while a run is under way, the first behind now.

        Behind a run of another kind, under way or to be repeated, it is the first behind its slot.
        """
        last_slot = None if before is None else before.last
        for epoch in self._timeline.at(link.at):
            if epoch.cause is not Cause.SKIP:
                continue
            for setting in {epoch.setting, with_failures(epoch.setting, 0)}:
                ends = {epoch.last_end, last_slot}
                for last_end, after in product(ends, self._timeline.behind_which(epoch)):
                    past = Past(last_slot=last_slot, last_end=last_end, after=after, now=epoch.at)
                    if (found := next_slot(setting, past)) is not None:
                        yield found

    def _behind_skip(self, before: Link | None) -> Iterator[Next]:
        """What follows a slot that was passed over by hand after it had come."""
        if before is None or before.record is None:
            return
        for epoch in self._timeline.at(before.at):
            if epoch.cause is Cause.SKIP:
                last = before.last
                past = Past(last_slot=last, last_end=epoch.last_end, after=last, now=before.at)
                if (found := next_slot(epoch.setting, past)) is not None:
                    yield found

    def named_anew(
        self, before: Link | None, link: Link, planned: Sequence[Next]
    ) -> Sequence[Next]:
        """
        Return a planned slot as a claim may have named it that met an expired one-shot or trigger.

        It plans anew, as of the end of what expired or from then on, and leaves no trace: the same
        slot may be the schedule's own, or moved to keep the shortest. No other slot comes of it.
        """
        if not any(each.slot == link.first for each in planned):
            return ()
        since = link.first if before is None else before.until
        proposals = [waiting.proposal for waiting in self._unserved]
        expired = [
            it for it in proposals if it.at < link.first and since <= it.expires_at < link.first
        ]
        if not expired:
            return ()
        epoch = self._timeline.latest(link.at)
        now = link.first - MICROSECOND
        last_slot = None if before is None else before.last
        found = [
            next_slot(
                epoch.setting,
                Past(last_slot=last_slot, last_end=epoch.last_end, after=after, now=now),
            )
            for after in (now, *(it.at - MILLISECOND for it in expired))
        ]
        return [each for each in found if each is not None and each.slot == link.first]

    def _behind_unrun(self, before: Link | None, link: Link) -> Iterator[Next]:
        """
        A one-shot or trigger stood before the recurring slots until it expired or was cleared.

        What is then planned lies behind its instant, as of which it is; when a claim met one that
        had expired left no trace.
        """
        last_slot = None if before is None else before.last
        for proposal, ended_at in self._unrun:
            if ended_at > link.at or (before is not None and ended_at < before.until):
                continue
            epoch = self._timeline.latest(link.at)
            after = proposal.at - MILLISECOND
            for now in (min(proposal.at, ended_at), ended_at, link.at):
                past = Past(last_slot=last_slot, last_end=epoch.last_end, after=after, now=now)
                if (found := next_slot(epoch.setting, past)) is not None:
                    yield replace(found, latest=link.at) if found.due_now else found


def _cleared(walked: Walked) -> Iterator[tuple[Proposal, datetime]]:
    """Return the one-shots that were cleared before they were served, each with when."""
    for each, fate in walked.gone.items():
        waiting = walked.offered.get(each)
        if fate is Fate.CLEARED and isinstance(waiting, Waiting):
            yield waiting.proposal, walked.ended_at[each]


def source_is_free(before: Link | None, link: Link) -> bool:
    """
    Say whether a run may name another source than its slot's.

    A repeat and a slot caught up name themselves. A late claim may run another slot than its
    plan's: its source stays that of the plan, or says how the slot came to lie where it does (a
    freedom: the decision that planned the run is the one it carries). What a breaker put off was
    planned anew then, which leaves no trace but that it waited.
    """
    if link.claim is None or link.caught_up or link.claim.earlier:
        return True
    return _behind_record(before, link) or link.weighed(
        Rule.MISFIRE, Rule.MOVED_ON, Rule.NOT_BEFORE
    )


def _behind_record(before: Link | None, link: Link) -> bool:
    """What had come by the time a record was made is what the record left to be run."""
    return before is not None and before.record is not None and link.first <= before.until


def _counted_plainly(before: Link | None, link: Link) -> bool:
    return is_long(before) or link.caught_up or link.record is not None
