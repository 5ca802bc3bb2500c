"""Jobs and endpoints as clients know them: names, instants and absences to the letter."""

import re
from collections.abc import Iterator

import pytest

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OPEN_ENDED = "9999-12-31T23:59:59.000Z"


def instants(members: dict) -> Iterator[str]:
    """Find the members that are instants by their names."""
    return (members[name] for name in members if name.endswith(("At", "Until")))


def endpoint_of(client, endpoint: dict):
    """Read an endpoint back, in whichever job."""
    return client.get(f"/jobs/_/endpoints/{endpoint['id']}").raise_for_status().json()


def test_a_job_is_shown_to_the_letter(client, tenant) -> None:
    """What has no value is absent; instants are in UTC and milliseconds."""
    job = client.post("/jobs", json={"name": "shop"}).json()

    assert job == {
        "id": job["id"],
        "userId": str(tenant),
        "name": "shop",
        "status": "active",
        "createdAt": job["createdAt"],
        "updatedAt": job["createdAt"],
    }
    assert all(INSTANT.fullmatch(each) for each in instants(job))
    assert client.get("/jobs").json() == {"jobs": [{**job, "endpointCount": 0}]}


def test_a_job_goes_through_its_states(client) -> None:
    """Each is listed as what it is, and the state machine says no with 409; trap T37."""
    job = client.a_job()
    moves = [("pause", 200, "paused"), ("resume", 200, "active"), ("restore", 409, "active")]

    for verb, status, state in moves:
        answer = client.post(f"/jobs/{job['id']}/{verb}")
        assert (answer.status_code, client.get(f"/jobs/{job['id']}").json()["status"]) == (
            status,
            state,
        )
        assert len(client.get("/jobs", params={"status": state}).json()["jobs"]) == 1
    archived = client.delete(f"/jobs/{job['id']}").json()
    assert (archived["status"], bool(INSTANT.fullmatch(archived["archivedAt"]))) == (
        "archived",
        True,
    )
    assert client.post(f"/jobs/{job['id']}/restore").json()["status"] == "active"


def test_an_archived_job_only_comes_back(client) -> None:
    """It is neither paused nor resumed, and takes no endpoint by any way; traps T18 and T37."""
    made = client.an_endpoint()
    job = f"/jobs/{made['jobId']}"
    client.delete(job).raise_for_status()
    given = {"name": "other", "url": made["url"], "baselineIntervalMs": 3_600_000}

    answers = [
        client.post(f"{job}/pause"),
        client.post(f"{job}/resume"),
        client.post(f"{job}/endpoints", json=given),
        client.put(f"{job}/endpoints/by-key/k", json=given),
    ]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (409, "forbidden_transition")
    ] * 4
    assert client.get(job).json()["status"] == "archived"
    assert given["name"] not in client.get(f"{job}/endpoints").text


def test_a_description_is_cleared_by_null(client) -> None:
    """One that is absent stays."""
    job = client.post("/jobs", json={"name": "shop", "description": "ours"}).json()

    renamed = client.patch(f"/jobs/{job['id']}", json={"name": "store"}).json()
    cleared = client.patch(f"/jobs/{job['id']}", json={"description": None}).json()

    assert (renamed["name"], renamed["description"]) == ("store", "ours")
    assert "description" not in cleared


def test_an_endpoint_is_shown_to_the_letter(client) -> None:
    """No member is null, integers are integers, and a secret is masked; trap T43."""
    made = client.an_endpoint(
        method="POST",
        headersJson={"Authorization": "Bearer s3cret", "Accept": "application/json"},
        bodyJson={"deep": [1, None, 2.5]},
        minIntervalMs=1000,
        timeoutMs=5000,
        maxResponseSizeKb=64,
    )

    assert made == {
        "id": made["id"],
        "jobId": made["jobId"],
        "name": "health",
        "url": "http://93.184.216.34/health",
        "method": "POST",
        "headersJson": {"Authorization": "••••••••", "Accept": "application/json"},
        "bodyJson": {"deep": [1, None, 2.5]},
        "baselineIntervalMs": 3_600_000,
        "minIntervalMs": 1000,
        "timeoutMs": 5000,
        "maxResponseSizeKb": 64,
        "nextRunAt": made["nextRunAt"],
        "failureCount": 0,
        "misfirePolicy": "run_once",
        "misfireGraceMs": 60_000,
        "catchUpLimit": 10,
        "rules": [],
        "aiMode": "off",
        "delivery": "at_least_once",
        "signing": "when_keyed",
        "hints": [],
        "nextRunSource": "baseline-interval",
        "state": "active",
    }
    assert INSTANT.fullmatch(made["nextRunAt"])
    assert endpoint_of(client, made) == made


def test_a_masked_header_stays_what_it_is(client) -> None:
    """Whoever writes back what was read changes nothing."""
    made = client.an_endpoint(headersJson={"Authorization": "Bearer s3cret"})

    client.patch(
        f"/jobs/{made['jobId']}/endpoints/{made['id']}", json={"headersJson": made["headersJson"]}
    )

    actions = [each["action"] for each in client.get("/audit").json()["entries"]]
    assert actions == ["create", "create", "issue"]


def test_one_schedule_replaces_another(client) -> None:
    """Cron to interval and to a single instant and back; trap T12."""
    made = client.an_endpoint()
    path = f"/jobs/{made['jobId']}/endpoints/{made['id']}"
    at = "2126-01-01T01:00:00+01:00"

    cron = client.patch(path, json={"baselineCron": "0 6 * * *", "timezone": "Europe/Paris"}).json()
    once = client.patch(path, json={"runAt": at}).json()
    again = client.patch(path, json={"baselineIntervalMs": 60_000}).json()

    schedule = ("baselineCron", "timezone", "baselineIntervalMs", "runAt")
    assert [{name: each[name] for name in schedule if name in each} for each in (cron, once)] == [
        {"baselineCron": "0 6 * * *", "timezone": "Europe/Paris"},
        {"runAt": "2126-01-01T00:00:00.000Z"},
    ]
    assert {name for name in schedule if name in again} == {"baselineIntervalMs"}


CLEARED = {
    "description": "ours",
    "headersJson": {"Accept": "text/plain"},
    "bodyJson": {"a": 1},
    "minIntervalMs": 2000,
    "maxExecutionTimeMs": 60_000,
    "maxIntervalMs": 7_200_000,
    "startsAt": "2126-01-01T00:00:00.000Z",
    "endsAt": "2127-01-01T00:00:00.000Z",
    "maxRuns": 3,
    "jitterMs": 500,
    "retry": {"attempts": 3, "backoffMs": 100, "backoffMostMs": 1000},
}


@pytest.mark.parametrize("member", CLEARED)
def test_every_optional_member_is_set_and_cleared(client, member) -> None:
    """It is shown as it was given, and null makes it absent; trap T12."""
    made = client.an_endpoint(**{member: CLEARED[member]})
    assert made[member] == CLEARED[member]

    cleared = client.patch(f"/jobs/_/endpoints/{made['id']}", json={member: None}).json()

    assert member not in cleared


def test_an_endpoint_of_another_job_is_not_there(client) -> None:
    """Unless any job is meant."""
    made = client.an_endpoint()
    other = client.a_job("other")

    assert client.get(f"/jobs/{other['id']}/endpoints/{made['id']}").status_code == 404
    assert client.get(f"/jobs/_/endpoints/{made['id']}").status_code == 200


def test_a_deleted_endpoint_is_archived(client) -> None:
    """It leaves the list, can be read, and comes back when it is restored."""
    made = client.an_endpoint()
    path = f"/jobs/{made['jobId']}/endpoints"

    assert client.delete(f"{path}/{made['id']}").status_code == 204
    assert client.get(path).json() == {"endpoints": []}
    assert endpoint_of(client, made)["state"] == "archived"
    assert client.post(f"{path}/{made['id']}/restore").json()["state"] == "active"
    assert client.post(f"{path}/{made['id']}/archive").json()["state"] == "archived"


def test_lists_go_on_at_their_cursor(client) -> None:
    """The last page has none."""
    job = client.a_job()
    made = [client.an_endpoint(job, name=f"e{n}")["id"] for n in range(3)]
    path = f"/jobs/{job['id']}/endpoints"

    first = client.get(path, params={"limit": 2}).json()
    rest = client.get(path, params={"limit": 2, "cursor": first["nextCursor"]}).json()

    assert [each["id"] for each in first["endpoints"] + rest["endpoints"]] == made
    assert "nextCursor" not in rest


def test_a_pause_reads_as_clients_know_it(client) -> None:
    """Without an end as the last instant there is, and null resumes."""
    made = client.an_endpoint()
    path = f"/endpoints/{made['id']}/pause"

    assert client.post(path).status_code == 204
    paused = endpoint_of(client, made)
    assert (paused["state"], paused["pausedUntil"]) == ("paused", OPEN_ENDED)
    assert client.post(f"/endpoints/{made['id']}/run").status_code == 409

    assert client.post(path, json={"pausedUntil": None}).status_code == 204
    assert "pausedUntil" not in endpoint_of(client, made)
    assert client.post(path, json={"pausedUntil": OPEN_ENDED, "reason": "sale"}).status_code == 204
    assert endpoint_of(client, made)["pausedUntil"] == OPEN_ENDED


def test_a_hint_is_shown_where_clients_look(client) -> None:
    """With its end and reason; cleared, it is history."""
    made = client.an_endpoint()
    hints = f"/endpoints/{made['id']}/hints"

    client.post(f"{hints}/interval", json={"intervalMs": 30_000, "ttlMinutes": 5, "reason": "why"})
    hinted = endpoint_of(client, made)
    assert client.delete(hints).status_code == 204
    (record,) = client.get(hints).json()["hints"]

    assert (hinted["aiHintIntervalMs"], hinted["aiHintReason"]) == (30_000, "why")
    assert hinted["nextRunSource"] == "api-interval"
    assert INSTANT.fullmatch(hinted["aiHintExpiresAt"])
    assert (record["kind"], record["author"], record["ended"]) == ("interval", "api", "cleared")
    assert "aiHintIntervalMs" not in endpoint_of(client, made)


def test_a_run_by_hand_is_planned_at_once(client) -> None:
    """It is the next to fire, and the explanation says who asked for it."""
    made = client.an_endpoint()

    assert client.post(f"/endpoints/{made['id']}/run").status_code == 202

    explained = client.get(f"/endpoints/{made['id']}/explain").json()
    assert endpoint_of(client, made)["nextRunSource"] == "manual"
    assert explained["decision"]["source"] == "manual"
    assert "someone asked" in explained["sentence"]


def test_a_skipped_slot_is_passed_over(client) -> None:
    """What was previewed second is next."""
    made = client.an_endpoint()
    preview = client.get(f"/endpoints/{made['id']}/preview", params={"count": 2}).json()

    assert client.post(f"/endpoints/{made['id']}/skip").status_code == 204

    assert endpoint_of(client, made)["nextRunAt"] == preview["fireTimes"][1]["dueAt"]


def test_a_key_of_another_system_finds_its_own(client) -> None:
    """The first time it creates, then it updates; 201 and 200."""
    first = client.put("/jobs/by-key/shop", json={"name": "shop"})
    again = client.put("/jobs/by-key/shop", json={"name": "store"})
    path = f"/jobs/{first.json()['id']}/endpoints/by-key/health"
    given = {"name": "health", "url": "http://93.184.216.34/", "baselineCron": "@daily"}
    endpoints = [client.put(path, json=given) for _ in range(2)]

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert [each.status_code for each in endpoints] == [201, 200]
    assert endpoints[0].json() == endpoints[1].json()


def test_health_without_runs_is_told_as_such(client) -> None:
    """Counts are zero, what cannot be told is null, and no slot has come."""
    made = client.an_endpoint()
    nothing = {
        "successCount": 0,
        "failureCount": 0,
        "avgDurationMs": None,
        "p50Ms": None,
        "p95Ms": None,
    }

    health = client.get(f"/endpoints/{made['id']}/health", params={"sinceHours": 2}).json()

    assert health == {
        **nothing,
        "lastRun": None,
        "failureStreak": 0,
        "windows": {"1h": nothing, "4h": nothing, "24h": nothing},
    }
    assert client.get(f"/endpoints/{made['id']}/slots").json() == {"slots": []}


def test_the_audit_tells_who_did_what(client) -> None:
    """The newest first, page by page."""
    client.a_job()

    first = client.get("/audit", params={"limit": 1}).json()
    rest = client.get("/audit", params={"cursor": first["nextCursor"]}).json()

    (deed,) = first["entries"]
    assert (deed["actor"], deed["action"], deed["subject"]["name"]) == (
        "key:tests",
        "create",
        "shop",
    )
    assert [each["action"] for each in rest["entries"]] == ["issue"]


def test_what_is_wrong_with_a_schedule_is_said_in_the_words_of_the_wire(client) -> None:
    """The members that do not go together, and those that one is to be given of."""
    endpoint = client.an_endpoint()
    path = f"/jobs/{endpoint['jobId']}/endpoints"
    given = {"name": "b", "url": endpoint["url"], "baselineCron": "@daily"}

    two = client.post(path, json={**given, "baselineIntervalMs": 60_000}).json()["issues"]
    none = client.patch(f"{path}/{endpoint['id']}", json={"baselineIntervalMs": None}).json()

    assert [each["path"] for each in two] == ["baselineCron"]
    assert two[0]["message"] == (
        "there is baselineIntervalMs as well:"
        " Keep one of baselineIntervalMs, baselineCron and runAt."
    )
    assert none["issues"][0]["message"] == (
        "there is no schedule: Give one of baselineIntervalMs, baselineCron and runAt."
    )


def test_an_answer_without_content_has_no_kind(client) -> None:
    """Neither a body nor what it would be."""
    answer = client.post(f"/endpoints/{client.an_endpoint()['id']}/skip")

    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


def test_a_paused_endpoint_is_paused_while_its_run_is_under_way(client) -> None:
    """Programs that look at the state would else take it for one that goes on."""
    made = client.an_endpoint()
    client.run_now(made, None)
    assert endpoint_of(client, made)["state"] == "active"

    client.post(f"/endpoints/{made['id']}/pause", json={"pausedUntil": OPEN_ENDED})

    assert endpoint_of(client, made)["state"] == "paused"
