"""The story the dashboard is for, told by the keyboard alone, by somebody who has read nothing."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.judging import PHONE, WIDE
from tests.browser.served import OWNER, Served
from tests.browser.watching import audit, watch
from tests.browser.world import World

TABS_MOST = 120


def reach(page: Page, wanted: Locator) -> None:
    """Go to something as people do who have no pointer: from one thing to the next."""
    expect(wanted).to_be_visible()
    for _ in range(TABS_MOST):
        if wanted.evaluate("(each) => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {wanted}")


def follow(page: Page, name: str) -> None:
    """Follow the first link of that name."""
    reach(page, page.get_by_role("link", name=name, exact=True).first)
    page.keyboard.press("Enter")


def write(page: Page, label: str, text: str) -> None:
    """Write into a field that is called so; what stands in it goes."""
    reach(page, page.get_by_label(label, exact=True))
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


@pytest.mark.parametrize(
    ("size", "theme"), [(WIDE, "light"), (PHONE, "dark")], ids=["wide", "phone"]
)
def test_an_endpoint_is_made_watched_explained_and_stopped(
    contexts: Callable[..., BrowserContext], site: Served, world: World, size: dict, theme: str
) -> None:
    """It is seen to back off without loading anew; why it ran is told; and it is stopped."""
    job = f"story in {theme}"
    site.a_job(job)
    site.target.answer("/adapts", 503, '{"error": "database is down"}')
    page = contexts(viewport=size, color_scheme=theme).new_page()
    complaints = watch(page)
    page.goto("/")

    page.keyboard.type(OWNER[0])
    page.keyboard.press("Tab")
    page.keyboard.type(OWNER[1])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Now")

    _create(page, job, f"{site.target.url}/adapts")
    _watch_it_back_off(page)
    _ask_why_it_ran(page)
    _stop(page)

    assert not complaints.left


def _create(page: Page, job: str, url: str) -> None:
    follow(page, "Endpoints")
    follow(page, "New endpoint")
    expect(page.locator("#sentence")).to_have_text("Of which job is it to be?")
    follow(page, job)
    write(page, "Name", "adapts")
    write(page, "URL", url)
    write(page, "Interval", "1 s")
    expect(page.locator("#preview")).to_contain_text("every 1 s")
    reach(page, page.get_by_role("button", name="Create endpoint"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("adapts")
    expect(page.locator("#said")).to_contain_text("Created adapts.")


def _watch_it_back_off(page: Page) -> None:
    """Its state, its sentence, the table of why and the drawing follow by themselves."""
    page.evaluate("() => { window.unloaded = false; }")
    expect(page.locator("#state")).to_contain_text("failed in a row", timeout=30_000)
    expect(page.locator("#state")).to_contain_text("it backs off")
    expect(page.locator("#why-next tr[data-rule='backoff']")).to_contain_text("wins")
    expect(page.locator("#timeline rect.m.target-failed")).not_to_have_count(0)

    assert page.evaluate("() => window.unloaded") is False


def _ask_why_it_ran(page: Page) -> None:
    """From mark to mark in the drawing, and into the run."""
    slider = page.get_by_role("slider")
    reach(page, slider)
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("failed"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/runs/[-0-9a-f]+$"))
    expect(page.locator("#sentence")).to_contain_text("Its schedule says every 1 s")
    expect(page.locator("#why tr.wins")).to_contain_text("Schedule")
    audit(page)
    follow(page, "adapts")


def _stop(page: Page) -> None:
    reach(page, page.locator("main summary", has_text="Pause"))
    page.keyboard.press("Enter")
    reach(page, page.get_by_role("button", name="Until resumed"))
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Paused until it is resumed.")
    expect(page.locator("#state")).to_contain_text("It is paused until someone resumes it")
    audit(page)
