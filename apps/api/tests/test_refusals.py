"""Errors: the status comes from the type of the error, and nothing of the inside is told."""

import pytest
from cronicorn_api.application import BODY_MOST
from cronicorn_api.wire.refusing import ISSUES_MOST
from cronicorn_api.wire.values import read_json

JOB = {"name": "shop"}
ENDPOINT = {"name": "health", "url": "http://93.184.216.34/", "baselineIntervalMs": 3_600_000}
SECRET = "a value that only the inside knows"

FAULTY = [
    ("/jobs", {}, "name"),
    ("/jobs", {"name": " "}, "name"),
    ("/jobs", {"name": "x" * 256}, "name"),
    ("/jobs", {"name": 5}, "name"),
    ("/jobs", {"name": "a\u0000b"}, "name"),
    ("/jobs", {"name": "shop", "description": "x" * 1001}, "description"),
    ("/jobs", [], ""),
    ("{endpoints}", {**ENDPOINT, "url": "ftp://example.com/"}, "url"),
    ("{endpoints}", {**ENDPOINT, "url": "http://169.254.169.254/"}, "url"),
    ("{endpoints}", {**ENDPOINT, "baselineIntervalMs": 999}, "baselineIntervalMs"),
    ("{endpoints}", {**ENDPOINT, "baselineIntervalMs": 1e300}, "baselineIntervalMs"),
    ("{endpoints}", {**ENDPOINT, "baselineIntervalMs": 10**30}, "baselineIntervalMs"),
    ("{endpoints}", {**ENDPOINT, "baselineIntervalMs": None}, ""),
    ("{endpoints}", {**ENDPOINT, "baselineCron": "@daily"}, "baselineCron"),
    ("{endpoints}", {**ENDPOINT, "minIntervalMs": 9000, "maxIntervalMs": 2000}, "minIntervalMs"),
    ("{endpoints}", {**ENDPOINT, "timeoutMs": 99}, "timeoutMs"),
    ("{endpoints}", {**ENDPOINT, "maxExecutionTimeMs": 1_800_001}, "maxExecutionTimeMs"),
    ("{endpoints}", {**ENDPOINT, "maxResponseSizeKb": 10_241}, "maxResponseSizeKb"),
    ("{endpoints}", {**ENDPOINT, "method": "FETCH"}, "method"),
    ("{endpoints}", {**ENDPOINT, "headersJson": {"a b": "c"}}, "headersJson.a b"),
    ("{endpoints}", {**ENDPOINT, "maxRuns": 2**70}, "maxRuns"),
    ("{endpoints}", {**ENDPOINT, "startsAt": "9999-12-31T23:59:59-12:00"}, "startsAt"),
    ("{endpoints}", {**ENDPOINT, "startsAt": "2026-01-01T00:00:00"}, "startsAt"),
    ("{endpoints}", {**ENDPOINT, "startsAt": 1_700_000_000}, "startsAt"),
    ("{hints}/interval", {"intervalMs": 999}, "intervalMs"),
    ("{hints}/interval", {"intervalMs": 60_000, "ttlMinutes": 0}, "ttlMinutes"),
    ("{hints}/oneshot", {}, "nextRunAt"),
    ("{hints}/oneshot", {"nextRunAt": "2020-01-01T00:00:00Z"}, "nextRunAt"),
    ("{hints}/oneshot", {"nextRunAt": "9999-12-31T00:00:00Z"}, "nextRunAt"),
    ("{pause}", {"pausedUntil": "2020-01-01T00:00:00Z"}, "pausedUntil"),
]


@pytest.mark.parametrize(("path", "given", "field"), FAULTY)
def test_what_cannot_be_meant_is_told_field_by_field(client, path, given, field) -> None:
    """422, with the member by the name that the client gave it, and what is allowed."""
    made = client.an_endpoint()
    paths = {
        "endpoints": f"/jobs/{made['jobId']}/endpoints",
        "hints": f"/endpoints/{made['id']}/hints",
        "pause": f"/endpoints/{made['id']}/pause",
    }

    answer = client.post(path.format(**paths), json=given)

    refused = answer.json()
    assert (answer.status_code, refused["status"], refused["success"]) == (422, 422, False)
    assert field in [each["path"] for each in refused["issues"]]
    assert all(each["message"] and each["code"] for each in refused["issues"])
    assert refused.keys() == {"error", "message", "status", "code", "success", "issues"}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"name": 5}, "name: Input should be a valid string; found a number"),
        ({"method": "FETCH"}, "found 'FETCH'"),
        ({"method": "F" * 1000}, f"found '{'F' * 39}…"),
        ({"jitterMs": -1}, "greater than or equal to 0; found -1"),
        ({"jitterMs": 10**100}, "found a huge number"),
        ({"jitterMs": True}, "found a boolean"),
        (
            {"startsAt": "tomorrow"},
            "instant with Z or an offset; found 'tomorrow'",
        ),
        ({"headersJson": {"Authorization": 12_345_678}}, "found a number"),
        ({"rules": {}}, "found an object"),
        ({"retry": []}, "retry: Input should be an object; found a list"),
        ({"jitterMs": 1.5}, "jitterMs: Input should be a valid integer; found 1.5"),
        ({"jitterMs": "soon"}, "jitterMs: Input should be a valid integer; found a text"),
        ({"description": "x" * 1001}, "has 1001 characters: keep it to 1000 characters"),
        ({"url": ""}, "the URL has 0 characters: give 1 to"),
        (
            {"startsAt": "2027-01-01T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"},
            "give an endsAt after startsAt",
        ),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_a_refusal_says_what_was_found(client, given, told) -> None:
    """And what is allowed, in the words of the wire; of what may be a secret only its kind."""
    answer = client.post(f"/jobs/{client.a_job()['id']}/endpoints", json={**ENDPOINT, **given})

    assert answer.status_code == 422
    assert told in answer.json()["message"]
    assert "12345678" not in answer.text


def test_a_body_that_is_not_called_json_is_told_what_to_be_called(client) -> None:
    """As `curl --data` sends it by itself; what is in it is not repeated."""
    kind = {"content-type": "application/x-www-form-urlencoded"}

    answer = client.post("/jobs", content='{"name": "hunter2"}', headers=kind)

    assert answer.status_code == 422
    assert "send it with Content-Type: application/json" in answer.json()["message"]
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/jobs/not-an-id", 404, "not_found"),
        ("GET", "/runs/not-an-id", 404, "not_found"),
        ("GET", "/nowhere", 404, "not_found"),
        ("PUT", "/jobs", 405, "method_not_allowed"),
        ("POST", "/jobs/{job}/restore", 409, "forbidden_transition"),
        ("GET", "/jobs?limit=0", 422, "invalid_input"),
        ("GET", "/jobs?cursor=x", 422, "invalid_input"),
        ("GET", "/audit?actor=%00", 422, "invalid_input"),
        ("GET", "/audit?subject=x", 422, "invalid_input"),
        ("GET", "/endpoints/{endpoint}/preview?count=101", 422, "invalid_input"),
        ("GET", "/endpoints/{endpoint}/health?sinceHours=99999", 422, "invalid_input"),
        ("GET", "/endpoints/{endpoint}/slots?since=yesterday", 422, "invalid_input"),
    ],
)
def test_refusals_tell_why(client, method, path, status, code) -> None:
    """By one shape, whoever refuses: a rule, the state machine, or the framework."""
    made = client.an_endpoint()

    answer = client.request(method, path.format(job=made["jobId"], endpoint=made["id"]))

    refused = answer.json()
    assert (answer.status_code, refused["status"], refused["code"]) == (status, status, code)
    assert refused["error"]
    assert refused["message"]


def test_a_key_that_cannot_be_one_is_refused(client) -> None:
    """What an address cannot hold does not reach the database."""
    answer = client.put("/jobs/by-key/%00", json=JOB)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_a_name_in_use_is_a_conflict(client) -> None:
    """409, for jobs and within a job for endpoints."""
    made = client.an_endpoint()

    jobs = client.post("/jobs", json=JOB)
    endpoints = client.post(f"/jobs/{made['jobId']}/endpoints", json=ENDPOINT)

    assert [(each.status_code, each.json()["code"]) for each in (jobs, endpoints)] == [
        (409, "name_taken"),
        (409, "name_taken"),
    ]


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"name": "\xff"}', b'"text"'])
def test_what_is_no_json_harms_nobody(client, body) -> None:
    """Broken, endlessly deep, or no text at all: it is refused as what it is."""
    answer = client.post("/jobs", content=body, headers={"content-type": "application/json"})

    assert answer.status_code in {400, 422}
    assert answer.json()["status"] == answer.status_code


def test_too_large_a_body_is_refused(client) -> None:
    """413, before it is read to the end; it says what is allowed."""
    answer = client.post("/jobs", content=b'"' + b"x" * BODY_MOST + b'"')

    assert f"keep to {BODY_MOST // 1024**2} MiB" in answer.json()["message"]
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": "wrong"},
        {"x-api-key": ""},
        {"authorization": "Bearer wrong"},
        {"authorization": "Basic eDp5"},
        {"authorization": "Bearer"},
    ],
)
def test_what_proves_nothing_is_401(anyone, headers) -> None:
    """With what to give instead, and the scheme for programs."""
    answer = anyone.get("/jobs", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_request_id_is_honoured(anyone) -> None:
    """One that could not stand in a header or a log line is replaced; errors have one, too."""
    assert (
        anyone.get("/health", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    )
    made = [anyone.get("/jobs", headers={"x-request-id": each}) for each in ("a b", "x" * 129, "")]
    assert all(len(each.headers["x-request-id"]) == 36 for each in made)
    assert all(each.headers["x-content-type-options"] == "nosniff" for each in made)


def test_of_very_many_faults_so_many_are_told(client) -> None:
    """And how many more there are: an answer is no larger than somebody reads."""
    many = {"ids": list(range(5000))}

    refused = client.post("/endpoints/bulk", json={"action": "run", "filter": many})

    assert refused.status_code == 422
    issues = refused.json()["issues"]
    assert len(issues) == ISSUES_MOST + 1
    assert issues[-1]["message"] == f"and {5000 - ISSUES_MOST} more like these"


@pytest.mark.parametrize(
    ("method", "path", "given"),
    [
        ("POST", "/alerts", {"name": "a", "email": "a@b.example", "occasions": ["x"] * 100_000}),
        ("PUT", "{endpoint}/rules", {"rules": [{}] * 100_000}),
        ("PATCH", "/jobs/_{endpoint}", {"headersJson": {f"h{n}": 1 for n in range(50_000)}}),
    ],
    ids=["occasions", "rules", "headers"],
)
def test_what_is_too_long_is_told_once(client, method, path, given) -> None:
    """And not for each of its parts, which takes half a minute."""
    endpoint = client.an_endpoint()

    refused = client.request(
        method, path.format(endpoint=f"/endpoints/{endpoint['id']}"), json=given
    )

    assert refused.status_code == 422
    assert len(refused.content) < 40_000


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/auth/api-key/delete", '{"keyId": "\\ud800"}'),
        ("/alerts", '{"name": "a", "email": "a\\ud800@b.example"}'),
        ("/alerts", '{"name": "a", "email": "a\\u0000b@b.example"}'),
        ("/alerts", '{"name": "a", "email": "a@b.example", "jobId": "\\ud800"}'),
        ("/endpoints/bulk", '{"action": "run", "filter": {"text": "\\ud800"}}'),
        ("/endpoints/bulk", '{"action": "run", "filter": {"ids": ["\\ud800"]}}'),
    ],
)
def test_what_is_no_text_is_refused(client, path, given) -> None:
    """Neither a store nor a wire can carry it."""
    answer = client.post(path, content=given, headers={"content-type": "application/json"})

    assert answer.status_code in {403, 404, 422}, answer.text


@pytest.mark.parametrize("body", ["[" * 60_000, "NaN", "[1e999]", "{", "plain"])
def test_an_odd_body_is_shown_as_text(body) -> None:
    """The jobs file keeps any: it takes neither its endpoint nor the list of its job away."""
    assert read_json(body) == body
    assert read_json('{"a": [1]}') == {"a": [1]}
