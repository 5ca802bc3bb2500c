"""Do the same to many endpoints, or see what would be done."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cronicorn_domain.errors import (
    Conflict,
    CronicornError,
    InvalidInput,
    NotFound,
    RefusedByRule,
    UnreadableRow,
)
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.ports.board import Wanted

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Changing, Desk
from cronicorn_management.endpoints.archiving import archive_endpoint
from cronicorn_management.endpoints.choosing import chosen
from cronicorn_management.endpoints.pausing import pause_endpoint
from cronicorn_management.endpoints.resetting import reset_failures
from cronicorn_management.endpoints.resuming import resume_endpoint
from cronicorn_management.endpoints.running import run_now

AT_ONCE = 50
"""So many endpoints are changed in one unit of work, so that no worker waits for long."""


class BulkAction(StrEnum):
    """What can be done to many."""

    PAUSE = "pause"
    RESUME = "resume"
    ARCHIVE = "archive"
    RESET = "reset"
    RUN = "run"


@dataclass(slots=True)
class BulkOutcome:
    """What was done, or would be: which endpoints changed, stood so already, or were refused."""

    changed: list[EndpointId] = field(default_factory=list)
    unchanged: list[EndpointId] = field(default_factory=list)
    refused: dict[EndpointId, CronicornError] = field(default_factory=dict)


async def act_on_many(
    desk: Desk,
    caller: Caller,
    action: BulkAction,
    wanted: Wanted,
    *,
    dry_run: bool = False,
) -> BulkOutcome:
    """
    Do one thing to all endpoints that are meant; whoever is refused keeps no other.

    It is done in portions, each lasting by itself: an outage stops it half-way, and doing it again
    does what is left. With ``dry_run`` all of it is tried, and nothing is kept.

    Raises ``NotAllowed``, ``NotFound`` for the job, ``StoreUnavailable``.
    """
    caller.check(Scope.WRITE)
    begin = desk.rehearsing if dry_run else desk.changing
    outcome = BulkOutcome()
    for ids in _portions(await chosen(desk, caller, wanted)):
        portion = BulkOutcome()
        async with begin(caller) as work:
            for endpoint_id in ids:
                await _act(work, action, endpoint_id, portion)
        outcome.changed += portion.changed
        outcome.unchanged += portion.unchanged
        outcome.refused |= portion.refused
    return outcome


async def _act(
    work: Changing, action: BulkAction, endpoint_id: EndpointId, outcome: BulkOutcome
) -> None:
    try:
        changed = await _VERBS[action](work, endpoint_id)
    except (NotFound, Conflict, RefusedByRule, InvalidInput, UnreadableRow) as refusal:
        outcome.refused[endpoint_id] = refusal
    else:
        (outcome.changed if changed else outcome.unchanged).append(endpoint_id)


async def _run(work: Changing, endpoint_id: EndpointId) -> bool:
    await run_now(work, endpoint_id)
    return True


_VERBS: Mapping[BulkAction, Callable[[Changing, EndpointId], Awaitable[bool]]] = {
    BulkAction.PAUSE: pause_endpoint,
    BulkAction.RESUME: resume_endpoint,
    BulkAction.ARCHIVE: archive_endpoint,
    BulkAction.RESET: reset_failures,
    BulkAction.RUN: _run,
}


def _portions(ids: Sequence[EndpointId]) -> Iterator[Sequence[EndpointId]]:
    for begin in range(0, len(ids), AT_ONCE):
        yield ids[begin : begin + AT_ONCE]
