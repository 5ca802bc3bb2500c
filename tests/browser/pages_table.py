"""Every page of the dashboard: a new page enters here, and is looked at like all others."""

from tests.browser.world import World

PAGES = {
    "profile": "/settings/profile",
    "device-code": "/device/approve",
    "now": "/",
    "endpoints": "/endpoints",
    "endpoints-narrowed": "/endpoints?q=catalog&state=failing&sort=worst",
    "endpoints-nothing": "/endpoints?q=nothing-like-it",
}
"""What each is called, and its address; ids in braces are those of the world."""


def address(name: str, world: World) -> str:
    """Give the address of a page in a world."""
    return PAGES[name].format(**vars(world))
