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


def test_a_draft_does_not_overwrite_what_was_saved_meanwhile(
    page: Page, site: Served, world: World, complaints: Complaints
) -> None:
    """It comes back with the version that it was typed over."""
    complaints.foresee("409")
    mine = site.an_endpoint({"id": world.job}, "drafted", baselineIntervalMs=3_600_000)
    page.goto(f"/endpoints/{mine['id']}/edit")
    page.get_by_label("Interval", exact=True).fill("2 h")
    page.goto("/settings/usage")
    site.client.patch(f"/jobs/_/endpoints/{mine['id']}", json={"description": "theirs"})
    page.goto(f"/endpoints/{mine['id']}/edit")
    expect(page.get_by_label("Interval", exact=True)).to_have_value("2 h")
    expect(page.locator("#preview")).to_contain_text("every 2 h")
    page.get_by_role("button", name="Save", exact=True).last.click()

    expect(page.locator(".versions")).to_contain_text("theirs")


def test_two_clicks_make_one(page: Page, site: Served, world: World) -> None:
    """Whoever clicks twice sees what was made, and not that its name is taken."""
    page.goto(f"/jobs/{world.job}/endpoints/new")
    page.get_by_label("Name", exact=True).fill("clicked twice")
    page.get_by_label("URL").fill(f"{site.target.url}/ok")
    page.get_by_label("Interval", exact=True).fill("1 h")
    page.get_by_role("button", name="Create endpoint").last.dblclick()

    expect(page.locator("#said")).to_contain_text("Created clicked twice")
    expect(page.get_by_role("heading", name="clicked twice")).to_be_visible()


def test_enter_pauses_until_what_was_typed(page: Page, site: Served, world: World) -> None:
    """And not for as long as the first of the buttons says."""
    mine = site.an_endpoint({"id": world.job}, "entered", baselineIntervalMs=3_600_000)
    page.goto(f"/endpoints/{mine['id']}")
    page.locator(".pause-menu summary").click()
    page.get_by_role("textbox", name="Until, Europe/Berlin", exact=True).fill("2037-05-01T10:00")
    page.get_by_label("Reason, if you like").press("Enter")

    expect(page.locator("#said")).to_contain_text("Paused until")
    assert site.get(f"/jobs/_/endpoints/{mine['id']}")["pausedUntil"].startswith("2037-0")


def test_the_rule_that_was_removed_is_the_only_one(page: Page, site: Served, world: World) -> None:
    """The tick does not stay for the rule that takes its place."""
    mine = site.an_endpoint({"id": world.job}, "ruled", baselineIntervalMs=3_600_000)
    page.goto(f"/endpoints/{mine['id']}/rules")
    for status in (500, 503):
        page.get_by_label("When").last.fill(f"status == {status}")
        page.get_by_label("Run every").last.fill("30 s")
        page.get_by_role("button", name="Save rules").click()
        expect(page.get_by_label("When").filter(has_text=str(status))).to_have_count(1)
        page.goto(f"/endpoints/{mine['id']}/rules")
    page.get_by_label("Remove").first.check()
    page.get_by_role("button", name="Save rules").click()
    expect(page.get_by_label("When").filter(has_text="500")).to_have_count(0)

    expect(page.get_by_label("Remove").first).not_to_be_checked()


def test_what_can_be_copied_still_can_after_a_while(page: Page, world: World) -> None:
    """The part around it is fetched anew, and comes without what scripts add."""
    page.goto(f"/endpoints/{world.ok}")
    copy = page.get_by_role("button", name="Copy URL")
    expect(copy).to_be_visible()
    with page.expect_response(lambda answer: "/next" in answer.url):
        page.locator("#request-line").dispatch_event("cronicorn:renew")
    page.wait_for_function("() => !document.querySelector('#request-line [data-copy][hidden]')")

    expect(copy).to_be_visible()


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
