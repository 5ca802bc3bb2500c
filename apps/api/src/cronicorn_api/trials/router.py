"""The route that sends an endpoint's request once, by way of trial."""

from typing import Any, Final

from cronicorn_domain.model.run import Run, RunStatus
from cronicorn_management.endpoints.trying import try_endpoint
from fastapi import APIRouter

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.history.presenters import content, duration_of
from cronicorn_api.wire.identities import PathEndpoint
from cronicorn_api.wire.values import Maybe, Wire

router: Final = APIRouter(tags=["endpoints"])


class TestResultBody(Wire):
    """What came of a trial; the history has it as a run of source ``test``."""

    run_id: str
    status: RunStatus
    duration_ms: int
    status_code: Maybe[int] = None
    response_body: Maybe[Any] = None
    error_message: Maybe[str] = None


@router.post("/endpoints/{endpointId}/test", operation_id="testEndpoint")
async def test(desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint) -> TestResultBody:
    """Send the request now and wait for its answer; schedule, health and statistics stay."""
    return _shown(await try_endpoint(desk, caller, endpoint_id))


def _shown(run: Run) -> TestResultBody:
    response = run.response
    return TestResultBody(
        run_id=str(run.id),
        status=run.status,
        duration_ms=duration_of(run) or 0,
        status_code=None if response is None else response.status_code,
        response_body=None if response is None else content(response.body),
        error_message=run.message,
    )
