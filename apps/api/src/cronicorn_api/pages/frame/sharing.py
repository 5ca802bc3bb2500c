"""What many tabs want to see is read once, and again only when something was seen to change."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar, cast

from cronicorn_domain.identity import TenantId
from cronicorn_management.desk import Desk
from cronicorn_management.watching import Version, Watch

Seen = TypeVar("Seen")
STALE_AFTER: Final = timedelta(seconds=30)
"""What nobody changed grows old all the same: something comes to be late, a minute is over."""
FRESH_FOR: Final = timedelta(seconds=1)
"""So long whatever was read is new enough for everybody, unless something was seen to change."""
READS_AT_ONCE: Final = 8
"""
So often something is read anew because of changes that come one upon the other.

After each ``STALE_AFTER`` there is one more: that is what live pages cost where runs never pause.
"""
FOR_ALARMS: Final = 5
"""So many of them are kept for runs that fail, for which nobody wants to wait."""
_KEPT_MOST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    version: Version | None
    at: datetime
    seen: asyncio.Future[Any]
    left: float
    """So many reads are left, before the next one."""


class Shared:
    """Keeps what was read last for each tenant and key; who asks meanwhile waits for the same."""

    def __init__(self, watch: Watch, desk: Desk) -> None:
        self._watch = watch
        self._desk = desk
        self._read: dict[tuple[TenantId, str], _Read] = {}

    async def seen(
        self,
        tenant: TenantId,
        key: str,
        read: Callable[[], Awaitable[Seen]],
        *,
        sparing: bool = False,
        at_once: bool = False,
    ) -> Seen:
        """
        Return what was read under a key, or read it, since something has changed.

        Where all endpoints are looked at, something changes all the time: that is read sparingly.
        Whoever comes ``at_once``, as a person who loads a page, waits for no change to be seen.
        """
        place = (tenant, key)
        known = self._read.get(place)
        if known is not None and self._holds(tenant, known, sparing=sparing, at_once=at_once):
            return cast("Seen", await asyncio.shield(known.seen))
        future: asyncio.Future[Any] = asyncio.ensure_future(read())
        self._keep(place, future, known)
        try:
            return cast("Seen", await asyncio.shield(future))
        except BaseException:
            if future.done() and (future.cancelled() or future.exception() is not None):
                self._read.pop(place, None)
            raise

    def forget(self, tenant: TenantId) -> None:
        """Read everything of a tenant anew: whoever has changed something sees it at once."""
        for place in [each for each in self._read if each[0] == tenant]:
            del self._read[place]

    def _keep(
        self, place: tuple[TenantId, str], future: asyncio.Future[Any], before: _Read | None
    ) -> None:
        now = self._desk.clock.now()
        self._read.pop(place, None)
        self._read[place] = _Read(
            version=self._watch.version(place[0]),
            at=now,
            seen=future,
            left=READS_AT_ONCE if before is None else max(0.0, _left(before, now) - 1),
        )
        while len(self._read) > _KEPT_MOST:
            del self._read[next(iter(self._read))]

    def _holds(self, tenant: TenantId, known: _Read, *, sparing: bool, at_once: bool) -> bool:
        if known.seen.done() and (known.seen.cancelled() or known.seen.exception() is not None):
            return False
        now, version = self._desk.clock.now(), self._watch.version(tenant)
        age = now - known.at
        if age < FRESH_FOR and (version is None or version == known.version):
            return True
        if at_once or version is None or known.version is None or age >= STALE_AFTER:
            return False
        if version == known.version:
            return True
        if not sparing:
            return False
        least = 1 if version.alarms != known.version.alarms else 1 + FOR_ALARMS
        return _left(known, now) < least


def _left(known: _Read, now: datetime) -> float:
    """Say how many reads are left by now."""
    return min(READS_AT_ONCE, known.left + (now - known.at) / STALE_AFTER)
