"""
Which recurring slots may have been planned at an instant: SEMANTICS §1, commit by commit.

A plan whose slot has come stands as long as what planned it; else each commit plans anew. Where the
reading leaves two answers both are kept, and each is followed by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeGuard

from cronicorn_domain.model.run import OutcomeClass

from tools.checker.chain import Link
from tools.checker.eras import remembered
from tools.checker.next_slot import MICROSECOND, Next, Past, next_slot
from tools.checker.standing import Cause, Epoch, Setting
from tools.checker.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """
    What may be planned, and what had to be closed on the way there.

    ``closed`` holds slots that had come when the rhythm began anew, each with that instant; they
    have to be told of by a record. One that was due now at the very instant may not have been
    planned: a repeat stood in its place.
    """

    plans: Sequence[Next]
    closed: Sequence[tuple[datetime, datetime]] = ()


def plans_behind(
    timeline: Timeline, before: Link | None, start: int, stop: int, link: Link | None
) -> Planned:
    """
    Go through the commits from ``start`` to ``stop``, and plan what follows ``before``.

    ``link`` is the run or record that met the plan; None: nothing has.
    """
    last_slot = None if before is None else before.last
    for epoch in timeline.epochs[timeline.start(before) + 1 : start + 1]:
        last_slot = _left_by(epoch, last_slot)
    plans: list[Next] = []
    closed: list[tuple[datetime, datetime]] = []
    finished = False
    repeatable: Epoch | None = None
    for number in range(start, stop):
        epoch = timeline.epochs[number]
        repeatable = _repeatable(epoch, repeatable)
        if number == start and _made_behind(before, epoch):
            epoch = replace(epoch, at=before.until, cause=Cause.WRITE)
        if epoch.cause is Cause.AFRESH and number > start:
            come = [plan for plan in plans if _is_closed(plan, epoch)]
            ahead = [plan for plan in come if plan.due_now and plan.slot == epoch.at]
            wholly = len(come) == len(plans) and not ahead
            if come and wholly and not finished and not _catches_up(before):
                closed.append((min(plan.slot for plan in come), epoch.at))
            plans, finished = [plan for plan in plans if plan not in come], False
            last_slot = _left_by(epoch, last_slot)
        if epoch.unplanned:
            if epoch.cause is Cause.OTHER_END:
                plans = [plan for plan in plans if plan.slot <= epoch.at]
            continue
        finished = finished or _finishes(epoch, last_slot)
        held = timeline.epochs[max(number - 1, 0)].setting
        found = [*_after_commit(plans, epoch, last_slot, held)]
        if repeatable is not None and epoch.cause is Cause.WRITE:
            found += _planned_behind(_behind_now(repeatable), epoch, last_slot)
        plans = list(dict.fromkeys(found))
    if link is not None and stop > start:
        epoch = timeline.epochs[stop - 1]
        met = [it for plan in plans for it in _at_claim(plan, epoch, last_slot, link.at)]
        plans = [*plans, *met] if _told_by_closing(link, timeline, stop) else met
    return Planned(plans=plans, closed=closed)


def _left_by(epoch: Epoch, last_slot: datetime | None) -> datetime | None:
    if last_slot is None or epoch.cause is not Cause.AFRESH:
        return last_slot
    return remembered(epoch, last_slot)


def _told_by_closing(link: Link, timeline: Timeline, stop: int) -> bool:
    """Say whether an edit or a restore told of what had come, of an ended hint's slot too."""
    if link.record is None or stop >= len(timeline.epochs):
        return False
    epoch = timeline.epochs[stop]
    return epoch.cause is Cause.AFRESH and epoch.at == link.at


def _made_behind(before: Link | None, epoch: Epoch) -> TypeGuard[Link]:
    """A late claim that ran nothing left a record, and planned from there."""
    return before is not None and before.record is not None and before.until >= epoch.at


def _repeatable(epoch: Epoch, before: Epoch | None) -> Epoch | None:
    """
    Return the failed run of another kind that may be going to be repeated, as of its end.

    A write may drop the repeat; then slots that passed since that run are run.
    """
    if epoch.claim is None:
        return before
    failed = epoch.claim.run.outcome_class is not OutcomeClass.SUCCESS
    return epoch if epoch.cause is Cause.OTHER_END and failed else None


def _catches_up(before: Link | None) -> bool:
    """While slots are caught up the next one noted is the plan, not the next of the schedule."""
    return before is not None and before.caught_up


def _is_closed(plan: Next, epoch: Epoch) -> bool:
    """An edit or a restore closes what had come; a living hint's plan stands."""
    return plan.hint is None and plan.slot <= epoch.at and plan.slot != epoch.leased


def _after_commit(
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
            for met in _postponed(plan, replace(epoch, setting=held), last_slot, epoch.at):
                if met.slot > epoch.at:  # a claim had planned it, and it has not come
                    yield from _planned_behind(_behind_now(epoch), epoch, last_slot)
                else:
                    yield met
            yield from _planned_behind(plan.slot - MICROSECOND, epoch, last_slot)


def _finishes(epoch: Epoch, last_slot: datetime | None) -> bool:
    """Say whether another kind of run has left nothing to plan: its failure puts slots off."""
    return epoch.cause is Cause.OTHER_END and not any(
        _planned_behind(_behind_now(epoch), epoch, last_slot)
    )


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
    if plan.hint is not None and setting.rhythm is None:
        return False  # no interval hint applies to a single instant
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
