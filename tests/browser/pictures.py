"""
Takes the pictures that the docs show, of a shop at work, in the browser of the system.

``just pictures`` writes those of ``docs/pictures`` anew. ``just pictures FOLDER`` takes every page,
in both themes, wide and on a phone, for whoever wants to look at all of them.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.conftest import FLAGS
from tests.browser.judging import PHONE, WIDE
from tests.browser.served import Served, a_served, a_target, sign_in
from tests.browser.shop import ANSWERS, Shop

ROOT = Path(__file__).parents[2]
KEPT = {
    "now-light": ("now", WIDE, "light"),
    "now-phone-dark": ("now", PHONE, "dark"),
    "endpoint-dark": ("endpoint", WIDE, "dark"),
    "run-light": ("run-failed", WIDE, "light"),
    "statistics-light": ("statistics", WIDE, "light"),
}
PAGES = {
    "now": "/",
    "endpoints": "/endpoints",
    "endpoints-failing": "/endpoints?state=failing",
    "endpoint": "/endpoints/{adapting}?window=24h",
    "endpoint-hours": "/endpoints/{adapting}?window=6h&value=queue.depth",
    "endpoint-table": "/endpoints/{adapting}?window=1h&view=table",
    "endpoint-failing": "/endpoints/{failing}",
    "endpoint-paused": "/endpoints/{resting}",
    "run": "/runs/{run}",
    "run-failed": "/runs/{failed_run}",
    "history": "/endpoints/{adapting}/runs",
    "edit": "/endpoints/{adapting}/edit",
    "new": "/jobs/{job}/endpoints/new",
    "rules": "/endpoints/{adapting}/rules",
    "jobs": "/jobs",
    "job": "/jobs/{job}",
    "job-new": "/jobs/new",
    "sessions": "/sessions",
    "session": "/sessions/{session}",
    "statistics": "/statistics",
    "profile": "/settings/profile",
    "keys": "/settings/keys",
    "devices": "/settings/devices",
    "signing": "/settings/signing",
    "usage": "/settings/usage",
    "alerts": "/settings/alerts",
    "alert-new": "/settings/alerts/new",
    "audit": "/settings/audit",
    "system": "/settings/system",
    "device": "/device/approve",
}


@contextmanager
def a_shop() -> Iterator[tuple[Served, Shop]]:
    """Give the service over a day of a shop's work, which goes on."""
    with tempfile.TemporaryDirectory() as room, a_target() as target:
        for path, (status, body) in ANSWERS.items():
            target.answer(path, status, body)
        command = [sys.executable, "-m", "tests.browser.shop", room, target.url]
        told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        with a_served(Path(room), target, "--with-worker") as site:
            site.post(
                "/alerts", {"name": "On call", "kind": "webhook", "url": f"{target.url}/told"}
            )
            yield site, Shop(**json.loads(told.stdout))


def opened(browser: Browser, site: Served, size: dict[str, int], theme: str) -> BrowserContext:
    """Open a window, signed in."""
    window = browser.new_context(
        base_url=site.url,
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Europe/Berlin",
    )
    page = window.new_page()
    sign_in(page)
    page.close()
    return window


def main() -> None:
    """Take them."""
    everything = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    wanted = (
        KEPT
        if everything is None
        else {
            f"{name}-{where}-{theme}": (name, size, theme)
            for name in PAGES
            for where, size in (("wide", WIDE), ("phone", PHONE))
            for theme in ("light", "dark")
        }
    )
    folder = ROOT / "docs" / "pictures" if everything is None else everything
    folder.mkdir(parents=True, exist_ok=True)
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    with a_shop() as (site, shop), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        windows: dict[tuple[int, str], BrowserContext] = {}
        for picture, (name, size, theme) in wanted.items():
            key = (size["width"], theme)
            if key not in windows:
                windows[key] = opened(browser, site, size, theme)
            page = windows[key].new_page()
            page.goto(PAGES[name].format(**vars(shop)), wait_until="load")
            live = page.locator("#live:not([hidden])")
            if live.count():
                live.and_(page.locator("[data-state='live']")).wait_for()
            if (
                size is WIDE
            ):  # the rail reaches down then; a phone's bar has its place at the bottom
                tall = page.evaluate("() => document.documentElement.scrollHeight")
                page.set_viewport_size(
                    {"width": size["width"], "height": max(tall, size["height"])}
                )
            whole = everything is not None
            page.screenshot(path=folder / f"{picture}.png", full_page=whole)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
