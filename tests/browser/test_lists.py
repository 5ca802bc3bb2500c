"""Now, the list of endpoints, jobs, forms and rules: what each is there for, done in a browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.judging import PHONE
from tests.browser.served import Served
from tests.browser.watching import Complaints
from tests.browser.world import World


def test_what_fails_shows_on_now_without_reload(page: Page, site: Served, world: World) -> None:
    """A failure that happens while somebody looks is there within moments, and names itself."""
    site.target.answer("/breaks", 500, "{}")
    breaks = site.an_endpoint({"id": world.job}, "breaks-soon", url=f"{site.target.url}/breaks")
    page.goto("/")
    expect(page.locator("#live")).to_have_attribute("data-state", re.compile("live|on"))
    site.post(f"/endpoints/{breaks['id']}/run")

    expect(page.locator("#needs")).to_contain_text("breaks-soon", timeout=15_000)
    site.post(f"/jobs/_/endpoints/{breaks['id']}/archive")


def test_a_list_is_narrowed_and_its_address_holds_the_filters(page: Page, world: World) -> None:
    """Search, state and order are in the address, and a reload shows the same."""
    page.goto("/endpoints")
    page.get_by_label("Name or URL").fill("catalog")
    page.get_by_label("Name or URL").press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("State", exact=True).select_option("failing")

    expect(page).to_have_url(re.compile(r"q=catalog.*state=failing"))
    page.reload()
    expect(page.locator("tbody")).to_contain_text("catalog-sync")


def test_many_are_paused_after_a_preview_and_the_pause_is_undone(page: Page, world: World) -> None:
    """The preview counts what changes and what stood so already; Cancel changes nothing."""
    page.goto("/endpoints?q=q")
    expect(page.get_by_role("checkbox", name="Select queue-depth")).to_be_visible()
    page.get_by_role("checkbox", name="Select queue-depth").check()
    page.locator("#bulk-pause > summary").click()
    page.get_by_role("button", name="1 hour").click()
    expect(page.locator("#sentence")).to_contain_text("1 match, 1 change")
    page.get_by_role("link", name="Cancel").click()
    expect(page.locator("tbody")).to_contain_text("active")

    page.get_by_role("checkbox", name="Select queue-depth").check()
    page.locator("#bulk-pause > summary").click()
    page.get_by_role("button", name="1 hour").click()
    page.get_by_role("button", name="Pause 1 endpoint").click()
    expect(page.locator("h1")).to_contain_text("1 endpoint paused until")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_contain_text("1 endpoint resumed")


def test_a_job_is_made_paused_and_resumed(page: Page) -> None:
    """It says what it does, and Undo undoes it."""
    page.goto("/jobs/new")
    page.get_by_label("Name").fill("nightly")
    page.get_by_role("button", name="Create job").click()
    expect(page.locator("h1")).to_have_text("nightly")
    page.locator("#main").get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#said")).to_contain_text("Paused")
    page.locator("#said").get_by_role("button", name="Undo").click()
    expect(page.locator("#sentence")).to_contain_text("active")


def test_an_endpoint_is_tried_previewed_and_made(page: Page, site: Served, world: World) -> None:
    """The test shows the answer, the preview the words and the clock's change days."""
    page.goto(f"/jobs/{world.job}/endpoints/new")
    page.get_by_label("Name", exact=True).fill("typed by hand")
    page.get_by_label("URL").fill(f"{site.target.url}/queue-depth")
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#answer")).to_contain_text("HTTP 200")
    expect(page.get_by_label("Name", exact=True)).to_have_value("typed by hand")

    page.get_by_label("By the clock (cron)").check()
    page.get_by_label("Cron expression").fill("0 30 2 * * *")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    expect(page.locator("#preview")).to_contain_text("at 02:30 every day")
    expect(page.locator("#preview")).to_contain_text("does not exist that day")
    expect(page.locator("#preview")).to_contain_text("comes twice")
    page.get_by_role("button", name="Create endpoint").click()
    expect(page.locator("#said")).to_contain_text("Created")


@pytest.mark.parametrize("page", [{"viewport": PHONE}], indirect=True)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(
    page: Page, world: World, complaints: Complaints
) -> None:
    """The summary has the focus and leads to the field; a bad cron field is named."""
    complaints.foresee("422")
    page.goto(f"/jobs/{world.job}/endpoints/new")
    page.get_by_label("Name", exact=True).fill("kept as typed")
    page.get_by_label("URL").fill("ftp://nowhere")
    page.get_by_label("By the clock (cron)").check()
    page.get_by_label("Cron expression").fill("61 * * * *")
    page.get_by_role("button", name="Create endpoint").click()

    errors = page.locator("#errors")
    expect(errors).to_be_focused()
    expect(errors).to_contain_text("Cron expression: Minute: found '61'")
    expect(page.get_by_label("Name", exact=True)).to_have_value("kept as typed")
    errors.get_by_role("link").filter(has_text="Cron expression").click()
    expect(page.get_by_label("Cron expression")).to_be_focused()


def test_the_second_of_two_editors_sees_both_versions(
    page: Page, site: Served, world: World, complaints: Complaints
) -> None:
    """Nothing is overwritten; a field takes the other's version where that is chosen."""
    complaints.foresee("409")
    mine = site.an_endpoint({"id": world.job}, "edited-twice", baselineIntervalMs=3_600_000)
    page.goto(f"/endpoints/{mine['id']}/edit")
    page.get_by_label("Interval", exact=True).fill("2 h")
    site.client.patch(f"/jobs/_/endpoints/{mine['id']}", json={"description": "theirs"})
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.locator(".versions")).to_contain_text("theirs")
    expect(page.get_by_label("Interval", exact=True)).to_have_value("2 h")
    page.locator("#theirs-description").check()
    page.get_by_role("button", name="Save", exact=True).last.click()
    expect(page.locator("#said")).to_contain_text("Saved")
    after = site.get(f"/jobs/_/endpoints/{mine['id']}")
    assert (after["description"], after["baselineIntervalMs"]) == ("theirs", 7_200_000)


def test_a_rule_is_checked_where_it_is_wrong_and_saved_in_shadow(page: Page, world: World) -> None:
    """The position of the fault is shown before it is saved."""
    page.goto(f"/endpoints/{world.ok}/rules")
    page.get_by_label("When").last.fill("body.queue.depth >")
    expect(page.locator("#checked .caret")).to_be_visible()
    page.get_by_label("When").last.fill("body.queue.depth > 100")
    expect(page.locator("#checked")).to_contain_text("understood")
    page.get_by_label("Run every").last.fill("30 s")
    page.get_by_label("Only watch (shadow)").check()
    page.get_by_role("button", name="Replay").click()
    expect(page.locator("#replay")).to_contain_text("answer")
    page.get_by_role("button", name="Save rules").click()
    expect(page.locator("#said")).to_contain_text("Saved: 1 rule. They only watch")
