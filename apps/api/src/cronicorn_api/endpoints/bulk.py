"""The route that does one thing to many endpoints."""

from typing import Final

from cronicorn_domain.errors import CronicornError, InvalidInput
from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.job import check_text
from cronicorn_domain.ports.board import Wanted
from cronicorn_management.endpoints.bulk import BulkAction, BulkOutcome, act_on_many
from fastapi import APIRouter
from pydantic import ConfigDict, Field

from cronicorn_api.access.desks import TheCaller, TheDesk
from cronicorn_api.endpoints.schemas import EndpointStatus
from cronicorn_api.wire.errors import refusal_of
from cronicorn_api.wire.identities import identity
from cronicorn_api.wire.values import Wire

router: Final = APIRouter(tags=["endpoints"])
IDS_MOST: Final = 10_000


class FilterGiven(Wire):
    """
    Which endpoints are meant: those that meet all that is said; archived ones never are.

    It says something, or that all are meant; a member that it does not know is refused, as without
    it more would be meant.
    """

    model_config = ConfigDict(extra="forbid")

    all: bool = Field(default=False, description="Every endpoint is meant; it stands alone")
    ids: list[str] | None = Field(default=None, max_length=IDS_MOST)
    job_id: str | None = None
    text: str | None = Field(default=None, description="Their name or URL holds it")
    states: list[EndpointStatus] | None = Field(default=None, max_length=len(EndpointStatus))
    failing: bool | None = Field(default=None, description="Their last run failed")


class BulkGiven(Wire):
    """What is to be done, to which of them, and whether only to see what would be."""

    action: BulkAction
    filter: FilterGiven
    dry_run: bool = False


class RefusedBody(Wire):
    """An endpoint that stayed as it is, and why."""

    id: str
    code: str
    message: str


class BulkBody(Wire):
    """What was changed, or would be; what stood so already, and what was refused."""

    dry_run: bool
    changed: list[str]
    unchanged: list[str]
    refused: list[RefusedBody]


@router.post("/endpoints/bulk", operation_id="bulkEndpoints")
async def bulk(desk: TheDesk, caller: TheCaller, given: BulkGiven) -> BulkBody:
    """Do one thing to many endpoints, in portions, or see what would be done."""
    wanted = _filter(given.filter)
    outcome = await act_on_many(desk, caller, given.action, wanted, dry_run=given.dry_run)
    return _body(outcome, dry_run=given.dry_run)


def _filter(given: FilterGiven) -> Wanted:
    said = given.model_dump(exclude={"all"}, exclude_none=True)
    if given.all == bool(said) or said.get("text") == "":
        raise InvalidInput(
            "it does not say which endpoints are meant",
            field="filter",
            remedy='give ids, jobId, text, states or failing, or {"all": true} alone for every one',
        )
    if given.text is not None:
        check_text(given.text, field="text")
    ids, job_id = given.ids, given.job_id
    return Wanted(
        ids=None
        if ids is None
        else frozenset(identity("endpoint", each, EndpointId) for each in ids),
        job_id=None if job_id is None else identity("job", job_id, JobId),
        text=given.text,
        conditions=None if given.states is None else _conditions(given.states),
        failing=given.failing,
    )


def _conditions(states: list[EndpointStatus]) -> frozenset[Condition]:
    """What is running is shown as active, and so is meant by it."""
    meant = {Condition(each.value) for each in states}
    return frozenset(meant | {Condition.RUNNING} if Condition.ACTIVE in meant else meant)


def _body(outcome: BulkOutcome, *, dry_run: bool) -> BulkBody:
    return BulkBody(
        dry_run=dry_run,
        changed=[str(each) for each in outcome.changed],
        unchanged=[str(each) for each in outcome.unchanged],
        refused=[_refused(each, why) for each, why in outcome.refused.items()],
    )


def _refused(endpoint_id: EndpointId, why: CronicornError) -> RefusedBody:
    told = refusal_of(why).body
    return RefusedBody(id=str(endpoint_id), code=told.code, message=told.message)
