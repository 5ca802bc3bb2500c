"""The document is held against the API: what it allows is asked for, and answers are as it says."""

import pytest
import schemathesis
from cronicorn_api.application import application
from cronicorn_domain.identity import new_uuid
from cronicorn_domain.testing.builders import succeeded
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

REQUESTS = 8
"""So many of each operation, the same ones each time: all of them take less than a minute."""
A_STREAM_IS_HEARD = 2
"""So many seconds of it are enough for its first events; else each is listened to for ten."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

document = schemathesis.openapi.from_dict(application(desk=None).openapi())  # type: ignore[arg-type]


@pytest.fixture
def known(client) -> dict[str, str]:
    """Give the ids of what the tenant has, by the names that paths have for them."""
    endpoint = client.an_endpoint()
    client.run_now(endpoint, succeeded('{"queue": 5}'))
    path = f"/endpoints/{endpoint['id']}"
    client.post(f"{path}/hints/oneshot", json={"nextRunInMs": 3_000_000}).raise_for_status()
    return {
        "jobId": endpoint["jobId"],
        "endpointId": endpoint["id"],
        "runId": client.get(f"{path}/runs").json()["runs"][0]["runId"],
        "hintId": client.get(f"{path}/hints").json()["hints"][0]["id"],
        "sessionId": str(new_uuid()),
    }


@document.parametrize()
@document.given(there=st.booleans())
@settings(
    max_examples=REQUESTS,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_the_document_says(case, there, client, known) -> None:
    """Of every operation: no fault of ours, no status and no shape that it does not name."""
    if there:
        named = {name: known[name] for name in case.path_parameters if name in known}
        case.path_parameters.update(named)

    heard = {"timeout": A_STREAM_IS_HEARD} if case.path == "/api/events" else {}
    case.call_and_validate(
        base_url=str(client.base_url).removesuffix("/api/"),
        headers={"x-api-key": client.headers["x-api-key"]},
        checks=CHECKS,
        **heard,
    )
