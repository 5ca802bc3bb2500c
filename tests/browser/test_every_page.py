"""Every page, in both themes, wide and narrow: nothing complains, and nothing overflows."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import PHONE, SHOTS, WIDE
from tests.browser.pages_table import PAGES, address
from tests.browser.watching import assert_fits, audit
from tests.browser.world import World

LOOKS = [
    pytest.param({"viewport": size, "color_scheme": theme}, id=f"{name}-{theme}")
    for name, size in (("wide", WIDE), ("phone", PHONE))
    for theme in ("light", "dark")
]


@pytest.mark.parametrize("page", LOOKS, indirect=True)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_made(
    page: Page, world: World, name: str, request: pytest.FixtureRequest
) -> None:
    """It is there, axe finds nothing, and it is no wider than its window."""
    answer = page.goto(address(name, world), wait_until="load")
    SHOTS.mkdir(exist_ok=True)
    look = request.node.callspec.id.replace(name, "").strip("-")
    page.screenshot(path=SHOTS / f"{name}-{look}.png", full_page=True)

    assert answer is not None
    assert answer.status == 200
    assert page.locator("h1").count() == 1
    assert_fits(page)
    audit(page)
