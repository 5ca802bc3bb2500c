"""List what happened lately: the runs of all endpoints, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from cronicorn_domain.identity import JobId, RunId
from cronicorn_domain.ports.overview import NamedRun, Selection, Tally

from cronicorn_management.dashboard.windows import Window
from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, check_limit, check_offset, page_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """
    A page of runs, and the sum of the whole window.

    Attributes:
        runs: The page.
        more: Whether there are runs behind it.
        total: How many runs of the window are kept: test runs and those under way are among them.
        summary: What was settled in the window, pruned runs included and test runs not.
    """

    runs: Sequence[NamedRun]
    more: bool
    total: int
    summary: Tally


async def list_activity(
    work: Reading,
    window: Window,
    *,
    job_id: JobId | None = None,
    limit: int = PAGE_USUAL,
    offset: int = 0,
    before: RunId | None = None,
) -> Activity:
    """
    Return the runs of a window, those behind ``before``; ``offset`` of them are passed over.

    Raises ``InvalidInput``, and ``NotFound`` when the tenant has no such job.
    """
    if job_id is not None:
        await work.catalog.get_job(work.tenant, job_id)
    which = Selection(since=window.since, until=window.until, job_id=job_id)
    found = await work.overview.newest_runs(
        work.tenant, which, limit=check_limit(limit), offset=check_offset(offset), before=before
    )
    page = page_of(found, limit)
    summary = Tally()
    for hour in await work.overview.hours(work.tenant, which):
        summary = summary.plus(hour.tally)
    return Activity(
        runs=page.items,
        more=page.more,
        total=await work.overview.count_runs(work.tenant, which),
        summary=summary,
    )
