"""The checker's own reading of cron, which watches a clock."""

from datetime import UTC, datetime, timedelta

import pytest
from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.cron_expression import CronExpression

from tools.checker.cron_slots import CronSlots

SPRING = datetime(2025, 3, 29, 20, tzinfo=UTC)
AUTUMN = datetime(2025, 10, 25, 20, tzinfo=UTC)


def a_schedule(
    text: str, gap: GapPolicy | None = None, repeat: RepeatPolicy | None = None
) -> CronSchedule:
    return CronSchedule(
        expression=CronExpression.parse(text), timezone="Europe/Berlin", gap=gap, repeat=repeat
    )


@pytest.mark.parametrize("start", [SPRING, AUTUMN])
@pytest.mark.parametrize(
    "text", ["30 2 * * *", "*/20 * * * *", "0 0 * * *", "15 2,3 * * SUN#5", "0 9 L * *"]
)
@pytest.mark.parametrize("gap", [None, *GapPolicy])
@pytest.mark.parametrize("repeat", [None, *RepeatPolicy])
def test_two_readings_of_cron_agree_where_clocks_are_set(
    text: str, start: datetime, gap: GapPolicy | None, repeat: RepeatPolicy | None
) -> None:
    """Slot by slot through a night in which the clock is set, and the days behind it."""
    schedule = a_schedule(text, gap, repeat)
    slots, at = CronSlots(schedule), start
    for _ in range(30):
        if at > start + timedelta(days=10):
            break
        following = schedule.next_after(at)
        assert slots.after(at) == following
        assert following is not None
        at = following


def test_slots_can_be_counted_and_looked_back_for() -> None:
    """All questions about the slots tell of the same ones."""
    slots = CronSlots(a_schedule("*/20 * * * *"))
    first = slots.after(SPRING)
    assert first is not None
    last = slots.until(first + timedelta(days=2))
    assert last is not None

    assert slots.holds(first)
    assert not slots.holds(first + timedelta(minutes=1))
    assert slots.count(first, last) == 3 * 48 + 1
