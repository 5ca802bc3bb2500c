"""Read an endpoint's health."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.ports.run_log import Health
from cronicorn_domain.wording import length_in_words

from cronicorn_management.desk import Reading

WINDOWS = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))
LONGEST_WINDOW = timedelta(days=800)


async def read_health(
    work: Reading, endpoint_id: EndpointId, windows: Sequence[timedelta] = WINDOWS
) -> Mapping[timedelta, Health]:
    """Return what came of the runs of each window up to now. Raises ``InvalidInput``."""
    return {window: await _health(work, endpoint_id, window) for window in windows}


async def _health(work: Reading, endpoint_id: EndpointId, window: timedelta) -> Health:
    if not timedelta() < window <= LONGEST_WINDOW:
        raise InvalidInput(
            f"a window of {length_in_words(window)} is not possible",
            field="since_hours",
            remedy=f"give at most {length_in_words(LONGEST_WINDOW)}",
        )
    since = work.now - window
    return await work.runs.health(work.tenant, endpoint_id, since=since, now=work.now)
