"""Speaks as an existing client does: bearer token, a content type on everything, more members."""

import re

import pytest

JSON = {"content-type": "application/json"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def speak(client):
    """Ask as the existing client does, expect success, and give what it answers."""
    key = client.headers.pop("x-api-key")

    def speaking(method: str, path: str, body: dict | None = None, status: int = 200):
        headers = {**JSON, "authorization": f"Bearer {key}"}
        given = {} if body is None else {"json": {**body, "clientVersion": "1.2.3"}}
        answer = client.request(method, path, headers=headers, **given)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    return speaking


def test_the_existing_client_is_understood(speak) -> None:
    """From a first job to its end, each call as it makes it."""
    job = speak("POST", "/jobs", {"name": "shop", "description": "ours"}, 201)
    assert speak("GET", "/jobs?status=active")["jobs"][0]["endpointCount"] == 0
    assert speak("GET", f"/jobs/{job['id']}") == job
    assert speak("PATCH", f"/jobs/{job['id']}", {"name": "store"})["name"] == "store"

    given = {
        "jobId": job["id"],
        "name": "health",
        "url": "http://93.184.216.34/",
        "method": "GET",
        "baselineIntervalMs": 3_600_000,
        "minIntervalMs": 1000,
        "maxIntervalMs": 7_200_000,
        "timeoutMs": 30_000,
        "maxExecutionTimeMs": 60_000,
    }
    endpoint = speak("POST", f"/jobs/{job['id']}/endpoints", given, 201)
    assert endpoint["maxExecutionTimeMs"] == 60_000
    mine, any_job = f"/jobs/{job['id']}/endpoints/{endpoint['id']}", endpoint["id"]
    path = f"/endpoints/{endpoint['id']}"
    assert speak("GET", f"/jobs/{job['id']}/endpoints") == {"endpoints": [endpoint]}
    assert speak("GET", f"/jobs/_/endpoints/{any_job}") == endpoint
    changed = speak("PATCH", mine, {"baselineCron": "*/5 * * * *"})
    assert (changed["baselineCron"], "baselineIntervalMs" in changed) == ("*/5 * * * *", False)

    speak("POST", f"{path}/hints/interval", {"intervalMs": 30_000, "reason": "busy"}, 204)
    speak("POST", f"{path}/hints/oneshot", {"nextRunInMs": 60_000, "ttlMinutes": 5}, 204)
    hinted = speak("GET", mine)
    assert hinted["aiHintIntervalMs"] == 30_000
    assert INSTANT.fullmatch(hinted["aiHintNextRunAt"])
    speak("DELETE", f"{path}/hints", status=204)
    speak("POST", f"{path}/pause", {"pausedUntil": "2126-01-01T00:00:00Z", "reason": "sale"}, 204)
    assert speak("GET", mine)["pausedUntil"] == "2126-01-01T00:00:00.000Z"
    speak("POST", f"{path}/pause", {"pausedUntil": None}, 204)
    speak("POST", f"{path}/reset-failures", status=204)
    assert speak("GET", f"{path}/health?sinceHours=24")["lastRun"] is None

    assert speak("GET", f"{path}/runs?limit=10&offset=0") == {"runs": [], "total": 0}
    assert speak("GET", "/dashboard/stats")["endpoints"]["total"] == 1
    assert speak("GET", "/dashboard/activity?eventType=runs&limit=20")["events"] == []
    assert speak("GET", "/subscriptions/status")["status"] is None
    assert speak("GET", "/subscriptions/usage")["endpointsUsed"] == 1

    assert speak("POST", f"{mine}/archive", {})["state"] == "archived"
    speak("DELETE", mine, status=204)
    assert speak("POST", f"/jobs/{job['id']}/pause", {})["status"] == "paused"
    assert speak("POST", f"/jobs/{job['id']}/resume")["status"] == "active"
    assert speak("DELETE", f"/jobs/{job['id']}")["status"] == "archived"
