"""What paths know: all their methods are told, and HEAD is answered wherever GET is."""

import gzip
import json
import re

import pytest
from cronicorn_api.application import application
from cronicorn_domain.identity import new_uuid

PATHS = application(desk=None).openapi()["paths"]  # type: ignore[arg-type]
READ = [path for path, operations in PATHS.items() if "get" in operations]
LISTENERS_MOST = 20


def filled(path: str, endpoint: dict) -> str:
    """Write ids into a path, and cut what every path begins with."""
    ids = dict.fromkeys(
        ("hintId", "runId", "sessionId", "suggestionId", "alertId", "deviceId", "externalKey"),
        str(new_uuid()),
    )
    ids |= {"jobId": endpoint["jobId"], "endpointId": endpoint["id"]}
    return path.format(**ids).removeprefix("/api")


def known_at(place: str) -> set[str]:
    """Name what the document has there, also where a place's name could be an id."""
    shapes = {path: re.sub(r"{\w+}", "[^/]+", path.removeprefix("/api")) for path in PATHS}
    there = (PATHS[path] for path, shape in shapes.items() if re.fullmatch(shape, place))
    return {method.upper() for operations in there for method in operations}


@pytest.fixture(scope="module")
def theirs(owner) -> dict:
    """Give an endpoint."""
    made: dict = owner.an_endpoint(owner.a_job("theirs, methods"))
    return made


@pytest.mark.parametrize("path", PATHS)
def test_a_refused_method_is_told_which_there_are(owner, theirs, path) -> None:
    """All of the path, whichever of its routes has them; HEAD goes with GET."""
    answer = owner.request("PROPFIND", filled(path, theirs))

    known = known_at(filled(path, theirs))
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert {*answer.headers["allow"].split(", ")} == known | ({"HEAD"} if "GET" in known else set())


@pytest.mark.parametrize("path", sorted({*READ} - {"/api/events"}))
def test_head_is_answered_as_get_is(owner, theirs, path) -> None:
    """With its status and its headers, and nothing behind them."""
    read = owner.get(filled(path, theirs))
    head = owner.head(filled(path, theirs))

    assert (head.status_code, head.content) == (read.status_code, b"")
    assert head.headers["content-type"] == read.headers["content-type"]
    assert head.headers.keys() == read.headers.keys()


@pytest.mark.parametrize(
    "path", ["/health", "/health/live", "/api/reference", "/sign-in", "/nowhere"]
)
def test_head_is_answered_outside_of_the_document_too(service, anyone, path) -> None:
    """Probes ask so, and whoever looks whether a page is there."""
    address = service.url.removesuffix("/api") + path
    read, head = anyone.get(address), anyone.head(address)

    assert (head.status_code, head.content) == (read.status_code, b"")
    assert head.headers["content-length"] == read.headers["content-length"]


def test_head_of_what_takes_none_is_refused(client) -> None:
    """Where there is no GET there is nothing to begin."""
    answer = client.head("/endpoints/bulk")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_head_of_a_stream_is_its_head_alone(client) -> None:
    """It ends at once, and takes nobody's place among those who listen."""
    for _ in range(LISTENERS_MOST + 1):
        answer = client.head("/events")
        assert answer.status_code == 200, answer.headers
        assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP, identity"])
def test_an_encoded_body_is_refused(client, coding) -> None:
    """It is not read as if it were plain; the answer says what is understood."""
    body = gzip.compress(json.dumps({"name": "shop"}).encode())
    headers = {"content-encoding": coding, "content-type": "application/json"}

    answer = client.post("/jobs", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_encoding")
    assert answer.headers["accept-encoding"] == "identity"
    assert "without Content-Encoding" in answer.json()["message"]
    assert client.get("/jobs").json()["jobs"] == []


def test_a_body_that_is_said_to_be_as_it_is_is_read(client) -> None:
    """``identity`` means that nothing was done to it."""
    headers = {"content-encoding": "identity"}

    assert client.post("/jobs", json={"name": "shop"}, headers=headers).status_code == 201
