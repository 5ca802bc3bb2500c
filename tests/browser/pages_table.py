"""Every page of the dashboard: a new page enters here, and is looked at like all others."""

from tests.browser.world import World

PAGES = {
    "profile": "/settings/profile",
    "keys": "/settings/keys",
    "devices": "/settings/devices",
    "signing": "/settings/signing",
    "usage": "/settings/usage",
    "alerts": "/settings/alerts",
    "alert-new": "/settings/alerts/new",
    "audit": "/settings/audit",
    "system": "/settings/system",
    "device-code": "/device/approve",
    "endpoint": "/endpoints/{ok}",
    "endpoint-failing": "/endpoints/{failing}",
    "endpoint-paused": "/endpoints/{paused}",
    "endpoint-hostile": "/endpoints/{hostile}",
    "run": "/runs/{run}",
    "run-failed": "/runs/{failed_run}",
    "history": "/endpoints/{ok}/runs",
    "history-hostile": "/endpoints/{hostile}/runs",
    "statistics": "/statistics",
    "sessions": "/sessions",
    "now": "/",
    "endpoints": "/endpoints",
    "endpoints-narrowed": "/endpoints?q=catalog&state=failing&sort=worst",
    "endpoints-nothing": "/endpoints?q=nothing-like-it",
    "jobs": "/jobs",
    "jobs-archived": "/jobs?state=archived",
    "job": "/jobs/{job}",
    "job-new": "/jobs/new",
    "job-edit": "/jobs/{job}/edit",
    "endpoint-new": "/jobs/{job}/endpoints/new",
    "endpoint-edit": "/endpoints/{paused}/edit",
    "rules": "/endpoints/{ok}/rules",
    "endpoint-edit-hostile": "/endpoints/{hostile}/edit",
}
"""What each is called, and its address; ids in braces are those of the world."""


def address(name: str, world: World) -> str:
    """Give the address of a page in a world."""
    return PAGES[name].format(**vars(world))
