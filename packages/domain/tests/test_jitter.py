"""The spread of jitter is known before anything runs, in any process and on any machine."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.policies.jitter import jitter_offset

ENDPOINT = EndpointId(UUID(int=7))
MINUTE = timedelta(minutes=1)


def test_the_spread_is_the_same_in_every_process() -> None:
    """Two workers, and one after a restart, put a slot off by the same length: trap T29."""
    noon = datetime(2025, 1, 1, 12, tzinfo=UTC)
    drawn = [
        jitter_offset(ENDPOINT, noon + n * MINUTE, jitter=MINUTE, gap=None)
        // timedelta(milliseconds=1)
        for n in range(4)
    ]

    assert drawn == [23492, 17097, 1285, 32345]
