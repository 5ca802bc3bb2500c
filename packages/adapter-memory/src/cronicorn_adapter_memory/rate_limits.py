"""Rate limits in memory."""

from datetime import datetime

from cronicorn_domain.model.rate import Rate, Taken
from cronicorn_domain.policies import rating

from cronicorn_adapter_memory.store import MemoryStore


class MemoryRateLimits:
    """Until when the buckets over one store are not full."""

    def __init__(self, store: MemoryStore) -> None:
        self._full_at = store.full_at

    async def take(self, subject: str, rate: Rate, *, now: datetime, wanted: int = 1) -> Taken:
        """Take as many permissions as there are."""
        stood = self._full_at.get(subject, now)
        taken = rating.take(stood, rate, wanted=wanted, now=now)
        if taken.full_at != stood:
            self._full_at[subject] = taken.full_at
        return taken

    async def forget(self, *, now: datetime) -> int:
        """Forget the buckets that are full again."""
        full = [subject for subject, full_at in self._full_at.items() if full_at <= now]
        for subject in full:
            del self._full_at[subject]
        return len(full)
