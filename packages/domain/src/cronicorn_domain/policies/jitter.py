"""A spread that is the same whenever and wherever it is computed."""

from datetime import datetime, timedelta
from hashlib import blake2b

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.instants import MILLISECOND, NO_TIME


def stable_hash(endpoint_id: EndpointId, slot: datetime, purpose: str = "jitter") -> int:
    """Return 64 bits that depend on the arguments alone, never on the process."""
    text = f"{endpoint_id}|{slot.timestamp():.6f}|{purpose}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def jitter_offset(
    endpoint_id: EndpointId, slot: datetime, *, jitter: timedelta, gap: timedelta | None
) -> timedelta:
    """
    Return the delay of a slot in whole milliseconds, below ``jitter`` and the ``gap`` to the next.

    None as ``gap`` means that no slot follows.
    """
    spread = jitter if gap is None else min(jitter, gap)
    if spread < MILLISECOND:
        return NO_TIME
    return stable_hash(endpoint_id, slot) % (spread // MILLISECOND) * MILLISECOND
