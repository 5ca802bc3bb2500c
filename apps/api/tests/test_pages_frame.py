"""What all pages share: how numbers, lengths and instants are written, and what cookies keep."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from cronicorn_api.pages.frame.assets import assets
from cronicorn_api.pages.frame.look import Look, Theme, Times, look_of
from cronicorn_api.pages.frame.moments import Zones, relative
from cronicorn_api.pages.frame.outcomes import OUTCOMES, outcome_of_fate, outcome_of_run
from cronicorn_api.pages.frame.said import COOKIE, Said, Undo, said_in, say
from cronicorn_api.pages.frame.shapes import bytes_of, count, exact, interval, length, percent
from cronicorn_api.pages.frame.sharing import FRESH_FOR, STALE_AFTER, Shared
from cronicorn_api.pages.frame.told import faults_of, sentence
from cronicorn_api.pages.frame.writing import compile_templates
from cronicorn_domain.errors import InvalidInput, Issue, NameTaken, SeveralFaults
from cronicorn_domain.identity import TenantId, new_uuid
from cronicorn_domain.model.run import FailureKind, RunStatus
from cronicorn_domain.model.slot_record import Fate
from cronicorn_management.watching import Version
from fastapi import Response
from jinja2 import Environment

MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (None, "-"),
        (timedelta(0), "0 ms"),
        (timedelta(microseconds=-400), "0 ms"),
        (240 * MILLISECOND, "240 ms"),
        (999 * MILLISECOND, "999 ms"),
        (3250 * MILLISECOND, "3.2 s"),
        (SECOND, "1 s"),
        (59_900 * MILLISECOND, "59 s"),
        (250 * SECOND, "4 m 10 s"),
        (HOUR + 59 * SECOND, "1 h 59 s"),
        (25 * HOUR + 3 * MINUTE, "1 d 1 h"),
        (-3 * SECOND, "-3 s"),
    ],
)
def test_lengths_have_two_units(of: timedelta | None, text: str) -> None:
    """Never rounded up, and nothing where there is nothing."""
    assert length(of) == text


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (30 * SECOND, "30 s"),
        (90 * SECOND, "90 s"),
        (MINUTE, "1 m"),
        (5 * MINUTE, "5 m"),
        (90 * MINUTE, "1 h 30 m"),
        (timedelta(days=1, seconds=1), "1 d 1 s"),
        (1500 * MILLISECOND, "1 s 500 ms"),
    ],
)
def test_intervals_are_never_rounded(of: timedelta, text: str) -> None:
    """What somebody has set is shown as it is."""
    assert interval(of) == text


@pytest.mark.parametrize(
    ("number", "short", "whole"),
    [
        (None, "-", "-"),
        (0, "0", "0"),
        (999, "999", "999"),
        (1_000, "1k", "1,000"),
        (12_549, "12.5k", "12,549"),
        (999_999, "999k", "999,999"),
        (3_400_000, "3.4M", "3,400,000"),
        (-1_500, "-1.5k", "-1,500"),
    ],
)
def test_numbers_are_short_in_cells_and_whole_elsewhere(number, short: str, whole: str) -> None:
    """Rounded down: nothing looks like more than it is."""
    assert (count(number), exact(number)) == (short, whole)


def test_one_failure_in_ten_thousand_is_seen() -> None:
    """Success is floored; no runs have no rate."""
    assert percent(9_999, 10_000) == "99.99 %"
    assert percent(99_999, 100_000) == "99.99 %"
    assert (percent(5, 5), percent(1, 2), percent(0, 0)) == ("100 %", "50 %", "-")


def test_sizes_are_told_in_their_unit() -> None:
    """In bytes, and what is made of 1024 of them."""
    assert [bytes_of(each) for each in (None, 812, 102_400, 2_516_582)] == [
        *("-", "812 B", "100 KiB", "2.3 MiB"),
    ]


@pytest.mark.parametrize(
    ("away", "text"),
    [
        (timedelta(0), "now"),
        (48 * SECOND, "in 48 s"),
        (-2 * HOUR - 59 * MINUTE, "2 h ago"),
        (-MINUTE, "1 m ago"),
        (26 * HOUR, "in 1 d"),
    ],
)
def test_how_far_away_something_is_has_one_unit(away: timedelta, text: str) -> None:
    """As the script of pages writes it, too."""
    assert relative(away) == text


def zones(times: Times, local: str = "America/New_York") -> Zones:
    """Give somebody's zones at noon in UTC."""
    return Zones(look=Look(times=times, local=local), now=NOON)


@pytest.mark.parametrize(
    ("times", "clock"),
    [(Times.LOCAL, "07:00:00"), (Times.ENDPOINT, "13:00:00"), (Times.UTC, "11:00:00")],
)
def test_an_instant_is_told_in_the_chosen_zone(times: Times, clock: str) -> None:
    """And in the others beside it, each zone once."""
    told = zones(times).moment(NOON - HOUR, "Europe/Berlin")

    assert told.clock == clock
    assert told.relative == "1 h ago"
    assert [each.zone for each in told.zones] == ["America/New_York", "Europe/Berlin", "UTC"]
    assert told.iso == "2026-07-01T11:00:00.000Z"


def test_an_hour_that_comes_twice_shows_its_offset() -> None:
    """As when clocks are put back: the same time of day, and another offset."""
    here = zones(Times.LOCAL, "Europe/Berlin")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    told = [here.moment(each) for each in (first, first + HOUR, first + 2 * HOUR)]

    assert [each.full for each in told[:2]] == [
        "2026-10-25 02:30:00.000 +02:00",
        "2026-10-25 02:30:00.000 +01:00",
    ]
    assert [each.clock for each in told] == [
        "2026-10-25 02:30:00 +02:00",
        "2026-10-25 02:30:00 +01:00",
        "2026-10-25 03:30:00",
    ]


def test_another_day_is_named() -> None:
    """A time of day alone is one of today."""
    assert zones(Times.UTC).moment(NOON - 24 * HOUR).clock == "2026-06-30 12:00:00"


def test_a_look_is_read_from_cookies_and_nonsense_is_not() -> None:
    """Whoever plants one gets the usual one."""
    chosen = {"cronicorn_theme": "dark", "cronicorn_times": "utc", "cronicorn_zone": "Asia/Tokyo"}
    assert look_of(chosen) == Look(theme=Theme.DARK, times=Times.UTC, local="Asia/Tokyo")

    planted = dict.fromkeys(chosen, "../etc/passwd")
    assert look_of(planted) == look_of({}) == Look()


def test_what_is_to_be_said_comes_back_as_it_was() -> None:
    """With how it is undone."""
    said = Said(text='"><b>Paused</b>', undo=Undo(action="/x/resume", fields=(("a", "b"),)))
    answer = Response()
    say(answer, said, secure=True)
    cookie = answer.headers["set-cookie"]

    assert {"HttpOnly", "Secure", "SameSite=strict"} <= set(cookie.split("; "))
    assert said_in({COOKIE: cookie.partition("=")[2].partition(";")[0].strip('"')}) == said


@pytest.mark.parametrize("planted", ["", "x", "bnVsbA==", "e30=", "\u00e4", "W10="])
def test_what_makes_no_sense_is_not_said(planted: str) -> None:
    """Nor does it break the page."""
    assert said_in({COOKIE: planted}) is None


def test_an_undo_never_leads_elsewhere() -> None:
    """Whoever plants the cookie could have somebody post to another site."""
    answer = Response()
    say(answer, Said(text="x", undo=Undo(action="//evil.example")), secure=False)
    cookie = answer.headers["set-cookie"].partition("=")[2].partition(";")[0].strip('"')

    assert said_in({COOKIE: cookie}) is None


def test_faults_stand_at_the_fields_of_the_form() -> None:
    """By the names that the form has; what is about none stands above."""
    error = SeveralFaults(
        [
            Issue(path="job_id", message="there is none", code="x"),
            Issue(path="headers.Accept", message="is twice here", code="x"),
        ]
    )
    faults = faults_of(error, {"job_id": "job"})

    assert faults.at("job") == "There is none."
    assert faults.at("headers.Accept") == "Is twice here."
    assert faults.at("name") is None
    (whole,) = faults_of(NameTaken("job", "shop"))
    assert whole.field == ""
    assert faults_of(InvalidInput("no", field="a", remedy="yes")).at("a") is not None


def test_sentences_begin_and_end() -> None:
    """Whatever a message was written for."""
    assert [sentence(each) for each in ("it is so", "Why?", "")] == ["It is so.", "Why?", ""]


def test_every_outcome_has_a_look_of_its_own() -> None:
    """Whatever a run can end as, and whatever becomes of a slot instead."""
    for status in RunStatus:
        for kind in (None, *FailureKind):
            assert outcome_of_run(status, kind) in OUTCOMES.values()
    assert {outcome_of_fate(each).letter for each in Fate} == set("scdbx")
    assert outcome_of_run(RunStatus.FAILED, FailureKind.ABANDONED).css == "we-failed"
    assert outcome_of_run(RunStatus.FAILED, FailureKind.TIMEOUT).css == "target-failed"


def test_assets_weigh_little() -> None:
    """All scripts and styles, compressed: at most 150 KiB; those of our own 35 KiB."""
    sizes = {name: len(each.compressed) for name, each in assets().items()}

    assert sum(sizes.values()) < 150 * 1024
    assert sizes["dashboard.js"] < 20 * 1024
    assert sizes["dashboard.css"] < 20 * 1024


def test_nothing_in_styles_and_scripts_comes_from_elsewhere() -> None:
    """No address of another site, and no name that a newer one would not have."""
    for name in ("dashboard.css", "dashboard.js"):
        text = assets()[name].body.decode()
        assert not re.search(r"https?://(?!www\.w3\.org/)", text)
        assert not re.search(r"\beval\(|new Function|@import|url\(", text)


class Watched:
    """A watch whose versions the test says."""

    def __init__(self) -> None:
        self.now: Version | None = Version(since=NOON)

    def version(self, tenant: TenantId) -> Version | None:
        del tenant
        return self.now


class Clock:
    """A clock that the test puts forward."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def watched() -> Watched:
    """Give a watch."""
    return Watched()


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def shared(watched: Watched, clock: Clock) -> Shared:
    """Give what is shared over them."""
    return Shared(watched, SimpleNamespace(clock=clock))  # type: ignore[arg-type]


class Reader:
    """Reads, and counts how often."""

    def __init__(self) -> None:
        self.times = 0
        self.fails = False

    async def __call__(self) -> int:
        self.times += 1
        await asyncio.sleep(0)
        if self.fails:
            raise InvalidInput("no", field="x", remedy="y")
        return self.times


async def test_nobody_waits_for_a_template(monkeypatch) -> None:
    """All of them are compiled before somebody asks for the first page."""
    compile_templates()
    compiled: list[object] = []
    monkeypatch.setattr(Environment, "compile", lambda *given, **_: compiled.append(given))

    compile_templates()

    assert compiled == []


TENANT = TenantId(new_uuid())


async def test_many_tabs_read_once(shared: Shared, clock: Clock) -> None:
    """At the same moment, and afterwards while nothing has changed."""
    read = Reader()
    seen = await asyncio.gather(*(shared.seen(TENANT, "now", read) for _ in range(50)))
    clock.at += STALE_AFTER - SECOND

    assert {*seen, await shared.seen(TENANT, "now", read)} == {1}
    assert read.times == 1


async def test_what_has_changed_is_read_again(
    shared: Shared, watched: Watched, clock: Clock
) -> None:
    """At once: whoever was told of it comes once, and would keep for long what was before it."""
    read = Reader()
    await shared.seen(TENANT, "now", read)
    watched.now = Version(since=NOON, changes=1)

    assert await shared.seen(TENANT, "now", read) == 2
    assert await shared.seen(TENANT, "now", read) == 2


async def test_what_somebody_has_done_is_seen_at_once(shared: Shared) -> None:
    """However new what was read before it is; what others see is not read anew for it."""
    read, others = Reader(), Reader()
    elsewhere = TenantId(new_uuid())
    await shared.seen(TENANT, "job", read)
    await shared.seen(elsewhere, "job", others)
    shared.forget(TENANT)

    assert await shared.seen(TENANT, "job", read, at_once=True) == 2
    assert await shared.seen(elsewhere, "job", others, at_once=True) == 1


async def reads_in(shared: Shared, watched: Watched, clock: Clock, *, fails: bool) -> int:
    """Look each second of an hour in which something happens all the time; count the reads."""
    read = Reader()
    for second in range(3600):
        watched.now = Version(since=NOON, changes=second, alarms=second if fails else 0)
        await shared.seen(TENANT, "now", read, sparing=True)
        clock.at += SECOND
    return read.times


@pytest.mark.parametrize("fails", [True, False], ids=["failures", "runs"])
async def test_what_changes_all_the_time_is_read_sparingly(
    shared: Shared, watched: Watched, clock: Clock, *, fails: bool
) -> None:
    """A few times at once, and then as often as if nothing happened."""
    assert await reads_in(shared, watched, clock, fails=fails) <= 3600 * SECOND / STALE_AFTER + 8


async def test_a_failure_is_not_waited_for_amid_changes(
    shared: Shared, watched: Watched, clock: Clock
) -> None:
    """However many runs there have been before it."""
    await reads_in(shared, watched, clock, fails=False)
    read = Reader()
    for changes in range(4000, 4003):
        watched.now = Version(since=NOON, changes=changes)
        await shared.seen(TENANT, "now", read, sparing=True)
        clock.at += FRESH_FOR
    before = read.times
    watched.now = Version(since=NOON, changes=4003)
    await shared.seen(TENANT, "now", read, sparing=True)
    assert read.times == before

    watched.now = Version(since=NOON, changes=4003, alarms=1)
    await shared.seen(TENANT, "now", read, sparing=True)
    assert read.times == before + 1


async def test_a_page_shows_what_is(shared: Shared, clock: Clock) -> None:
    """Somebody who loads it waits for no change to be seen."""
    read = Reader()
    await shared.seen(TENANT, "now", read, sparing=True)
    clock.at += FRESH_FOR

    assert await shared.seen(TENANT, "now", read, sparing=True, at_once=True) == 2


async def test_what_grows_old_is_read_again(shared: Shared, watched: Watched, clock: Clock) -> None:
    """Something may have come to be late; and where nobody looks, anything may have changed."""
    read = Reader()
    await shared.seen(TENANT, "now", read)
    clock.at += STALE_AFTER
    assert await shared.seen(TENANT, "now", read) == 2

    watched.now = None
    clock.at += FRESH_FOR
    assert await shared.seen(TENANT, "now", read) == 3


async def test_tenants_and_keys_are_apart(shared: Shared) -> None:
    """Nobody sees what is another's."""
    read = Reader()
    others = [(TENANT, "now"), (TENANT, "other"), (TenantId(new_uuid()), "now")]

    assert [await shared.seen(tenant, key, read) for tenant, key in others] == [1, 2, 3]


async def test_a_fault_is_not_kept(shared: Shared) -> None:
    """Whoever comes next reads again."""
    read = Reader()
    read.fails = True
    with pytest.raises(InvalidInput):
        await shared.seen(TENANT, "now", read)
    read.fails = False

    assert await shared.seen(TENANT, "now", read) == 2
