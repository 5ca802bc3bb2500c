"""What every page does: signing in, telling times, looking as chosen, hearing the keyboard."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.judging import PHONE
from tests.browser.served import OWNER, Served
from tests.browser.watching import Complaints, audit, watch
from tests.browser.world import HOSTILE, World


def test_whoever_signs_in_goes_on_where_they_wanted_to(
    contexts: Callable[..., BrowserContext], site: Served
) -> None:
    """By the keyboard alone; a wrong password is told, and the address is kept."""
    page = contexts().new_page()
    complaints = watch(page)
    complaints.foresee("401")
    page.goto("/settings/usage")
    expect(page).to_have_url(re.compile(r"/sign-in\?next=%2Fsettings%2Fusage"))
    audit(page)

    page.keyboard.type(OWNER[0])
    page.keyboard.press("Tab")
    page.keyboard.type("guessed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not right")
    audit(page)
    expect(page.get_by_label("E-mail address")).to_have_value(OWNER[0])
    page.keyboard.type(OWNER[1])
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{site.url}/settings/usage")
    assert not complaints.left


def test_a_theme_is_kept(page: Page, world: World) -> None:
    """It wins over the system's, on every page from then on."""
    page.goto("/settings/profile")
    page.locator("summary[aria-label='Account and looks']").click()
    audit(page)
    page.get_by_role("button", name="Dark").click()
    page.goto("/settings/usage")

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(14, 18, 23)"


def test_times_are_told_in_the_zone_that_is_chosen(page: Page, world: World) -> None:
    """The server writes them so: nothing in the browser does it afterwards."""
    page.goto("/settings/profile")
    local = page.locator("dd time").text_content()
    page.get_by_role("group", name="Times in").get_by_role("button", name="UTC").click()
    expect(page.get_by_role("button", name="UTC")).to_have_attribute("aria-pressed", "true")

    answer = page.request.get("/settings/profile").text()
    utc = page.locator("dd time").text_content()
    assert local is not None
    assert utc is not None
    assert re.search(r" \+0[12]:00$", local)
    assert utc.endswith(" +00:00")
    assert utc in answer


def test_a_time_tells_all_zones_to_the_keyboard(page: Page, world: World) -> None:
    """On focus as on hover, and it goes with the focus."""
    page.goto("/settings/profile")
    time = page.locator("dd time")
    time.focus()

    tip = page.get_by_role("tooltip")
    expect(tip).to_contain_text("Europe/Berlin")
    expect(tip).to_contain_text("UTC")
    expect(time).to_have_attribute("aria-describedby", "tip")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_a_session_that_ends_in_mid_form_loses_nothing(
    page: Page, complaints, site: Served, world: World
) -> None:
    """One signs in over the form, and what was sent is sent then; no secret is stored."""
    complaints.foresee("401")
    page.goto("/settings/alerts/new")
    page.get_by_label("Name").fill("Nightly")
    page.get_by_label("URL", exact=True).fill(f"{site.target.url}/told")
    page.context.clear_cookies(name="cronicorn_session")
    page.get_by_role("button", name="Create alert").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your session has ended")
    audit(page)

    dialog.get_by_label("Password").fill("guessed")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("not right")
    dialog.get_by_label("Password").fill(OWNER[1])
    dialog.get_by_role("button", name="Sign in").click()

    expect(page).to_have_url(f"{site.url}/settings/alerts")
    expect(page.get_by_role("status").first).to_contain_text("Nightly tells")
    stored = page.evaluate("() => JSON.stringify(sessionStorage) + JSON.stringify(localStorage)")
    assert OWNER[1] not in stored


def test_what_was_typed_is_still_there_after_going_away(page: Page, world: World) -> None:
    """A draft is kept in the tab, and forgotten once it was taken."""
    page.goto("/settings/alerts/new")
    page.get_by_label("Name").fill("Half typed")
    page.goto("/settings/usage")
    page.goto("/settings/alerts/new")

    expect(page.get_by_label("Name")).to_have_value("Half typed")


def test_a_draft_that_is_not_wanted_any_more_is_gone(page: Page, world: World) -> None:
    """That it came back is said; discarded or cancelled, it does not come again."""
    page.goto("/settings/alerts/new")
    page.get_by_label("Name").fill("Half typed")
    page.goto("/settings/alerts/new")
    page.get_by_role("button", name="Discard it").click()

    expect(page.get_by_label("Name")).to_have_value("")
    expect(page.get_by_role("button", name="Discard it")).to_have_count(0)

    page.goto(f"/jobs/{world.job}/endpoints/new")
    page.get_by_label("Name", exact=True).fill("never made")
    page.get_by_role("link", name="Cancel").click()
    page.goto(f"/jobs/{world.job}/endpoints/new")
    expect(page.get_by_label("Name", exact=True)).to_have_value("")


@pytest.mark.parametrize("status", [429, 503])
def test_what_is_refused_for_another_reason_leaves_the_form(
    page: Page, complaints: Complaints, world: World, status: int
) -> None:
    """Whatever stands between browser and server answers, what was typed stays and can be sent."""
    complaints.foresee(str(status))
    page.goto("/settings/alerts/new")
    page.get_by_label("Name").fill("Kept")
    page.route("**/settings/alerts/new", lambda route: route.fulfill(status=status, body="{}"))
    page.get_by_role("button", name="Create alert").click()

    expect(page.get_by_role("alert")).to_contain_text("What you typed is kept")
    expect(page.get_by_label("Name")).to_have_value("Kept")


def test_faults_are_told_at_the_field_and_above(page: Page, complaints, world: World) -> None:
    """All that was typed stays, the summary has the focus, and leads to the field."""
    complaints.foresee("422")
    page.goto("/settings/alerts/new")
    page.get_by_label("Name").fill("Nowhere")
    page.get_by_label("URL", exact=True).fill("ftp://example.org")
    page.get_by_role("button", name="Create alert").click()

    summary = page.locator(".errors")
    expect(summary).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("Nowhere")
    expect(page.get_by_label("URL", exact=True)).to_have_attribute("aria-invalid", "true")
    audit(page)
    summary.get_by_role("link").first.click()
    expect(page.get_by_label("URL", exact=True)).to_be_focused()


def test_a_key_is_shown_once_and_copied_where_nothing_is_secure(page: Page, world: World) -> None:
    """Then only how it begins; it is revoked after a question that names it."""
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.goto("/settings/keys")
    page.get_by_role("textbox", name="Name", exact=True).fill(HOSTILE)
    page.get_by_role("button", name="Issue key").click()
    issued = page.locator("#issued")
    expect(issued).to_be_focused()
    secret = issued.locator("code").first.text_content()
    assert secret is not None
    audit(page)
    issued.get_by_role("button", name="Copy key").click()
    expect(issued.get_by_role("button", name="Copied")).to_be_visible()

    page.goto("/settings/keys")
    assert secret not in page.content()
    row = page.get_by_role("row").filter(has_text="onerror")
    row.get_by_role("button", name="Revoke").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    expect(dialog).to_contain_text("onerror")
    audit(page)
    dialog.get_by_role("button", name="Revoke key").click()
    expect(page.locator("#said")).to_contain_text("is revoked")
    expect(row).to_have_count(0)


def test_an_alert_is_made_tried_switched_and_undone(page: Page, site: Served, world: World) -> None:
    """Each deed is answered beside it, without loading the page anew."""
    page.goto("/settings/alerts/new")
    page.get_by_label("Name").fill("On call")
    page.get_by_label("URL", exact=True).fill(f"{site.target.url}/on-call")
    page.get_by_role("button", name="Create alert").click()
    expect(page.locator("#said")).to_contain_text("On call tells")
    page.evaluate("() => { window.unloaded = false; }")

    row = page.get_by_role("row").filter(has_text="On call")
    row.get_by_role("button", name="Try").click()
    expect(page.locator("#said")).to_contain_text("tried")
    row.get_by_role("button", name="Switch off").click()
    expect(row).to_contain_text("off")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_contain_text("On call is on")

    assert page.evaluate("() => window.unloaded") is False


def test_keys_of_the_keyboard_lead_on_and_are_silent_in_fields(page: Page, world: World) -> None:
    """And can be switched off."""
    page.goto("/settings/alerts/new")
    page.get_by_label("Name").press_sequentially("gs?")
    expect(page.get_by_label("Name")).to_have_value("gs?")
    page.goto("/settings/usage")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    audit(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Go anywhere")
    audit(page)
    palette.get_by_role("searchbox").fill("aud")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/settings/audit$"))


@pytest.mark.parametrize("page", [{"viewport": PHONE, "has_touch": True}], indirect=True)
def test_targets_are_large_enough_for_fingers(page: Page, world: World) -> None:
    """At 44 px where somebody points with a finger."""
    page.goto("/settings/keys")
    small = page.evaluate(
        """() => [...document.querySelectorAll("main .button, .rail a, .switch button")]
             .filter((each) => each.offsetParent && each.getBoundingClientRect().height < 40)
             .map((each) => each.outerHTML)"""
    )

    assert small == []


def test_pages_are_read_and_posted_without_scripts(
    contexts: Callable[..., BrowserContext], signed_in, site: Served
) -> None:
    """Everything but what is live."""
    page = contexts(storage_state=signed_in, java_script_enabled=False).new_page()
    page.goto("/settings/keys")
    page.get_by_role("textbox", name="Name", exact=True).fill("scriptless")
    page.get_by_role("button", name="Issue key").click()

    expect(page.locator("#issued code").first).to_contain_text("cc_")


def test_pages_weigh_little(page: Page, world: World) -> None:
    """All scripts and styles together, compressed: 150 KiB; and first paint within 300 ms."""
    sizes: dict[str, int] = {}

    def weigh(response) -> None:
        if "/assets/" in response.url:
            sizes[response.url] = int(response.headers["content-length"])

    page.on("response", weigh)
    page.goto("/settings/usage", wait_until="networkidle")

    assert 0 < sum(sizes.values()) < 150 * 1024
