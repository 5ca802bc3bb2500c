"""Pages of the AI planner's sessions over HTTP, and where its suggestions are decided."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cronicorn_domain.identity import EndpointId, SessionId, SuggestionId, new_uuid
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.proposal import ProposeInterval
from cronicorn_domain.model.session import Caveat, Ending, MadeCall, NextRun, Session, Suggestion

OURS = {"sec-fetch-site": "same-origin"}
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
EVIL = "</pre><script>alert(1)</script>"


@pytest.fixture
def pages(somebody, service):
    """Give the browser of somebody who is signed in; it asks for pages."""
    assert somebody.sign_in().status_code == 200
    somebody.browser.base_url = service.url.removesuffix("/api")
    return somebody.browser


@pytest.fixture
def held(service, tenant, client):
    """Give an endpoint, a session about it, and what that suggests."""
    endpoint = client.an_endpoint(name="queue")
    began = datetime.now(UTC).replace(microsecond=0) - MINUTE  # noqa: TID251
    session = Session(
        id=SessionId(new_uuid()),
        tenant=tenant,
        endpoint_id=EndpointId(UUID(endpoint["id"])),
        cause="its time had come",
        mode=AiMode.SUGGEST,
        model="a-model",
        started_at=began,
        ended_at=began + timedelta(seconds=3),
        ending=Ending.DONE,
        next_analysis_at=began + HOUR,
        prompt="Look at it.",
        calls=(
            MadeCall(tool="get_history", arguments='{"limit": 5}', result='[{"status": 200}]'),
            MadeCall(tool=EVIL, arguments="{cut", result=EVIL),
        ),
        reasoning=f"stock is low {EVIL}",
        caveats=(Caveat(code="refused", message="too often"),),
        tokens_in=900,
        tokens_out=100,
        cost=1_500,
        before=NextRun(due_at=began + HOUR, source=Source.BASELINE_INTERVAL),
        after=NextRun(due_at=began + MINUTE, source=Source.AI_INTERVAL),
    )
    suggestion = Suggestion(
        id=SuggestionId(new_uuid()),
        tenant=tenant,
        endpoint_id=session.endpoint_id,
        session_id=session.id,
        proposal=ProposeInterval(every=5 * MINUTE, life=HOUR, reason=f"it sells out {EVIL}"),
        created_at=session.ended_at,
        expires_at=session.ended_at + HOUR,
    )
    service.keep_session(session, suggestion)
    return endpoint, session, suggestion


def test_no_session_is_a_page_that_says_what_they_are(pages) -> None:
    """With the way to what works without a model."""
    page = pages.get("/sessions").raise_for_status().text

    assert "No session yet" in page
    assert "nothing waits for you" in page


def test_sessions_are_told_by_day(pages, held) -> None:
    """With endpoint, ending, tokens and cost, and what waits before all."""
    _, session, suggestion = held

    page = pages.get("/sessions").raise_for_status().text

    assert "1 suggestion waits for a decision; 1 session in the last 90 days." in page
    assert "Run every 5 min for 1 h" in page
    assert f'href="/sessions/{session.id}"' in page
    assert f'action="/suggestions/{suggestion.id}"' in page
    assert "0.0015" in page
    assert "schedule, then interval by AI" in page
    assert "<script>alert(1)" not in page


def test_a_session_is_told_whole(pages, held) -> None:
    """Reasoning, tools, cost, before and after; whatever the model said is text."""
    _, session, _ = held

    page = pages.get(f"/sessions/{session.id}").raise_for_status().text

    for told in ("stock is low", "get_history", "900 read, 100 written", "too often", "a-model"):
        assert told in page
    assert "<script>alert(1)" not in page
    assert "style=" not in page


def test_a_suggestion_is_approved_once(pages, client, held) -> None:
    """It takes effect as a hint; a second decision says that it is late."""
    endpoint, _, suggestion = held
    path = f"/suggestions/{suggestion.id}"

    pages.post(path, data={"decision": "approve"}, headers=OURS)
    assert "Approved: run every 5 min for 1 h." in pages.get("/sessions").text
    pages.post(path, data={"decision": "refuse"}, headers=OURS)
    assert "Not decided." in pages.get("/sessions").text

    (hint,) = client.get(f"/endpoints/{endpoint['id']}/hints").json()["hints"]
    assert hint["author"] == "ai"


def test_a_suggestion_is_refused(pages, client, held) -> None:
    """Nothing of it takes effect; whatever is not the word for approving is a refusal."""
    endpoint, _, suggestion = held

    pages.post(f"/suggestions/{suggestion.id}", data={"decision": "APPROVE"}, headers=OURS)

    assert "Refused: run every 5 min for 1 h." in pages.get("/sessions").text
    assert client.get(f"/endpoints/{endpoint['id']}/hints").json()["hints"] == []


def test_nothing_is_decided_by_another_site(pages, held) -> None:
    """Nor by looking."""
    _, _, suggestion = held

    answer = pages.post(
        f"/suggestions/{suggestion.id}",
        data={"decision": "approve"},
        headers={"sec-fetch-site": "cross-site"},
    )

    assert answer.status_code == 403
    assert "1 suggestion waits" in pages.get("/sessions").text


def test_there_is_no_such_session(pages) -> None:
    """It is told by a page."""
    assert pages.get(f"/sessions/{new_uuid()}").status_code == 404
    assert pages.get("/sessions/x").status_code == 422


def test_sessions_of_an_endpoint_and_of_a_day(pages, client, held) -> None:
    """Narrowed by the address, which every page of the list keeps; the rest is one step away."""
    endpoint, session, _ = held
    other = client.an_endpoint(client.a_job("other"), name="other")
    day = session.started_at.date().isoformat()

    of_it = pages.get("/sessions", params={"endpoint": endpoint["id"], "day": day}).text
    of_other = pages.get("/sessions", params={"endpoint": other["id"]}).text
    of_before = pages.get("/sessions", params={"day": "2001-01-01"}).text

    assert f'href="/sessions/{session.id}"' in of_it
    assert f"1 session of this endpoint on {day}" in of_it
    assert ">queue<" in of_it
    for page in (of_other, of_before):
        assert "No session here" in page
        assert "0.0015" not in page
    for query in ("endpoint=x", "day=tomorrow"):
        assert pages.get(f"/sessions?{query}").status_code == 422


def test_a_hint_of_ai_leads_to_its_session(pages, client, held) -> None:
    """By the instant at which it was given; where none was held, to all of the endpoint."""
    endpoint, session, _ = held
    path = f"/endpoints/{endpoint['id']}/sessions"
    given = session.ended_at.isoformat().replace("+00:00", "Z")

    led = pages.get(path, params={"at": given})
    nowhere = pages.get(path, params={"at": "2001-01-01T00:00:00Z"})

    assert led.headers["location"] == f"/sessions/{session.id}"
    assert nowhere.headers["location"] == f"/sessions?endpoint={endpoint['id']}"
