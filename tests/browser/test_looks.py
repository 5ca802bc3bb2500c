"""However people look: with colours of their own, without motion, cut off, where nothing is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.judging import assert_fits
from tests.browser.pages_table import address
from tests.browser.served import Served, a_site, sign_in
from tests.browser.watching import Complaints, audit
from tests.browser.world import World, ended_run

_MOVING = """() => [...document.querySelectorAll("*")].filter((each) => {
  const style = getComputedStyle(each);
  const lasts = (text) => text.split(",").some((part) => parseFloat(part) > 0);
  return lasts(style.transitionDuration) || lasts(style.animationDuration);
}).map((each) => each.outerHTML.slice(0, 120))"""
_SHIFTS = """() => {
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifted += each.value;
  }).observe({ type: "layout-shift", buffered: false });
}"""


@pytest.mark.parametrize(
    "page", [{"reduced_motion": "reduce"}], indirect=True, ids=["without-motion"]
)
def test_nothing_moves_for_whoever_wants_no_motion(page: Page, world: World) -> None:
    """No transition and no animation is left, on whatever page."""
    for name in ("now", "endpoints", "endpoint", "statistics", "alert-new"):
        page.goto(address(name, world))

        assert page.evaluate(_MOVING) == [], name


@pytest.mark.parametrize("page", [{"forced_colors": "active"}], indirect=True, ids=["forced"])
def test_colours_of_ones_own_hide_nothing(page: Page, world: World) -> None:
    """What is chosen, focused or marked shows without any colour of ours."""
    for name in ("now", "endpoints", "endpoint", "run-failed", "statistics"):
        page.goto(address(name, world))
        audit(page)
    page.goto(address("endpoints", world))
    ground, text, glyph = page.evaluate(
        """() => [document.body, document.querySelector("h1"), document.querySelector(".glyph")]
             .map((each, place) => getComputedStyle(each)[place ? "color" : "backgroundColor"])"""
    )
    assert text != ground
    assert glyph != ground
    chosen = page.locator(".rail a[aria-current]")
    assert chosen.evaluate("(each) => getComputedStyle(each).outlineStyle") == "solid"


def test_updates_move_nothing(contexts: Callable[..., BrowserContext], tmp_path: Path) -> None:
    """
    A failure comes in and times go on, and hardly anything shifts under the reader.

    On a service of its own: what other tests leave behind fails on, and takes other places.
    """
    with a_site(tmp_path) as site:
        job = site.a_job()
        for name in ("one", "two", "three"):
            site.target.answer(f"/{name}", 500, "{}")
        known, _, late = [
            site.an_endpoint(job, name, baselineIntervalMs=3_600_000)
            for name in ("one", "two", "three")
        ]
        site.post(f"/endpoints/{known['id']}/run")
        ended_run(site, known["id"])
        page = contexts(base_url=site.url).new_page()
        sign_in(page)
        page.goto("/")
        expect(page.locator("#needs")).to_contain_text("one", timeout=25_000)
        page.evaluate(_SHIFTS)
        site.post(f"/endpoints/{late['id']}/run")
        expect(page.locator("#needs")).to_contain_text("three", timeout=25_000)

        assert page.evaluate("() => window.shifted") < 0.02


def test_a_stream_that_breaks_is_told_and_comes_back(
    page: Page, site: Served, world: World
) -> None:
    """A service that says nothing any more: the page says since when, and catches up by itself."""
    page.goto("/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    with site.halted():
        expect(page.locator("[data-words]")).to_have_text(
            re.compile(r"^Reconnecting, data from \d\d:\d\d$"), timeout=10_000
        )

    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=15_000)


def test_what_is_not_there_leads_on(page: Page, complaints: Complaints, world: World) -> None:
    """An address that nothing has, and a run that is gone: what happened, and where to go."""
    complaints.foresee("404")
    for path in ("/nothing-here", "/endpoints/00000000-0000-4000-8000-000000000000"):
        page.goto(path)
        assert page.get_by_role("heading", level=1).count() == 1
        audit(page)
        assert_fits(page)

        page.get_by_role("link", name="Go to Now").click()
        expect(page).to_have_url(f"{site_of(page)}/")


def site_of(page: Page) -> str:
    """Return the address of the service that a page is of."""
    origin: str = page.evaluate("() => location.origin")
    return origin
