"""The timeline, runs, history and statistics in a browser, over a past that has everything."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import windows_of
from tests.browser.judging import assert_well_made
from tests.browser.past import Past, past_in
from tests.browser.served import Served, a_served, a_target, sign_in
from tests.browser.watching import watch

pytestmark = pytest.mark.xdist_group("past")
"""One process makes the past, and not each of them."""


@pytest.fixture(scope="session")
def past_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Past]]:
    """Give the service without a worker: what has been stays as it was."""
    folder = tmp_path_factory.mktemp("past")
    past = past_in(folder)
    with a_target() as target, a_served(folder, target) as site:
        yield site, past


@pytest.fixture(scope="session")
def past_state(chromium: Browser, past_site: tuple[Served, Past]):
    """Give the cookies of the owner."""
    context = chromium.new_context(base_url=past_site[0].url, timezone_id="Europe/Berlin")
    page = context.new_page()
    sign_in(page)
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(scope="session")
def past_windows(
    chromium: Browser, past_site: tuple[Served, Past], past_state
) -> Iterator[Callable[[str], BrowserContext]]:
    """Give windows in which pages of this past are opened."""
    with windows_of(chromium, past_site[0], past_state) as opened:
        yield opened


@pytest.fixture
def look(
    contexts: Callable[..., BrowserContext], past_site: tuple[Served, Past], past_state
) -> Iterator[Callable[..., Page]]:
    """Give what opens a page of this past; what it complains of fails the test."""
    opened = []

    def open_page(path: str, **options) -> Page:
        usual = {"base_url": past_site[0].url, "storage_state": past_state}
        page = contexts(**{**usual, **options}).new_page()
        opened.append((page, watch(page)))
        answer = page.goto(path, wait_until="load")
        assert answer is not None
        assert answer.status == 200
        return page

    yield open_page
    for page, complaints in opened:
        broken = [] if page.is_closed() else page.evaluate("() => window.__broken ?? []")
        assert not complaints.left
        assert not broken


@pytest.fixture
def past(past_site: tuple[Served, Past]) -> Past:
    """Give the ids of endpoints that have a past."""
    return past_site[1]


@pytest.fixture
def api(past_site: tuple[Served, Past]) -> Served:
    """Give the service to ask as programs do."""
    return past_site[0]


PAGES = {
    "endpoint-adapting": "/endpoints/{adapting}?window=24h",
    "endpoint-value": "/endpoints/{adapting}?window=6h&value=queue.depth",
    "endpoint-table": "/endpoints/{adapting}?window=6h&view=table",
    "endpoint-dense": "/endpoints/{dense}?window=7d",
    "endpoint-never": "/endpoints/{never}",
    "endpoint-paused": "/endpoints/{quiet}",
    "endpoint-empty": "/endpoints/{quiet}?from=2020-01-01T00:00Z&until=2020-01-02T00:00Z",
    "history": "/endpoints/{adapting}/runs",
    "history-never": "/endpoints/{never}/runs",
    "statistics": "/statistics?days=7",
    "sessions": "/sessions?endpoint={adapting}",
    "session": "/sessions/{session}",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_made(
    past_windows: Callable[[str], BrowserContext], past: Past, name: str
) -> None:
    """It is there, axe finds nothing, the keyboard reaches it, and it fits, however one looks."""
    assert_well_made(past_windows, PAGES[name].format(**vars(past)))


def test_ten_thousand_runs_are_few_columns_and_one_failure_is_seen(look, past: Past) -> None:
    """At most 240 of them, the failure three pixels high, and the page below 60 KB."""
    page = look(f"/endpoints/{past.dense}?window=7d")
    written = page.content()

    columns = page.locator(".plot a .hit")
    failed = page.locator("rect.m.target-failed")
    assert 20 < columns.count() <= 240
    assert failed.count() == 1
    box = failed.bounding_box()
    assert box is not None
    assert box["height"] >= 3
    assert "99.99 % ok" in page.locator("#timeline-sentence").inner_text()
    assert len(written.encode()) < 60_000


def test_each_run_is_a_mark_while_they_are_few(look, past: Past, api: Served) -> None:
    """As many as there were in the hour, whatever came of them."""
    page = look(f"/endpoints/{past.quiet}?window=6h")

    drawn = page.locator(".bars > a[href^='/runs/']").count()
    runs = api.get(f"/endpoints/{past.quiet}/runs", limit=100)["runs"]
    assert drawn == len(runs)


def test_the_rhythm_dips_for_a_hints_life(look, past: Past) -> None:
    """And one that another goes before is outlined there; a guardrail's move is marked."""
    page = look(f"/endpoints/{past.adapting}?window=24h")

    path = page.locator("path.line.actual").get_attribute("d") or ""
    heights = {round(float(each), 1) for each in re.findall(r"[V ]([\d.]+)", path)}
    assert len(heights) >= 3
    assert page.locator("line.wanted.outranked").count() >= 1
    assert page.locator("line.wanted.in-force").count() >= 2
    assert page.locator("path.moved").count() >= 1
    assert page.locator(".flag-box.in-force").count() >= 2


def test_what_was_not_run_has_a_letter_and_a_reason(look, past: Past) -> None:
    """In the drawing the letter, in the table the reason."""
    page = look(f"/endpoints/{past.adapting}?window=24h")

    assert "c" in page.locator("text.letter").all_text_contents()
    page.get_by_role("link", name="Table").click()
    row = page.locator("#timeline table.slots tr", has_text="coalesced").first
    expect(row).to_contain_text(re.compile("coalesced.+", re.DOTALL))
    assert row.locator(".why-text").inner_text().strip()


def test_the_slider_reads_what_the_table_says(look, past: Past) -> None:
    """Mark by mark, by keys; Enter opens the run."""
    page = look(f"/endpoints/{past.adapting}?window=6h&view=table")
    rows = page.locator("#timeline table.slots tbody tr").count()
    page.goto(f"/endpoints/{past.adapting}?window=6h")
    slider = page.get_by_role("slider")

    assert slider.get_attribute("aria-valuemax") == str(rows)
    slider.focus()
    page.keyboard.press("Home")
    first = slider.get_attribute("aria-valuetext")
    page.keyboard.press("ArrowRight")
    second = slider.get_attribute("aria-valuetext")
    assert first != second
    assert re.search(r"\d\d:\d\d:\d\d, .+, ok, .+ (ms|s)", second or "")
    assert page.locator("[data-readout]").inner_text() == second
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*")


def timeless(text: str) -> str:
    """Leave out instants: a program is told them in UTC, and people in their zone."""
    return re.sub(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d(\.\d+)?( UTC| [+-]\d\d:\d\d)?", "then", text)


def test_why_is_what_the_api_explains(look, past: Past, api: Served) -> None:
    """The same sentence, the same steps in the same order, the same winner."""
    told = api.get(f"/endpoints/{past.adapting}/explain")
    page = look(f"/endpoints/{past.adapting}")

    assert timeless(told["sentence"]) in timeless(page.locator("#sentence").inner_text())
    numbered = page.locator("#why-next tr[data-rule]:not(.beside)")
    rules = [row.get_attribute("data-rule") for row in numbered.all()]
    assert rules == [line["rule"] for line in told["decision"]["trail"]]
    assert page.locator("#why-next tr.wins").count() == 1


def test_a_choice_of_zone_changes_every_time_in_the_html(look, past: Past) -> None:
    """The server writes them: what it sends differs, not only what is shown."""
    page = look(f"/endpoints/{past.quiet}/runs")
    local = page.locator("table.slots th a").all_inner_texts()

    page.get_by_role("button", name="UTC", exact=True).click()
    page.wait_for_load_state()
    utc = page.locator("table.slots th a").all_inner_texts()

    assert len(local) == len(utc) > 3
    assert all(one != other for one, other in zip(local, utc, strict=True))


def test_it_is_run_and_paused_from_its_page(look, past: Past) -> None:
    """Each is told beside, without leaving the page, and can be undone."""
    page = look(f"/endpoints/{past.never}")

    page.get_by_role("button", name="Run now").click()
    expect(page.locator("#said")).to_contain_text("Asked for a run")
    page.locator(".pause-menu summary").click()
    page.get_by_role("button", name="1 hour").click()
    expect(page.locator("#said")).to_contain_text("Paused until")
    page.locator("#said").get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_contain_text("Resumed")


def test_pointing_reads_out_and_dragging_zooms(look, past: Past) -> None:
    """The readout follows the pointer; what is dragged over becomes the window."""
    page = look(f"/endpoints/{past.adapting}?window=6h&value=queue.depth")
    box = page.locator(".plot").nth(1).bounding_box()
    assert box is not None
    last = page.locator("[data-readout]").inner_text()

    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 20)
    assert page.locator("[data-readout]").inner_text() != last
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20)
    page.mouse.up()
    page.wait_for_url("**from=*")

    assert "value=queue.depth" in page.url
    assert page.get_by_role("link", name="Back to now").is_visible()


def test_an_answer_is_a_tree_whose_numbers_can_be_drawn(look, past: Past, api: Served) -> None:
    """From a run to its drawing in one step."""
    runs = api.get(f"/endpoints/{past.adapting}/runs", limit=5)["runs"]
    page = look(f"/runs/{runs[2]['runId']}")

    leaf = page.locator(".tree .leaf", has_text="depth").first
    leaf.hover()
    leaf.get_by_role("link", name="Chart this").click()
    page.wait_for_url("**value=queue.depth*")
    expect(page.locator("path.line.value")).to_be_attached()


def test_without_a_script_nothing_is_lost(look, past: Past) -> None:
    """It is drawn, it can be read, and marks lead to their runs."""
    page = look(f"/endpoints/{past.adapting}?window=6h", java_script_enabled=False)

    assert page.locator("path.line.actual").count() == 1
    assert page.locator(".bars a[href^='/runs/']").count() > 20
    page.get_by_role("link", name="Table").click()
    assert page.locator("#timeline table.slots tbody tr").count() > 20
