"""Routes that steer an endpoint, and that tell when it fires."""

from typing import Annotated, Final

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.policies.previewing import PREVIEW_MOST, Assumption
from cronicorn_management.endpoints.changing import change_endpoint
from cronicorn_management.endpoints.explaining import explain_endpoint
from cronicorn_management.endpoints.pausing import pause_endpoint
from cronicorn_management.endpoints.previewing import PREVIEW_USUAL, preview_endpoint
from cronicorn_management.endpoints.reading import read_endpoint
from cronicorn_management.endpoints.replaying import replay_rules
from cronicorn_management.endpoints.resetting import reset_failures
from cronicorn_management.endpoints.resuming import resume_endpoint
from cronicorn_management.endpoints.running import run_now
from cronicorn_management.endpoints.skipping import skip_next_slot
from cronicorn_management.settings import EndpointChanges
from fastapi import APIRouter, Query, Response

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.endpoints.presenters import endpoint_body, explanation_body, preview_body
from cronicorn_api.endpoints.schemas import (
    EndpointBody,
    ExplanationBody,
    PauseGiven,
    PreviewBody,
)
from cronicorn_api.endpoints.settings import WIRE_NAMES
from cronicorn_api.rules.presenters import rules_from
from cronicorn_api.rules.replays import replay_body
from cronicorn_api.rules.schemas import ReplayBody, ReplayGiven, RulesGiven
from cronicorn_api.wire.identities import PathEndpoint
from cronicorn_api.wire.refusing import members_named

router: Final = APIRouter(prefix="/endpoints/{endpointId}", tags=["endpoints"])


@router.post("/pause", status_code=204, operation_id="pauseEndpoint")
async def pause(
    desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint, given: PauseGiven | None = None
) -> None:
    """Pause until an instant, until it is resumed, or, with null, resume."""
    given = given or PauseGiven()
    resumes = given.paused_until is None and "paused_until" in given.model_fields_set
    with members_named(WIRE_NAMES):
        async with desk.changing(caller) as work:
            if resumes:
                await resume_endpoint(work, endpoint_id)
            else:
                until = given.paused_until or OPEN_ENDED
                await pause_endpoint(work, endpoint_id, until=until, reason=given.reason)


@router.post("/skip", status_code=204, operation_id="skipNextSlot")
async def skip(desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint) -> None:
    """Pass the next slot over, with a record."""
    async with desk.changing(caller) as work:
        await skip_next_slot(work, endpoint_id)


@router.post("/reset-failures", status_code=204, operation_id="resetFailures")
async def reset(desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint) -> None:
    """Forget failures in a row, and the backoff that came of them."""
    async with desk.changing(caller) as work:
        await reset_failures(work, endpoint_id)


@router.post("/run", status_code=202, operation_id="runEndpoint", response_class=Response)
async def run(desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint) -> Response:
    """Ask for one run, due at once."""
    async with desk.changing(caller) as work:
        await run_now(work, endpoint_id)
    return Response(status_code=202)


@router.put("/rules", operation_id="putRules")
async def put_rules(
    desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint, given: RulesGiven
) -> EndpointBody:
    """Replace all rules of an endpoint; every condition is checked."""
    changes = EndpointChanges(rules=rules_from(given.rules), shadow_rules=given.shadow)
    with members_named(WIRE_NAMES):
        async with desk.changing(caller) as work:
            await change_endpoint(work, endpoint_id, changes)
            return endpoint_body(await read_endpoint(work, endpoint_id), work.now)


@router.post("/rules/replay", operation_id="replayRules")
async def replay(
    desk: TheDesk,
    caller: TheCaller,
    endpoint_id: PathEndpoint,
    given: ReplayGiven | None = None,
) -> ReplayBody:
    """Run rules over what was recorded, and say what they would have changed; nothing is kept."""
    given = given or ReplayGiven()
    with members_named(WIRE_NAMES):
        replayed = await replay_rules(
            desk,
            caller,
            endpoint_id,
            rules=None if given.rules is None else rules_from(given.rules),
            since=given.since,
            until=given.until,
        )
    return replay_body(replayed)


@router.get("/explain", operation_id="explainEndpoint")
async def explain(desk: TheDesk, caller: TheCaller, endpoint_id: PathEndpoint) -> ExplanationBody:
    """Explain when it fires next, and why."""
    async with desk.reading(caller) as work:
        return explanation_body(await explain_endpoint(work, endpoint_id))


@router.get("/preview", operation_id="previewEndpoint")
async def preview(
    desk: TheDesk,
    caller: TheCaller,
    endpoint_id: PathEndpoint,
    count: Annotated[int, Query(ge=1, le=PREVIEW_MOST)] = PREVIEW_USUAL,
    assume: Assumption = Assumption.SUCCESS,
) -> PreviewBody:
    """
    Preview the next fire times, if every run ends as assumed, and its rules say what they would.

    `success` is a 200 and `failed` a 500, both without a body; `latest` answers as the latest run.
    """
    async with desk.reading(caller) as work:
        decisions = await preview_endpoint(work, endpoint_id, count=count, assume=assume)
    return preview_body(decisions)
