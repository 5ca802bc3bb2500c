"""Tells the notices that wait, beside the runs: no run ever waits for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from cronicorn_domain.errors import SecretsUnavailable
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.alert import DueNotice
from cronicorn_domain.model.signing import NoKeys, TenantKeys
from cronicorn_domain.policies.alerting import next_try
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.notifier import Notifier, Told, Untold
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_domain.wording import fault

from cronicorn_scheduler.observing import Event, NoticeNotTold, NoticeTold, Observer
from cronicorn_scheduler.outages import Line
from cronicorn_scheduler.waiting import first_of

LOOK_EVERY: Final = timedelta(seconds=5)
"""So often notices are looked for while things happen in this process."""
LOOK_AT_LEAST_EVERY: Final = timedelta(seconds=20)
"""So often while nothing does: for what others have written, or have left when they died."""
PRUNE_EVERY: Final = timedelta(hours=1)
AT_ONCE: Final = 20
KEPT_FOR: Final = timedelta(minutes=2)
"""Longer than a notifier may take: whoever has not told by then is taken for dead."""
NOTICES_LAST: Final = timedelta(days=40)
"""Longer than a month: what is told once in it is told once."""
_PRUNED_AT_ONCE: Final = 500


class Happened:
    """Passes events on, and remembers that there were any: what is to be told comes of them."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self.since_look = asyncio.Event()

    def record(self, event: Event) -> None:
        """Take an event."""
        self._observer.record(event)
        self.since_look.set()


class Alerting:
    """
    Looks for notices every few seconds, tells some at once, and notes what came of each.

    Where nothing happens a look is one question to the store, and comes seldom.
    """

    name = "alert"

    def __init__(
        self,
        units: UnitsOfWork,
        notifier: Notifier,
        *,
        clock: Clock,
        observer: Observer,
        line: Line,
        happened: asyncio.Event,
    ) -> None:
        self._units = units
        self._notifier = notifier
        self._clock = clock
        self._observer = observer
        self._line = line
        self._happened = happened
        self._again_at: datetime | None = None
        self._prune_at: datetime | None = None

    async def run(self) -> None:
        """Tell what there is, for ever."""
        while True:
            self._happened.clear()
            async with self._line:
                await self._look()
            await self._rest()

    async def _rest(self) -> None:
        """Wait for the next look: longer where nothing happens and nobody is to be told again."""
        now = self._clock.now()
        at_last = min(now + LOOK_AT_LEAST_EVERY, self._again_at or datetime.max.replace(tzinfo=UTC))
        await first_of(self._happened.wait(), self._clock.sleep_until(at_last))
        await self._clock.sleep_until(now + LOOK_EVERY)

    async def _look(self) -> None:
        now = self._clock.now()
        async with self._units.begin_reading() as unit:
            waits = await unit.alerts.is_any_due(now=now)
        if waits:
            self._again_at = None
            await self._tell_all()
        if self._prune_at is None or now >= self._prune_at:
            await self._prune(now)

    async def _prune(self, now: datetime) -> None:
        async with self._units.begin() as unit:
            gone = await unit.alerts.prune_notices(before=now - NOTICES_LAST, limit=_PRUNED_AT_ONCE)
            await unit.commit()
        if gone < _PRUNED_AT_ONCE:
            self._prune_at = now + PRUNE_EVERY

    async def _tell_all(self) -> None:
        while taken := await self._take():
            async with asyncio.TaskGroup() as group:
                for each, keys in taken:
                    group.create_task(self._tell(each, keys))
            if len(taken) < AT_ONCE:
                return

    async def _take(self) -> list[tuple[DueNotice, TenantKeys | NoKeys | None]]:
        now = self._clock.now()
        async with self._units.begin() as unit:
            due = await unit.alerts.take(limit=AT_ONCE, now=now, keep_until=now + KEPT_FOR)
            keys: dict[TenantId, TenantKeys | NoKeys | None] = {}
            for tenant in {each.notice.tenant for each in due}:
                try:
                    keys[tenant] = await unit.signing_keys.find(tenant)
                except SecretsUnavailable as error:
                    keys[tenant] = NoKeys(reason=f"it is to be signed, and cannot be: {error}")
            await unit.commit()
        return [(each, keys[each.notice.tenant]) for each in due]

    async def _tell(self, due: DueNotice, keys: TenantKeys | NoKeys | None) -> None:
        try:
            answer = await self._notifier.notify(due, keys=keys)
        except Exception as error:  # noqa: BLE001  a fault of a notifier is no reason to stop
            answer = Untold(reason=f"a fault of ours: {fault(error)}")
        async with self._line:
            await self._note(due, answer)

    async def _note(self, due: DueNotice, answer: Told | Untold) -> None:
        now, tries = self._clock.now(), due.tries + 1
        async with self._units.begin() as unit:
            match answer:
                case Told():
                    await unit.alerts.told(due.notice.id, now=now)
                    event: NoticeTold | NoticeNotTold = NoticeTold(notice=due.notice)
                case Untold(reason=reason, final=final):
                    again = None if final else next_try(tries, now)
                    if again is not None:
                        self._again_at = min(again, self._again_at or again)
                    await unit.alerts.put_off(due.notice.id, until=again, reason=reason, now=now)
                    event = NoticeNotTold(
                        notice=due.notice, reason=reason, tries=tries, given_up=again is None
                    )
            await unit.commit()
        self._observer.record(event)
