"""Every page, in both themes, wide, narrow and zoomed: nothing complains, and nothing overflows."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.judging import assert_well_made
from tests.browser.pages_table import PAGES, address
from tests.browser.world import World


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_made(
    windows: Callable[[str], BrowserContext], world: World, name: str
) -> None:
    """It is there, axe finds nothing, the keyboard reaches it, and it fits, however one looks."""
    assert_well_made(windows, address(name, world))
