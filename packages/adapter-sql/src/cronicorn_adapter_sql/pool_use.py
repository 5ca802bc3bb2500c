"""Tells how many of an engine's connections are in use."""

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool


def connections_in_use(engine: AsyncEngine) -> int:
    """Count the connections that somebody has now."""
    pool = engine.pool
    return pool.checkedout() if isinstance(pool, QueuePool) else 0


def connections_most(engine: AsyncEngine) -> int:
    """Return how many there may be at once."""
    pool = engine.pool
    return pool.size() if isinstance(pool, QueuePool) else 0
