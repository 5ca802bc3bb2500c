"""A zone's wall clock is known as stretches between its changes, and none of these is missed."""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import pairwise

import pytest
from cronicorn_domain.errors import InvalidSchedule
from cronicorn_domain.schedules.cron_clock import (
    CLOCK_END,
    CLOCK_START,
    clock_of,
    instant_at,
    second_of,
)
from cronicorn_domain.schedules.cron_expression import DAY
from cronicorn_domain.schedules.zones import zone, zone_names

_HEADER = struct.Struct(">4s c 15x 6l")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def changes_on_file(name: str) -> Iterator[tuple[datetime, timedelta]]:
    """Read from a zone's compiled file (RFC 9636) when its offset changes, and by how much."""
    data = files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    _, _, isutc, isstd, leap, times, kinds, letters = _HEADER.unpack_from(data)
    second_part = _HEADER.size + 5 * times + 6 * kinds + letters + 8 * leap + isstd + isutc
    _, _, isutc, isstd, leap, times, kinds, letters = _HEADER.unpack_from(data, second_part)
    start = second_part + _HEADER.size
    seconds = struct.unpack_from(f">{times}q", data, start)
    of_kind = data[start + 8 * times : start + 9 * times]
    offsets = [struct.unpack_from(">l", data, start + 9 * times + 6 * n)[0] for n in range(kinds)]
    offset = offsets[0]
    for second, kind in zip(seconds, of_kind, strict=True):
        if offsets[kind] != offset:
            yield _EPOCH + timedelta(seconds=second), timedelta(seconds=offsets[kind] - offset)
        offset = offsets[kind]


def test_no_zone_changes_twice_between_two_probes() -> None:
    """
    The clock asks its zone every three days, which is often enough for every zone there is.

    The files list each change of the past; what they say of the future by a rule comes twice a
    year. When new zone data breaks this, the probes have to come closer.
    """
    apart = [
        later - earlier
        for name in zone_names()
        for (earlier, _), (later, _) in pairwise(changes_on_file(name))
    ]

    assert len(apart) > 10_000
    assert min(apart) > timedelta(days=3)


def test_no_change_is_longer_than_a_day() -> None:
    """A gap or a repeat fits between two quiet moments, a day and a half from any change."""
    sizes = [abs(size) for name in zone_names() for _, size in changes_on_file(name)]

    assert max(sizes) <= timedelta(days=1)


@pytest.mark.parametrize(
    "name",
    [
        "Africa/Casablanca",
        "America/Inuvik",
        "America/Noronha",
        "America/New_York",
        "Antarctica/Casey",
        "Asia/Gaza",
        "Asia/Manila",
        "Australia/Lord_Howe",
        "Europe/Dublin",
        "Europe/Simferopol",
        "Pacific/Apia",
        "Pacific/Kwajalein",
    ],
)
def test_every_change_on_file_is_found(name: str) -> None:
    """The stretches begin and end exactly where the compiled zone file says, in any year."""
    on_file = {second_of(instant) for instant, _ in changes_on_file(name)}
    clock = clock_of(name)
    first = at = min(on_file) - 1
    starts = set()
    while at <= max(on_file):
        stretch = clock.stretch_at(at)
        starts |= {stretch.start} if stretch.offset != stretch.offset_before else set()
        at = stretch.end

    assert {start for start in starts if start > first} == on_file


@pytest.mark.parametrize("name", ["Europe/Volgograd", "America/Cancun", "Asia/Colombo"])
def test_a_stretch_is_cut_only_where_the_clock_is_quiet(name: str) -> None:
    """The yearly cut moves aside for changes early in January, so that it tears no repeat."""
    changes = [second_of(instant) for instant, _ in changes_on_file(name)]
    clock = clock_of(name)
    at = min(changes) - 400 * DAY
    cuts = []
    while at < max(changes):
        stretch = clock.stretch_at(at)
        cuts += [stretch.start] if stretch.offset == stretch.offset_before else []
        at = stretch.end

    assert len(cuts) > 50
    assert min(abs(cut - change) for cut in cuts for change in changes) > DAY


@pytest.mark.parametrize("name", ["UTC", "Etc/GMT+5", "Asia/Tokyo", "Africa/Monrovia", "Asia/Gaza"])
def test_a_stretch_knows_its_neighbours(name: str) -> None:
    """Stretches follow one another without a hole, each with the zone's own offset."""
    clock = clock_of(name)
    at = second_of(datetime(1900, 1, 1, tzinfo=UTC))
    while at < second_of(datetime(2000, 1, 1, tzinfo=UTC)):
        stretch = clock.stretch_at(at)
        if stretch.end == CLOCK_END:
            break
        following = clock.stretch_at(stretch.end)
        offset = instant_at(at).astimezone(zone(name)).utcoffset()

        assert offset == timedelta(seconds=stretch.offset)
        assert following.start == stretch.end
        assert following.offset == stretch.offset_after
        assert following.offset_before == stretch.offset
        at = stretch.end


@pytest.mark.parametrize("name", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_the_clock_runs_from_end_to_end_of_the_calendar(name: str) -> None:
    """The first and the last second have a stretch, whatever the zone."""
    clock = clock_of(name)

    assert clock.stretch_at(CLOCK_START).start == CLOCK_START
    assert clock.stretch_at(CLOCK_END - 1).end == CLOCK_END
    assert instant_at(CLOCK_START) == datetime(1, 1, 3, tzinfo=UTC)
    assert instant_at(CLOCK_END) == datetime(9999, 12, 29, tzinfo=UTC)


def test_an_unknown_zone_has_no_clock() -> None:
    """The refusal is the zone's."""
    with pytest.raises(InvalidSchedule) as refusal:
        clock_of("Mars/Olympus")

    assert refusal.value.field == "timezone"


def test_a_second_begins_at_its_instant() -> None:
    """An instant within a second belongs to it; the way there and back keeps whole seconds."""
    instant = datetime(2026, 7, 31, 12, 0, 59, tzinfo=UTC)

    assert instant_at(second_of(instant)) == instant
    assert second_of(instant + timedelta(microseconds=999_999)) == second_of(instant)
    assert second_of(instant.astimezone(zone("Asia/Kolkata"))) == second_of(instant)
