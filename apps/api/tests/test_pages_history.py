"""Pages of runs, of history and of statistics over HTTP, and the files that they give."""

import csv
import io
import json
import re

import pytest
from cronicorn_domain.identity import new_uuid
from cronicorn_domain.model.run import BodyKind
from cronicorn_domain.testing.builders import failed, succeeded

OURS = {"sec-fetch-site": "same-origin"}
HOSTILE = '{"<script>alert(1)</script>": "</script><b>", "n": {"m": [1, 2]}, "\\u202e": true}'


@pytest.fixture
def pages(somebody, service):
    """Give the browser of somebody who is signed in; it asks for pages."""
    assert somebody.sign_in().status_code == 200
    somebody.browser.base_url = service.url.removesuffix("/api")
    return somebody.browser


@pytest.fixture
def ran(client):
    """Give an endpoint that has run three times, once without success, and was skipped once."""
    endpoint = client.an_endpoint(
        name="=cmd|'/c calc'", headers=[{"name": "Authorization", "value": "Bearer s3cret"}]
    )
    client.run_now(endpoint, succeeded(HOSTILE, kind=BodyKind.JSON))
    client.run_now(endpoint, failed(message="=1+1 <b>"))
    client.run_now(endpoint, succeeded("plain <i>", kind=BodyKind.TEXT))
    client.post(f"/endpoints/{endpoint['id']}/skip").raise_for_status()
    return endpoint


def runs_of(client, endpoint):
    """Return its runs, the newest first."""
    return client.get(f"/endpoints/{endpoint['id']}/runs").json()["runs"]


def test_a_run_tells_why_and_what_came_back(pages, client, ran) -> None:
    """Whatever was answered is text; a number of it leads to its drawing."""
    first = runs_of(client, ran)[-1]

    page = pages.get(f"/runs/{first['runId']}").raise_for_status().text

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert f"/endpoints/{ran['id']}?value=n.m%5B0%5D" in page
    assert "Someone asked for a run" in page
    assert 'data-rule="manual"' in page
    assert "s3cret" not in page
    assert "style=" not in page


def test_a_member_of_an_answer_begins_a_rule(pages, client, ran) -> None:
    """What has an odd name begins none; the form comes with the condition, and saves nothing."""
    first = runs_of(client, ran)[-1]
    page = pages.get(f"/runs/{first['runId']}").text
    offered = re.findall(rf'href="(/endpoints/{ran["id"]}/rules\?when=[^"]+)"', page)

    assert len(offered) == 2
    form = pages.get(offered[1]).raise_for_status().text
    assert "body.n.m[1] &gt; 2</textarea>" in form
    assert client.get(f"/jobs/_/endpoints/{ran['id']}").json()["rules"] == []


def test_the_trail_is_the_one_that_the_api_tells(pages, client, ran) -> None:
    """Step by step, in order, and with the same winner."""
    for run in runs_of(client, ran):
        told = client.get(f"/runs/{run['runId']}").json()["decision"]

        page = pages.get(f"/runs/{run['runId']}").raise_for_status().text

        rules = re.findall(r'<tr(?! class="beside")[^>]* data-rule="([^"]+)"', page)
        assert rules == [line["rule"] for line in told["trail"]]
        assert page.count("<strong>wins</strong>") == 1


def test_runs_lead_to_their_neighbours(pages, client, ran) -> None:
    """The one before and the one behind, as far as there are any."""
    newest, middle, oldest = (run["runId"] for run in runs_of(client, ran))

    page = pages.get(f"/runs/{middle}").text

    assert f'href="/runs/{oldest}" data-key="["' in page
    assert f'href="/runs/{newest}" data-key="]"' in page
    assert 'data-key="["' not in pages.get(f"/runs/{oldest}").text


def test_what_is_anothers_is_not_there(pages, owner) -> None:
    """Neither a run nor a history, as a page and as a file."""
    theirs = owner.an_endpoint(owner.a_job("theirs, history"), name="theirs")
    owner.run_now(theirs, succeeded())
    run = runs_of(owner, theirs)[0]["runId"]

    for path in (f"/runs/{run}", f"/runs/{new_uuid()}", f"/endpoints/{theirs['id']}/runs"):
        assert pages.get(path).status_code == 404
    for kind in ("csv", "json"):
        assert pages.get(f"/endpoints/{theirs['id']}/runs.{kind}").status_code == 404


def test_the_history_has_runs_and_what_was_not_run(pages, client, ran) -> None:
    """With totals; one kind of it can be asked for, and a day."""
    path = f"/endpoints/{ran['id']}/runs"

    whole = pages.get(path).raise_for_status().text
    bad = pages.get(path, params={"status": "failed"}).raise_for_status().text
    skipped = pages.get(path, params={"status": "not_run"}).raise_for_status().text
    none = pages.get(path, params={"until": "2001-01-01"}).raise_for_status().text

    assert "2 ok, 1 failed, 0 we failed, 1 not run; 66.66 % ok." in whole
    assert whole.count('href="/runs/') == 3
    assert bad.count('href="/runs/') == 1
    assert "=1+1 &lt;b&gt;" in bad
    assert skipped.count('href="/runs/') == 0
    assert "skipped" in skipped
    assert "No slot matches." in none


@pytest.mark.parametrize(
    "query", ["status=lost", "from=never", "cursor=x", "status=failed&cursor=x"]
)
def test_what_cannot_be_meant_is_a_page_that_says_so(pages, ran, query) -> None:
    """And no fault of ours."""
    assert pages.get(f"/endpoints/{ran['id']}/runs?{query}").status_code == 422


def test_the_history_is_given_as_files(pages, client, ran) -> None:
    """With the same rows, and nothing in a table that a program would take for a formula."""
    path = f"/endpoints/{ran['id']}/runs"

    table = pages.get(f"{path}.csv").raise_for_status()
    listed = pages.get(f"{path}.json").raise_for_status()

    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["outcome"] for row in rows] == [row["outcome"] for row in listed.json()]
    assert sorted(row["outcome"] for row in rows) == ["failed", "skipped", "success", "success"]
    assert "'=1+1 <b>" in {row["message"] for row in rows}
    assert "attachment" in table.headers["content-disposition"]
    assert table.headers["content-type"].startswith("text/csv")
    assert pages.get(f"{path}.json?until=2001-01-01").json() == []


def test_statistics_add_up_what_ran(pages, client, ran) -> None:
    """By day, source, job and endpoint; as a page and as files."""
    page = pages.get("/statistics").raise_for_status().text

    assert "3 runs, 66.66 % ok; 1 endpoint in 1 job, 0 paused." in page
    assert "3 adapted against 0 scheduled, 100 %" in page
    assert "=cmd|&#39;/c calc&#39;" in page
    table = pages.get("/statistics.csv?days=1").raise_for_status()
    (day,) = csv.DictReader(io.StringIO(table.text))
    assert (day["runs"], day["success"], day["target_failure"]) == ("3", "2", "1")
    told = json.loads(pages.get("/statistics.json").text)
    assert told["sources"] == {"manual": 3}
    assert told["busiest"][0]["endpoint_id"] == ran["id"]


def test_sums_of_very_many_endpoints_come_behind_the_page(pages, ran, monkeypatch) -> None:
    """The page fetches them; without scripts a link leads to all of it."""
    monkeypatch.setattr("cronicorn_api.pages.statistics.router.ADDED_AT_ONCE", 0)
    page = pages.get("/statistics?days=1").raise_for_status().text
    assert "3 adapted" not in page
    assert 'hx-get="/_/statistics?days=1"' in page
    assert 'href="/statistics?days=1&amp;whole=true"' in page

    for path in ("/_/statistics?days=1", "/statistics?days=1&whole=true"):
        assert "3 adapted against 0 scheduled" in pages.get(path).raise_for_status().text


def test_a_window_without_runs_says_so(pages) -> None:
    """With the way to the next step."""
    page = pages.get("/statistics?from=2001-01-01&until=2001-01-02").raise_for_status().text

    assert "No run has ended in this window" in page


@pytest.mark.parametrize("query", ["from=x", "from=2025-01-02&until=2025-01-01", "job=x", "days=0"])
def test_statistics_of_no_window_are_refused(pages, query) -> None:
    """By a page that says so."""
    assert pages.get(f"/statistics?{query}").status_code == 422
