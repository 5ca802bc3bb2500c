"""What a soak found out is kept, and comes onto the page as it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.calls import Lateness
from tools.soak.page import BEGIN, END, HEAD, row, write_page
from tools.soak.result import Judged, Result
from tools.soak.results import Results
from tools.soak.site import Size

SIZE = Size(endpoints=10, slots=100)
CLEAN = Judged(
    slots=100,
    runs=90,
    told=11,
    lost=0,
    doubled=0,
    two_leases=0,
    repeated=1,
    unexplained=0,
    findings=(),
    lateness=Lateness(p50=1.0, p99=20.0, p99_9=3000.0, most=4000.0),
)
SOUND = Result(
    fault="worker killed",
    sqlite=False,
    rate=10,
    lease=10.0,
    lasted=0.1,
    passes=True,
    recovery=11.5,
    outages=0,
    troubles=5,
    connections=0,
    raved=(),
    judged=CLEAN,
)


def test_who_is_stopped_goes_on(tmp_path: Path) -> None:
    """A result that was kept is known again, to the last figure."""
    Results(tmp_path / "kept", SIZE, "abc").keep(SOUND)

    known = Results(tmp_path / "kept", SIZE, "abc").known

    assert list(known) == ["worker killed"]
    assert row(known["worker killed"]) == row(SOUND)


@pytest.mark.parametrize(("size", "commit"), [(SIZE, "def"), (replace(SIZE, slots=7), "abc")])
def test_other_code_or_another_size_begins_anew(tmp_path: Path, size: Size, commit: str) -> None:
    """What was found out of other code, or with another size, does not count."""
    Results(tmp_path / "kept", SIZE, "abc").keep(SOUND)

    assert Results(tmp_path / "kept", size, commit).known == {}


@pytest.mark.parametrize(
    "result",
    [
        replace(SOUND, recovery=None),
        replace(SOUND, recovery=15.1),
        replace(SOUND, raved=["900 connections were asked for in 5 s"]),
        replace(SOUND, judged=replace(CLEAN, lost=1)),
        replace(SOUND, judged=replace(CLEAN, doubled=1)),
        replace(SOUND, judged=replace(CLEAN, two_leases=1)),
        replace(SOUND, judged=replace(CLEAN, unexplained=1)),
    ],
)
def test_a_broken_promise_is_not_sound(result: Result) -> None:
    """Neither lost, doubled, unexplained slots, nor a long recovery, nor a loop without pause."""
    assert SOUND.sound
    assert not result.sound


def test_a_page_says_what_fell_short(tmp_path: Path) -> None:
    """The table stands between the marks, all else stays, and a broken promise is named."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nyesterday\n{END}\nafter\n", "utf-8")
    late = replace(SOUND, fault="network cut", recovery=99.0, raved=["900 lines were logged"])

    write_page(
        [SOUND, late], commit="abc", noise="It was quiet.", page=page, plots=tmp_path / "svg"
    )

    text = page.read_text("utf-8")
    assert text.startswith(f"before\n{BEGIN}\n200 slots")
    assert text.endswith(f"{END}\nafter\n")
    assert "yesterday" not in text
    assert "**Fell short: network cut.**" in text
    assert " Recovery took at most 99.0 s (network cut)." in text
    assert "- network cut: 900 lines were logged\n" in text
    for name in ("recovery.svg", "lateness.svg"):
        assert f"(soak/{name})" in text
        assert ">network cut<" in (tmp_path / "svg" / name).read_text("utf-8")
    assert len(row(SOUND)) == len(HEAD)
