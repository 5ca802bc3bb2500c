"""What paths, queries and headers of every route may be filled with: no nonsense harms."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote, unquote

import pytest
from cronicorn_api.application import application
from cronicorn_domain.identity import new_uuid

UNWRITABLE = ["a%00b", "%ED%A0%80", "%FF", "%0D%0AX-Y:%20z"]
"""Nothing within a text, half a pair, no text, and a header."""
NO_ID = [
    "x",
    "0",
    "null",
    "9" * 3000,
    "..%2F..%2Fhealth",
    "%27%3B%20DROP%20TABLE%20jobs",
    "%7Bid%7D",
]
NO_NUMBER = [
    "",
    "x",
    "-1",
    "1.5",
    "1e300",
    "NaN",
    "Infinity",
    "0x10",
    "9" * 30,
    "9" * 5000,
    "%2B-1",
]
NO_INSTANT = [
    "",
    "yesterday",
    "1700000000",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-02-30T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "2026-01-01T00:00:00%2B99:00",
]
NO_DAY = [each for each in NO_INSTANT if each != "2026-01-01"] + [
    "2026-13-01",
    "Thu Nov 99 2025 00:00:00 GMT+0000",
]
BODY = {
    "url": "http://93.184.216.34/",
    "baselineIntervalMs": 3_600_000,
    "intervalMs": 60_000,
    "nextRunInMs": 60_000,
    "rules": [],
}
INSIDE = re.compile(
    r"Traceback|sqlalchemy|sqlite|asyncpg|psycopg|SELECT |pydantic|UUID\(|cronicorn_\w+\.|\.py\b"
)
"""What nobody outside should read in an answer."""
FOUND = re.compile(r"; found |there is no time zone '|holds a character|cannot be an external key")
"""How a refusal says what was given."""


def operations() -> Iterator[tuple[str, str, dict, dict]]:
    """Name every parameter of every route: the method, the path, the operation, the parameter."""
    document = application(desk=None).openapi()  # type: ignore[arg-type]
    for path, of_path in document["paths"].items():
        for method, operation in of_path.items():
            for parameter in operation.get("parameters", ()):
                yield method.upper(), path.removeprefix("/api"), operation, parameter


def of_kind(kind: str) -> Sequence:
    """Give those in the path, the query or the headers."""
    return [
        pytest.param(*each, id=f"{each[0]} {each[1]} {each[3]['name']}")
        for each in operations()
        if each[3]["in"] == kind
    ]


def impossible(parameter: dict) -> Sequence[str]:
    """Give what this parameter of a query cannot mean, as it stands in the address."""
    schema = parameter["schema"]
    kinds = [schema, *schema.get("anyOf", ())]
    if any(each.get("type") == "integer" for each in kinds):
        too_many = str(schema["maximum"] + 1)
        return [*NO_NUMBER, *UNWRITABLE, too_many, *(["0"] if schema["minimum"] > 0 else [])]
    if any("$ref" in each for each in kinds):
        return ["", "nonsense", "ALL", "all,all", "x" * 3000, *UNWRITABLE]
    if any(each.get("format") == "date-time" for each in kinds):
        return [*NO_INSTANT, *UNWRITABLE]
    if parameter["name"] in {"startDate", "endDate"}:
        return [*NO_DAY, *UNWRITABLE]
    if parameter["name"] in {"cursor", "subject"}:
        return ["", *NO_ID, *UNWRITABLE]
    if parameter["name"] == "timezone":
        return ["", "Mars/Olympus", "..%2F..%2Fetc%2Fpasswd", "%2Fetc%2Fpasswd", *UNWRITABLE]
    return ["%00", "a%00b"] if parameter["name"] == "actor" else []


@pytest.fixture(scope="module")
def asking(service) -> Iterator:
    """Give a client of a tenant: what is refused changes nothing, so one does for all."""
    with service.client() as client:
        yield client


@pytest.fixture(scope="module")
def standing(asking) -> dict[str, str]:
    """Give what paths name, with what the tenant has, and what nobody has."""
    made = asking.an_endpoint()
    names = ("hintId", "runId", "sessionId", "suggestionId", "alertId", "deviceId")
    nobodys = dict.fromkeys(names, str(new_uuid()))
    return {"jobId": made["jobId"], "endpointId": made["id"], "externalKey": "k", **nobodys}


def asked(asking, method: str, path: str, operation: dict, **more):
    """Ask, with a body where one is taken."""
    body = {"json": {**BODY, "name": str(new_uuid())}} if "requestBody" in operation else {}
    return asking.request(method, path, **body, **more)


def assert_told_well(answer) -> dict:
    """See that a refusal has its one shape, and tells nothing of the inside."""
    assert 400 <= answer.status_code < 500, (answer.request.url, answer.text)
    told: dict = answer.json()
    assert told["status"] == answer.status_code
    assert told["error"]
    assert told["message"]
    assert not INSIDE.search(answer.text), answer.text
    assert len(answer.content) < 1000
    return told


@pytest.mark.parametrize(("method", "path", "operation", "parameter"), of_kind("query"))
def test_what_a_query_cannot_mean_is_told(
    *, asking, standing, method, path, operation, parameter
) -> None:
    """By the name of the parameter, with what was found there and what is allowed."""
    place, name = path.format(**standing), parameter["name"]

    for value in impossible(parameter):
        answer = asked(asking, method, f"{place}?{name}={value}", operation)

        told = assert_told_well(answer)
        assert told["code"] == "invalid_input", (value, told)
        assert [each["path"] for each in told["issues"]] == [name], (value, told)
        assert FOUND.search(told["message"]), (value, told)


@pytest.mark.parametrize("place", ["/audit?actor=", "/auth/device?user_code="])
def test_what_may_be_any_text_breaks_nothing(asking, place) -> None:
    """Whatever it is, it is found nowhere, or refused in the shape that refusals have."""
    for value in [*UNWRITABLE, *NO_ID, quote("Ångström"), "x&actor=y&user_code=z&unheardOf=%00"]:
        answer = asking.get(f"{place}{value}")

        if not answer.is_success:
            assert_told_well(answer)


@pytest.mark.parametrize(("method", "path", "operation", "parameter"), of_kind("path"))
def test_what_a_path_cannot_name_is_not_there(
    *, asking, standing, method, path, operation, parameter
) -> None:
    """404 that says what there is none of; an external key is refused for what it cannot have."""
    ids, name = standing, parameter["name"]

    for value in [*NO_ID, *UNWRITABLE]:
        place = path.format(**{**ids, name: value})
        answer = asked(asking, method, place, operation)

        if name == "externalKey" and answer.is_success:
            assert answer.json()["id"]
            continue
        told = assert_told_well(answer)
        if name == "externalKey" and "%2F" not in value:
            assert [each["path"] for each in told["issues"]] == [name], (value, told)
            assert FOUND.search(told["message"]), (value, told)
        else:
            assert answer.status_code == 404, (value, told)
        assert unquote(value)[65:] == "" or unquote(value) not in answer.text


@pytest.mark.parametrize(("method", "path", "operation", "parameter"), of_kind("header"))
def test_a_key_for_repeats_that_cannot_be_one_is_told(
    *, asking, standing, method, path, operation, parameter
) -> None:
    """By the name of the header, before anything is done."""
    place = path.format(**standing)
    before = asking.get("/audit").json()

    for value in ["", "x" * 256, b"\xff\xfe"]:
        answer = asked(asking, method, place, operation, headers={parameter["name"]: value})

        told = assert_told_well(answer)
        assert told["code"] == "invalid_input", (value, told)
        assert [each["path"] for each in told["issues"]] == [parameter["name"]], (value, told)
    assert asking.get("/audit").json() == before
