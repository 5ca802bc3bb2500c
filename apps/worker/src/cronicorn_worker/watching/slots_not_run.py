"""Asks the store which slots were not run while this worker was at work, and why."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.identity import EndpointId, TenantId
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.ports.unit_of_work import UnitOfWork, UnitsOfWork

_PAGE = 200
_ENDPOINTS_MOST = 2000
_RECORDS_MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsNotRun:
    """
    Slots by their fate and the reason.

    ``partial``: there are more endpoints, or records of one, than were looked at.
    """

    counts: Counter[tuple[Fate, str]]
    partial: bool = False


async def slots_not_run(units: UnitsOfWork, tenant: TenantId, since: datetime) -> SlotsNotRun:
    """
    Count the slots recorded since an instant.

    Raises:
        StoreError: the store cannot tell.
    """
    counts: Counter[tuple[Fate, str]] = Counter()
    seen, partial = 0, False
    async with units.begin() as unit:
        last: EndpointId | None = None
        while seen < _ENDPOINTS_MOST and (page := await _page(unit, tenant, last)):
            for endpoint_id in page:
                records = await unit.runs.list_slot_records(
                    tenant, endpoint_id, limit=_RECORDS_MOST
                )
                recent = [each for each in records if each.recorded_at >= since]
                partial = partial or len(recent) == _RECORDS_MOST
                for record in recent:
                    counts[record.fate, record.reason] += record.count
            seen, last = seen + len(page), page[-1]
    return SlotsNotRun(counts=counts, partial=partial or seen >= _ENDPOINTS_MOST)


async def _page(unit: UnitOfWork, tenant: TenantId, last: EndpointId | None) -> list[EndpointId]:
    page = await unit.catalog.list_endpoints(tenant, limit=_PAGE, after=last)
    return [endpoint.id for endpoint in page]
