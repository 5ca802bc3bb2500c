"""
The slots within one record follow one another, and are as many as it says (SEMANTICS §3).
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tools.checker.chain import Link
from tools.checker.next_slot import MICROSECOND, MOVES_MOST, Past, next_slot, passed_after
from tools.checker.standing import Setting, with_failures

EXACT_MOST = 100
"""
Slots within one record are stepped through so far. Behind a hundred of an uneven rhythm the rest
may be counted by the schedule alone: a freedom that SEMANTICS §3 leaves, since hints, failures and
guardrails of slots that nobody ran are hypothetical.
"""


def add_up(link: Link, settings: Sequence[Setting], commits: Sequence[datetime]) -> bool:
    """
    Say whether the slots of a record add up under one of the settings that may have held.

    ``commits`` are those between its making and the latest time it was prolonged.
    """
    if link.until > link.at:
        return _adds_up_bit_by_bit(link, settings, commits)
    for setting in settings:
        for each in {setting, with_failures(setting, 0)}:
            # A plan's own slot may stand before the hundred.
            if any(_adds_up(each, link, exact) for exact in (EXACT_MOST, EXACT_MOST + 1)):
                return True
        if _counts_plainly(setting, link) or _lies_between(setting, link):
            return True
        if _adds_up_behind_moved(setting, link):
            return True
    return False


def is_long(link: Link | None) -> bool:
    """Say whether a record tells of more slots than are stepped through."""
    return link is not None and link.count > EXACT_MOST


def _adds_up(setting: Setting, link: Link, exact: int) -> bool:
    slot, count = link.first, 1
    while count < min(link.count, exact):
        following = passed_after(setting, slot)
        if following is None:
            return False
        slot, count = following.slot, count + 1
    if count == link.count:
        # A slot that is due now may have been taken, and moved on by a millisecond.
        return slot == link.last or (bool(setting.hints) and slot < link.last <= slot + MOVES_MOST)
    rhythm = setting.rhythm
    if rhythm is None or not rhythm.holds(link.last):
        return False
    return count + rhythm.count(slot + MICROSECOND, link.last) == link.count


def _adds_up_bit_by_bit(
    link: Link, settings: Sequence[Setting], commits: Sequence[datetime]
) -> bool:
    """
    The same for a record that was prolonged: each of its slots passed by itself, at its own time.

    So each may have followed the one before under another setting, and what was written between
    them has planned from then on. Where a hint or the longest had a say, a slot may have been due
    at the very instant of a claim, which no record tells: there, nothing can be counted.
    """
    if any(each.hints or each.endpoint.guardrails.longest for each in settings):
        return True
    reached = {link.first}
    for _ in range(min(link.count, EXACT_MOST) - 1):
        followed = [passed_after(each, slot) for each in settings for slot in reached]
        followed += [
            next_slot(each, Past(last_slot=slot, last_end=slot, after=at, now=at))
            for each in settings
            for slot in reached
            for at in commits
            if slot < at
        ]
        reached = {each.slot for each in followed if each is not None and each.slot <= link.last}
    return link.last in reached if link.count <= EXACT_MOST else bool(reached)


def _counts_plainly(setting: Setting, link: Link) -> bool:
    rhythm = setting.rhythm
    if rhythm is None or not rhythm.holds(link.last):
        return False
    first = rhythm.after(link.first)
    return first is not None and 1 + rhythm.count(first, link.last) == link.count


def _adds_up_behind_moved(setting: Setting, link: Link) -> bool:
    """The same, slot by slot, where a hint that was written since has a say behind the former."""
    moved: datetime | None = link.first
    for left in range(link.count, max(link.count - 2 * EXACT_MOST, 0), -1):
        if moved is None or moved > link.last or setting.rhythm is None:
            return False
        behind = replace(link, first=moved, count=left)
        if any(_adds_up(setting, behind, exact) for exact in (EXACT_MOST, EXACT_MOST + 1)):
            return True
        moved = setting.rhythm.after(moved)
    return False


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
        following = passed_after(setting, slot)
        if following is None:
            return False
        slot, least = following.slot, least + 1
    return least <= link.count <= most
