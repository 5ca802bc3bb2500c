"""From where on claims look: after what is gone, and before whatever comes back."""

from datetime import UTC, datetime, timedelta

import pytest
from cronicorn_adapter_sql.lower_bound import (
    FLOOR,
    LATE,
    NEAR,
    SLACK,
    SWEEP_AT_LEAST_EVERY,
    SWEEP_EVERY,
    LowerBound,
)
from cronicorn_domain.errors import StoreUnavailable

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MOMENT = timedelta(milliseconds=10)


class Stopwatch:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the reading."""
        return self.seconds


def look(bound: LowerBound, now: datetime, first: datetime | None = None) -> datetime:
    """Look once, and return from where on."""
    with bound.looking(now) as begun:
        begun.first = first
    return begun.since


def look_ahead(bound: LowerBound, first: datetime | None = None) -> datetime:
    """Look for what is due next, and return from where on."""
    with bound.looking_ahead() as begun:
        begun.first = first
    return begun.since


def test_the_first_look_is_from_the_floor() -> None:
    """Whoever has seen nothing yet leaves nothing out."""
    assert look(LowerBound(), NOON) == FLOOR


def test_the_next_look_begins_where_the_last_one_found_something() -> None:
    """A little before the earliest row, as others may commit a little late."""
    bound = LowerBound()
    look(bound, NOON, first=NOON - 5 * SECOND)

    assert look(bound, NOON + MOMENT) == NOON - 5 * SECOND - SLACK


def test_where_nothing_was_found_it_begins_a_little_before_now() -> None:
    """Whatever was due has been taken."""
    bound = LowerBound()
    look(bound, NOON)

    assert look(bound, NOON + MOMENT) == NOON - SLACK


def test_what_is_committed_a_little_late_is_found_soon() -> None:
    """Four times a second a look begins further below; the others walk over next to nothing."""
    bound = LowerBound()
    look(bound, NOON)
    steps = [NOON + number * MOMENT for number in range(1, 100)]

    reaches = [bound.lowest - look(bound, now) for now in steps]

    assert reaches.count(LATE) == 3
    assert set(reaches) == {LATE, 0 * SECOND}


def test_the_next_instant_is_looked_for_a_little_below_once_a_second() -> None:
    """So a row that claims passed over is found, and a busy worker does not walk for it."""
    watch = Stopwatch()
    bound = LowerBound(monotonic=watch)
    look(bound, NOON)

    reaches = []
    for _ in range(20):
        watch.seconds += 0.1
        reaches.append(bound.lowest - look_ahead(bound))

    assert reaches.count(NEAR) == 2
    assert set(reaches) == {NEAR, 0 * SECOND}


def test_a_process_for_which_nothing_is_due_finds_what_came_back() -> None:
    """It makes no claim that could: so its looks for the next instant are from the floor, too."""
    watch = Stopwatch()
    bound = LowerBound(monotonic=watch)
    look(bound, NOON)

    watch.seconds += SWEEP_EVERY.total_seconds()
    swept = look_ahead(bound, first=NOON - 600 * SECOND)

    assert swept == FLOOR
    assert bound.lowest == NOON - 600 * SECOND
    assert look_ahead(bound) > FLOOR


def test_a_process_for_which_nothing_is_due_waits_for_no_long_sweep() -> None:
    """One beside its looks is due by the time that has passed since its last claim."""
    watch = Stopwatch()
    bound = LowerBound(beside=True, monotonic=watch)
    with bound.looking(NOON):
        watch.seconds += 2

    watch.seconds += SWEEP_AT_LEAST_EVERY.total_seconds()

    assert look_ahead(bound) > FLOOR
    assert bound.sweep_is_due(bound.instant())


def test_sweeps_find_what_came_back() -> None:
    """Every few seconds a look is from the floor, and what it finds is where the next begins."""
    bound = LowerBound()
    look(bound, NOON)

    assert look(bound, NOON + SWEEP_EVERY, first=NOON - 60 * SECOND) == FLOOR
    assert bound.lowest == NOON - 60 * SECOND - SLACK


def test_long_sweeps_are_seldom_and_small_ones_stand_in() -> None:
    """A sweep takes a hundredth of the time; in between a few seconds are swept."""
    watch = Stopwatch()
    bound = LowerBound(monotonic=watch)
    with bound.looking(NOON):
        watch.seconds += 0.1

    swept = look(bound, NOON + SWEEP_EVERY)
    after = look(bound, NOON + SWEEP_EVERY + SECOND)

    assert swept == NOON - SLACK - NEAR
    assert after == NOON + SWEEP_EVERY - SLACK - LATE
    assert look(bound, NOON + 9 * SECOND) > FLOOR
    assert look(bound, NOON + 10 * SECOND) == FLOOR


def test_no_look_waits_for_a_long_sweep_that_somebody_makes_beside_it() -> None:
    """It comes as often, lowers the bound where it found something, and is a look's again."""
    watch = Stopwatch()
    bound = LowerBound(beside=True, monotonic=watch)
    with bound.looking(NOON):
        watch.seconds += 2
    later = NOON + SWEEP_AT_LEAST_EVERY

    assert not bound.sweep_is_due(later - SECOND)
    assert look(bound, later) > FLOOR
    assert bound.sweep_is_due(later)
    with bound.sweeping(later) as sweep:
        assert not bound.sweep_is_due(later)
        sweep.first = NOON - 600 * SECOND
    assert FLOOR < look(bound, later + MOMENT) <= NOON - 600 * SECOND
    assert not bound.sweep_is_due(later + 600 * SECOND)
    assert look(bound, later + SWEEP_EVERY) == FLOOR


def test_a_long_sweep_that_failed_comes_again() -> None:
    """No look makes it meanwhile."""
    watch = Stopwatch()
    bound = LowerBound(beside=True, monotonic=watch)
    with bound.looking(NOON):
        watch.seconds += 2
    later = NOON + SWEEP_AT_LEAST_EVERY

    with pytest.raises(StoreUnavailable), bound.sweeping(later):
        raise StoreUnavailable("no answer")

    assert bound.sweep_is_due(later + SWEEP_AT_LEAST_EVERY)
    assert look(bound, later + SWEEP_AT_LEAST_EVERY) > FLOOR


def test_who_cannot_wait_to_know_where_to_begin_begins_near() -> None:
    """What was due in the last seconds is found at once, the rest by a sweep that is due now."""
    bound = LowerBound(beside=True)
    assert bound.is_unknown

    bound.begin_near(NOON)

    assert not bound.is_unknown
    assert look(bound, NOON) == NOON - NEAR
    assert bound.sweep_is_due(NOON)
    with bound.sweeping(NOON) as sweep:
        sweep.first = NOON - 600 * SECOND
    assert look(bound, NOON + MOMENT) == NOON - 600 * SECOND


def test_a_sweep_that_another_makes_is_put_off() -> None:
    """Whoever finds another at it has seen nothing, and no look makes the sweep instead."""
    bound = LowerBound(beside=True)
    bound.begin_near(NOON)

    bound.put_off_sweep(NOON + SWEEP_EVERY)

    assert not bound.sweep_is_due(NOON + SECOND)
    assert look(bound, NOON + SWEEP_EVERY) > FLOOR
    assert bound.sweep_is_due(NOON + SWEEP_EVERY)


def test_a_clock_that_was_turned_back_makes_no_look_long() -> None:
    """Where the sweep from the floor is long, one is made beside the looks at once, trap T26."""
    watch = Stopwatch()
    bound = LowerBound(beside=True, monotonic=watch)
    with bound.looking(NOON):
        watch.seconds += 2
    earlier = NOON - 600 * SECOND

    assert look(bound, earlier) == earlier - NEAR
    assert bound.sweep_is_due(earlier)


def test_the_longest_sweep_comes_in_time() -> None:
    """What came back from far below waits 15 s at most, whatever has to be walked over for it."""
    watch = Stopwatch()
    bound = LowerBound(monotonic=watch)
    with bound.looking(NOON):
        watch.seconds += 20

    assert look(bound, NOON + SWEEP_AT_LEAST_EVERY - SECOND) > FLOOR
    assert look(bound, NOON + SWEEP_AT_LEAST_EVERY) == FLOOR


def test_what_this_process_commits_is_not_missed() -> None:
    """A row below the bound lowers it."""
    bound = LowerBound()
    look(bound, NOON)

    bound.note(NOON - 9 * SECOND)

    assert look(bound, NOON + MOMENT) == NOON - 9 * SECOND


def test_what_is_committed_during_a_look_is_not_missed() -> None:
    """A look that began before the commit, and found something later, does not go past it."""
    bound = LowerBound()
    look(bound, NOON)

    with bound.looking(NOON + SECOND) as begun:
        bound.note(NOON - 9 * SECOND)
        begun.first = NOON + SECOND

    assert bound.lowest <= NOON - 9 * SECOND


def test_a_look_that_failed_moves_nothing() -> None:
    """Who got no answer has seen nothing."""
    bound = LowerBound()
    look(bound, NOON)
    before = bound.lowest

    with pytest.raises(StoreUnavailable), bound.looking(NOON + SECOND):
        raise StoreUnavailable("no answer")

    assert bound.lowest == before


def test_a_clock_that_was_turned_back_begins_anew() -> None:
    """Sweeps planned by the time before would be long in coming, trap T26."""
    bound = LowerBound()
    look(bound, NOON)

    assert look(bound, NOON - 600 * SECOND) == FLOOR
