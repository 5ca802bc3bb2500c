"""List hints with how each ended, and which of them another goes before."""

from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.errors import UnreadableRow
from cronicorn_domain.identity import EndpointId, HintId
from cronicorn_domain.policies.interval_hints import ranked_hints
from cronicorn_domain.ports.hint_book import HintRecord

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit, page_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedHint:
    """A hint, and whether it is active and another one goes before it."""

    record: HintRecord
    outranked: bool


async def list_hints(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    since: datetime | None = None,
    limit: int = PAGE_USUAL,
    before: HintId | None = None,
) -> Page[ListedHint]:
    """
    Return an endpoint's hints, the newest first, those of ``since`` and later behind ``before``.

    Raises ``InvalidInput``, ``NotFound``.
    """
    found = await work.hints.history(
        work.tenant, endpoint_id, now=work.now, limit=check_limit(limit), before=before
    )
    outranked = await _outranked(work, endpoint_id)
    listed = [
        ListedHint(record=each, outranked=each.hint.id in outranked)
        for each in found
        if since is None or each.hint.created_at >= since
    ]
    return page_of(listed, limit)


async def _outranked(work: Reading, endpoint_id: EndpointId) -> frozenset[HintId]:
    try:
        situation = await work.catalog.get_situation(work.tenant, endpoint_id)
    except UnreadableRow:
        return frozenset()
    return frozenset(hint.id for hint in ranked_hints(situation, work.now)[1:])
