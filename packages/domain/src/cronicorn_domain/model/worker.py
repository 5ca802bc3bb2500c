"""A worker, as it tells of itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.identity import WorkerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """
    One process that claims and runs.

    Attributes:
        name: By which leases and runs name it.
        started_at: When it began.
        seen_at: When it last told of itself.
        concurrency: How many runs it takes on at once.
        version: Of its code.
        zone_data: The release of its zone data, such as ``2026a``.
        clock_skew: How far its machine's clock is ahead of the shared time; nothing goes by it.
        floor: The tenants' floor by which it plans.
    """

    name: WorkerId
    started_at: datetime
    seen_at: datetime
    concurrency: int
    version: str
    zone_data: str
    clock_skew: timedelta
    floor: timedelta
