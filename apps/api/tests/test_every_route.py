"""What holds for every route there is, also for those that are yet to be written."""

from collections.abc import Iterator

import pytest
from cronicorn_api.application import application
from cronicorn_domain.identity import new_uuid
from cronicorn_domain.testing.builders import succeeded

EVERYTHING = {
    "name": "given",
    "url": "http://93.184.216.34/",
    "baselineIntervalMs": 3_600_000,
    "intervalMs": 60_000,
    "nextRunInMs": 60_000,
    "action": "pause",
    "filter": {"all": True},
    "keyId": str(new_uuid()),
    "rules": [],
    "currentPassword": "what it is",
    "newPassword": "what it is to be",
    "userCode": "WDJB-MJHT",
    "unheardOf": {"members": ["are", "let", "be"]},
}
"""A body that does for every route: what it does not know, it lets be."""
PUBLIC = {
    "/api/health",
    "/api/health/live",
    "/api/health/ready",
    "/api/auth/config",
    "/api/auth/sign-in/email",
    "/api/auth/sign-out",
    "/api/auth/get-session",
    "/api/auth/device/code",
    "/api/auth/device/token",
}
STREAM = "/events"
OF_NO_ONES = {
    "/api/jobs",
    "/api/jobs/by-key/{externalKey}",
    "/api/audit",
    "/api/endpoints/bulk",
    "/api/metrics",
    "/api/dashboard/stats",
    "/api/dashboard/activity",
    "/api/subscriptions/status",
    "/api/subscriptions/usage",
    "/api/auth/api-key/list",
    "/api/auth/api-key/create",
    "/api/auth/api-key/update",
    "/api/auth/api-key/delete",
    "/api/auth/change-password",
    "/api/auth/device/approve",
    "/api/auth/device/deny",
    "/api/devices",
    "/api/signing-keys",
    "/api/suggestions",
    "/api/alerts",
    "/api/signing-keys/rotate",
    "/api/events",
}
"""Their paths name nothing that could be another's; what bodies may name is tried elsewhere."""
QUESTIONS = {"/api/endpoints/{endpointId}/rules/replay"}
"""They are posted, since a question may be long, and change nothing."""
NONE_THERE = {
    "/api/sessions/{sessionId}",
    "/api/suggestions/{suggestionId}/approve",
    "/api/suggestions/{suggestionId}/refuse",
    "/api/devices/{deviceId}",
    "/api/auth/device",
}
"""No model looks, and nobody signs in here: whatever is named there is nobody's."""


def documented() -> dict:
    """Read the document of the application; no desk is asked for it."""
    return application(desk=None).openapi()  # type: ignore[arg-type]


def routes() -> Iterator[tuple[str, str, dict]]:
    """Name every route behind a credential: method, path, operation."""
    for path, operations in documented()["paths"].items():
        for method, operation in operations.items():
            if path not in PUBLIC:
                yield method.upper(), path, operation


ROUTES = [pytest.param(*each, id=f"{each[0]} {each[1]}") for each in routes()]
NAMING = [each for each in ROUTES if each.values[1] not in OF_NO_ONES | NONE_THERE]


def filled(path: str, ids: dict[str, str]) -> str:
    """Write ids into a path, and cut what every path begins with."""
    return path.format(**ids).removeprefix("/api")


def asked(client, method: str, path: str, operation: dict):
    """Ask with a body where the route takes one; of a stream only the beginning is read."""
    body = {"json": EVERYTHING} if "requestBody" in operation else {}
    if path == STREAM:
        with client.stream(method, path) as answer:
            return answer if answer.is_success else client.request(method, path)
    asked_for = {each["name"] for each in operation.get("parameters", ()) if each["required"]}
    query = {"params": {"user_code": "WDJB-MJHT"}} if "user_code" in asked_for else {}
    return client.request(method, path, **body, **query)


def ids_of(
    endpoint: dict, hint: str, run: str | None = None, alert: str | None = None
) -> dict[str, str]:
    """Return what paths name, with what somebody has."""
    return {
        "jobId": endpoint["jobId"],
        "endpointId": endpoint["id"],
        "hintId": hint,
        "runId": run or str(new_uuid()),
        "sessionId": str(new_uuid()),
        "suggestionId": str(new_uuid()),
        "alertId": alert or str(new_uuid()),
        "deviceId": str(new_uuid()),
        "externalKey": "k",
    }


@pytest.fixture(scope="module")
def theirs(owner) -> dict[str, str]:
    """Give the ids of what somebody has: nothing that a stranger does changes it."""
    endpoint = owner.an_endpoint()
    owner.run_now(endpoint, succeeded("nobody else's"))
    run = owner.get(f"/endpoints/{endpoint['id']}/runs").json()["runs"][0]["runId"]
    owner.post(f"/endpoints/{endpoint['id']}/hints/oneshot", json={"nextRunInMs": 3_000_000})
    hint = owner.get(f"/endpoints/{endpoint['id']}/hints").json()["hints"][0]["id"]
    alert = owner.post("/alerts", json={"name": "pager", "url": "http://93.184.216.34/"}).json()
    return ids_of(endpoint, hint, run, alert["id"])


def standing(owner, theirs: dict[str, str]):
    """Read what somebody has, and what was done to it."""
    endpoint = owner.get(f"/jobs/_/endpoints/{theirs['endpointId']}").json()
    run = owner.get(f"/runs/{theirs['runId']}").json()
    return endpoint, run, owner.get("/audit").json()


@pytest.mark.parametrize(("method", "path", "operation"), ROUTES)
def test_nobody_comes_without_a_credential(anyone, method, path, operation) -> None:
    """Every route but those of health is behind one, and says which kinds it takes."""
    ids = dict.fromkeys(
        (
            "jobId",
            "endpointId",
            "hintId",
            "runId",
            "sessionId",
            "suggestionId",
            "deviceId",
            "alertId",
            "externalKey",
        ),
        str(new_uuid()),
    )

    answer = asked(anyone, method, filled(path, ids), operation)

    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    kinds = {name for each in operation["security"] for name in each}
    assert kinds == {"session", "bearer", "apiKey"}


@pytest.mark.parametrize(("method", "path", "operation"), NAMING)
def test_what_is_anothers_does_not_exist(
    *, owner, theirs, stranger, method, path, operation
) -> None:
    """It is the same answer to the letter as for what nobody has, and changes nothing."""
    nobodys = {name: "k" if name == "externalKey" else str(new_uuid()) for name in theirs}
    before = standing(owner, theirs)

    answers = []
    for ids in (theirs, nobodys):
        answer = asked(stranger, method, filled(path, ids), operation)
        text = answer.text
        for identity in ids.values():
            text = text.replace(identity, "it") if len(identity) > 1 else text
        answers.append((answer.status_code, text))

    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    assert standing(owner, theirs) == before


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        each
        for each in ROUTES
        if each.values[1] in OF_NO_ONES - {f"/api{STREAM}"} and each.values[0] == "GET"
    ],
)
def test_lists_hold_nothing_of_anothers(
    *, owner, theirs, stranger, method, path, operation
) -> None:
    """
    Whatever a list or a sum is of, no id of somebody else's is in it; and it is in theirs.

    What is streamed is told by `test_what_happens_is_streamed`.
    """
    named = {identity for identity in theirs.values() if len(identity) > 1}

    told = asked(stranger, method, filled(path, {}), operation)

    assert told.status_code == 200
    assert not [identity for identity in named if identity in told.text]


@pytest.mark.parametrize(("method", "path", "operation"), ROUTES)
def test_who_may_read_changes_nothing(reader, method, path, operation) -> None:
    """A key that reads is refused by every route that changes, and by those alone."""
    names = ["jobId", "endpointId", "hintId", "runId", "sessionId", "deviceId", "alertId"]
    names += ["suggestionId"]
    ids = dict.fromkeys(names, str(new_uuid()))
    answer = asked(reader, method, filled(path, ids | {"externalKey": "k"}), operation)

    for_administrators = "/api-key/" in path or "/devices" in path
    for_administrators |= path == "/api/metrics"
    for_people = "/auth/device" in path
    changes = method != "GET" and path not in QUESTIONS
    assert (answer.status_code == 403) is (changes or for_administrators or for_people)


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [each for each in NAMING if each.values[0] in {"POST", "DELETE"}],
)
def test_what_takes_no_body_takes_any(client, method, path, operation) -> None:
    """Also one that is no JSON, under whatever content type, and with a slash behind the path."""
    if operation.get("requestBody", {}).get("required"):
        return
    endpoint = client.an_endpoint()
    taken = "requestBody" in operation
    body = b"" if taken else b"\x00 garbage {"

    answer = client.request(
        method,
        f"{filled(path, ids_of(endpoint, str(new_uuid())))}/",
        content=body,
        headers={"content-type": "application/json" if taken else "text/strange"},
    )

    # A question about an endpoint that has no rules and never ran is refused as what it is.
    fine = {200, 202, 204, 404, 409} | ({422} if path in QUESTIONS else set())
    assert answer.status_code in fine, answer.text


@pytest.mark.parametrize(
    ("method", "path", "operation"), [each for each in ROUTES if each.values[0] != "GET"]
)
def test_a_write_that_bears_a_key_is_done_once(client, method, path, operation) -> None:
    """What was done is answered as the first time; what was refused is judged anew."""
    endpoint = client.an_endpoint()
    filling = filled(path, ids_of(endpoint, str(new_uuid())))
    bearing = {"Idempotency-Key": str(new_uuid())}
    body = {"json": EVERYTHING} if "requestBody" in operation else {}

    first, again = (client.request(method, filling, headers=bearing, **body) for _ in range(2))

    assert first.status_code < 500
    assert again.status_code == first.status_code
    assert ("idempotency-replayed" in again.headers) is first.is_success
    assert again.content == first.content


def test_the_document_is_whole(client) -> None:
    """It is OpenAPI 3.1, needs no credential, and names each operation once."""
    document = client.get("/openapi.json", headers={"x-api-key": ""}).json()
    names = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]

    assert document["openapi"].startswith("3.1")
    assert len(names) == len(set(names)) > 30
    assert "HTTPValidationError" not in document["components"]["schemas"]
