"""What many tabs want to see is read once, and again only when something was seen to change."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast

from cronicorn_domain.identity import TenantId
from cronicorn_management.desk import Desk
from cronicorn_management.watching import Watch

Seen = TypeVar("Seen")
STALE_AFTER: Final = timedelta(seconds=10)
"""What nobody changed grows old all the same: something comes to be late, a minute is over."""
FRESH_FOR: Final = timedelta(seconds=1)
"""So long whatever was read is new enough, also while changes come all the time."""
_KEPT_MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    version: tuple[datetime, int] | None
    at: datetime
    seen: asyncio.Future[Any]


class Shared:
    """Keeps what was read last for each tenant and key; who asks meanwhile waits for the same."""

    def __init__(self, watch: Watch, desk: Desk) -> None:
        self._watch = watch
        self._desk = desk
        self._read: dict[tuple[TenantId, str], _Read] = {}

    async def seen(self, tenant: TenantId, key: str, read: Callable[[], Awaitable[Seen]]) -> Seen:
        """Return what was read under a key, or read it."""
        place = (tenant, key)
        known = self._read.get(place)
        if known is not None and self._holds(tenant, known):
            return cast("Seen", await asyncio.shield(known.seen))
        future: asyncio.Future[Any] = asyncio.ensure_future(read())
        self._read.pop(place, None)
        self._read[place] = _Read(
            version=self._watch.version(tenant), at=self._desk.clock.now(), seen=future
        )
        while len(self._read) > _KEPT_MOST:
            del self._read[next(iter(self._read))]
        try:
            return cast("Seen", await asyncio.shield(future))
        except BaseException:
            if future.done() and (future.cancelled() or future.exception() is not None):
                self._read.pop(place, None)
            raise

    def _holds(self, tenant: TenantId, known: _Read) -> bool:
        if known.seen.done() and (known.seen.cancelled() or known.seen.exception() is not None):
            return False
        age = self._desk.clock.now() - known.at
        version = self._watch.version(tenant)
        same = version is not None and version == known.version
        return age < (STALE_AFTER if same else FRESH_FOR)
