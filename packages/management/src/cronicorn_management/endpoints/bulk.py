"""Do the same to many endpoints, or see what would be done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, assert_never

from cronicorn_domain.errors import (
    Conflict,
    CronicornError,
    InvalidInput,
    NotFound,
    RefusedByRule,
    UnreadableRow,
)
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.endpoint import Pause
from cronicorn_domain.ports.board import Wanted

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Changing, Desk
from cronicorn_management.endpoints.archiving import archive_endpoint
from cronicorn_management.endpoints.choosing import chosen
from cronicorn_management.endpoints.pausing import pause_endpoint
from cronicorn_management.endpoints.resetting import reset_failures
from cronicorn_management.endpoints.restoring import restore_endpoint
from cronicorn_management.endpoints.resuming import resume_endpoint
from cronicorn_management.endpoints.running import run_now

AT_ONCE = 50
"""So many endpoints are changed in one unit of work, so that no worker waits for long."""

OPEN_PAUSE: Final = Pause(until=OPEN_ENDED)


class BulkAction(StrEnum):
    """What can be done to many."""

    PAUSE = "pause"
    RESUME = "resume"
    ARCHIVE = "archive"
    RESET = "reset"
    RUN = "run"
    RESTORE = "restore"
    """Only of endpoints that are named: what is archived is found by nothing else."""


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
    pause: Pause = OPEN_PAUSE,
    dry_run: bool = False,
) -> BulkOutcome:
    """
    Do one thing to all endpoints that are meant; whoever is refused keeps no other.

    It is done in portions, each lasting by itself: an outage stops it half-way, and doing it again
    does what is left. With ``dry_run`` all of it is tried, and nothing is kept. ``pause`` is what
    pausing means.

    Raises ``NotAllowed``, ``NotFound`` for the job, ``StoreUnavailable``.
    """
    caller.check(Scope.WRITE)
    begin = desk.rehearsing if dry_run else desk.changing
    outcome = BulkOutcome()
    named = action is BulkAction.RESTORE and wanted.ids is not None
    meant = sorted(wanted.ids or ()) if named else await chosen(desk, caller, wanted)
    # Whoever restores counts first, and before anything is changed in the unit.
    at_once = 1 if action is BulkAction.RESTORE else AT_ONCE
    for ids in _portions(meant, at_once):
        portion = BulkOutcome()
        async with begin(caller) as work:
            for endpoint_id in ids:
                await _act(work, action, endpoint_id, portion, pause)
        outcome.changed += portion.changed
        outcome.unchanged += portion.unchanged
        outcome.refused |= portion.refused
    return outcome


async def _act(
    work: Changing,
    action: BulkAction,
    endpoint_id: EndpointId,
    outcome: BulkOutcome,
    pause: Pause,
) -> None:
    try:
        changed = await _do(work, action, endpoint_id, pause)
    except (NotFound, Conflict, RefusedByRule, InvalidInput, UnreadableRow) as refusal:
        outcome.refused[endpoint_id] = refusal
    else:
        (outcome.changed if changed else outcome.unchanged).append(endpoint_id)


async def _do(work: Changing, action: BulkAction, endpoint_id: EndpointId, pause: Pause) -> bool:
    """Do it, and say whether anything has changed."""
    match action:
        case BulkAction.PAUSE:
            return await pause_endpoint(work, endpoint_id, until=pause.until, reason=pause.reason)
        case BulkAction.RESUME:
            return await resume_endpoint(work, endpoint_id)
        case BulkAction.ARCHIVE:
            return await archive_endpoint(work, endpoint_id)
        case BulkAction.RESTORE:
            await restore_endpoint(work, endpoint_id)
            return True
        case BulkAction.RESET:
            return await reset_failures(work, endpoint_id)
        case BulkAction.RUN:
            await run_now(work, endpoint_id)
            return True
        case _:
            assert_never(action)


def _portions(ids: Sequence[EndpointId], at_once: int) -> Iterator[Sequence[EndpointId]]:
    for begin in range(0, len(ids), at_once):
        yield ids[begin : begin + at_once]
