"""
A client is generated from the document, and asks for everything that there is.

What it reads of an answer and writes again is the answer: nothing is lost or understood otherwise.
"""

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module  # noqa: TID251  what is generated can be had no other way
from types import ModuleType
from typing import Any

import pytest
from cronicorn_api.application import application
from cronicorn_domain.identity import new_uuid
from cronicorn_domain.testing.builders import succeeded

PACKAGE = "cronicorn_client"
OURS = {"sec-fetch-site": "same-origin"}
ENDPOINT = {"name": "made", "url": "http://93.184.216.34/", "baselineIntervalMs": 3_600_000}
ALERT = {"name": "another", "url": "http://93.184.216.34/"}
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
STREAM = "streamEvents"


@dataclass(kw_only=True)
class World:
    """What a tenant has, and who asks: a program with a key, unless it takes a person."""

    client: Any
    request: pytest.FixtureRequest
    ids: dict[str, str] = field(default_factory=dict)
    query: dict[str, object] = field(default_factory=dict)
    body: dict[str, object] | None = None
    signed_in: bool = False

    @property
    def somebody(self) -> Any:
        """Somebody of the tenant, who is added when they are first wanted."""
        return self.request.getfixturevalue("somebody")


Prepare = Callable[[World], None]


def sends(**body: object) -> Prepare:
    """Prepare a body."""

    def prepare(world: World) -> None:
        world.body = body

    return prepare


def after(path: str) -> Prepare:
    """Prepare what has to be there by a write."""
    return lambda world: world.client.post(path.format(**world.ids)).raise_for_status()


def nothing(_: World) -> None:
    """Prepare nothing: the path says it all."""


def rotating(world: World) -> None:
    """Make a key, and say how long it is to hold beside the next one."""
    after("/signing-keys")(world)
    world.body = {"overlapMs": 60_000}


def archived_endpoint(world: World) -> None:
    """Archive the endpoint."""
    world.client.delete(f"/jobs/_/endpoints/{world.ids['endpointId']}").raise_for_status()


def archived_job(world: World) -> None:
    """Archive the job."""
    world.client.delete(f"/jobs/{world.ids['jobId']}").raise_for_status()


def issued_key(world: World) -> None:
    """Issue a key to rename or revoke."""
    made = world.client.post("/auth/api-key/create", json={"name": "other"}).json()
    world.body = {"keyId": made["id"], "name": "renamed"}


def a_device(world: World) -> dict[str, Any]:
    """Ask for a device, as a program without a credential."""
    asked = world.somebody.browser.post("/auth/device/code", json={"client_id": "generated"})
    return dict(asked.raise_for_status().json())


def somebody_signed_in(world: World) -> None:
    """Ask as somebody who is signed in."""
    signed = world.somebody.sign_in().raise_for_status().json()
    world.ids["token"] = signed["token"]
    world.signed_in = True


def somebody_decides(world: World) -> None:
    """Have somebody decide about a device."""
    code = a_device(world)["user_code"]
    somebody_signed_in(world)
    world.body, world.query = {"userCode": code}, {"user_code": code}


def somebodys_device(world: World) -> None:
    """Have somebody end the session by which they are signed in."""
    somebody_signed_in(world)
    world.ids["deviceId"] = world.somebody.browser.get("/devices").json()["devices"][0]["id"]


def somebodys_password(world: World) -> None:
    """Have somebody change theirs."""
    somebody_signed_in(world)
    world.body = {"currentPassword": world.somebody.password, "newPassword": "another long one"}


def somebodys_sign_in(world: World) -> None:
    """Have somebody sign in."""
    world.body = {"email": world.somebody.email, "password": world.somebody.password}


def device_let_in(world: World) -> None:
    """Have a device be let in, which then asks for its token."""
    asked = a_device(world)
    somebody_signed_in(world)
    world.somebody.browser.post(
        "/auth/device/approve", json={"userCode": asked["user_code"]}, headers=OURS
    ).raise_for_status()
    world.body = {
        "grant_type": GRANT,
        "device_code": asked["device_code"],
        "client_id": "generated",
    }


ASKED: Mapping[str, Prepare] = {
    "createJob": sends(name="made", description="by a generated client"),
    "putJob": sends(name="put"),
    "listJobs": nothing,
    "getJob": nothing,
    "updateJob": sends(name="renamed", description=None),
    "archiveJob": nothing,
    "pauseJob": nothing,
    "resumeJob": after("/jobs/{jobId}/pause"),
    "restoreJob": archived_job,
    "createEndpoint": sends(**ENDPOINT, headersJson={"X-Shop": "north"}, bodyJson={"a": [1]}),
    "listEndpoints": nothing,
    "putEndpoint": sends(**ENDPOINT),
    "getEndpoint": nothing,
    "updateEndpoint": sends(baselineCron="*/5 * * * *", timezone="Europe/Berlin", retry=None),
    "deleteEndpoint": nothing,
    "archiveEndpoint": nothing,
    "restoreEndpoint": archived_endpoint,
    "pauseEndpoint": sends(pausedUntil="2030-01-01T00:00:00.000Z", reason="by hand"),
    "skipNextSlot": nothing,
    "resetFailures": nothing,
    "runEndpoint": nothing,
    "putRules": sends(rules=[{"when": "status == 503", "then": {"everyMs": 30_000}}]),
    "replayRules": sends(rules=[{"when": "status == 503", "then": {"everyMs": 30_000}}]),
    "explainEndpoint": nothing,
    "previewEndpoint": nothing,
    "bulkEndpoints": sends(action="pause", filter={"all": True}, dryRun=True),
    "hintInterval": sends(intervalMs=60_000, reason="closer"),
    "hintOneShot": sends(nextRunInMs=60_000),
    "listHints": nothing,
    "clearHints": nothing,
    "clearHint": nothing,
    "listRuns": nothing,
    "getRun": nothing,
    "listSlots": nothing,
    "getHealth": nothing,
    "listAudit": nothing,
    "getDashboardStats": nothing,
    "getDashboardActivity": nothing,
    "getSubscriptionStatus": nothing,
    "getUsage": nothing,
    "listSessions": nothing,
    "getSession": nothing,
    "listSuggestions": nothing,
    "approveSuggestion": nothing,
    "refuseSuggestion": nothing,
    "testEndpoint": nothing,
    "listApiKeys": nothing,
    "createApiKey": sends(name="made"),
    "updateApiKey": issued_key,
    "deleteApiKey": issued_key,
    "listDevices": nothing,
    "endDevice": somebodys_device,
    "readDeviceCode": somebody_decides,
    "approveDevice": somebody_decides,
    "denyDevice": somebody_decides,
    "changePassword": somebodys_password,
    "getSigningKey": nothing,
    "createSigningKey": nothing,
    "rotateSigningKey": rotating,
    "listAlerts": nothing,
    "createAlert": sends(**ALERT),
    "getAlert": nothing,
    "changeAlert": sends(name="renamed", threshold=5),
    "deleteAlert": nothing,
    "testAlert": nothing,
    "listNotices": after("/alerts/{alertId}/test"),
    "signInConfig": nothing,
    "signIn": somebodys_sign_in,
    "signOut": somebody_signed_in,
    "getSignInSession": somebody_signed_in,
    "getMetrics": nothing,
    "askForDevice": sends(client_id="generated"),
    "askForDeviceToken": device_let_in,
    "health": nothing,
    "live": nothing,
    "ready": nothing,
}
"""What each operation is asked with, besides the ids in its path; a new one belongs here."""
NOT_THERE = {"getSession", "approveSuggestion", "refuseSuggestion"}
"""Whose ids nothing has yet: the error is what is read and written again."""


def operations() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Name every operation of the document, with the path it has."""
    for path, methods in application(desk=None).openapi()["paths"].items():  # type: ignore[arg-type]
        for operation in methods.values():
            yield operation["operationId"], operation, path


OPERATIONS = [pytest.param(*each, id=each[0]) for each in operations() if each[0] != STREAM]


def test_every_operation_is_asked_for() -> None:
    """Whoever adds a route says here with what a client asks for it."""
    assert {name for name, _, _ in operations()} - {STREAM} == ASKED.keys()


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Generate the client, and have it be imported from where it is."""
    folder = tmp_path_factory.mktemp("generated")
    document, config = folder / "openapi.json", folder / "config.yml"
    document.write_text(json.dumps(application(desk=None).openapi()))  # type: ignore[arg-type]
    config.write_text("post_hooks: []\n")
    made = subprocess.run(
        [
            sys.executable,
            "-m",
            "openapi_python_client",
            "generate",
            f"--path={document}",
            f"--config={config}",
            "--meta=none",
            f"--output-path={folder / PACKAGE}",
            "--fail-on-warning",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield PACKAGE
    sys.path.remove(str(folder))
    for name in [*sys.modules]:
        if name.split(".")[0] == PACKAGE:
            del sys.modules[name]


@pytest.fixture
def world(client, request: pytest.FixtureRequest) -> World:
    """Give a tenant an endpoint that has run and that was hinted at, and an alert."""
    endpoint = client.an_endpoint()
    client.run_now(endpoint, succeeded('{"queue": 5}'))
    path = f"/endpoints/{endpoint['id']}"
    client.post(f"{path}/hints/oneshot", json={"nextRunInMs": 3_000_000}).raise_for_status()
    alert = client.post("/alerts", json={**ALERT, "name": "pager"}).raise_for_status().json()
    ids = {
        "jobId": endpoint["jobId"],
        "endpointId": endpoint["id"],
        "runId": client.get(f"{path}/runs").json()["runs"][0]["runId"],
        "hintId": client.get(f"{path}/hints").json()["hints"][0]["id"],
        "alertId": alert["id"],
        "sessionId": str(new_uuid()),
        "suggestionId": str(new_uuid()),
        "externalKey": "generated",
    }
    return World(client=client, request=request, ids=ids)


def module_of(package: str, operation: dict[str, Any]) -> ModuleType:
    """Import what was generated for an operation."""
    tag = operation["tags"][0].replace("-", "_")
    return import_module(f"{package}.api.{tag}.{snake(operation['operationId'])}")


def snake(name: str) -> str:
    """Write a name as Python does."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def asking(package: str, world: World) -> Any:
    """Make the generated client, for who asks."""
    made = import_module(f"{package}.client").AuthenticatedClient
    url = str(world.client.base_url).removesuffix("/api/")
    if world.signed_in:
        return made(base_url=url, token=world.ids["token"])
    key = world.client.headers["x-api-key"]
    return made(base_url=url, token=key, auth_header_name="x-api-key", prefix="")


def given(module: ModuleType, world: World, path: str) -> dict[str, Any]:
    """Fill what the generated function takes."""
    named: dict[str, Any] = {snake(name): world.ids[name] for name in re.findall(r"{(\w+)}", path)}
    taken = inspect.signature(module.sync_detailed).parameters
    named |= {name: value for name, value in world.query.items() if name in taken}
    if world.body is not None and "body" in taken:
        named["body"] = shape_of(taken["body"].annotation).from_dict(world.body)
    return named


def shape_of(annotation: Any) -> Any:
    """Return the generated class of a body, which may be left out or be null."""
    shapes = getattr(annotation, "__args__", (annotation,))
    return next(each for each in shapes if hasattr(each, "from_dict"))


def written(read: Any) -> Any:
    """Write what was read of an answer."""
    if isinstance(read, list):
        return [written(each) for each in read]
    return None if read is None else read.to_dict()


def canonical(value: Any) -> Any:
    """Write instants in one way: Python says +00:00 where the wire says Z."""
    match value:
        case dict():
            return {name: canonical(each) for name, each in value.items()}
        case list():
            return [canonical(each) for each in value]
        case str() if re.match(r"\d{4}-\d{2}-\d{2}T", value):
            return datetime.fromisoformat(value).isoformat()
        case _:
            return value


@pytest.mark.parametrize(("name", "operation", "path"), OPERATIONS)
def test_a_generated_client_reads_every_answer(*, generated, world, name, operation, path) -> None:
    """It has the documented status and shape, and is the same when it is written again."""
    ASKED[name](world)
    module = module_of(generated, operation)

    with asking(generated, world) as client:
        answer = module.sync_detailed(client=client, **given(module, world, path))

    assert answer.content.strip() or answer.status_code in {202, 204}
    assert str(answer.status_code.value) in operation["responses"], answer.content
    assert (answer.status_code < 300) is (name not in NOT_THERE), answer.content
    if answer.content and answer.headers["content-type"] == "application/json":
        assert canonical(written(answer.parsed)) == canonical(json.loads(answer.content))


def test_a_generated_client_hears_the_stream(generated, world) -> None:
    """What it asks with is right; the answer goes on, so that its beginning is read."""
    (operation,) = [each for name, each, _ in operations() if name == STREAM]
    asked = module_of(generated, operation)._get_kwargs()

    with asking(generated, world) as client:
        http = client.get_httpx_client()
        with http.stream(asked["method"], asked["url"]) as answer:
            first = next(answer.iter_lines())

    assert (answer.status_code, first) == (200, "event: ready")
