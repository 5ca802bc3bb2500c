"""Sessions of the AI planner over the wire, what they suggest, and who decides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from cronicorn_domain.identity import EndpointId, SessionId, SuggestionId, TenantId, new_uuid
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.proposal import (
    ProposeClearing,
    ProposeInterval,
    ProposePause,
    ProposeRun,
    ProposeTrigger,
)
from cronicorn_domain.model.session import (
    Caveat,
    Ending,
    MadeCall,
    NextRun,
    Session,
    Suggestion,
)
from cronicorn_domain.testing.builders import succeeded

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def now() -> datetime:
    """Return about what the database's clock says."""
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251


def a_session(tenant: TenantId, endpoint: dict, *, before: timedelta = MINUTE) -> Session:
    """Return a session that began a while ago."""
    began = now() - before
    return Session(
        id=SessionId(new_uuid()),
        tenant=tenant,
        endpoint_id=EndpointId(UUID(endpoint["id"])),
        cause="its time had come",
        mode=AiMode.SUGGEST,
        model="gpt-5-mini",
        started_at=began,
        ended_at=began + timedelta(seconds=3),
        ending=Ending.DONE,
        next_analysis_at=began + HOUR,
        prompt="Look at it.",
        calls=(
            MadeCall(tool="get_history", arguments='{"limit": 5}', result='[{"status": 200}]'),
            MadeCall(tool="odd", arguments='{"cut… (of 9000 characters)', result="NaN"),
        ),
        reasoning="stock is low",
        caveats=(Caveat(code="refused", message="too often"),),
        tokens_in=900,
        tokens_out=100,
        cost=1_500,
        before=NextRun(due_at=began + HOUR, source=Source.BASELINE_INTERVAL),
        after=NextRun(due_at=began + MINUTE, source=Source.AI_INTERVAL),
    )


def a_suggestion(session: Session, proposal, *, life: timedelta = HOUR) -> Suggestion:
    """Return what a session suggests."""
    return Suggestion(
        id=SuggestionId(new_uuid()),
        tenant=session.tenant,
        endpoint_id=session.endpoint_id,
        session_id=session.id,
        proposal=proposal,
        created_at=session.ended_at,
        expires_at=session.ended_at + life,
    )


EVERY_MINUTE = ProposeInterval(every=MINUTE, life=HOUR, reason="it sells out")


def test_an_endpoint_has_no_sessions(client) -> None:
    """The list is there and empty, for clients that show it beside the runs."""
    endpoint = client.an_endpoint()

    answer = client.get(f"/endpoints/{endpoint['id']}/sessions?limit=100&offset=5")

    assert (answer.status_code, answer.json()) == (200, {"sessions": [], "total": 0})
    for wrong in ("limit=0", "limit=101", "offset=-1"):
        assert client.get(f"/endpoints/{endpoint['id']}/sessions?{wrong}").status_code == 422


def test_there_is_no_session(client) -> None:
    """Whatever it is called."""
    for name in (new_uuid(), "x"):
        answer = client.get(f"/sessions/{name}")

        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_sessions_are_listed_and_read(service, tenant, client, stranger) -> None:
    """The newest first, whole, and with their endpoint in the detail; a stranger sees nothing."""
    endpoint = client.an_endpoint()
    old, new = (a_session(tenant, endpoint, before=each) for each in (HOUR, MINUTE))
    for session in (old, new):
        service.keep_session(session)

    path = f"/endpoints/{endpoint['id']}/sessions"
    listed = client.get(f"{path}?limit=1").json()
    detail = client.get(f"/sessions/{new.id}").json()

    assert (listed["total"], [each["id"] for each in listed["sessions"]]) == (2, [str(new.id)])
    behind = client.get(f"{path}?limit=1&cursor={listed['nextCursor']}").json()
    assert behind == {"sessions": behind["sessions"], "total": 2}
    assert [each["id"] for each in behind["sessions"]] == [str(old.id)]
    (shown,) = listed["sessions"]
    assert detail == shown | {
        "endpointId": endpoint["id"],
        "endpointName": "health",
        "prompt": "Look at it.",
    }
    assert shown["toolCalls"] == [
        {"tool": "get_history", "args": {"limit": 5}, "result": [{"status": 200}]},
        {"tool": "odd", "args": '{"cut… (of 9000 characters)', "result": "NaN"},
    ]
    assert (shown["tokenUsage"], shown["durationMs"], shown["cost"]) == (1000, 3000, 0.0015)
    assert shown["warnings"] == [{"code": "refused", "message": "too often"}]
    assert (shown["nextRunBefore"]["source"], shown["nextRunAfter"]["source"]) == (
        "baseline-interval",
        "ai-interval",
    )
    assert stranger.get(f"/sessions/{new.id}").status_code == 404
    assert stranger.get(f"/endpoints/{endpoint['id']}/sessions").status_code == 404


@pytest.mark.parametrize(
    ("proposal", "shown"),
    [
        (EVERY_MINUTE, {"action": "interval", "intervalMs": 60_000, "ttlMs": 3_600_000}),
        (ProposeClearing(reason="it is over"), {"action": "clear"}),
        (ProposeTrigger(name="other", reason="help"), {"action": "trigger", "sibling": "other"}),
    ],
    ids=["interval", "clear", "trigger"],
)
def test_suggestions_wait_and_are_shown(
    *, service, tenant, client, stranger, proposal, shown
) -> None:
    """Until they are refused; then they are decided, once."""
    session = a_session(tenant, client.an_endpoint())
    suggestion = a_suggestion(session, proposal)
    service.keep_session(session, suggestion)

    (waiting,) = client.get("/suggestions").json()["suggestions"]
    assert waiting.items() >= {**shown, "state": "waiting", "id": str(suggestion.id)}.items()
    path = f"/suggestions/{suggestion.id}"
    assert stranger.post(f"{path}/refuse").status_code == 404
    refused = client.post(f"{path}/refuse")

    assert (refused.status_code, refused.json()["state"]) == (200, "refused")
    assert client.get("/suggestions").json() == {"suggestions": []}
    for again in ("approve", "refuse"):
        assert client.post(f"{path}/{again}").status_code == 409


def test_what_is_approved_takes_effect_and_is_audited(service, tenant, client) -> None:
    """Trap T33: by a person's word, and as a hint of the model's, within the guardrails."""
    endpoint = client.an_endpoint(minIntervalMs=120_000)
    session = a_session(tenant, endpoint)
    suggestion = a_suggestion(session, EVERY_MINUTE)
    service.keep_session(session, suggestion)

    approved = client.post(f"/suggestions/{suggestion.id}/approve").json()

    assert (approved["state"], approved["decidedBy"]) == ("approved", "key:tests")
    (hint,) = client.get(f"/endpoints/{endpoint['id']}/hints").json()["hints"]
    assert (hint["author"], hint["intervalMs"]) == ("ai", 60_000)
    (entry, *_) = client.get(f"/audit?subject={endpoint['id']}").json()["entries"]
    assert entry["action"] == "approve"


@pytest.mark.parametrize(
    "proposal",
    [
        ProposeRun(at=datetime(2020, 1, 1, tzinfo=UTC), life=HOUR, reason="late"),
        ProposePause(until=datetime(2020, 1, 1, tzinfo=UTC), reason="late"),
        ProposeTrigger(name="nobody", reason="gone"),
    ],
    ids=["run", "pause", "trigger"],
)
def test_what_is_not_possible_any_more_is_refused_and_waits(
    service, tenant, client, proposal
) -> None:
    """It is judged as things stand when it is approved."""
    session = a_session(tenant, client.an_endpoint())
    suggestion = a_suggestion(session, proposal)
    service.keep_session(session, suggestion)

    answer = client.post(f"/suggestions/{suggestion.id}/approve")

    assert answer.status_code == 422
    assert len(client.get("/suggestions").json()["suggestions"]) == 1


def test_a_suggestion_whose_life_is_over_waits_no_more(service, tenant, client) -> None:
    """Nobody can approve it."""
    session = a_session(tenant, client.an_endpoint(), before=HOUR)
    suggestion = a_suggestion(session, EVERY_MINUTE, life=MINUTE)
    service.keep_session(session, suggestion)

    assert client.get("/suggestions").json() == {"suggestions": []}
    assert client.post(f"/suggestions/{suggestion.id}/approve").status_code == 409


def test_the_dashboard_shows_sessions(service, tenant, client) -> None:
    """By day and endpoint, and among what happened; pages hold each event once."""
    endpoint = client.an_endpoint()
    for _ in range(2):
        client.run_now(endpoint, succeeded())
    first = a_session(tenant, endpoint, before=timedelta(seconds=5))
    kept = [first, *(replace(first, id=SessionId(new_uuid())) for _ in range(2))]
    kept = [replace(each, started_at=first.started_at - n * MINUTE) for n, each in enumerate(kept)]
    for session in kept:
        service.keep_session(session)

    stats = client.get("/dashboard/stats").json()
    activity = client.get("/dashboard/activity").json()

    assert sum(each["sessionCount"] for each in stats["aiSessionTimeSeries"]) == 3
    assert sum(each["totalTokens"] for each in stats["aiSessionTimeSeries"]) == 3000
    assert 1 <= stats["aiSessionTimeSeriesMaxStacked"] <= 3
    events = activity["events"]
    assert (activity["total"], activity["summary"]["sessionsCount"]) == (5, 3)
    assert sorted(each["type"] for each in events) == ["run"] * 2 + ["session"] * 3
    of_sessions = client.get("/dashboard/activity?eventType=sessions").json()
    assert [each["id"] for each in of_sessions["events"]] == [str(each.id) for each in kept]
    assert len(client.get("/dashboard/activity?eventType=runs").json()["events"]) == 2
    by_offset = [
        client.get(f"/dashboard/activity?limit=1&offset={n}").json()["events"][0] for n in range(5)
    ]
    assert by_offset == events
    paged, cursor = [], ""
    while True:
        page = client.get(f"/dashboard/activity?limit=2{cursor}").json()
        paged += page["events"]
        if "nextCursor" not in page:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert paged == events
