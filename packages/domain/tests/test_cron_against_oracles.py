"""
Cron schedules against three independent judges, around clock changes in many zones and years.

- `daemon_starts`: the main loop of Debian's cron, minute by minute. It speaks for the default.
- `slots_by_watching`: watches a clock tick by tick and writes down what it shows. It speaks for
  every policy, and for seconds.
- CronSim, a library, where it is known to be right.

None of them shares code with the schedules, the reading of expressions included.
"""

from calendar import monthrange
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import accumulate, pairwise

import pytest
from cronicorn_domain.errors import InvalidSchedule
from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.zones import zone, zone_names
from cronsim import CronSim
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

NAMES = {"SUN": "0", "SAT": "6", "JAN": "1", "OCT": "10", "DEC": "12"}
BOUNDS = [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]

# Zones whose changes are unlike: at midnight, half an hour, two hours, a whole day, a month long.
NOTABLE_ZONES = [
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Asuncion",
    "America/Havana",
    "America/Inuvik",
    "America/New_York",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Casey",
    "Antarctica/Troll",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Kwajalein",
]


class PlainCron:
    """An expression read in the plainest way, to be asked whether a reading of the clock fits."""

    def __init__(self, text: str) -> None:
        fields = text.split()
        self.texts = fields if len(fields) == 6 else ["0", *fields]
        self.sets = [
            plain_set(field, *bounds) for field, bounds in zip(self.texts, BOUNDS, strict=True)
        ]
        self.starred = [field[0] in "*?" for field in self.texts]
        self.is_rhythm = self.starred[1] or self.starred[2]
        self.fits_day = cache(self._fits_day)

    def fits(self, wall: datetime) -> bool:
        """Whether the expression fires at this reading."""
        seconds, minutes, hours, *_ = self.sets
        return (
            wall.minute in minutes
            and wall.hour in hours
            and wall.second in seconds
            and self.fits_day(wall.date())
        )

    def _fits_day(self, day: date) -> bool:
        by_date = day.day in self.sets[3] or described(self.texts[3], day)
        weekday = day.isoweekday()
        by_weekday = bool({weekday, weekday % 7} & self.sets[5]) or described(self.texts[5], day)
        either, both = by_date or by_weekday, by_date and by_weekday
        return day.month in self.sets[4] and (
            both if self.starred[3] or self.starred[5] else either
        )


def plain_set(field: str, lowest: int, highest: int) -> set[int]:
    """Read the numbers of a field, leaving aside the days it describes."""
    found: set[int] = set()
    for item in field.upper().split(","):
        if item.endswith(("L", "W")) or "#" in item:
            continue
        values, _, step = item.partition("/")
        first, _, last = values.partition("-")
        first, last = NAMES.get(first, first), NAMES.get(last, last)
        if values in {"*", "?"}:
            start, stop = lowest, highest
        else:
            start = int(first)
            stop = int(last) if last else highest if step else start
        found.update(range(start, stop + 1, int(step or 1)))
    return found


def described(field: str, day: date) -> bool:
    """Whether a day is one that an item such as ``L``, ``15W`` or ``5#2`` describes."""
    length = monthrange(day.year, day.month)[1]
    workdays = [n for n in range(1, length + 1) if day.replace(day=n).weekday() < 5]
    same_weekday = [n for n in range(1, length + 1) if (n - day.day) % 7 == 0]
    for item in field.upper().split(","):
        if item == "L":
            hit = day.day == length
        elif item == "LW":
            hit = day.day == workdays[-1]
        elif item.endswith("W"):
            wanted = int(item[:-1])
            nearest = min(workdays, key=lambda n: abs(n - wanted))
            hit = wanted <= length and day.day == nearest
        elif item.endswith("L"):
            hit = day.isoweekday() % 7 == int(item[:-1]) % 7 and day.day == same_weekday[-1]
        elif "#" in item:
            weekday, nth = map(int, item.split("#"))
            nth_of_them = same_weekday[nth - 1 : nth] == [day.day]
            hit = day.isoweekday() % 7 == weekday % 7 and nth_of_them
        else:
            hit = False
        if hit:
            return True
    return False


@lru_cache(maxsize=200)
def readings(name: str, start: datetime, end: datetime, tick: timedelta) -> list[datetime]:
    """Read the clock of a zone at every tick from ``start`` to ``end``, both included."""
    clock = zone(name)
    ticks = (end - start) // tick
    return [(start + n * tick).astimezone(clock).replace(tzinfo=None) for n in range(ticks + 1)]


def daemon_starts(
    text: str, name: str, start: datetime, end: datetime, *, patience: timedelta
) -> list[datetime]:
    """
    Simulate what Debian's cron starts in (start, end].

    It keeps a virtual time, one minute ahead at a time. A wall clock ahead of it by up to
    ``patience`` was set ahead: rhythms run by the wall clock, and the fixed times between are
    made up for at once. One behind it by less was set back: only rhythms run, until the virtual
    time is reached again. Beyond that the clock was mended, and the virtual time is as well.
    """
    job = PlainCron(text)
    starts = []
    virtual, *walls = readings(name, start, end, MINUTE)
    for number, wall in enumerate(walls, start=1):
        ahead = wall - virtual
        passed = [virtual + n * MINUTE for n in range(1, ahead // MINUTE + 1)]
        if ahead == MINUTE or job.is_rhythm or not -patience < ahead <= patience:
            fires = job.fits(wall)
        else:
            fires = any(map(job.fits, passed))
        if fires:
            starts.append(start + number * MINUTE)
        if not -patience < ahead <= timedelta(0):
            virtual = wall
    return starts


def slots_by_watching(
    schedule: CronSchedule, start: datetime, end: datetime, *, tick: timedelta, margin: timedelta
) -> list[datetime]:
    """
    Find the slots in (start, end] by writing down when the clock shows what, tick by tick.

    The clock is watched for a margin on both sides, so that a repeat is seen as a whole.
    """
    job = PlainCron(schedule.expression.text)
    gap = schedule.gap or (GapPolicy.SKIP if job.is_rhythm else GapPolicy.AFTER)
    repeat = schedule.repeat or (RepeatPolicy.BOTH if job.is_rhythm else RepeatPolicy.FIRST)
    walls = readings(schedule.timezone, start - margin, end + margin, tick)
    shown = defaultdict(list)
    for number, wall in enumerate(walls):
        shown[wall].append(start - margin + number * tick)
    slots = set()
    for wall, instants in shown.items():
        if job.fits(wall):
            passes = {
                RepeatPolicy.FIRST: instants[:1],
                RepeatPolicy.SECOND: instants[-1:],
                RepeatPolicy.BOTH: instants,
            }
            slots.update(passes[repeat])
    for number, (before, after) in enumerate(pairwise(walls), start=1):
        left_out = (before + n * tick for n in range(1, (after - before) // tick))
        if gap is GapPolicy.AFTER and any(map(job.fits, left_out)):
            slots.add(start - margin + number * tick)
    return sorted(slot for slot in slots if start < slot <= end)


def slots_of(schedule: CronSchedule, start: datetime, end: datetime) -> list[datetime]:
    """Ask a schedule for slot after slot in (start, end]."""
    slots, at = [], start
    while (slot := schedule.next_after(at)) is not None and slot <= end:
        slots.append(slot)
        at = slot
    return slots


def a_schedule(text: str, name: str) -> CronSchedule:
    """Build a schedule with the default policies."""
    return CronSchedule(expression=CronExpression.parse(text), timezone=name)


@cache
def days_of_change(name: str, year: int) -> list[datetime]:
    """Find the days of a year, if any, in which a zone's offset changes."""
    days = [datetime(year, 1, 1, tzinfo=UTC) + n * DAY for n in range(366)]
    offsets = [day.astimezone(zone(name)).utcoffset() for day in days]
    return [days[n] for n in range(365) if offsets[n] != offsets[n + 1]]


# Since 1973 every offset has been of whole minutes, which the daemon's loop needs.
windows = st.tuples(
    st.sampled_from(NOTABLE_ZONES) | st.sampled_from(sorted(zone_names())),
    st.integers(1973, 2045),
    st.integers(0, 10),
)


def window_of(name: str, year: int, pick: int) -> tuple[datetime, datetime]:
    """Give the two days around one of a year's changes, or around New Year when it has none."""
    changes = days_of_change(name, year) or [datetime(year, 1, 1, tzinfo=UTC)]
    start = changes[pick % len(changes)] - 12 * HOUR
    return start, start + 2 * DAY


def field_of(*texts: str) -> st.SearchStrategy[str]:
    """Draw one of these texts, or now and then two of them as a list."""
    one = st.sampled_from(texts)
    plain = st.sampled_from([text for text in texts if text != "?"])
    return one | one | st.builds("{},{}".format, plain, plain)


second_fields = field_of("*", "*/20", "0", "15", "30-59/29")
minute_fields = field_of("*", "*/15", "*/7", "0", "30", "15,45", "59", "10-50/20", "0-29", "44/3")
hour_fields = field_of("*", "*/2", "0", "1", "2", "3", "23", "0-3", "1,2", "22-23", "9", "12/6")
date_fields = field_of(
    "*", "*/2", "?", "1", "15", "22-31", "1-14/2", "L", "LW", "15W", "1W", "31W", "30"
)
month_fields = field_of("*", "*", "*", "*/3", "3,4,9-11", "JAN", "OCT-DEC")
weekday_fields = field_of(
    "*", "*", "?", "0", "SUN", "1-5", "7", "*/2", "SAT", "5L", "0L", "7#1", "0#5", "5#2"
)


def expressions(*fields: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Draw an expression, field by field."""
    return st.tuples(*fields).map(" ".join)


day_parts = (date_fields, month_fields, weekday_fields)
five_fields = expressions(minute_fields, hour_fields, *day_parts)
six_fields = expressions(second_fields, minute_fields, hour_fields, *day_parts)


def instants(first_year: int, last_year: int) -> st.SearchStrategy[datetime]:
    """Draw an instant between two New Years."""
    bounds = (datetime(year, 1, 1) for year in (first_year, last_year))  # noqa: DTZ001 - as asked
    return st.datetimes(*bounds, timezones=st.just(UTC))


gaps = st.none() | st.sampled_from(GapPolicy)
repeats = st.none() | st.sampled_from(RepeatPolicy)


@st.composite
def schedules(draw: st.DrawFn, texts: st.SearchStrategy[str], names: list[str]) -> CronSchedule:
    """Draw a schedule whose expression does fire."""
    try:
        expression = CronExpression.parse(draw(texts))
    except InvalidSchedule:
        assume(False)
    return CronSchedule(
        expression=expression,
        timezone=draw(st.sampled_from(names)),
        gap=draw(gaps),
        repeat=draw(repeats),
    )


@settings(max_examples=250, deadline=None)
@example(text="* 1 8 3 0", window=("America/Havana", 2026, 0))
@example(text="15,30,45 2 * * *", window=("America/New_York", 2026, 0))
@example(text="*/10 1 * * *", window=("Australia/Lord_Howe", 2026, 0))
@example(text="30 1-3 * * *", window=("Antarctica/Troll", 2026, 1))
@given(text=five_fields, window=windows)
def test_a_schedule_fires_as_the_daemon_does(text: str, window: tuple[str, int, int]) -> None:
    """By default a schedule starts when Debian's cron would, through every kind of change."""
    name, year, pick = window
    start, end = window_of(name, year, pick)
    # Changes of a day are the rule's own affair: the daemon takes them for a mended clock.
    expected = daemon_starts(text, name, start, end, patience=timedelta(days=2))

    assert slots_of(a_schedule(text, name), start, end) == expected


@pytest.mark.parametrize("text", ["30 2 * * *", "0 */6 * * *", "15 0,12 30,31 * *", "* 3 * * 6"])
@pytest.mark.parametrize("name", ["America/New_York", "Antarctica/Troll", "America/Havana"])
def test_three_hours_of_patience_are_enough_for_summer_time(text: str, name: str) -> None:
    """The daemon's real patience, three hours, makes no difference to summer time."""
    for year in range(2020, 2028):
        for day in days_of_change(name, year):
            expected = daemon_starts(text, name, day - DAY, day + DAY, patience=3 * HOUR)

            assert slots_of(a_schedule(text, name), day - DAY, day + DAY) == expected


def test_the_daemon_takes_a_lost_day_for_a_mended_clock() -> None:
    """The one known difference: what the daemon would leave undone is made up for once here."""
    start, end = datetime(2011, 12, 29, tzinfo=UTC), datetime(2012, 1, 1, tzinfo=UTC)
    after_the_gap = datetime(2011, 12, 30, 10, tzinfo=UTC)

    daemon = daemon_starts("0 9 * * *", "Pacific/Apia", start, end, patience=3 * HOUR)
    ours = slots_of(a_schedule("0 9 * * *", "Pacific/Apia"), start, end)

    assert after_the_gap not in daemon
    assert ours == sorted([*daemon, after_the_gap])


@settings(max_examples=150, deadline=None)
@given(
    schedule=schedules(five_fields, NOTABLE_ZONES),
    year=st.integers(1973, 2045),
    pick=st.integers(0, 9),
)
def test_every_policy_fires_as_a_watched_clock(
    schedule: CronSchedule, year: int, pick: int
) -> None:
    """Each pair of policies gives exactly the slots that watching the clock gives."""
    start, end = window_of(schedule.timezone, year, pick)
    expected = slots_by_watching(schedule, start, end, tick=MINUTE, margin=DAY)

    assert slots_of(schedule, start, end) == expected


# A change of each kind, old offsets with seconds in them among them.
SECOND_WINDOWS = {
    "Europe/Berlin": datetime(2026, 3, 29, 1, tzinfo=UTC),
    "America/New_York": datetime(2026, 11, 1, 6, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 4, 15, tzinfo=UTC),
    "Africa/Monrovia": datetime(1972, 1, 7, 0, 44, 30, tzinfo=UTC),
    "Europe/Dublin": datetime(1916, 10, 1, 2, 25, 21, tzinfo=UTC),
    "Asia/Kolkata": datetime(1905, 12, 31, 18, 38, 50, tzinfo=UTC),
}


@settings(max_examples=60, deadline=None)
@given(
    schedule=schedules(
        expressions(
            second_fields,
            minute_fields,
            field_of("*", "*/2", "0,1", "1-3", "2", "0"),
            st.just("*"),
            st.just("*"),
            st.just("*"),
        ),
        sorted(SECOND_WINDOWS),
    )
)
def test_six_fields_fire_as_a_watched_clock(schedule: CronSchedule) -> None:
    """Seconds keep to the same rules, and so do offsets that have seconds themselves."""
    change = SECOND_WINDOWS[schedule.timezone]
    start, end = change - HOUR // 2, change + 5 * HOUR // 4
    expected = slots_by_watching(
        schedule, start, end, tick=timedelta(seconds=1), margin=3 * HOUR // 4
    )

    assert slots_of(schedule, start, end) == expected


@settings(max_examples=250, deadline=None)
@given(
    schedule=schedules(five_fields | six_fields, sorted(zone_names())),
    start=instants(1880, 2120),
    around_change=st.booleans(),
)
def test_the_three_questions_agree(
    schedule: CronSchedule, start: datetime, around_change: bool
) -> None:
    """
    Next, latest and count tell the same story of slots, from wherever it is begun.

    Trap T09: whatever instant one asks from, the answer lies on the one grid.
    """
    changes = days_of_change(schedule.timezone, start.year)
    if around_change and changes:
        start = changes[0] + (start - start.replace(hour=0, minute=0)) / 2
    moment = timedelta(microseconds=1)
    before, slots = schedule.latest_until(start), []
    at: datetime | None = start
    for _ in range(25):
        at = schedule.next_after(at) if at is not None else None
        slots += [at] if at is not None else []

    assert before is None or schedule.next_after(before - moment) == before
    assert schedule.latest_until(slots[0] - moment) == before
    for number, (slot, following) in enumerate(pairwise(slots), start=1):
        between = slot + (following - slot) / 2
        assert slot < following
        assert schedule.latest_until(slot) == schedule.latest_until(between) == slot
        assert schedule.latest_until(following - moment) == slot
        assert schedule.next_after(between) == schedule.next_after(following - moment) == following
        assert schedule.count_between(start, slot) == number
        assert schedule.count_between(slot, following - moment) == 0
        assert schedule.count_between(between, following) == 1


@settings(max_examples=60, deadline=None)
@given(
    schedule=schedules(five_fields | six_fields, NOTABLE_ZONES),
    cuts=st.lists(
        instants(1960, 2060),
        min_size=3,
        max_size=6,
    ),
)
def test_counts_add_up(schedule: CronSchedule, cuts: list[datetime]) -> None:
    """A span of decades has as many slots as its parts together."""
    cuts.sort()
    parts = [schedule.count_between(since, until) for since, until in pairwise(cuts)]

    assert schedule.count_between(cuts[0], cuts[-1]) == sum(parts)


# CronSim knows neither 15W nor ?, nor names before L and #; it loses slots where a gap is at
# midnight or lasts half an hour, and without a UTC clock six fields have rules of its own.
cronsim_dates = field_of("*", "*/2", "1", "15", "28-31", "1-14/2", "L", "LW", "30")
cronsim_weekdays = field_of("*", "*", "0", "SUN", "1-5", "7", "*/2", "SAT", "5L", "7#1", "0#5")
cronsim_days = (cronsim_dates, month_fields, cronsim_weekdays)


@settings(max_examples=150, deadline=None)
@given(
    text=expressions(minute_fields, hour_fields, *cronsim_days),
    name=st.sampled_from(["America/New_York", "Europe/London", "UTC"]),
    start=instants(1973, 2045),
)
def test_five_fields_agree_with_cronsim(text: str, name: str, start: datetime) -> None:
    """Where CronSim is right it gives the same slots."""
    start = start.replace(microsecond=0)
    others = CronSim(text, start.astimezone(zone(name)))
    expected = [next(others).astimezone(UTC) for _ in range(15)]

    assert slots_of(a_schedule(text, name), start, expected[-1]) == expected


@settings(max_examples=60, deadline=None)
@given(
    text=expressions(second_fields, minute_fields, hour_fields, *cronsim_days),
    start=instants(1900, 2100),
)
def test_six_fields_agree_with_cronsim(text: str, start: datetime) -> None:
    """Six fields give the same slots as CronSim, where no clock is ever set."""
    start = start.replace(microsecond=0)
    others = CronSim(text, start)
    expected = [next(others) for _ in range(15)]

    assert slots_of(a_schedule(text, "UTC"), start, expected[-1]) == expected


@settings(max_examples=100, deadline=None)
@given(
    schedule=schedules(five_fields | six_fields, NOTABLE_ZONES),
    first=instants(1973, 2045),
    steps=st.lists(
        st.integers(-200, 200).map(lambda minutes: minutes * MINUTE)
        | st.integers(-90, 90).map(lambda seconds: timedelta(seconds=seconds)),
        max_size=12,
    ),
)
def test_what_was_asked_before_changes_no_answer(
    schedule: CronSchedule, first: datetime, steps: list[timedelta]
) -> None:
    """A schedule that has answered many questions answers the next as a new one does."""
    change = next(iter(days_of_change(schedule.timezone, first.year)), first)
    offsets = list(accumulate(steps, initial=timedelta()))
    asked = [start + offset for start in (first, change) for offset in offsets]

    assert [schedule.next_after(each) for each in asked] == [
        replace(schedule).next_after(each) for each in asked
    ]
