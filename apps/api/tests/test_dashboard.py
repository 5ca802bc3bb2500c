"""The dashboard as clients know it: sums, series and the newest runs."""

from datetime import UTC, datetime, timedelta

import pytest
from cronicorn_domain.testing.builders import failed, succeeded

DAY = timedelta(days=1)


@pytest.fixture
def ran(client):
    """A job whose endpoint succeeded twice and failed once, and one that did nothing."""
    job = client.a_job("shop")
    endpoint = client.an_endpoint(job)
    client.an_endpoint(client.a_job("store"), name="idle")
    for outcome in (succeeded(), succeeded(), failed()):
        client.run_now(endpoint, outcome)
    return endpoint


def today() -> str:
    """Name the day it is."""
    return datetime.now(UTC).date().isoformat()  # noqa: TID251


PERCENTILES = [f"p{share}{of}Ms" for of in ("Duration", "Lateness") for share in (50, 95, 99)]


def test_a_tenant_without_anything_sees_nothing(client) -> None:
    """Without a query; every member is there, to the letter."""
    stats = client.get("/dashboard/stats").json()

    series = stats.pop("runTimeSeries")
    assert [(each["success"], each["failure"]) for each in series] == [(0, 0)] * 7
    assert stats == {
        "jobs": {"total": 0},
        "endpoints": {"total": 0, "active": 0, "paused": 0},
        "successRate": {"overall": 0.0, "trend": "stable"},
        "recentActivity": {"runs24h": 0, "success24h": 0, "failure24h": 0},
        "jobHealth": [],
        "filteredMetrics": {
            "totalRuns": 0,
            "successCount": 0,
            "failureCount": 0,
            "avgDurationMs": None,
            **dict.fromkeys(PERCENTILES),
        },
        "sourceDistribution": [],
        "endpointTimeSeries": [],
        "endpointTimeSeriesMaxStacked": 0,
        "aiSessionTimeSeries": [],
        "aiSessionTimeSeriesMaxStacked": 0,
        "topEndpoints": [],
        "recentRuns": [],
    }


def test_what_ran_is_summed_up(client, ran) -> None:
    """By job, source, day and endpoint, and all sums agree."""
    client.post(f"/endpoints/{ran['id']}/pause")

    stats = client.get("/dashboard/stats").json()

    assert (stats["jobs"], stats["endpoints"]) == (
        {"total": 2},
        {"total": 2, "active": 1, "paused": 1},
    )
    assert stats["successRate"]["overall"] == pytest.approx(200 / 3)
    assert stats["recentActivity"] == {"runs24h": 3, "success24h": 2, "failure24h": 1}
    assert stats["jobHealth"] == [
        {"jobId": ran["jobId"], "jobName": "shop", "successCount": 2, "failureCount": 1}
    ]
    speeds = [stats["filteredMetrics"].pop(name) for name in PERCENTILES]
    assert all(isinstance(each, int) for each in speeds)
    assert speeds[:3] == pytest.approx([1000] * 3, rel=0.1)
    assert stats["filteredMetrics"] == {
        "totalRuns": 3,
        "successCount": 2,
        "failureCount": 1,
        "avgDurationMs": 1000,
    }
    assert stats["sourceDistribution"] == [{"source": "manual", "count": 3}]
    assert sum(each["success"] for each in stats["runTimeSeries"]) == 2
    assert sum(each["totalDurationMs"] for each in stats["endpointTimeSeries"]) == 3000
    (top,) = stats["topEndpoints"]
    assert (top["id"], top["name"], top["jobName"], top["runCount"]) == (
        ran["id"],
        "health",
        "shop",
        3,
    )
    assert top["lastRunAt"].endswith("Z")
    assert [each["status"] for each in stats["recentRuns"]] == ["failed", "success", "success"]
    assert {each["durationMs"] for each in stats["recentRuns"]} == {1000}


@pytest.mark.parametrize(
    ("query", "runs"),
    [
        ({"jobId": "{job}"}, 3),
        ({"source": "manual"}, 3),
        ({"source": "retry"}, 0),
        ({"startDate": "2020-01-01", "endDate": "2020-01-31"}, 0),
        ({"startDate": "Thu Nov 20 2025 00:00:00 GMT+0000 (Coordinated Universal Time)"}, 3),
        ({"startDate": "2025-11-20T00:00:00+02:00", "timezone": "Asia/Kolkata"}, 3),
    ],
)
def test_what_is_asked_for_can_be_narrowed(client, ran, query, runs) -> None:
    """By job, source and window, in each form that clients write."""
    given = {name: value.format(job=ran["jobId"]) for name, value in query.items()}
    if given.get("startDate", "").startswith(("Thu", "2025")):
        given["endDate"] = (datetime.now(UTC) + DAY).date().isoformat()  # noqa: TID251

    stats = client.get("/dashboard/stats", params=given).json()

    assert stats["filteredMetrics"]["totalRuns"] == runs
    assert len(stats["recentRuns"]) == runs


def test_a_date_is_a_whole_day(client, ran) -> None:
    """Both ends belong to the window; trap T41."""
    stats = client.get("/dashboard/stats", params={"startDate": today(), "endDate": today()}).json()

    assert [each["date"] for each in stats["runTimeSeries"]] == [today()]
    assert stats["filteredMetrics"]["totalRuns"] == 3


def test_activity_tells_of_each_run(client, ran) -> None:
    """The newest first, page by page, with the sum of the whole window."""
    client.run_now(ran, None)

    first = client.get("/dashboard/activity", params={"limit": 3}).json()
    rest = client.get("/dashboard/activity", params={"cursor": first["nextCursor"]}).json()
    by_offset = client.get("/dashboard/activity", params={"offset": 3}).json()

    running, broken, well = first["events"]
    assert (running["status"], "durationMs" in running) == ("running", False)
    assert (broken["status"], broken["statusCode"]) == ("failed", 500)
    assert well == {
        "type": "run",
        "id": well["id"],
        "endpointId": ran["id"],
        "endpointName": "health",
        "jobName": "shop",
        "timestamp": well["timestamp"],
        "status": "success",
        "durationMs": 1000,
        "source": "manual",
        "statusCode": 200,
    }
    assert (first["total"], first["summary"]["runsCount"]) == (4, 3)
    assert first["summary"] == rest["summary"]
    assert rest["events"] == by_offset["events"]
    assert "nextCursor" not in rest


def test_there_are_no_sessions_yet(client, ran) -> None:
    """Asked for sessions alone, the list is empty, and the sum is that of the window."""
    activity = client.get("/dashboard/activity", params={"eventType": "sessions"}).json()

    assert activity["summary"]["sessionsCount"] == 0
    assert (activity["events"], activity["total"]) == ([], 0)
    assert activity["summary"]["runsCount"] == 3


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"startDate": "yesterday"}, "startDate"),
        ({"startDate": "2025-02-30"}, "startDate"),
        ({"startDate": "0001-01-01"}, "startDate"),
        ({"endDate": "9999-12-31"}, "endDate"),
        ({"startDate": "2025-02-01", "endDate": "2025-01-01"}, "startDate"),
        ({"startDate": "2001-01-01"}, "startDate"),
        ({"startDate": "Thu Foo 20 2025 00:00:00 GMT+0000"}, "startDate"),
        ({"timezone": "Mars"}, "timezone"),
        ({"source": "magic"}, "source"),
        ({"endpointLimit": "101"}, "endpointLimit"),
    ],
)
def test_what_cannot_be_shown_is_told_by_name(client, query, field) -> None:
    """422, with the member of the query."""
    answer = client.get("/dashboard/stats", params=query)

    assert answer.status_code == 422
    assert field in [each["path"] for each in answer.json()["issues"]]


@pytest.mark.parametrize("route", ["stats", "activity"])
def test_anothers_job_is_not_shown(client, stranger, ran, route) -> None:
    """Nor does naming it tell that there is one."""
    answer = stranger.get(f"/dashboard/{route}", params={"jobId": ran["jobId"]})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_usage_is_told_against_the_plan(client, ran) -> None:
    """What is used of endpoints, runs and tokens; plans are configuration, and none ends."""
    assert client.get("/subscriptions/usage").json() == {
        "aiCallsUsed": 0,
        "aiCallsLimit": 1_000_000_000,
        "endpointsUsed": 2,
        "endpointsLimit": 1_000_000,
        "totalRuns": 3,
        "totalRunsLimit": 1_000_000_000,
    }
    assert client.get("/subscriptions/status").json() == {
        "tier": "self-hosted",
        "status": None,
        "endsAt": None,
    }
