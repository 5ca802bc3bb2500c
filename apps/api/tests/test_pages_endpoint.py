"""The page of an endpoint over HTTP: what it shows, what it does, and what it refuses."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape

import pytest
from cronicorn_domain.model.run import BodyKind
from cronicorn_domain.testing.builders import failed, succeeded
from sqlalchemy import Engine, event

OURS = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def pages(somebody, service):
    """Give the browser of somebody who is signed in; it asks for pages."""
    assert somebody.sign_in().status_code == 200
    somebody.browser.base_url = service.url.removesuffix("/api")
    return somebody.browser


@pytest.fixture
def ran(client):
    """Give an endpoint that has run three times, once without success."""
    endpoint = client.an_endpoint(name="queue <b>", url="http://93.184.216.34/q?a=1&b=<2>")
    client.run_now(endpoint, succeeded('{"queue": {"depth": 7}}', kind=BodyKind.JSON))
    client.run_now(endpoint, failed(message="the target answered <500>"))
    client.run_now(endpoint, succeeded('{"queue": {"depth": 9}}', kind=BodyKind.JSON))
    return endpoint


def test_a_page_shows_state_and_timeline(pages, ran: dict) -> None:
    """In one sentence each; and what was answered can be drawn."""
    page = pages.get(f"/endpoints/{ran['id']}").raise_for_status()

    assert "queue &lt;b&gt;" in page.text
    assert "<b>" not in page.text
    assert "3 slots in" in page.text
    assert "style=" not in page.text
    assert page.text.count('href="/runs/') >= 3
    drawn = pages.get(f"/endpoints/{ran['id']}", params={"value": "queue.depth"})
    assert 'class="line value"' in drawn.text


def test_the_table_says_the_same(pages, ran: dict) -> None:
    """Row by row, with what was wrong in the target's words, as text."""
    page = pages.get(f"/endpoints/{ran['id']}?view=table").raise_for_status()

    assert "the target answered &lt;500&gt;" in page.text
    assert page.text.count('scope="row"><a href="/runs/') == 3


def test_parts_are_fetched_alone_and_not_twice(pages, ran: dict) -> None:
    """What is as it was is not sent again."""
    for part in ("timeline?from=2025-01-01T00:00:00Z&until=2025-01-01T01:00:00Z",):
        first = pages.get(f"/_/endpoints/{ran['id']}/{part}").raise_for_status()
        again = pages.get(
            f"/_/endpoints/{ran['id']}/{part}", headers={"if-none-match": first.headers["etag"]}
        )

        assert "<html" not in first.text
        assert again.status_code == 304
    standing = pages.get(f"/_/endpoints/{ran['id']}/standing").raise_for_status()
    assert "Next ten" in standing.text


@pytest.mark.parametrize(
    "query",
    ["window=2h", "from=never", "from=2025-01-02T00:00&until=2025-01-01T00:00", "value=%20"],
)
def test_a_window_that_is_none_is_a_page_that_says_so(pages, ran: dict, query: str) -> None:
    """And no fault of ours."""
    assert pages.get(f"/endpoints/{ran['id']}?{query}").status_code == 422


def test_another_tenants_endpoint_is_not_there(pages, owner) -> None:
    """Neither to be looked at nor to be run."""
    theirs = owner.an_endpoint(owner.a_job("theirs, endpoint"), name="theirs")

    assert pages.get(f"/endpoints/{theirs['id']}").status_code == 404
    assert pages.post(f"/endpoints/{theirs['id']}/run", headers=OURS).status_code == 404


def test_it_is_run_paused_and_resumed(pages, client) -> None:
    """Each answers with the page, which says what was done."""
    endpoint = client.an_endpoint(name="deeds")
    path = f"/endpoints/{endpoint['id']}"

    def done(deed, **form):
        answer = pages.post(f"{path}/{deed}", data=form, headers=OURS)
        assert (answer.status_code, answer.headers["location"]) == (303, path)
        return pages.get(path).text

    assert "Asked for a run" in done("run")
    assert "Paused until" in done("pause", length="1h", reason="a <move>")
    page = pages.get(path).text
    assert "a &lt;move&gt;" in page
    assert "Resume" in page
    assert "Resumed." in done("resume")
    assert "Not paused. The end of the pause lies behind" in done(
        "pause", length="until", until="2001-01-01T08:00"
    )
    assert "Not paused." in done("pause", length="until", until="tomorrow")
    assert "Paused until it is resumed." in done("pause", length="open")


def test_times_that_are_typed_are_of_the_zone_that_stands_beside_them(pages, client) -> None:
    """Of the endpoint's own for a pause, of the shown one for a window, whatever is chosen then."""
    endpoint = client.an_endpoint(name="far", baselineCron="0 3 * * *", timezone="Asia/Tokyo")
    path = f"/endpoints/{endpoint['id']}"
    pages.cookies.set("cronicorn_zone", "America/New_York")
    page = pages.get(path).text
    assert "Tomorrow 08:00, Asia/Tokyo" in page
    menu = page.split(f'action="{path}/pause"')[1].split("</form>")[0]
    [zone] = re.findall(r'name="zone" value="([^"]*)"', menu)

    given = {"length": "until", "until": "2031-05-01T08:00", "zone": zone}
    pages.post(f"{path}/pause", data=given, headers=OURS)
    paused = client.get(f"/jobs/_/endpoints/{endpoint['id']}").json()["pausedUntil"]
    assert paused.startswith("2031-04-30T23:00:00")

    pages.cookies.set("cronicorn_times", "endpoint")
    page = pages.get(path).text
    window = page.split('class="menu custom-window"')[1].split("</form>")[0]
    [zone] = re.findall(r'name="zone" value="([^"]*)"', window)
    assert zone == "Asia/Tokyo"
    asked = {"from": "2025-01-01T09:00", "until": "2025-01-01T10:00", "zone": zone}
    drawn = pages.get(path, params=asked).text
    assert 'value="2025-01-01T09:00"' in drawn
    assert 'value="2025-01-01T10:00"' in drawn
    assert pages.get(path, params={**asked, "zone": "Nowhere/At_All"}).status_code == 422


def test_undo_of_a_pause_brings_back_the_pause_before(pages, client) -> None:
    """And lets it run only if it ran before."""
    endpoint = client.an_endpoint(name="twice paused")
    path = f"/endpoints/{endpoint['id']}"
    client.post(
        f"{path}/pause", json={"pausedUntil": "2031-05-01T08:00:00Z", "reason": "moving"}
    ).raise_for_status()

    pages.post(f"{path}/pause", data={"length": "open", "reason": "for good"}, headers=OURS)
    undo = pages.get(path).text.split('class="said"')[1].split("</form>")[0]
    [action] = re.findall(r'action="([^"]*)"', undo)
    fields = dict(re.findall(r'name="([^"]*)" value="([^"]*)"', undo))
    pages.post(action, data=fields, headers=OURS)

    after = client.get(f"/jobs/_/endpoints/{endpoint['id']}").json()
    assert after["pausedUntil"].startswith("2031-05-01T08:00:00")
    assert "moving" in pages.get(path).text


def test_a_pause_that_is_refused_keeps_what_was_typed(pages, client) -> None:
    """The menu is open then, with the instant and the reason in it; the next time it is empty."""
    endpoint = client.an_endpoint(name="kept")
    path = f"/endpoints/{endpoint['id']}"
    typed = {"length": "until", "until": "2001-01-01T08:00", "reason": "a møve <b>"}

    pages.post(f"{path}/pause", data=typed, headers=OURS)
    page, later = pages.get(path).text, pages.get(path).text

    assert "Not paused." in page
    assert '<details class="menu pause-menu" id="pause" open>' in page
    assert 'value="2001-01-01T08:00"' in page
    assert 'value="a møve &lt;b&gt;"' in page
    assert "a møve" not in later


def test_who_paused_is_text_that_can_be_read(pages, client) -> None:
    """Below the drawing and below the table, with why and until when."""
    endpoint = client.an_endpoint(name="hatched")
    path = f"/endpoints/{endpoint['id']}"
    pages.post(f"{path}/pause", data={"length": "open", "reason": "a <move>"}, headers=OURS)

    for view in ("chart", "table"):
        page = pages.get(path, params={"view": view}).text
        told = page.split('id="pauses"')[1].split("</ul>")[0]
        assert "Paused by " in told
        assert "until resumed (a &lt;move&gt;)" in told


def test_hints_are_cleared_and_failures_forgotten(pages, client) -> None:
    """All of them, or one; one that has ended already is no fault."""
    endpoint = client.an_endpoint(name="hints")
    path = f"/endpoints/{endpoint['id']}"
    given = {"intervalMs": 60_000, "ttlMinutes": 30, "reason": "closely"}
    client.post(f"{path}/hints/interval", json=given).raise_for_status()
    client.run_now(endpoint, failed())

    assert "closely" in pages.get(path).text
    pages.post(f"{path}/clear-hints", headers=OURS)
    assert "Cleared 1 hint." in pages.get(path).text
    pages.post(f"{path}/clear-hints", data={"hint": "x"}, headers=OURS)
    assert "That hint has ended already." in pages.get(path).text
    pages.post(f"{path}/reset", headers=OURS)
    assert "Failures are forgotten" in pages.get(path).text


def test_clearing_hints_is_asked_about_with_what_comes_of_it(pages, client) -> None:
    """Nobody can undo it: a dialog says so, of all of them and of each."""
    endpoint = client.an_endpoint(name="asked")
    path = f"/endpoints/{endpoint['id']}"
    given = {"intervalMs": 60_000, "ttlMinutes": 30, "reason": "closely"}
    client.post(f"{path}/hints/interval", json=given).raise_for_status()

    dialogs = re.findall(r"<dialog.*?</dialog>", pages.get(path).text, re.DOTALL)

    asking = [each for each in dialogs if f'action="{path}/clear-hints"' in each]
    assert len(asking) == 2
    assert all("This cannot be undone." in each for each in asking)
    assert pages.get(path).text.count(f'action="{path}/clear-hints"') == 2


def test_a_page_of_another_site_does_nothing(pages, client) -> None:
    """It may not even ask."""
    endpoint = client.an_endpoint(name="guarded")

    answer = pages.post(
        f"/endpoints/{endpoint['id']}/pause",
        data={"length": "open"},
        headers={"sec-fetch-site": "cross-site"},
    )

    assert answer.status_code == 403
    assert client.get(f"/endpoints/{endpoint['id']}").json().get("pausedUntil") is None


def test_what_comes_back_after_a_deed_is_a_page_of_ours(pages, client) -> None:
    """Nobody is led elsewhere by a field of a form."""
    endpoint = client.an_endpoint(name="further")
    path = f"/endpoints/{endpoint['id']}"

    for further, led in (
        ("/endpoints?state=failing", "/endpoints?state=failing"),
        ("//evil", path),
    ):
        answer = pages.post(f"{path}/resume", data={"next": further}, headers=OURS)
        assert answer.headers["location"] == led


def test_a_narrow_page_draws_fewer_marks(pages, client) -> None:
    """As many as have room; the browser says that there is little."""
    endpoint = client.an_endpoint(name="narrow")
    for _ in range(3):
        client.run_now(endpoint, succeeded(), lasts=timedelta(seconds=1))

    pages.cookies.set("cronicorn_narrow", "1")

    assert "3 slots in" in pages.get(f"/endpoints/{endpoint['id']}").text


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect what is asked about an endpoint within the block, on whatever connection."""
    seen: list[str] = []

    def note(_c: object, _u: object, statement: str, *_: object) -> None:
        if any(re.search(rf"\b{table}\b", statement) for table in ABOUT_ENDPOINTS):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


ABOUT_ENDPOINTS = (
    *("jobs", "endpoints", "endpoint_state", "runs", "run_bodies", "slot_records"),
    *("roll_ups", "hints", "triggers", "audit_entries"),
)


def test_a_page_asks_little_of_the_database(pages, client, ran: dict) -> None:
    """Six statements for an endpoint with everything on it, three for a run, three for news."""
    path = f"/endpoints/{ran['id']}"
    given = {"intervalMs": 60_000, "ttlMinutes": 30, "reason": "closely"}
    client.post(f"{path}/hints/interval", json=given).raise_for_status()
    run = client.get(f"{path}/runs").json()["runs"][0]["runId"]

    with statements() as of_news:
        for part in ("sentence", "deeds", "next", "standing"):
            pages.get(f"/_{path}/{part}").raise_for_status()
    client.post(f"{path}/run").raise_for_status()
    with statements() as of_endpoint:
        pages.get(path, params={"value": "queue.depth", "window": "24h"}).raise_for_status()
    with statements() as of_run:
        pages.get(f"/runs/{run}").raise_for_status()

    assert 0 < len(of_endpoint) <= 6
    assert 0 < len(of_run) <= 3
    assert 0 < len(of_news) <= 3


def test_a_tab_that_is_renewed_reads_once(pages, client, ran: dict) -> None:
    """Its parts and its timeline are one reading, of four statements where there are hints."""
    given = {"intervalMs": 60_000, "ttlMinutes": 30, "reason": "closely"}
    client.post(f"/endpoints/{ran['id']}/hints/interval", json=given).raise_for_status()
    page = pages.get(f"/endpoints/{ran['id']}").raise_for_status().text
    parts = [unescape(each) for each in re.findall(r'data-refetch="([^"]+)"', page)]

    with statements() as of_tab:
        for part in parts:
            pages.get(part).raise_for_status()

    assert [each.split("?")[0].rsplit("/", 1)[1] for each in parts] == [
        *("sentence", "deeds", "next", "timeline", "standing")
    ]
    assert 0 < len(of_tab) <= 4


def test_this_moment_is_four_questions(pages, client, ran: dict) -> None:
    """Also while something fails, whose latest runs say since when."""
    client.run_now(ran, failed(message="the target answered <500>"))

    with statements() as of_now:
        page = pages.get("/").raise_for_status()

    assert "1 failing" in page.text
    assert 0 < len(of_now) <= 4


def test_its_sentence_tells_the_zone_that_is_chosen(pages, client) -> None:
    """In the head, in the table of why and among the next ten, as everywhere else."""
    endpoint = client.an_endpoint(name="zoned", runAt="2031-07-01T12:00:00Z")
    path = f"/endpoints/{endpoint['id']}"
    pages.cookies.set("cronicorn_zone", "Asia/Tokyo")

    local = pages.get(path).text
    pages.cookies.set("cronicorn_times", "utc")
    utc = pages.get(path).text

    assert "due 2031-07-01 21:00:00: its schedule says once, at 2031-07-01 21:00:00." in local
    assert "2031-07-01 12:00:00 UTC" not in local.split("</main>")[0].replace("data-tip", "")
    assert "due 2031-07-01 12:00:00: its schedule says once, at 2031-07-01 12:00:00." in utc


def test_days_on_which_the_clock_is_set_are_marked_among_the_next_ten(pages, client) -> None:
    """With what becomes of the slot."""
    endpoint = client.an_endpoint(
        name="summer", baselineCron="30 2 28-31 3 0", timezone="Europe/Berlin"
    )

    part = pages.get(f"/_/endpoints/{endpoint['id']}/standing").raise_for_status().text

    assert part.count('class="change"') >= 1


def test_what_is_edited_twice_is_a_choice_for_each_field_of_a_rule(pages, client) -> None:
    """Also of a rule that the other has added or removed, and of whether rules only watch."""
    first = {"when": "failures > 3", "then": {"everyMs": 30_000}}
    second = {"when": "status >= 500", "then": {"pauseForMs": 600_000}}
    third = {"when": "status == 429", "then": {"pauseForMs": 300_000}}
    endpoint = client.an_endpoint(name="rules")
    path = f"/endpoints/{endpoint['id']}/rules"
    client.put(path, json={"rules": [first, second]}).raise_for_status()
    typed = typed_in(pages.get(path).text)
    theirs = {"when": "failures > 9", "then": {"everyMs": 60_000}}
    rules = {"rules": [theirs, second, third], "shadow": True}
    client.put(path, json=rules).raise_for_status()
    typed["every"][0] = "2 min"

    stale = pages.post(path, data=typed, headers=OURS)
    assert stale.status_code == 409
    for name in ("when-0", "every-0", "added-2", "shadow"):
        assert f'name="theirs" value="{name}"' in stale.text
    assert 'value="pause_for-1"' not in stale.text
    again = typed_in(stale.text)
    saved = pages.post(path, data={**again, "theirs": ["when-0", "added-2"]}, headers=OURS)

    assert saved.status_code == 303
    after = client.get(f"/jobs/_/endpoints/{endpoint['id']}").json()
    assert [each["when"] for each in after["rules"]] == [
        "failures > 9",
        "status >= 500",
        "status == 429",
    ]
    assert after["rules"][0]["then"]["everyMs"] == 120_000
    assert not after.get("shadowRules")


def typed_in(page: str) -> dict[str, list[str]]:
    """Read what stands in the fields of rules."""
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input [^>]*>", page.split('id="rules-form"')[1]):
        name = re.search(r' name="([^"]*)"', tag)
        value = re.search(r' value="([^"]*)"', tag)
        if name is None or name[1] in {"theirs", "next"}:
            continue
        if 'type="checkbox"' in tag and " checked" not in tag:
            continue
        found.setdefault(name[1], []).append(unescape(value[1]) if value else "")
    found["when"] = [
        unescape(text) for text in re.findall(r'name="when"[^>]*>\n([^<]*)</textarea>', page)
    ]
    return found
