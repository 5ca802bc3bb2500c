"""What a dashboard shows: windows of local days, sums that agree, and where they go."""

from datetime import UTC, date, datetime, timedelta

import pytest
from cronicorn_domain.errors import InvalidInput, NotFound
from cronicorn_domain.model.durations import step_of
from cronicorn_domain.ports.board import LATENESS_STEPS
from cronicorn_domain.ports.overview import NamedRun, Spread
from cronicorn_domain.testing.builders import EPOCH, HOUR, MINUTE, SECOND
from cronicorn_management.dashboard.events import list_events
from cronicorn_management.dashboard.speed import Percentiles, Speed, speed_of
from cronicorn_management.dashboard.stats import Trend, read_stats, success_rate
from cronicorn_management.dashboard.windows import window_of
from cronicorn_management.usage.reading import read_usage

NOON = EPOCH
ZONE = "Europe/Berlin"


def test_without_ends_it_is_the_last_seven_days() -> None:
    """Whole days of the zone, up to now."""
    window = window_of(None, None, timezone=ZONE, now=NOON)

    assert window.until == NOON
    assert window.since == datetime(2024, 12, 25, 23, tzinfo=UTC)
    assert len(list(window.days())) == 7


def test_a_date_is_a_day_of_the_zone() -> None:
    """From its midnight to its last instant, also where the day has 25 hours; trap T41."""
    day = date(2025, 10, 26)

    window = window_of(day, day, timezone=ZONE, now=NOON)

    assert window.until - window.since == timedelta(hours=25) - timedelta(microseconds=1)
    assert list(window.days()) == [day]


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (date(2025, 1, 2), date(2025, 1, 1), "start"),
        (date(2020, 1, 1), date(2025, 1, 1), "start"),
        (date(1, 1, 1), None, "start"),
        (None, date(9999, 12, 31), "end"),
        (datetime(9999, 12, 31, tzinfo=UTC), None, "start"),
    ],
)
def test_impossible_windows_are_refused(start, end, field) -> None:
    """One that ends before it begins, is too long, or leads out of the calendar."""
    with pytest.raises(InvalidInput) as refusal:
        window_of(start, end, timezone=ZONE, now=NOON)

    assert [each.path for each in refusal.value.issues] == [field]


@pytest.fixture
async def failing(office):
    """An endpoint that fails at 12:01, and again."""
    endpoint = await office.an_endpoint()
    for _ in range(2):
        office.clock.advance_to((await office.next_slot(endpoint)) + MINUTE)
        await office.fail_once()
    return endpoint


async def test_sums_agree_with_one_another(office, failing) -> None:
    """Days, jobs, sources and endpoints add up to the whole."""
    office.clock.advance(HOUR)
    async with office.reading() as work:
        window = window_of(None, None, timezone="UTC", now=work.now)
        stats = await read_stats(work, window)

    assert stats.whole.target_failure == 2
    assert sum(tally.runs for _, tally in stats.days) == 2
    assert sum(count for _, count in stats.sources) == 2
    assert [each.tally for each in stats.jobs] == [stats.whole]
    assert [each.tally for each in stats.busiest] == [stats.whole]
    assert sum(each.tally.runs for each in stats.busiest_days) == 2
    assert (stats.last_day, len(stats.newest)) == (stats.whole, 2)
    assert success_rate(stats.whole) == 0.0
    assert stats.speed.duration is not None
    assert stats.speed.lateness is not None
    assert [*stats.speeds.values()] == [stats.speed]
    assert stats.speeds.keys() == {day for day, tally in stats.days if tally.runs}


def test_percentiles_are_read_from_all_stretches_together() -> None:
    """Half and 99 of a hundred; of nothing there are none."""
    quick = Spread(begins_at=EPOCH, durations={step_of(SECOND): 98}, lateness={0: 98})
    slow = Spread(begins_at=EPOCH, durations={step_of(MINUTE): 2}, lateness={6: 2})

    speed = speed_of([quick, slow])

    assert speed.duration is not None
    assert speed.duration.p50 == pytest.approx(SECOND, rel=0.1)
    assert speed.duration.p95 == speed.duration.p50
    assert speed.duration.p99 == pytest.approx(MINUTE, rel=0.1)
    assert speed.lateness == Percentiles(
        p50=LATENESS_STEPS[0], p95=LATENESS_STEPS[0], p99=LATENESS_STEPS[6]
    )
    assert speed_of([]) == Speed(duration=None, lateness=None)


@pytest.mark.parametrize(
    ("order", "trend"),
    [("sf", Trend.DOWN), ("fs", Trend.UP), ("ss", Trend.STABLE), ("s", Trend.STABLE)],
)
async def test_the_later_half_is_held_against_the_earlier(office, order, trend) -> None:
    """A half without runs tells nothing."""
    endpoint = await office.an_endpoint(every=2 * HOUR)
    for each in order:
        office.clock.advance_to(await office.next_slot(endpoint))
        await (office.fail_once() if each == "f" else office.succeed_once())
    office.clock.advance(MINUTE)

    async with office.reading() as work:
        window = window_of(NOON, None, timezone="UTC", now=work.now)
        stats = await read_stats(work, window)

    assert stats.trend is trend


async def test_activity_is_listed_with_the_sum_of_the_window(office, failing) -> None:
    """The total is of what is kept, whichever page was asked for."""
    async with office.reading() as work:
        window = window_of(None, None, timezone="UTC", now=work.now)
        first = await list_events(work, window, limit=1)
        (newest,) = first.events
        assert isinstance(newest, NamedRun)
        rest = await list_events(work, window, limit=1, before=newest.run.id)

    assert (first.total, rest.total, first.more, rest.more) == (2, 2, True, False)
    assert first.summary.target_failure == 2


async def test_anothers_job_shows_nothing(office, failing) -> None:
    """Neither sums nor runs, and not even that it exists."""
    async with office.reading(office.stranger) as work:
        window = window_of(None, None, timezone="UTC", now=work.now)
        for shown in (read_stats, list_events):
            with pytest.raises(NotFound):
                await shown(work, window, job_id=failing.job_id)
        assert (await read_stats(work, window)).whole.runs == 0
        assert (await list_events(work, window)).total == 0


async def test_usage_is_of_this_month(office, failing) -> None:
    """What ran in the month before does not count, and neither do others' endpoints."""
    async with office.reading() as work:
        now = await read_usage(work)
    office.clock.advance(timedelta(days=31))
    async with office.reading() as work:
        later = await read_usage(work)
    async with office.reading(office.stranger) as work:
        theirs = await read_usage(work)

    assert [(each.endpoints, each.runs) for each in (now, later, theirs)] == [
        (1, 2),
        (1, 0),
        (0, 0),
    ]
