"""
Which recurring slot comes next: SEMANTICS §1, steps 1, 2, 4, 5 and 7, read for one slot.

The reading starts from what was seen to happen: the slot before, the end of its run, the hints and
failures that held. It weighs no one-shots, no repeats and no starts; other rules do.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.hint import Author, IntervalHint
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule

from tools.checker.even_slots import EvenSlots
from tools.checker.rhythm import Rhythm
from tools.checker.standing import Setting, living

MICROSECOND = timedelta(microseconds=1)
MOVES_MOST = timedelta(milliseconds=20)
"""An instant whose slot is taken moves on by milliseconds; so many are in reason."""
DOUBLINGS_MOST = 5
STRETCH_MOST = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """
    What the next slot is counted from.

    Attributes:
        last_slot: The latest recurring slot, run or not; None: there was none.
        last_end: End of the latest recurring run.
        after: The next slot lies behind it.
        now: When it is planned.
    """

    last_slot: datetime | None
    last_end: datetime | None
    after: datetime
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """
    A recurring slot that has to come.

    Attributes:
        source: What its run has to name.
        hint: The interval hint whose plan it is; it stands no longer than that.
        due_now: The slot is the instant of planning, to the millisecond, or a free one behind it.
        latest: Where that instant is not known, the latest it may be; ``slot`` is the earliest.
    """

    slot: datetime
    source: Source
    hint: IntervalHint | None = None
    due_now: bool = False
    latest: datetime | None = None


def next_slot(setting: Setting, past: Past) -> Next | None:
    """Return the recurring slot that follows; None: there is none any more."""
    if setting.used_up:
        return None
    after = max(past.after, setting.begun, past.last_slot or past.after)
    found = _under_hints(setting, replace(past, after=after))
    if found is None:
        return None
    found = _no_later_than_longest(setting, past, _apart(setting, past, found))
    ends_at = setting.endpoint.bounds.ends_at
    return None if ends_at is not None and found.slot > ends_at else found


def passed_after(
    setting: Setting, slot: datetime, *, last_slot: datetime | None = None
) -> Next | None:
    """
    Return the slot that follows one which was passed as if it had been run in no time.

    Between ``slot``, where the rhythm may have begun anew, and the ``last_slot`` there may be none.
    A hint holds from when it was written on; all is planned anew then.
    """
    now = slot
    while True:
        known = tuple(hint for hint in setting.hints if hint.created_at <= now)
        past = Past(last_slot=last_slot or slot, last_end=slot, after=now, now=now)
        found = next_slot(replace(setting, hints=known), past)
        later = [hint.created_at for hint in setting.hints if hint.created_at > now]
        written = min(later, default=None)
        if written is None or (found is not None and found.slot <= written):
            return _on_the_millisecond(found)
        now = written


def _on_the_millisecond(found: Next | None) -> Next | None:
    """A hint is written at any microsecond; slots lie on milliseconds."""
    if found is None or not found.due_now:
        return found
    return replace(found, slot=found.slot - found.slot.microsecond % 1000 * MICROSECOND)


def stretch(every: timedelta, failures: int) -> timedelta:
    """Step 1: after failures the slot before is at least so far away."""
    return min(every * (1 << min(failures, DOUBLINGS_MOST)), every + STRETCH_MOST)


def counted_from(setting: Setting, past: Past) -> datetime:
    """Return the slot that intervals are counted from; creation (or start) if there is none."""
    if past.last_slot is None:
        return setting.origin
    starts_at = setting.endpoint.bounds.starts_at
    return past.last_slot if starts_at is None else max(past.last_slot, starts_at)


# Step 1


def _baseline(setting: Setting, past: Past) -> Next | None:
    endpoint, after = setting.endpoint, past.after
    starts_at = endpoint.bounds.starts_at
    if starts_at is not None and after < starts_at:
        after = starts_at - MICROSECOND
    match endpoint.schedule:
        case OnceSchedule(at=at):
            begun = starts_at is None or at >= starts_at
            open_still = past.last_slot is None or past.last_slot < at
            return Next(slot=at, source=Source.BASELINE_ONCE) if begun and open_still else None
        case CronSchedule():
            assert setting.rhythm is not None
            slot = setting.rhythm.after(after)
            return None if slot is None else Next(slot=slot, source=Source.BASELINE_CRON)
        case IntervalSchedule(every=every):
            return _interval(setting, past, every, after)


def _interval(setting: Setting, past: Past, every: timedelta, after: datetime) -> Next:
    grid, source = _grid(setting, past)
    slot = grid.after(after)
    if setting.failures:
        earliest = counted_from(setting, past) + stretch(every, setting.failures)
        slot = max(slot or earliest, _at_or_after(grid, earliest))
    assert slot is not None
    return Next(slot=slot, source=source)


def _grid(setting: Setting, past: Past) -> tuple[EvenSlots, Source]:
    """An interval below the shortest has no grid: its slots go on from the last one (step 4)."""
    grid = setting.rhythm
    assert isinstance(grid, EvenSlots)
    if grid.step < setting.shortest and past.last_slot is not None:
        return EvenSlots(past.last_slot, setting.shortest), Source.CLAMPED_MIN
    longest = setting.endpoint.guardrails.longest
    schedule = setting.endpoint.schedule
    assert isinstance(schedule, IntervalSchedule)
    clamped = longest is not None and longest < schedule.every
    return grid, Source.CLAMPED_MAX if clamped else Source.BASELINE_INTERVAL


# Step 2


def _under_hints(setting: Setting, past: Past) -> Next | None:
    starts_at = setting.endpoint.bounds.starts_at
    if starts_at is not None and past.now < starts_at:
        first = _baseline(setting, past)
        if first is None or first.slot == starts_at:
            return first  # before the start only the baseline counts (step 7)
        past = replace(past, now=starts_at)
    if setting.rhythm is None or not setting.hints:
        return _baseline(setting, past)
    gone: list[IntervalHint] = []
    for hint in _ranked(setting, past.now):
        if any(hint.expires_at <= each.expires_at for each in gone):
            continue  # it does not hold at the instant at which the other gave way
        held_until = max(
            (each.expires_at for each in gone if each.every > hint.every), default=None
        )
        found = _hinted(setting, past, hint, held_until)
        if _brought_to_shortest(setting, past, found.slot) < hint.expires_at:
            return _no_later_than_baseline(setting, past, found, hint)
        gone.append(hint)
    relaxed = [each.expires_at for each in gone if _relaxes(setting, each, each.expires_at)]
    return _baseline(setting, replace(past, after=max([past.after, *relaxed])))


def _ranked(setting: Setting, now: datetime) -> list[IntervalHint]:
    """A person's first, then the newest."""
    by_person = [each for each in living(setting.hints, now) if each.author is Author.API]
    others = [each for each in living(setting.hints, now) if each.author is not Author.API]
    newest_first = [
        sorted(each, key=lambda hint: (hint.created_at, hint.id), reverse=True)
        for each in (by_person, others)
    ]
    return [*newest_first[0], *newest_first[1]]


def _hinted(setting: Setting, past: Past, hint: IntervalHint, held_until: datetime | None) -> Next:
    slot = _moved_past(counted_from(setting, past), hint.every, past.last_end)
    if held_until is not None:
        slot = max(slot, held_until)
    due_now = slot <= past.now
    source = Source(f"{hint.author}-interval")
    return Next(slot=past.now if due_now else slot, source=source, hint=hint, due_now=due_now)


def _no_later_than_baseline(
    setting: Setting, past: Past, found: Next, hint: IntervalHint
) -> Next | None:
    """One that tightens never lengthens a gap (ADR 0013)."""
    if _relaxes(setting, hint, found.slot):
        return found
    regular = _baseline(setting, past)
    if regular is None:
        return found
    # The shortest comes before the comparison (ADR 0014).
    found, regular = _apart(setting, past, found), _apart(setting, past, regular)
    return regular if regular.slot < found.slot else found


def _relaxes(setting: Setting, hint: IntervalHint, instant: datetime) -> bool:
    """Its interval is longer than the schedule's gap there."""
    rhythm = setting.rhythm
    assert rhythm is not None
    before, behind = rhythm.until(instant), rhythm.after(instant)
    return before is None or behind is None or hint.every > behind - before


# Steps 4 and 5


def _apart(setting: Setting, past: Past, found: Next) -> Next:
    """Step 4: one too close to the last moves to the first slot far enough, if that is near."""
    rhythm, last, shortest = setting.rhythm, past.last_slot, setting.shortest
    if rhythm is None or last is None or found.slot >= last + shortest:
        return found
    moved: datetime | None = last + shortest
    if found.hint is None and not (isinstance(rhythm, EvenSlots) and rhythm.step < shortest):
        moved = _at_or_after(rhythm, last + shortest)
    if moved is None or moved - found.slot > shortest:
        return found
    return replace(found, slot=moved, source=Source.CLAMPED_MIN, due_now=False)


def _brought_to_shortest(setting: Setting, past: Past, slot: datetime) -> datetime:
    return slot if past.last_slot is None else max(slot, past.last_slot + setting.shortest)


def latest_allowed(setting: Setting, past: Past) -> datetime | None:
    """Step 5: ``max_interval`` behind the last slot, in whole lengths until after its end."""
    longest = setting.endpoint.guardrails.longest
    if longest is None or setting.rhythm is None:
        return None
    return _moved_past(counted_from(setting, past), longest, past.last_end)


def _no_later_than_longest(setting: Setting, past: Past, found: Next) -> Next:
    latest = latest_allowed(setting, past)
    if latest is None:
        return found
    due_now = latest <= past.now
    latest = past.now if due_now else latest
    source = Source.CLAMPED_MAX
    if past.last_slot is not None and past.last_slot + setting.shortest > latest:
        latest, source, due_now = past.last_slot + setting.shortest, Source.CLAMPED_MIN, False
    if found.slot <= latest:
        return found
    # It is the guardrail's then, and no longer a hint's.
    return replace(found, slot=latest, source=source, due_now=due_now, hint=None)


def _moved_past(start: datetime, length: timedelta, end: datetime | None) -> datetime:
    times = 1 if end is None or end < start else (end - start) // length + 1
    return start + times * length


def _at_or_after(rhythm: Rhythm, instant: datetime) -> datetime:
    slot = rhythm.after(instant - MICROSECOND)
    return instant if slot is None else slot
