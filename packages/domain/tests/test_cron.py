"""When cron schedules fire, above all while clocks are being set."""

import copy
import pickle
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from cronicorn_domain.errors import InvalidSchedule
from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.zones import zone


def a_schedule(
    text: str,
    timezone: str = "UTC",
    *,
    gap: GapPolicy | None = None,
    repeat: RepeatPolicy | None = None,
) -> CronSchedule:
    """Build a schedule from the text of its expression."""
    expression = CronExpression.parse(text)
    return CronSchedule(expression=expression, timezone=timezone, gap=gap, repeat=repeat)


def slots_between(schedule: CronSchedule, after: str, until: str) -> list[str]:
    """
    Ask for slot after slot; the bounds and the answers are readings of the schedule's clock.

    The answers carry their offset, so that the passes of a repeat can be told apart.
    """
    clock = zone(schedule.timezone)
    end = datetime.fromisoformat(until).replace(tzinfo=clock).astimezone(UTC)
    at = datetime.fromisoformat(after).replace(tzinfo=clock).astimezone(UTC)
    found = []
    while (slot := schedule.next_after(at)) is not None and slot <= end:
        found.append(slot.astimezone(clock).strftime("%d %H:%M%z"))
        at = slot
    return found


# What the daemon did, and what follows from its rule elsewhere.
@pytest.mark.parametrize(
    ("text", "timezone", "after", "until", "expected"),
    [
        pytest.param(
            "30 2 * * *",
            "America/New_York",
            "2026-03-07T00:00",
            "2026-03-10T00:00",
            ["07 02:30-0500", "08 03:00-0400", "09 02:30-0400"],
            id="a fixed time in the gap runs right after it",
        ),
        pytest.param(
            "15,30,45 2 * * *",
            "America/New_York",
            "2026-03-08T00:00",
            "2026-03-09T00:00",
            ["08 03:00-0400"],
            id="several fixed times in one gap are one run",
        ),
        pytest.param(
            "30 2,3 * * *",
            "America/New_York",
            "2026-03-08T00:00",
            "2026-03-09T00:00",
            ["08 03:00-0400", "08 03:30-0400"],
            id="what the gap did not swallow runs at its own time",
        ),
        pytest.param(
            "0,30 2,3 * * *",
            "America/New_York",
            "2026-03-08T00:00",
            "2026-03-09T00:00",
            ["08 03:00-0400", "08 03:30-0400"],
            id="a slot on the gap's end and one from the gap are one run",
        ),
        pytest.param(
            "*/20 2 * * *",
            "America/New_York",
            "2026-03-08T00:00",
            "2026-03-09T03:00",
            ["09 02:00-0400", "09 02:20-0400", "09 02:40-0400"],
            id="a starred minute has nothing in the gap",
        ),
        pytest.param(
            "30 * * * *",
            "America/New_York",
            "2026-03-08T00:00",
            "2026-03-08T04:00",
            ["08 00:30-0500", "08 01:30-0500", "08 03:30-0400"],
            id="a starred hour has nothing in the gap",
        ),
        pytest.param(
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00",
            "2026-11-02T12:00",
            ["01 01:30-0400", "02 01:30-0500"],
            id="a fixed time runs in the first pass of the repeat",
        ),
        pytest.param(
            "30 * * * *",
            "America/New_York",
            "2026-11-01T00:00",
            "2026-11-01T03:00",
            ["01 00:30-0400", "01 01:30-0400", "01 01:30-0500", "01 02:30-0500"],
            id="a starred hour runs in both passes",
        ),
        pytest.param(
            "*/30 1 * * *",
            "America/New_York",
            "2026-11-01T00:00",
            "2026-11-01T03:00",
            ["01 01:00-0400", "01 01:30-0400", "01 01:00-0500", "01 01:30-0500"],
            id="a starred minute runs in both passes",
        ),
        pytest.param(
            "0 0 8 3 *",
            "America/Havana",
            "2026-03-01T00:00",
            "2026-03-31T00:00",
            ["08 01:00-0400"],
            id="Havana has no midnight, and a midnight slot runs at one",
        ),
        pytest.param(
            "*/20 1 8 3 0",
            "America/Havana",
            "2026-03-07T12:00",
            "2026-03-08T12:00",
            ["08 01:00-0400", "08 01:20-0400", "08 01:40-0400"],
            id="the hour after Havana's midnight gap is whole",
        ),
        pytest.param(
            "0 1 * * 5",
            "Africa/Cairo",
            "2026-04-20T00:00",
            "2026-05-02T00:00",
            ["24 01:00+0300", "01 01:00+0300"],
            id="the hour after Cairo's midnight gap is found",
        ),
        pytest.param(
            "0 0 * * 5",
            "Africa/Cairo",
            "2026-04-20T00:00",
            "2026-05-02T00:00",
            ["24 01:00+0300", "01 00:00+0300"],
            id="Cairo's missing midnight runs right after the gap",
        ),
        pytest.param(
            "*/30 0-1 * * 0",
            "America/Santiago",
            "2026-09-01T00:00",
            "2026-09-07T00:00",
            ["06 01:00-0300", "06 01:30-0300"],
            id="the hour after Santiago's midnight gap is found",
        ),
        pytest.param(
            "@daily",
            "Asia/Beirut",
            "2026-03-28T12:00",
            "2026-03-30T12:00",
            ["29 01:00+0300", "30 00:00+0300"],
            id="Beirut's missing midnight runs right after the gap",
        ),
        pytest.param(
            "15,45 0 * * *",
            "Atlantic/Azores",
            "2026-03-28T12:00",
            "2026-03-30T12:00",
            ["29 01:00+0000", "30 00:15+0000", "30 00:45+0000"],
            id="the gap of the Azores is at midnight as well",
        ),
        pytest.param(
            "0,10,40 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00",
            "2026-10-04T12:00",
            ["04 02:30+1100", "04 02:40+1100"],
            id="a gap of thirty minutes swallows only these",
        ),
        pytest.param(
            "*/15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T12:00",
            "2026-10-04T12:00",
            ["04 02:30+1100", "04 02:45+1100"],
            id="a rhythm has nothing in a gap of thirty minutes",
        ),
        pytest.param(
            "15,45 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T12:00",
            "2026-04-05T12:00",
            ["05 01:15+1100", "05 01:45+1100"],
            id="a repeat of thirty minutes runs a fixed time once",
        ),
        pytest.param(
            "*/15 1 * * *",
            "Australia/Lord_Howe",
            "2026-04-04T12:00",
            "2026-04-05T12:00",
            [
                "05 01:00+1100",
                "05 01:15+1100",
                "05 01:30+1100",
                "05 01:45+1100",
                "05 01:30+1030",
                "05 01:45+1030",
            ],
            id="a repeat of thirty minutes runs a rhythm twice",
        ),
        pytest.param(
            "30 1,2,3 * * *",
            "Antarctica/Troll",
            "2026-03-28T12:00",
            "2026-03-29T12:00",
            ["29 03:00+0200", "29 03:30+0200"],
            id="Troll's gap is two hours long",
        ),
        pytest.param(
            "30 1,2,3 * * *",
            "Antarctica/Troll",
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            ["25 01:30+0200", "25 02:30+0200", "25 03:30+0000"],
            id="Troll's repeat is two hours long",
        ),
        pytest.param(
            "0 9,18 * * *",
            "Pacific/Apia",
            "2011-12-29T00:00",
            "2012-01-01T00:00",
            ["29 09:00-1000", "29 18:00-1000", "31 00:00+1400", "31 09:00+1400", "31 18:00+1400"],
            id="the day that Apia left out is a gap, made up for once",
        ),
        pytest.param(
            "0 */9 * * *",
            "Pacific/Apia",
            "2011-12-29T12:00",
            "2011-12-31T12:00",
            ["29 18:00-1000", "31 00:00+1400", "31 09:00+1400"],
            id="a rhythm goes on after the day that Apia left out",
        ),
        pytest.param(
            "0 12 21 8 *",
            "Pacific/Kwajalein",
            "1993-01-01T00:00",
            "1994-12-31T00:00",
            ["22 00:00+1200", "21 12:00+1200"],
            id="a yearly slot on the day that Kwajalein left out is not lost",
        ),
        pytest.param(
            "0 12 * * *",
            "Pacific/Kwajalein",
            "1969-09-29T13:00",
            "1969-10-01T13:00",
            ["30 12:00+1100", "01 12:00-1200"],
            id="the day that Kwajalein lived twice has each fixed time once",
        ),
        pytest.param(
            "0 12 * * *",
            "Africa/Monrovia",
            "1972-01-06T00:00",
            "1972-01-08T00:00",
            ["06 12:00-004430", "07 12:00+0000"],
            id="an offset of minutes and seconds moves a slot by them",
        ),
        pytest.param(
            "30 0 7 1 *",
            "Africa/Monrovia",
            "1972-01-01T00:00",
            "1972-12-31T00:00",
            ["07 00:44+0000"],
            id="a gap that ends within a minute ends at its second",
        ),
        pytest.param(
            "0,20 30 2 * * *",
            "America/New_York",
            "2026-03-07T12:00",
            "2026-03-09T12:00",
            ["08 03:00-0400", "09 02:30-0400", "09 02:30-0400"],
            id="six fields keep to the rule of the gap",
        ),
        pytest.param(
            "15 30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00",
            "2026-11-02T12:00",
            ["01 01:30-0400", "02 01:30-0500"],
            id="six fields keep to the rule of the repeat",
        ),
        pytest.param(
            "*/30 59 * * * *",
            "America/New_York",
            "2026-11-01T01:30",
            "2026-11-01T02:30",
            ["01 01:59-0400", "01 01:59-0400", "01 01:59-0500", "01 01:59-0500"],
            id="six fields with a starred hour run in both passes",
        ),
    ],
)
def test_by_default_a_schedule_does_as_debians_cron(
    text: str, timezone: str, after: str, until: str, expected: list[str]
) -> None:
    """Fixed times come once, right after a gap or in the first pass; rhythms follow the clock."""
    assert slots_between(a_schedule(text, timezone), after, until) == expected


@pytest.mark.parametrize("text", ["20,40 2 * * *", "*/20 2 8 3 *"])
@pytest.mark.parametrize(
    ("gap", "expected"), [(GapPolicy.AFTER, ["08 03:00-0400"]), (GapPolicy.SKIP, [])]
)
def test_a_chosen_gap_policy_holds_for_every_expression(
    text: str, gap: GapPolicy, expected: list[str]
) -> None:
    """A chosen policy asks no more whether the expression has a star."""
    schedule = a_schedule(text, "America/New_York", gap=gap)

    assert slots_between(schedule, "2026-03-08T00:00", "2026-03-09T00:00") == expected


@pytest.mark.parametrize("text", ["30 1 * * *", "30 */1 1 11 *"])
@pytest.mark.parametrize(
    ("repeat", "expected"),
    [
        (RepeatPolicy.FIRST, ["01 01:30-0400"]),
        (RepeatPolicy.SECOND, ["01 01:30-0500"]),
        (RepeatPolicy.BOTH, ["01 01:30-0400", "01 01:30-0500"]),
    ],
)
def test_a_chosen_repeat_policy_holds_for_every_expression(
    text: str, repeat: RepeatPolicy, expected: list[str]
) -> None:
    """The first pass, the second or both, whether or not the expression has a star."""
    schedule = a_schedule(text, "America/New_York", repeat=repeat)

    assert slots_between(schedule, "2026-11-01T01:00", "2026-11-01T02:00") == expected


def test_the_policies_in_force_can_be_read() -> None:
    """What an open policy comes to depends on the expression; a chosen one is what it is."""
    fixed, rhythm = a_schedule("30 2 * * *"), a_schedule("*/5 * * * *")
    chosen = a_schedule("30 2 * * *", gap=GapPolicy.SKIP, repeat=RepeatPolicy.SECOND)

    assert (fixed.effective_gap, fixed.effective_repeat) == ("after", "first")
    assert (rhythm.effective_gap, rhythm.effective_repeat) == ("skip", "both")
    assert (chosen.effective_gap, chosen.effective_repeat) == ("skip", "second")


def test_a_midnight_job_made_just_before_midnight_runs_once_at_midnight() -> None:
    """Trap T10: nothing fires early, and the midnight that comes is not passed over."""
    schedule = a_schedule("@daily")
    created = datetime(2026, 5, 17, 23, 59, 51, tzinfo=UTC)

    first = schedule.next_after(created)

    assert first == datetime(2026, 5, 18, tzinfo=UTC)
    assert schedule.next_after(first) == datetime(2026, 5, 19, tzinfo=UTC)


def test_a_slot_is_at_a_whole_second_and_the_bounds_are_kept() -> None:
    """Next is strictly after, latest is at or before, and both hold to the microsecond."""
    schedule = a_schedule("* * * * *")
    slot = datetime(2026, 5, 17, 12, 0, tzinfo=UTC)
    moment = timedelta(microseconds=1)

    assert schedule.next_after(slot - moment) == slot
    assert schedule.next_after(slot) == slot + timedelta(minutes=1)
    assert schedule.next_after(slot + moment) == slot + timedelta(minutes=1)
    assert schedule.latest_until(slot - moment) == slot - timedelta(minutes=1)
    assert schedule.latest_until(slot) == slot
    assert schedule.latest_until(slot + moment) == slot
    assert schedule.count_between(slot - moment, slot) == 1
    assert schedule.count_between(slot, slot + timedelta(minutes=1) - moment) == 0
    assert schedule.count_between(slot, slot + timedelta(minutes=1)) == 1
    assert schedule.count_between(slot, slot - timedelta(days=1)) == 0


def test_the_answer_is_utc_whatever_zone_the_question_has() -> None:
    """An aware instant of any zone may be asked about."""
    schedule = a_schedule("0 9 * * *", "Europe/Berlin")
    asked = datetime(2026, 7, 1, 12, 30, tzinfo=zone("Asia/Kolkata"))

    slot = schedule.next_after(asked)

    assert slot == datetime(2026, 7, 2, 7, 0, tzinfo=UTC)
    assert slot.tzinfo is UTC


def test_a_naive_time_is_an_error() -> None:
    """A time without a zone is nobody's instant."""
    with pytest.raises(TypeError):
        a_schedule("* * * * *").next_after(datetime(2026, 1, 1))  # noqa: DTZ001 - naive on purpose


def test_an_unknown_zone_is_refused_when_the_schedule_is_made() -> None:
    """A schedule that exists has a zone that exists."""
    with pytest.raises(InvalidSchedule) as refusal:
        a_schedule("* * * * *", "Europe/Berln")

    assert refusal.value.field == "timezone"


@pytest.mark.parametrize("timezone", ["UTC", "Etc/GMT-14", "America/New_York", "Pacific/Kwajalein"])
@pytest.mark.parametrize("text", ["* * * * * *", "30 2 * * *", "0 0 29 2 */7", "0 0 31 12 *"])
def test_the_ends_of_the_calendar_are_quiet(timezone: str, text: str) -> None:
    """Past the last year there is no next slot, before the first no latest, and never an error."""
    schedule = a_schedule(text, timezone)
    dawn = datetime.min.replace(tzinfo=UTC)
    dusk = datetime.max.replace(tzinfo=UTC)

    first, last = schedule.next_after(dawn), schedule.latest_until(dusk)

    assert schedule.latest_until(dawn) is None
    assert schedule.next_after(dusk) is None
    assert first is not None
    assert last is not None
    assert schedule.latest_until(first - timedelta(seconds=1)) is None
    assert schedule.next_after(last) is None


@pytest.mark.parametrize(
    ("gap", "repeat", "lost"),
    [
        (None, None, 0),
        (GapPolicy.AFTER, RepeatPolicy.BOTH, 0),
        (GapPolicy.SKIP, RepeatPolicy.FIRST, 3600),
        (GapPolicy.AFTER, RepeatPolicy.SECOND, 3600),
    ],
)
def test_the_seconds_of_a_year_are_counted(
    gap: GapPolicy | None, repeat: RepeatPolicy | None, lost: int
) -> None:
    """A year of every second is a year of seconds, less the pass that a policy leaves out."""
    schedule = a_schedule("* * * * * *", "Europe/Berlin", gap=gap, repeat=repeat)
    start = datetime(2026, 1, 1, tzinfo=UTC)

    assert schedule.count_between(start, start + timedelta(days=365)) == 365 * 86_400 - lost


def test_a_slot_of_another_generation_is_found_from_both_sides() -> None:
    """Leap days on a Sunday are forty years apart around 2100, which is no leap year."""
    schedule = a_schedule("0 0 29 2 */7", "America/Caracas")
    before, after = datetime(2088, 2, 29, tzinfo=UTC), datetime(2128, 2, 29, tzinfo=UTC)

    first, second = before + timedelta(hours=4), after + timedelta(hours=4)

    assert schedule.next_after(before) == first
    assert schedule.latest_until(after) == first
    assert schedule.next_after(first) == second
    assert schedule.count_between(before, after) == 1


def test_equal_schedules_are_equal_values() -> None:
    """A schedule is its four settings: it compares, hashes, copies and pickles by them."""
    schedule = a_schedule("0 9 * * MON", "Europe/Berlin", gap=GapPolicy.SKIP)
    other = a_schedule("0 9 * * MON", "Europe/Paris", gap=GapPolicy.SKIP)

    assert schedule == a_schedule("0 9  * * MON", "Europe/Berlin", gap=GapPolicy.SKIP)
    assert schedule != other
    assert hash(schedule) == hash(copy.deepcopy(schedule))
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "Asia/Tokyo"])
def test_every_minute_is_a_minute_apart(timezone: str) -> None:
    """A rhythm of every minute never pauses and never hurries, whatever the wall clock does."""
    schedule = a_schedule("* * * * *", timezone)
    slots = [datetime(2026, 3, 28, 23, 0, tzinfo=UTC)]
    for _ in range(300):
        slot = schedule.next_after(slots[-1])
        assert slot is not None
        slots.append(slot)

    assert {later - earlier for earlier, later in pairwise(slots)} == {timedelta(minutes=1)}
