"""Looks what tenants have used of their months, for those who want to be told."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import AlertId
from cronicorn_domain.model.alert import Alert, Notice
from cronicorn_domain.model.quota import Meter
from cronicorn_domain.policies.budgeting import budget_notices
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.quota_guard import QuotaGuard
from cronicorn_domain.ports.unit_of_work import UnitsOfWork

from cronicorn_scheduler.outages import Line

LOOK_EVERY: Final = timedelta(minutes=1)
_PAGE: Final = 100


class Budgeting:
    """
    Puts a notice for each alert about budgets whose tenant has reached a level of its month.

    Every worker looks, and none has to be the one: a notice is put once.
    """

    name = "budget"

    def __init__(self, units: UnitsOfWork, quota: QuotaGuard, *, clock: Clock, line: Line) -> None:
        self._units = units
        self._quota = quota
        self._clock = clock
        self._line = line

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            async with self._line:
                await self._look()
            await self._clock.sleep_until(self._clock.now() + LOOK_EVERY)

    async def _look(self) -> None:
        after: AlertId | None = None
        while page := await self._page(after):
            for alert in page:
                await self._tell(alert)
            after = page[-1].id
            if len(page) < _PAGE:
                return

    async def _page(self, after: AlertId | None) -> Sequence[Alert]:
        async with self._units.begin_reading() as unit:
            return await unit.alerts.list_about_budgets(limit=_PAGE, after=after)

    async def _tell(self, alert: Alert) -> None:
        for meter in Meter:
            if self._quota.limits(alert.tenant, meter):
                now = self._clock.now()
                standing = await self._quota.standing(alert.tenant, meter, now=now)
                for notice in budget_notices(alert, meter, standing, now=now):
                    await self._put(notice)

    async def _put(self, notice: Notice) -> None:
        async with self._units.begin() as unit:
            try:
                await unit.alerts.put_once(notice)
            except NotFound:  # the alert was removed meanwhile
                return
            await unit.commit()
