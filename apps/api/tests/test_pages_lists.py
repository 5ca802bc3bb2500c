"""Pages of lists and forms over HTTP: what they show, what they keep, and what they refuse."""

import re
from html import unescape

import pytest

OURS = {"sec-fetch-site": "same-origin"}
HOSTILE = '"><script>alert(1)</script>{{7*7}}'


def at_root(browser, method: str, path: str, **more):
    """Ask for a page; pages lie beside the API."""
    url = f"{str(browser.base_url).removesuffix('/api/')}{path}"
    return browser.request(method, url, **more)


def seen(browser, path: str) -> str:
    """Look at a page, as its text with what was escaped."""
    answer = at_root(browser, "GET", path)
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def sent(browser, path: str, **fields):
    """Send a form, as a page does; a list is a name with several values."""
    return at_root(browser, "POST", path, data=fields, headers=OURS)


def hidden(page: str) -> dict:
    """Read the hidden fields of the form that does something to many."""
    form = page.rsplit('action="/endpoints/bulk/do"', maxsplit=1)[-1]
    return {
        name: unescape(value)
        for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
    }


@pytest.fixture
def shop(somebody):
    """Give somebody who is signed in and has a job with some endpoints."""
    somebody.sign_in()
    browser = somebody.browser
    job = browser.post("/jobs", json={"name": "shop"}, headers=OURS).json()
    made = [
        browser.post(
            f"/jobs/{job['id']}/endpoints",
            json={
                "name": name,
                "url": f"http://shop.example/{number}",
                "baselineIntervalMs": 60_000,
                "headersJson": {"Authorization": "Bearer hush", "Accept": "text/plain"},
            },
            headers=OURS,
        ).json()
        for number, name in enumerate(("alpha", "beta", "gamma", HOSTILE))
    ]
    return browser, job, made


def test_lists_show_hostile_names_as_text(shop) -> None:
    """Now, endpoints, jobs and forms: nothing of a name is markup."""
    browser, job, made = shop
    pages = ("/", "/endpoints", "/jobs", f"/jobs/{job['id']}", f"/endpoints/{made[-1]['id']}/edit")
    for path in (*pages, f"/endpoints/{made[-1]['id']}/rules"):
        answer = at_root(browser, "GET", path)

        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
    assert HOSTILE in seen(browser, "/endpoints")


def test_filters_that_make_no_sense_are_not_asked(shop) -> None:
    """An address that somebody has mangled shows the list, and no error."""
    browser, _, _ = shop

    page = seen(browser, "/endpoints?state=upside-down&job=x&after=y&sort=%00&source=9&q=alp%00ha")

    assert ">alpha<" in page
    assert ">beta<" not in page


def test_many_are_counted_before_anything_is_done(shop) -> None:
    """So many match, change and stand so already; and it is asked again if that has changed."""
    browser, _, made = shop
    browser.post(f"/endpoints/{made[0]['id']}/pause", headers=OURS)
    preview = sent(browser, "/endpoints/bulk", do="pause:open", all="yes")
    fields = hidden(preview.text)

    assert preview.status_code == 200
    assert "4 match, 3 change, 1 are paused so already" in preview.text
    browser.post(f"/endpoints/{made[1]['id']}/pause", headers=OURS)
    again = sent(browser, "/endpoints/bulk/do", **fields)
    assert again.status_code == 409
    assert "4 match, 2 change" in again.text
    done = sent(browser, "/endpoints/bulk/do", **hidden(again.text))
    assert "2 endpoints paused until resumed" in done.text
    undone = sent(browser, "/endpoints/bulk/do", **hidden(done.text))
    assert "2 endpoints resumed" in undone.text


def test_as_many_others_are_asked_about_again(shop) -> None:
    """What was looked at is which ones change, and not how many."""
    browser, _, made = shop
    sent(browser, f"/endpoints/{made[0]['id']}/pause", length="open")
    fields = hidden(sent(browser, "/endpoints/bulk", do="resume", all="yes").text)
    sent(browser, f"/endpoints/{made[0]['id']}/resume")
    sent(browser, f"/endpoints/{made[1]['id']}/pause", length="open")

    again = sent(browser, "/endpoints/bulk/do", **fields)

    assert again.status_code == 409
    assert ">beta<" in again.text


def test_what_is_refused_for_many_keeps_what_was_ticked_and_typed(shop) -> None:
    """Nobody looks for the rows once more."""
    browser, _, made = shop
    chosen = [made[0]["id"], made[2]["id"]]

    led = sent(
        browser,
        "/endpoints/bulk",
        do="pause:until",
        until="2001-01-01T08:00",
        reason="moving",
        id=chosen,
    )
    page = seen(browser, led.headers["location"])

    ticked = re.findall(r'name="id" value="([^"]*)"[^>]* checked', page)
    assert sorted(ticked) == sorted(chosen)
    assert 'value="2001-01-01T08:00"' in page
    assert 'value="moving"' in page


def test_a_pause_makes_no_form_stale(shop) -> None:
    """Nothing that is edited there has changed: of an endpoint, of its rules, of its job."""
    browser, job, made = shop
    path = f"/endpoints/{made[0]['id']}"
    edit = {**form_of(at_root(browser, "GET", f"{path}/edit").text), "kind": "interval"}
    rules = form_of(at_root(browser, "GET", f"{path}/rules").text)
    of_job = form_of(at_root(browser, "GET", f"/jobs/{job['id']}/edit").text)

    assert sent(browser, f"{path}/pause", length="open").status_code == 303
    assert sent(browser, f"/jobs/{job['id']}/pause").status_code == 303

    assert sent(browser, f"{path}/edit", **{**edit, "every": "2 h"}).status_code == 303
    assert sent(browser, f"{path}/rules", seen=rules["seen"]).status_code == 303
    named = {**of_job, "name": "renamed"}
    assert sent(browser, f"/jobs/{job['id']}/edit", **named).status_code == 303


def test_many_that_were_archived_come_back(shop) -> None:
    """Undo restores just those that were archived."""
    browser, _, made = shop
    chosen = [made[0]["id"], made[1]["id"]]
    preview = sent(browser, "/endpoints/bulk", do="archive", id=chosen)
    done = sent(browser, "/endpoints/bulk/do", **hidden(preview.text))

    assert ">alpha<" not in seen(browser, "/endpoints")
    sent(browser, "/endpoints/bulk/do", **hidden(done.text))
    assert ">alpha<" in seen(browser, "/endpoints")


@pytest.mark.parametrize(
    "fields",
    [{"do": "pause:open"}, {"do": "explode", "all": "yes"}, {"do": "pause:until", "all": "yes"}],
)
def test_what_makes_no_sense_for_many_leads_back(shop, fields) -> None:
    """Nothing selected, no such deed, no instant: the list says so, and nothing was done."""
    browser, _, _ = shop

    answer = sent(browser, "/endpoints/bulk", **fields)

    assert (answer.status_code, answer.headers["location"]) == (303, "/endpoints")


def form_of(page: str) -> dict:
    """Read what stands in the fields of a form of an endpoint."""
    fields: dict = {}
    for name, value in re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', page):
        if name not in {"kind", "header_secret", "do", "next"}:
            fields.setdefault(name, []).append(unescape(value))
    chosen = re.compile(r'<select[^>]* name="(\w+)".*?<option value="([^"]*)" selected', re.DOTALL)
    fields.update(chosen.findall(page))
    return fields


def test_secrets_are_masked_and_kept(shop) -> None:
    """A form never shows them; saved as it stands, they stay, and other fields change."""
    browser, _, made = shop
    path = f"/endpoints/{made[0]['id']}/edit"
    page = at_root(browser, "GET", path).text
    fields = {**form_of(page), "kind": "interval", "every": "90s", "header_secret": ["0"]}

    assert "hush" not in page
    answer = sent(browser, path, **fields)
    after = browser.get(f"/jobs/_/endpoints/{made[0]['id']}").json()
    assert answer.status_code == 303, unescape(answer.text)
    assert after["baselineIntervalMs"] == 90_000
    assert after["headersJson"]["Authorization"] == "••••••••"


def test_a_form_that_is_refused_keeps_what_was_typed(shop) -> None:
    """Each fault is at its field, in one summary, and every value stands."""
    browser, job, _ = shop
    typed = {
        "name": "typed",
        "url": "ftp://x",
        "kind": "interval",
        "every": "5",
        "min": "soon",
        "retry_attempts": "many",
        "body": "kept\nas it was",
    }

    answer = sent(browser, f"/jobs/{job['id']}/endpoints/new", **typed)
    page = unescape(answer.text)

    assert answer.status_code == 422
    assert "'5' has no unit: write for example 5 s or 5 min." in page
    assert "'soon' is not a length" in page
    assert "'many' is no count" in page
    for value in ('value="typed"', 'value="ftp://x"', 'value="soon"', "kept\nas it was"):
        assert value in page


def test_an_edit_of_what_changed_meanwhile_is_told(shop) -> None:
    """Both versions are there, and nothing is overwritten until it is saved again."""
    browser, _, made = shop
    path = f"/endpoints/{made[0]['id']}/edit"
    fields = {**form_of(at_root(browser, "GET", path).text), "kind": "interval", "every": "2 h"}
    browser.patch(
        f"/jobs/_/endpoints/{made[0]['id']}", json={"description": "theirs"}, headers=OURS
    )

    stale = sent(browser, path, **fields)
    assert stale.status_code == 409
    assert "theirs" in stale.text
    assert 'value="2 h"' in stale.text
    saved = sent(
        browser,
        path,
        **{**form_of(stale.text), "kind": "interval", "theirs": ["description"]},
    )
    after = browser.get(f"/jobs/_/endpoints/{made[0]['id']}").json()
    assert saved.status_code == 303
    assert (after["description"], after["baselineIntervalMs"]) == ("theirs", 7_200_000)


def test_a_preview_is_neutral_about_what_is_not_finished(shop) -> None:
    """It says what it waits for, and nothing is a fault while somebody types."""
    browser, _, _ = shop

    answer = sent(browser, "/_/endpoints/preview", kind="cron", cron="61 * * * *", timezone="UTC")
    fine = sent(
        browser, "/_/endpoints/preview", kind="cron", cron="0 30 2 * * *", timezone="Europe/Berlin"
    )

    assert answer.status_code == fine.status_code == 200
    assert "No fire times yet" in answer.text
    assert 'role="alert"' not in answer.text
    assert "at 02:30 every day" in fine.text
    assert fine.text.count("<li>") >= 10


def test_rules_are_checked_where_they_are_wrong(shop) -> None:
    """The fault is at the field of the rule, whichever rules are left out before it."""
    browser, _, made = shop
    path = f"/endpoints/{made[0]['id']}/rules"
    was = re.search(r'name="seen" value="([^"]*)"', at_root(browser, "GET", path).text)
    assert was is not None
    given = {
        "seen": unescape(was[1]),
        "when": ["failures > 3", "body.x >", ""],
        "every": ["", "30 s", ""],
        "pause_for": ["10 min", "", ""],
        **{n: ["", "", ""] for n in ("run_in", "trigger", "life", "cooldown", "reason", "was")},
    }

    refused = sent(browser, path, **given)
    assert refused.status_code == 422
    assert 'id="e-when-1"' in refused.text
    saved = sent(browser, path, **{**given, "remove": ["1"], "shadow": "yes"})
    assert saved.status_code == 303
    after = browser.get(f"/jobs/_/endpoints/{made[0]['id']}").json()
    assert [each["when"] for each in after["rules"]] == ["failures > 3"]
    assert after["shadowRules"]


def test_a_choice_of_jobs_that_has_an_end_says_so(shop, monkeypatch) -> None:
    """And the chosen one is in it in any case."""
    browser, job, _ = shop
    later = browser.post("/jobs", json={"name": "later"}, headers=OURS).json()
    assert "data-more-jobs" not in seen(browser, f"/endpoints?job={later['id']}")

    monkeypatch.setattr("cronicorn_api.pages.endpoints.router._JOBS_MOST", 1)
    page = seen(browser, f"/endpoints?job={later['id']}")

    assert "data-more-jobs" in page
    assert f'<option value="{job["id"]}">shop' in page
    assert f'<option value="{later["id"]}" selected>' in page


def test_a_job_is_edited_and_its_name_is_taken_once(shop) -> None:
    """A taken name is a fault at the name; what was typed stands."""
    browser, job, _ = shop
    browser.post("/jobs", json={"name": "store"}, headers=OURS)

    answer = sent(browser, f"/jobs/{job['id']}/edit", name="store", description="mine")

    assert answer.status_code == 422
    assert 'id="e-name"' in answer.text
    assert "mine" in answer.text
