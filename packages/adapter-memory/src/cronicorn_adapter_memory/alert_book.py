"""Alerts in memory, and the notices that wait."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import AlertId, NoticeId, TenantId
from cronicorn_domain.model.alert import Alert, DueNotice, Happening, KeptNotice, Notice
from cronicorn_domain.policies.alerting import telling_of

from cronicorn_adapter_memory.tables import NoticeRow, Tables
from cronicorn_adapter_memory.transaction import Transaction


class MemoryAlertBook:
    """Of what people want to be told, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, alert: Alert) -> None:
        """Keep a new alert."""
        (await self._transaction.write()).alerts[alert.id] = alert

    async def get(self, tenant: TenantId, alert_id: AlertId) -> Alert:
        """Return an alert."""
        return _alert(self._transaction.read(), tenant, alert_id)

    async def list_alerts(
        self, tenant: TenantId, *, limit: int = 100, after: AlertId | None = None
    ) -> Sequence[Alert]:
        """Return the tenant's alerts in the order of their ids."""
        chosen = (
            each
            for each in self._transaction.read().alerts.values()
            if each.tenant == tenant and (after is None or each.id > after)
        )
        return sorted(chosen, key=lambda each: each.id)[:limit]

    async def change(self, alert: Alert) -> Alert:
        """Write an alert as it is to be, and return it as it was."""
        tables = await self._transaction.write()
        before = _alert(tables, alert.tenant, alert.id)
        tables.alerts[alert.id] = alert
        return before

    async def remove(self, tenant: TenantId, alert_id: AlertId) -> Alert:
        """Forget an alert with its notices, and return it as it was."""
        tables = await self._transaction.write()
        alert = _alert(tables, tenant, alert_id)
        del tables.alerts[alert_id]
        for notice_id, row in list(tables.notices.items()):
            if row.notice.alert_id == alert_id:
                del tables.notices[notice_id]
        for streak in [each for each in tables.streaks if each[0] == alert_id]:
            del tables.streaks[streak]
        return alert

    async def put(self, notice: Notice) -> None:
        """Keep a notice that is to be told at once."""
        tables = await self._transaction.write()
        _alert(tables, notice.tenant, notice.alert_id)
        tables.notices[notice.id] = NoticeRow(notice=notice, next_at=notice.at)

    async def put_once(self, notice: Notice) -> bool:
        """Keep a notice, unless there is one with its id."""
        if notice.id in self._transaction.read().notices:
            return False
        await self.put(notice)
        return True

    async def list_notices(
        self,
        tenant: TenantId,
        alert_id: AlertId,
        *,
        limit: int = 100,
        before: NoticeId | None = None,
    ) -> Sequence[KeptNotice]:
        """Return the notices of an alert, the newest first."""
        tables = self._transaction.read()
        _alert(tables, tenant, alert_id)
        rows = [row for row in tables.notices.values() if row.notice.alert_id == alert_id]
        rows.sort(key=_age, reverse=True)
        if before is not None:
            last = tables.notices.get(before)
            rows = [row for row in rows if last is not None and _age(row) < _age(last)]
        return [_kept(row) for row in rows[:limit]]

    async def list_about_budgets(
        self, *, limit: int = 100, after: AlertId | None = None
    ) -> Sequence[Alert]:
        """Return the alerts of all tenants that are about budgets."""
        alerts = self._transaction.read().alerts
        about = [alerts[key] for key in sorted(alerts) if alerts[key].is_about_budget]
        return [each for each in about if after is None or each.id > after][:limit]

    async def is_any_due(self, *, now: datetime) -> bool:
        """Say whether any notice is to be told by now."""
        rows = self._transaction.read().notices.values()
        return any(row.next_at is not None and row.next_at <= now for row in rows)

    async def take(self, *, limit: int, now: datetime, keep_until: datetime) -> Sequence[DueNotice]:
        """Take notices that are to be told now."""
        tables = await self._transaction.write()
        waiting = [
            row for row in tables.notices.values() if row.next_at is not None and row.next_at <= now
        ]
        waiting.sort(key=lambda row: (row.next_at, row.notice.id))
        for row in waiting[:limit]:
            tables.notices[row.notice.id] = replace(row, next_at=keep_until)
        return [_due(tables, row) for row in waiting[:limit]]

    async def told(self, notice_id: NoticeId, *, now: datetime) -> None:
        """Note that a notice was told."""
        notices = (await self._transaction.write()).notices
        if row := notices.get(notice_id):
            notices[notice_id] = replace(
                row, next_at=None, ended_at=now, tries=row.tries + 1, error=None
            )

    async def put_off(
        self, notice_id: NoticeId, *, until: datetime | None, reason: str, now: datetime
    ) -> None:
        """Note that a notice could not be told."""
        notices = (await self._transaction.write()).notices
        if row := notices.get(notice_id):
            notices[notice_id] = replace(
                row,
                next_at=until,
                ended_at=now if until is None else None,
                tries=row.tries + 1,
                error=reason,
            )

    async def prune_notices(self, *, before: datetime, limit: int) -> int:
        """Delete notices that were told, or given up, before an instant."""
        notices = (await self._transaction.write()).notices
        old = [key for key, row in notices.items() if row.ended_at and row.ended_at < before]
        for key in old[:limit]:
            del notices[key]
        return len(old[:limit])


def keep_notices(tables: Tables, happening: Happening | None) -> None:
    """Write what is to be told of a happening, in the transaction in which it happens."""
    if happening is None or not tables.alerts:
        return
    endpoint_id = happening.endpoint_id
    telling = telling_of(
        happening,
        job_id=tables.endpoints[endpoint_id].endpoint.job_id,
        alerts=[each for each in tables.alerts.values() if each.tenant == happening.tenant],
        told=[alert_id for alert_id, of in tables.streaks if of == endpoint_id],
    )
    for alert_id in telling.ended:
        del tables.streaks[(alert_id, endpoint_id)]
    for alert_id in telling.begun:
        tables.streaks[(alert_id, endpoint_id)] = happening.at
    for notice in telling.notices:
        tables.notices[notice.id] = NoticeRow(notice=notice, next_at=notice.at)


def _alert(tables: Tables, tenant: TenantId, alert_id: AlertId) -> Alert:
    alert = tables.alerts.get(alert_id)
    if alert is None or alert.tenant != tenant:
        raise NotFound("alert", alert_id)
    return alert


def _age(row: NoticeRow) -> tuple[datetime, NoticeId]:
    return row.notice.at, row.notice.id


def _kept(row: NoticeRow) -> KeptNotice:
    return KeptNotice(
        notice=row.notice,
        tries=row.tries,
        next_at=row.next_at,
        ended_at=row.ended_at,
        error=row.error,
    )


def _due(tables: Tables, row: NoticeRow) -> DueNotice:
    endpoint_id = row.notice.endpoint_id
    known = None if endpoint_id is None else tables.endpoints.get(endpoint_id)
    return DueNotice(
        notice=row.notice,
        alert=tables.alerts[row.notice.alert_id],
        tries=row.tries,
        endpoint_name=None if known is None else known.endpoint.name,
        job_name=None if known is None else tables.jobs[known.endpoint.job_id].name,
    )
