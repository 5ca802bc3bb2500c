"""Survey endpoints: a page of those that are meant, with where each stands and its latest runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.ports.board import LatestRun, Order, Standing, Wanted

from cronicorn_management.desk import Reading
from cronicorn_management.pages import check_limit, page_of

COUNTED_MOST: Final = 10_000
"""Behind that it is only told that there are more."""
RUNS_SHOWN: Final = 30
_PAGE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """
    A page of endpoints.

    Attributes:
        runs: The latest of each that has any, the newest first.
        total: How many are meant in all; one more than ``COUNTED_MOST`` if there are more than so
            many.
        more: There are more behind the last of the page.
    """

    standings: Sequence[Standing]
    runs: Mapping[EndpointId, Sequence[LatestRun]]
    total: int
    more: bool


async def survey_endpoints(
    work: Reading,
    wanted: Wanted,
    *,
    order: Order = Order.NAME,
    limit: int = _PAGE,
    after: EndpointId | None = None,
) -> Survey:
    """Return a page of the endpoints that are meant, those behind ``after`` in this order."""
    found = await work.board.find(
        work.tenant,
        wanted,
        now=work.now,
        order=order,
        limit=check_limit(limit),
        after=after,
        count_to=COUNTED_MOST + 1,
    )
    page = page_of(found.standings, limit)
    ids = [each.id for each in page.items]
    runs = await work.board.latest_runs(work.tenant, ids, limit=RUNS_SHOWN)
    return Survey(standings=page.items, runs=runs, total=found.total, more=page.more)
