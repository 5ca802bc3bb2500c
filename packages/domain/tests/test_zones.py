"""Time zones come from the tzdata package, and a wrong name is answered with the right one."""

from datetime import datetime, timedelta
from importlib.metadata import version

import pytest
from cronicorn_domain.errors import InvalidSchedule
from cronicorn_domain.schedules.zones import tzdata_version, zone, zone_names


def test_a_zone_is_read_from_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A zone does not come from the host: it is found with no search path at all."""
    monkeypatch.setattr("zoneinfo.TZPATH", ())

    berlin = zone("Europe/Berlin")

    assert berlin.key == "Europe/Berlin"
    assert datetime(2026, 7, 1, tzinfo=berlin).utcoffset() == timedelta(hours=2)


def test_a_zone_is_read_once() -> None:
    """The same name gives the same object."""
    assert zone("Asia/Kolkata") is zone("Asia/Kolkata")


def test_every_listed_zone_can_be_read() -> None:
    """There is a zone behind each name, links included."""
    assert len(zone_names()) > 500
    assert {zone(name).key for name in zone_names()} == zone_names()


def test_the_version_is_the_release_of_the_data() -> None:
    """The IANA release is the one of the installed distribution: 2026f is its 2026.6."""
    year, letter = tzdata_version()[:4], tzdata_version()[4:]

    assert version("tzdata") == f"{year}.{ord(letter) - ord('a') + 1}"


@pytest.mark.parametrize(
    ("name", "offered"),
    [
        ("Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Europe/Berln", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("america/new york", "America/New_York"),
        ("utc", "UTC"),
        ("US/Pacfic", "US/Pacific"),
    ],
)
def test_an_unknown_zone_is_answered_with_near_names(name: str, offered: str) -> None:
    """A name that is nearly right is refused, and the right one is offered."""
    with pytest.raises(InvalidSchedule, match="there is no time zone") as refusal:
        zone(name)

    assert refusal.value.field == "timezone"
    assert refusal.value.remedy is not None
    assert offered in refusal.value.remedy


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "/",
        ".",
        "..",
        "../zones",
        "/etc/localtime",
        "Europe",
        "Europe/",
        "zones",
        "\0",
        "ü",
    ],
)
def test_a_name_is_never_used_as_a_path(name: str) -> None:
    """What is not a listed name is refused, whatever file it might lead to."""
    with pytest.raises(InvalidSchedule) as refusal:
        zone(name)

    assert refusal.value.field == "timezone"
    assert refusal.value.remedy


def test_a_very_long_name_is_not_repeated_in_full() -> None:
    """The message shows the beginning of an unknown name."""
    with pytest.raises(InvalidSchedule) as refusal:
        zone("x" * 100_000)

    assert len(str(refusal.value)) < 150
