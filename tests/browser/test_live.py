"""Pages that renew themselves: by one stream, without loading anew, and not under one's hands."""

import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.served import Served
from tests.browser.watching import watch
from tests.browser.world import World, begun_run, ended_run, until_runs


def test_a_failure_reaches_now_without_loading_it_anew(
    page: Page, site: Served, world: World
) -> None:
    """Nor is anything typed or opened lost."""
    job = site.a_job("live")
    site.target.answer("/turns-bad", 500, "{}")
    endpoint = site.an_endpoint(job, "turns-bad", baselineIntervalMs=3_600_000)
    page.goto("/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator("[data-words]")).to_have_text(re.compile(r"^Live \d\d:\d\d:\d\d$"))
    page.evaluate("() => { window.unloaded = false; }")

    site.post(f"/endpoints/{endpoint['id']}/run")

    expect(page.locator("main")).to_contain_text("turns-bad")
    expect(page).to_have_title(re.compile(r"^\(\d+\) Now"))
    expect(page.locator('link[rel="icon"]')).to_have_attribute("href", re.compile("icon-failing"))
    assert page.evaluate("() => window.unloaded") is False
    site.post(f"/endpoints/{endpoint['id']}/pause")


def test_a_page_that_is_paused_stands_still(page: Page, site: Served, world: World) -> None:
    """Until it goes on; then it catches up at once, however much has failed just before."""
    job = site.a_job("paused-page")
    site.target.answer("/unseen", 500, "{}")
    endpoint = site.an_endpoint(job, "unseen", baselineIntervalMs=3_600_000)
    page.goto("/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.get_by_role("button", name="Freeze").click()
    expect(page.locator("[data-words]")).to_contain_text("Frozen, data from")
    site.post(f"/endpoints/{endpoint['id']}/run")
    ended_run(site, endpoint["id"])

    expect(page.locator("main")).not_to_contain_text("unseen")
    page.get_by_role("button", name="Follow").click()
    expect(page.locator("main")).to_contain_text("unseen", timeout=5_000)
    site.post(f"/endpoints/{endpoint['id']}/pause")


def test_a_tab_says_that_it_is_cut_off_and_catches_up(
    page: Page, complaints, site: Served, world: World
) -> None:
    """Offline while there is no network, then live again."""
    complaints.foresee("ERR_INTERNET_DISCONNECTED")
    page.goto("/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")

    page.context.set_offline(True)
    expect(page.locator("[data-words]")).to_have_text("Offline")
    page.context.set_offline(False)

    expect(page.locator("#live")).to_have_attribute("data-state", "live")


def test_many_tabs_load_and_are_live(
    contexts: Callable[..., BrowserContext], signed_in, site: Served, world: World
) -> None:
    """A browser holds six connections; those for whom there is no stream left ask by themselves."""
    context = contexts(storage_state=signed_in)
    tabs = [context.new_page() for _ in range(8)]
    seen = [watch(tab) for tab in tabs]
    for tab in tabs:
        tab.goto("/")
    for tab in tabs:
        expect(tab.locator("#live")).to_have_attribute("data-state", "live", timeout=30_000)

    assert [each.left for each in seen] == [[]] * len(tabs)


def test_a_run_that_ends_while_it_is_looked_at_is_said_to_have_ended(
    page: Page, site: Served, world: World
) -> None:
    """In its sentence as below it; then nothing of it is asked for again, and nothing is live."""
    job = site.a_job("long")
    with site.target.holding("/takes-long"):
        endpoint = site.an_endpoint(job, "takes-long", baselineIntervalMs=3_600_000)
        site.post(f"/endpoints/{endpoint['id']}/run")
        page.goto(f"/runs/{begun_run(site, endpoint['id'])}")
        expect(page.locator("#sentence")).to_contain_text("running")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")

    expect(page.locator("#sentence .mark")).to_have_text("ok")
    expect(page.locator("#run")).not_to_contain_text("still running")
    expect(page.locator("main [data-refetch]")).to_have_count(0)
    expect(page.locator("#live")).to_be_hidden()


def test_rows_keep_their_places_under_the_pointer_and_the_focus(
    page: Page, site: Served, world: World
) -> None:
    """What is new comes last, until they are left: then it is worst first again."""
    job = site.a_job("places")
    for name in ("pointed-at", "much-worse"):
        site.target.answer(f"/{name}", 500, "{}")
    pointed = site.an_endpoint(job, "pointed-at", baselineIntervalMs=3_600_000)
    worse = site.an_endpoint(job, "much-worse", baselineIntervalMs=3_600_000)
    site.post(f"/endpoints/{pointed['id']}/run")
    ended_run(site, pointed["id"])
    page.goto("/")
    row = page.locator(f"#need-{pointed['id']}")
    expect(row).to_be_visible()
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    row.get_by_role("link", name="Open").hover()
    order = "() => [...document.querySelectorAll('#needs li')].map((each) => each.id)"
    before = page.evaluate(order)

    for runs in (1, 2, 3):
        site.post(f"/endpoints/{worse['id']}/run")
        until_runs(site, worse["id"], runs)
    expect(page.locator(f"#need-{worse['id']}")).to_contain_text("3 failed", timeout=30_000)

    assert page.evaluate(order) == [*before, f"need-{worse['id']}"]
    page.mouse.move(0, 0)
    page.wait_for_function(
        f"() => {{ const rows = ({order})();"
        f" return rows.indexOf('need-{worse['id']}') < rows.indexOf('need-{pointed['id']}'); }}"
    )
    for each in (pointed, worse):
        site.post(f"/endpoints/{each['id']}/pause")
