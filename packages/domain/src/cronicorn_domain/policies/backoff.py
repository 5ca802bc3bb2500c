"""How failures stretch the rhythm, and how long a retry waits."""

from datetime import datetime, timedelta

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.endpoint import Retry
from cronicorn_domain.policies.jitter import stable_hash

DOUBLINGS_MOST = 5
STRETCH_MOST = timedelta(hours=1)
_MICROSECOND = timedelta(microseconds=1)


def stretched(every: timedelta, failures: int) -> timedelta:
    """
    Return the least distance to the next slot after consecutive failures.

    ``min(every * 2**min(failures, 5), every + 1 h)``: quick rhythms slow down up to 32 times, and
    no rhythm by more than an hour, so that a daily endpoint is not silenced for weeks.
    """
    doublings = min(failures, DOUBLINGS_MOST)
    return min(every * (1 << doublings), every + STRETCH_MOST)


def retry_wait(
    retry: Retry, endpoint_id: EndpointId, slot: datetime, failed_tries: int
) -> timedelta:
    """
    Return the wait before the next try of a fire time: exponential backoff with full jitter.

    Drawn evenly from zero to ``min(backoff * 2**(failed_tries - 1), backoff_most)``; the draw is a
    hash of what it is for, so that the same decision can be told again.
    """
    doublings = min(failed_tries - 1, 30)
    most = min(retry.backoff * (1 << doublings), retry.backoff_most)
    span = most // _MICROSECOND
    if not span:
        return timedelta()
    return stable_hash(endpoint_id, slot, f"try {failed_tries}") % (span + 1) * _MICROSECOND
