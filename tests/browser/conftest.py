"""A browser before the service as it is in production; what it complains of fails the test."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from tests.browser.judging import PHONE, WIDE
from tests.browser.served import Served, a_site, sign_in
from tests.browser.watching import Complaints, watch
from tests.browser.world import World, make_world

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give the service, with a worker and a target, for the whole run."""
    with a_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="session")
def world(site: Served) -> World:
    """Give what there is to be seen."""
    return make_world(site)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Give the browser of the system."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    assert executable, "there is no chromium here: `just chromium` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def signed_in(chromium: Browser, site: Served) -> StorageState:
    """Give the cookies of the owner, who has signed in by the page."""
    context = chromium.new_context(base_url=site.url)
    page = context.new_page()
    sign_in(page)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="session")
def windows(
    chromium: Browser, site: Served, signed_in: StorageState
) -> Iterator[Callable[[str], BrowserContext]]:
    """Give a wide window and one of a phone, in which all pages are opened: styles load once."""
    with windows_of(chromium, site, signed_in) as opened:
        yield opened


@contextmanager
def windows_of(
    chromium: Browser, site: Served, state: StorageState
) -> Iterator[Callable[[str], BrowserContext]]:
    """Open them at a service."""
    opened = {
        name: chromium.new_context(
            base_url=site.url,
            timezone_id="Europe/Berlin",
            storage_state=state,
            viewport={"width": size["width"], "height": size["height"]},
        )
        for name, size in (("wide", WIDE), ("phone", PHONE))
    }
    yield opened.__getitem__
    for each in opened.values():
        each.close()


@pytest.fixture
def contexts(chromium: Browser, site: Served) -> Iterator[Callable[..., BrowserContext]]:
    """Give what opens windows; they are closed at the end."""
    opened: list[BrowserContext] = []

    def open_one(**options) -> BrowserContext:
        usual = {"base_url": site.url, "viewport": WIDE, "timezone_id": "Europe/Berlin"}
        opened.append(chromium.new_context(**{**usual, **options}))
        opened[-1].set_default_timeout(15_000)
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def page(
    request: pytest.FixtureRequest, contexts: Callable[..., BrowserContext], signed_in: StorageState
) -> Iterator[Page]:
    """Give a page on which the owner is signed in; what it complains of fails the test."""
    options = getattr(request, "param", {})
    page = contexts(**{"storage_state": signed_in, **options}).new_page()
    complaints = watch(page)
    page.complaints = complaints  # type: ignore[attr-defined]
    yield page
    broken = [] if page.is_closed() else page.evaluate("() => window.__broken ?? []")
    assert not complaints.left
    assert not broken


@pytest.fixture
def complaints(page: Page) -> Complaints:
    """Give what a test may foresee."""
    found: Complaints = page.complaints  # type: ignore[attr-defined]
    return found
