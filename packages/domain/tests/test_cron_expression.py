"""What can be written as a cron expression, what it means, and what is refused."""

from datetime import date, timedelta

import pytest
from cronicorn_domain.errors import InvalidSchedule
from cronicorn_domain.schedules.cron_expression import DAY, NICKNAMES, CronExpression


def midnight(year: int, month: int, day: int) -> int:
    """Give the wall second with which a day begins."""
    return date(year, month, day).toordinal() * DAY


def readings(text: str, *, year: int, count: int) -> list[str]:
    """Give the first readings of a year at which an expression fires."""
    expression, found = CronExpression.parse(text), []
    at = midnight(year, 1, 1)
    for _ in range(count):
        fires = expression.first_from(at)
        assert fires is not None
        day, time = divmod(fires, DAY)
        hour, minute, second = time // 3600, time // 60 % 60, time % 60
        found.append(f"{date.fromordinal(day)} {hour:02}:{minute:02}:{second:02}")
        at = fires + 1
    return found


def days_in(text: str, *, year: int, month: int) -> list[int]:
    """Give the days of a month on which an expression fires."""
    expression = CronExpression.parse(text)
    first = date(year, month, 1)
    days = (first + timedelta(days=n) for n in range(31))
    return [day.day for day in days if day.month == month and day.toordinal() in expression.days]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 12 * * *", ["2026-01-01 12:00:00", "2026-01-02 12:00:00"]),
        ("*/25 * * * *", ["2026-01-01 00:00:00", "2026-01-01 00:25:00", "2026-01-01 00:50:00"]),
        ("50/5 23 * * *", ["2026-01-01 23:50:00", "2026-01-01 23:55:00", "2026-01-02 23:50:00"]),
        ("10-30/10 5 * * *", ["2026-01-01 05:10:00", "2026-01-01 05:20:00", "2026-01-01 05:30:00"]),
        ("5,3,3-4 0 * * *", ["2026-01-01 00:03:00", "2026-01-01 00:04:00", "2026-01-01 00:05:00"]),
        ("0 0 1 feb *", ["2026-02-01 00:00:00", "2027-02-01 00:00:00"]),
        ("0 0 1 Nov-DEC *", ["2026-11-01 00:00:00", "2026-12-01 00:00:00"]),
        ("0 0 1 JAN-JUL/3 *", ["2026-01-01 00:00:00", "2026-04-01 00:00:00"]),
        ("00 007 01 01 *", ["2026-01-01 07:00:00", "2027-01-01 07:00:00"]),
        ("*/30 0 0 * * *", ["2026-01-01 00:00:00", "2026-01-01 00:00:30", "2026-01-02 00:00:00"]),
        ("7 5 * * * *", ["2026-01-01 00:05:07", "2026-01-01 01:05:07"]),
        ("@hourly", ["2026-01-01 00:00:00", "2026-01-01 01:00:00"]),
        ("@Daily", ["2026-01-01 00:00:00", "2026-01-02 00:00:00"]),
        ("@midnight", ["2026-01-01 00:00:00", "2026-01-02 00:00:00"]),
        ("@weekly", ["2026-01-04 00:00:00", "2026-01-11 00:00:00"]),
        ("@monthly", ["2026-01-01 00:00:00", "2026-02-01 00:00:00"]),
        ("@yearly", ["2026-01-01 00:00:00", "2027-01-01 00:00:00"]),
        ("@annually", ["2026-01-01 00:00:00", "2027-01-01 00:00:00"]),
        ("0 0 29 2 *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 29 2 */7", ["2032-02-29 00:00:00", "2060-02-29 00:00:00"]),
        ("0 0 * 2 0#5", ["2032-02-29 00:00:00", "2060-02-29 00:00:00"]),
    ],
)
def test_an_expression_fires_at(text: str, expected: list[str]) -> None:
    """The notations of five and of six fields, and the nicknames."""
    assert readings(text, year=2026, count=len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "year", "month", "expected"),
    [
        # Sunday is 0, 7 and SUN, also as the end of a range.
        ("0 0 * * 0", 2026, 3, [1, 8, 15, 22, 29]),
        ("0 0 * * 7", 2026, 3, [1, 8, 15, 22, 29]),
        ("0 0 * * sun", 2026, 3, [1, 8, 15, 22, 29]),
        ("0 0 1-9 * SAT-SUN", 2026, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 15, 21, 22, 28]),
        ("0 0 * * fri-sun", 2026, 2, [1, 6, 7, 8, 13, 14, 15, 20, 21, 22, 27, 28]),
        ("0 0 * * 6-7", 2026, 2, [1, 7, 8, 14, 15, 21, 22, 28]),
        ("0 0 * * SUN-MON", 2026, 2, [1, 2, 8, 9, 15, 16, 22, 23]),
        ("0 0 * * SUN-SUN", 2026, 2, [1, 8, 15, 22]),
        ("0 0 * * 5/2", 2026, 2, [1, 6, 8, 13, 15, 20, 22, 27]),
        # Either day field suffices, unless one of them starts with a star.
        ("0 0 13 * 5", 2026, 3, [6, 13, 20, 27]),
        ("0 0 15 * 5", 2026, 3, [6, 13, 15, 20, 27]),
        ("0 0 */10 * 3", 2026, 3, [11]),
        ("0 0 1,11 * */3", 2026, 3, [1, 11]),
        ("0 0 *,5 * 1", 2026, 3, [2, 9, 16, 23, 30]),
        ("0 0 1-31 * 1", 2026, 2, list(range(1, 29))),
        ("0 0 ? * MON", 2026, 3, [2, 9, 16, 23, 30]),
        ("0 0 15 * ?", 2026, 3, [15]),
        ("0 0 ? * ?", 2026, 2, list(range(1, 29))),
        # Described days.
        ("0 0 L * *", 2026, 2, [28]),
        ("0 0 l * *", 2028, 2, [29]),
        ("0 0 1,L * *", 2026, 4, [1, 30]),
        ("0 0 L * 1", 2026, 4, [6, 13, 20, 27, 30]),
        ("0 0 LW * *", 2026, 1, [30]),
        ("0 0 LW * *", 2026, 5, [29]),
        ("0 0 LW * *", 2026, 3, [31]),
        ("0 0 15W * *", 2026, 8, [14]),
        ("0 0 15W * *", 2026, 11, [16]),
        ("0 0 15W * *", 2026, 7, [15]),
        ("0 0 1W * *", 2026, 8, [3]),
        ("0 0 1W * *", 2026, 11, [2]),
        ("0 0 31W * *", 2026, 5, [29]),
        ("0 0 31W * *", 2026, 4, []),
        ("0 0 30w * *", 2026, 8, [31]),
        ("0 0 * * 5L", 2026, 7, [31]),
        ("0 0 * * 7L", 2026, 7, [26]),
        ("0 0 * * FriL", 2026, 2, [27]),
        ("0 0 * * 5#2", 2026, 5, [8]),
        ("0 0 * * fri#2", 2026, 5, [8]),
        ("0 0 * * 7#1", 2026, 3, [1]),
        ("0 0 * * 0#5", 2026, 3, [29]),
        ("0 0 * * 0#5", 2026, 4, []),
        ("0 0 * * 1#1,3L", 2026, 4, [6, 29]),
        ("0 0 1 * 1#1", 2026, 4, [1, 6]),
    ],
)
def test_the_days_of_an_expression(text: str, year: int, month: int, expected: list[int]) -> None:
    """The day rules of Debian's cron, and the days that are described."""
    assert days_in(text, year=year, month=month) == expected


@pytest.mark.parametrize(
    ("text", "field", "found"),
    [
        ("60 * * * *", "minute", "60"),
        ("-1 * * * *", "minute", "-1"),
        ("* 24 * * *", "hour", "24"),
        ("* * 0 * *", "day-of-month", "0"),
        ("* * 32 * *", "day-of-month", "32"),
        ("* * * 0 *", "month", "0"),
        ("* * * 13 *", "month", "13"),
        ("* * * * 8", "day-of-week", "8"),
        ("60 * * * * *", "second", "60"),
        ("MON * * * *", "minute", "MON"),
        ("* * * MON *", "month", "MON"),
        ("* * * * JAN", "day-of-week", "JAN"),
        ("* * * * MOON", "day-of-week", "MOON"),
        ("* * * * monday", "day-of-week", "MONDAY"),
        ("5-1 * * * *", "minute", "5-1"),
        ("* * * * 5-1", "day-of-week", "5-1"),
        ("* * * * 5-0", "day-of-week", "5-0"),
        ("* * * DEC-JAN *", "month", "DEC-JAN"),
        ("1- * * * *", "minute", "1-"),
        ("1--5 * * * *", "minute", "1--5"),
        ("1-2-3 * * * *", "minute", "1-2-3"),
        ("1-70 * * * *", "minute", "1-70"),
        ("*-5 * * * *", "minute", "*-5"),
        ("*/0 * * * *", "minute", "*/0"),
        ("*/ * * * *", "minute", "*/"),
        ("/5 * * * *", "minute", "/5"),
        ("*/-5 * * * *", "minute", "*/-5"),
        ("*/5/2 * * * *", "minute", "*/5/2"),
        ("*/90 * * * *", "minute", "*/90"),
        ("*/999999999999999999 * * * *", "minute", "*/999"),
        ("* */25 * * *", "hour", "*/25"),
        ("** * * * *", "minute", "**"),
        ("*5 * * * *", "minute", "*5"),
        ("5* * * * *", "minute", "5*"),
        (", * * * *", "minute", "nothing"),
        ("1, * * * *", "minute", "nothing"),
        ("1,,2 * * * *", "minute", "nothing"),
        ("1.5 * * * *", "minute", "1.5"),
        ("+5 * * * *", "minute", "+5"),
        ("1e1 * * * *", "minute", "1E1"),
        ("0x5 * * * *", "minute", "0X5"),
        ("1_0 * * * *", "minute", "1_0"),
        ("٣ * * * *", "minute", "٣"),
        ("² * * * *", "minute", "²"),
        ("H * * * *", "minute", "H"),
        ("? * * * *", "minute", "?"),
        ("L * * * *", "minute", "L"),
        ("* ? * * *", "hour", "?"),
        ("* * ?/2 * *", "day-of-month", "?/2"),
        ("* * ?,5 * *", "day-of-month", "?"),
        ("* * L-3 * *", "day-of-month", "L-3"),
        ("* * 5L * *", "day-of-month", "5L"),
        ("* * 0W * *", "day-of-month", "0W"),
        ("* * 32W * *", "day-of-month", "32W"),
        ("* * W * *", "day-of-month", "W"),
        ("* * 1-5W * *", "day-of-month", "1-5W"),
        ("* * 5#2 * *", "day-of-month", "5#2"),
        ("* * * L *", "month", "L"),
        ("* * * * L", "day-of-week", "L"),
        ("* * * * LW", "day-of-week", "LW"),
        ("* * * * 8L", "day-of-week", "8L"),
        ("* * * * 1-5L", "day-of-week", "1-5L"),
        ("* * * * 5#0", "day-of-week", "5#0"),
        ("* * * * 5#6", "day-of-week", "5#6"),
        ("* * * * 8#1", "day-of-week", "8#1"),
        ("* * * * #2", "day-of-week", "#2"),
        ("* * * * 5#", "day-of-week", "5#"),
        ("* * * * 15W", "day-of-week", "15W"),
        ("a\0b * * * *", "minute", "A\\x00B"),
        ("\ud800 * * * *", "minute", "\\ud800"),
        ("9" * 900 + " * * * *", "minute", "999"),
    ],
)
def test_a_bad_field_is_named(text: str, field: str, found: str) -> None:
    """The refusal names the field at fault, what was found there and what was expected."""
    with pytest.raises(InvalidSchedule) as refusal:
        CronExpression.parse(text)

    message = str(refusal.value)
    assert message.startswith(f"{field}: found ")
    assert found in message
    assert "expected" in message
    assert len(message) < 250
    assert refusal.value.field == "cron"
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "found 0 fields"),
        ("   ", "found 0 fields"),
        ("*", "found 1 fields"),
        ("* * * *", "found 4 fields"),
        ("0 0 12 ? * MON 2026", "found 7 fields"),
        ("@reboot", "found '@reboot'; expected @hourly, @daily"),
        ("@every 5m", "found '@every 5m'"),
        ("@", "found '@'"),
        ("@daily 5", "found '@daily 5'"),
        ("* * * * @daily", "day-of-week: found '@DAILY'"),
        ("0," * 600 + "0 * * * *", "has 1209 characters"),
    ],
)
def test_a_bad_shape_is_refused(text: str, found: str) -> None:
    """A wrong number of fields, an unknown nickname and endless text are refused with a remedy."""
    with pytest.raises(InvalidSchedule) as refusal:
        CronExpression.parse(text)

    assert found in str(refusal.value)
    assert len(str(refusal.value)) < 250
    assert refusal.value.field == "cron"
    assert refusal.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "0 0 31 2 *",
        "0 0 30 2 *",
        "* * * 30-31 2 *",
        "0 0 31 4,6 *",
        "0 0 31 2,4,6,9,11 *",
        "0 0 31W 2,4,6,9,11 *",
        "0 0 30W 2 *",
        "0 0 30 2 */2",
        "0 0 31 4 ?",
        # Both day fields have to fit here, and never do.
        "0 0 */30 * 5#2",
        "0 0 */30 * 5#2,3#4",
        "0 0 30 2 *,5#1",
    ],
)
def test_an_expression_that_never_fires_is_refused(text: str) -> None:
    """An expression whose day does not exist in any year is refused."""
    with pytest.raises(InvalidSchedule, match="can never fire") as refusal:
        CronExpression.parse(text)

    assert refusal.value.field == "cron"
    assert refusal.value.remedy


@pytest.mark.parametrize(
    "text",
    ["0 0 30 2 5", "0 0 31 4 0L", "0 0 29 2 *", "0 0 31 2,3 *", "0 0 29W 2 *", "0 0 */31 1 *"],
)
def test_an_expression_that_seldom_fires_is_accepted(text: str) -> None:
    """A day that comes in some years, or by the other day field, is enough."""
    assert CronExpression.parse(text).first_from(midnight(2026, 1, 1)) is not None


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("* * * * *", True),
        ("*/15 2 * * *", True),
        ("30 * * * *", True),
        ("30 */2 * * *", True),
        ("*/20,5 2 * * *", True),
        ("@hourly", True),
        ("0 30 * * * *", True),
        ("@daily", False),
        ("30 2 * * *", False),
        ("0-59 0-23 * * *", False),
        ("5,*/20 2 * * *", False),
        ("* 30 2 * * *", False),
    ],
)
def test_a_star_in_minute_or_hour_means_a_rhythm(text: str, follows: bool) -> None:
    """An expression follows the wall clock when its minute or hour starts with a star."""
    assert CronExpression.parse(text).follows_wall_clock is follows


def test_the_text_is_kept_and_decides_equality() -> None:
    """Spacing is nothing; another notation of the same meaning is another expression."""
    expression = CronExpression.parse(" 0\t0  * *\nMON ")

    assert str(expression) == expression.text == "0 0 * * MON"
    assert expression == CronExpression.parse("0 0 * * MON")
    assert hash(expression) == hash(CronExpression.parse("0 0 * * MON"))
    assert expression != CronExpression.parse("0 0 * * 1")
    assert CronExpression.parse("@daily").text == "@daily"


def test_every_nickname_is_an_expression() -> None:
    """A nickname fires when the fields it stands for do."""
    for nickname, fields in NICKNAMES.items():
        assert CronExpression.parse(nickname).days == CronExpression.parse(fields).days
        assert CronExpression.parse(nickname).times == CronExpression.parse(fields).times


def test_the_longest_sensible_expression_is_read() -> None:
    """Every value written out one by one is still short enough."""
    fields = [
        range(60),
        range(60),
        range(24),
        range(1, 32),
        range(1, 13),
        range(8),
    ]
    text = " ".join(",".join(map(str, values)) for values in fields)

    expression = CronExpression.parse(text)

    assert len(expression.times) == DAY


def test_the_calendar_has_a_beginning_and_an_end() -> None:
    """There is nothing before the year 1 and after the year 9999, and no error either."""
    expression = CronExpression.parse("0 0 29 2 *")

    assert expression.first_from(midnight(9996, 3, 1)) is None
    assert expression.last_before(midnight(4, 2, 29)) is None
    assert expression.last_before(midnight(4, 3, 1)) == midnight(4, 2, 29)


def test_the_last_day_of_a_leap_year_is_a_day() -> None:
    """The 366th day is found from the year behind it, and counted."""
    expression = CronExpression.parse("0 0 31 12 *")
    new_year = midnight(2029, 1, 1)

    assert expression.last_before(new_year) == new_year - DAY
    assert expression.last_before(midnight(2030, 6, 1)) == midnight(2029, 12, 31)
    assert expression.last_before(midnight(2029, 6, 1)) == midnight(2028, 12, 31)
    assert expression.count(midnight(2028, 1, 1), new_year) == 1
    assert expression.count(midnight(2028, 12, 31), midnight(2029, 12, 31)) == 1


def test_a_cycle_of_the_calendar_is_counted() -> None:
    """Four hundred years have 97 leap days, 4800 months and 20871 Sundays."""
    start, end = midnight(1800, 1, 1), midnight(2200, 1, 1)

    assert CronExpression.parse("0 0 29 2 *").count(start, end) == 97
    assert CronExpression.parse("@monthly").count(start, end) == 4800
    assert CronExpression.parse("@weekly").count(start, end) == 20871
    assert CronExpression.parse("* * * * * *").count(start, end) == 146097 * DAY
    assert CronExpression.parse("* * * * * *").count(end, start) == 0
