"""The measure of pages: what is told of it."""

from bench.api_filling import Filling
from bench.machine import Noise, Quiet
from bench.page_reads import PagesMeasured, PageTook, Painted
from bench.pages_chapter import pages_chapter

QUIET = Quiet(noise=Noise(others=1.0, steal=0.0), fsync_p50=0.1, fsync_p99=0.2)


def told(*, p99: float = 199.9, paint: float = 299.0, busy: float = 0.9) -> str:
    """Tell of one page, one paint and fifty tabs."""
    measured = PagesMeasured(
        filling=Filling(jobs=100, endpoints=1000, runs=10_000_000),
        pages=[PageTook(name="Now", p50=20.0, p99=p99, size=40.0)],
        painted=[Painted(name="Now", usual=120.0, worst=paint)],
        tabs=50,
        quiet_queries=0.8,
        busy_queries=busy,
    )
    return pages_chapter(measured, times=100, machine=["2 x some"], quiet=QUIET)


def test_pages_paints_and_questions_are_told_with_what_is_aimed_at() -> None:
    """And over how much: endpoints, runs, tabs and people."""
    text = told()

    assert "100,000 endpoints and 10,000,000 runs" in text
    assert "| Now | 20.0 | 199.9 | 40 | yes |" in text
    assert "| Now | 120 | 299 | yes |" in text
    assert "50 tabs that show this moment, of 10 people" in text
    assert "fewer than 1 are aimed at: yes" in text


def test_what_is_missed_is_told_as_missed() -> None:
    """A page, a paint, and questions."""
    text = told(p99=200.1, paint=301.0, busy=1.1)

    assert "| Now | 20.0 | 200.1 | 40 | **no** |" in text
    assert "| Now | 120 | 301 | **no** |" in text
    assert "fewer than 1 are aimed at: **no**" in text
