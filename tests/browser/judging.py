"""Whether a page is well made: for axe, by keyboard, in both themes, wide, on a phone, zoomed."""

import json
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

from tests.browser.watching import audit, watch

WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
ZOOMED = {"width": 320, "height": 512}
"""A window of 640 px at 200 %, which is one of 1280 px at 400 % (WCAG 1.4.10)."""
_OVERHANGING = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > room + 1 && !each.closest(".scroll"))
    .map((each) => each.outerHTML.slice(0, 120));
}"""
_CONTROLS = "a, button, input, select, textarea, summary, [tabindex]"
_UNREACHED = """(controls) => [...document.querySelectorAll(controls)]
  .filter((each) => each.checkVisibility() && !each.disabled && each.type !== "hidden")
  .filter((each) => !each.closest("[aria-hidden='true']") && each.id !== "main")
  .filter((each) => each.tabIndex < 0 || each.tabIndex > 0 || (each.tagName === "A" && !each.href))
  .filter((each) => !each.hasAttribute("data-focus"))
  .map((each) => each.outerHTML.slice(0, 160))"""
_POINTED = """() => [...document.querySelectorAll("main *")]
  .filter((each) => each.checkVisibility() && getComputedStyle(each).cursor === "pointer")
  .filter((each) => !each.closest("a[href], button, summary, label, select, input, [role=slider]"))
  .filter((each) => !each.closest("svg"))
  .map((each) => each.outerHTML.slice(0, 160))"""
_UNSEEN = """(controls) => [...document.querySelectorAll(controls)]
  .filter((each) => each.checkVisibility() && !each.disabled && each.tabIndex === 0)
  .filter((each) => {
    each.focus();
    const style = getComputedStyle(each), box = each.getBoundingClientRect();
    const outlined = style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2;
    return document.activeElement !== each || !outlined || box.width < 2 || box.height < 2
      || box.right < 1 || box.left > innerWidth || box.bottom < 1 || box.top > innerHeight;
  })
  .map((each) => each.outerHTML.slice(0, 160))"""


def assert_well_made(opened: Callable[[str], BrowserContext], path: str) -> None:
    """
    Assert it of the page at an address, in a window that is wide and in one of a phone.

    It is there and has one heading, nothing complains, axe finds nothing in either theme, and the
    keyboard reaches all of it and shows where it is. It is no wider than its window, nor when that
    is zoomed.
    """
    for look in ("wide", "phone"):
        page = opened(look).new_page()
        complaints = watch(page)
        answer = page.goto(path, wait_until="load")

        assert answer is not None, path
        assert answer.status == 200, f"{path} answered {answer.status}"
        assert page.locator("h1").count() == 1, f"{path} has no heading, or several"
        assert_fits(page)
        audit(page)
        page.emulate_media(color_scheme="dark")
        audit(page, only="color-contrast")
        if look == "wide":
            assert_reached_by_keyboard(page)
        else:
            page.set_viewport_size({"width": ZOOMED["width"], "height": ZOOMED["height"]})
            assert_fits(page)
            assert page.get_by_role("heading", level=1).is_visible(), f"{path}: no heading is seen"

        broken = page.evaluate("() => window.__broken ?? []")
        page.close()
        assert not complaints.left, complaints.left
        assert not broken, broken


def assert_fits(page: Page) -> None:
    """Assert that nothing is wider than the window; tables scroll by themselves."""
    wide = page.evaluate(_OVERHANGING)

    assert not wide, json.dumps(wide, indent=1)


def assert_reached_by_keyboard(page: Page) -> None:
    """Assert it of what can be followed, pressed or filled in, and that a focus is seen."""
    unreached = page.evaluate(_UNREACHED, _CONTROLS) + page.evaluate(_POINTED)
    page.keyboard.press("Tab")
    unseen = page.evaluate(_UNSEEN, _CONTROLS)

    assert not unreached, f"not reached: {json.dumps(unreached, indent=1)}"
    assert not unseen, f"reached, and not seen: {json.dumps(unseen, indent=1)}"
