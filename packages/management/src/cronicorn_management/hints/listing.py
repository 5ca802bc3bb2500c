"""List hints with how each ended."""

from collections.abc import Sequence
from datetime import datetime

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.ports.hint_book import HintRecord

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, check_limit


async def list_hints(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    since: datetime | None = None,
    limit: int = PAGE_USUAL,
) -> Sequence[HintRecord]:
    """Return an endpoint's hints, the newest first, those of ``since`` and later."""
    check_limit(limit)
    found = await work.hints.history(work.tenant, endpoint_id, now=work.now, limit=limit)
    return [each for each in found if since is None or each.hint.created_at >= since]
