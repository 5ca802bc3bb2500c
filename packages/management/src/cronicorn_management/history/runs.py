"""List runs, and read one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.errors import UnreadableRow
from cronicorn_domain.identity import EndpointId, RunId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Run, RunStatus

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit, check_offset, page_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetails:
    """
    One run with its response, and what it belongs to.

    Attributes:
        run: The run.
        endpoint: The endpoint as it is now; None when it cannot be read any more.
        attempts: All attempts of the same slot, this one included, the first one first.
    """

    run: Run
    endpoint: Endpoint | None
    attempts: Sequence[Run]


async def list_runs(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    status: RunStatus | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = PAGE_USUAL,
    offset: int = 0,
    before: RunId | None = None,
) -> Page[Run]:
    """
    Return an endpoint's runs without bodies, the newest slot first, those behind ``before``.

    Their slots lie from ``since`` to ``until``; ``offset`` of them are passed over. Every attempt
    that is still kept is a run here, test runs and those under way too.

    Raises ``InvalidInput``, ``NotFound``.
    """
    found = await work.runs.list_runs(
        work.tenant,
        endpoint_id,
        limit=check_limit(limit),
        offset=check_offset(offset),
        before=before,
        status=status,
        since=since,
        until=until,
    )
    return page_of(found, limit)


async def count_runs(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    status: RunStatus | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """Return how many runs ``list_runs`` has in all its pages. Raises ``NotFound``."""
    return await work.runs.count_runs(
        work.tenant, endpoint_id, status=status, since=since, until=until
    )


async def read_run(work: Reading, run_id: RunId) -> RunDetails:
    """Return a run with everything that is known of it. Raises ``NotFound``."""
    run = await work.runs.get(work.tenant, run_id)
    attempts = await work.runs.list_runs(
        work.tenant, run.endpoint_id, since=run.slot, until=run.slot
    )
    return RunDetails(
        run=run,
        endpoint=await _endpoint_of(work, run),
        attempts=sorted(attempts, key=lambda each: each.attempt),
    )


async def _endpoint_of(work: Reading, run: Run) -> Endpoint | None:
    try:
        return await work.catalog.get_endpoint(work.tenant, run.endpoint_id)
    except UnreadableRow:
        return None
