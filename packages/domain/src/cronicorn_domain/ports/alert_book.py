"""Keeps alerts, and the notices that are still to be told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cronicorn_domain.identity import AlertId, NoticeId, TenantId
from cronicorn_domain.model.alert import Alert, DueNotice, KeptNotice, Notice


class AlertBook(Protocol):
    """
    The alerts of all tenants, and their notices; takes part in the caller's unit of work.

    Promises:

    - Notices of what happens to endpoints are written by the queue, in the transaction in which it
      happens: none is lost, and none is there twice.
    - A notice is taken by one unit at a time, as long as it is kept.
    - Another tenant's alert is ``NotFound``.
    - With an alert its notices go, too.
    """

    async def add(self, alert: Alert) -> None:
        """Keep a new alert."""
        ...

    async def get(self, tenant: TenantId, alert_id: AlertId) -> Alert:
        """Return an alert. Raises ``NotFound``."""
        ...

    async def list_alerts(
        self, tenant: TenantId, *, limit: int = 100, after: AlertId | None = None
    ) -> Sequence[Alert]:
        """Return the tenant's alerts in the order of their ids, those behind ``after``."""
        ...

    async def change(self, alert: Alert) -> Alert:
        """Write an alert as it is to be, and return it as it was. Raises ``NotFound``."""
        ...

    async def remove(self, tenant: TenantId, alert_id: AlertId) -> Alert:
        """Forget an alert, and return it as it was. Raises ``NotFound``."""
        ...

    async def put(self, notice: Notice) -> None:
        """Keep a notice that is to be told at once. Raises ``NotFound`` if its alert is gone."""
        ...

    async def put_once(self, notice: Notice) -> bool:
        """
        Keep a notice as ``put`` does, unless there is one with its id; say whether there was none.

        Raises ``NotFound``.
        """
        ...

    async def list_notices(
        self,
        tenant: TenantId,
        alert_id: AlertId,
        *,
        limit: int = 100,
        before: NoticeId | None = None,
    ) -> Sequence[KeptNotice]:
        """
        Return the notices of an alert that are kept, the newest first, those behind ``before``.

        Raises ``NotFound``; there is nothing behind one that is gone.
        """
        ...

    async def list_about_budgets(
        self, *, limit: int = 100, after: AlertId | None = None
    ) -> Sequence[Alert]:
        """Return the alerts of all tenants that are about budgets, in the order of their ids."""
        ...

    async def is_any_due(self, *, now: datetime) -> bool:
        """Say whether any notice is to be told by ``now``; it writes nothing."""
        ...

    async def take(self, *, limit: int, now: datetime, keep_until: datetime) -> Sequence[DueNotice]:
        """
        Take up to ``limit`` notices that are to be told by ``now``, the longest waiting first.

        Nobody else is given them before ``keep_until``; whoever has told one says so by then, or it
        is told again.
        """
        ...

    async def told(self, notice_id: NoticeId, *, now: datetime) -> None:
        """Note that a notice was told; one that is gone is no fault."""
        ...

    async def put_off(
        self, notice_id: NoticeId, *, until: datetime | None, reason: str, now: datetime
    ) -> None:
        """Note that a notice could not be told: try again then; None: it is given up."""
        ...

    async def prune_notices(self, *, before: datetime, limit: int) -> int:
        """Delete notices that were told, or given up, before an instant; say how many."""
        ...
