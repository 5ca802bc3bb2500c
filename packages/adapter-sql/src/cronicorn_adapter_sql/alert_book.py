"""Alerts on SQL, and the notices that wait."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import AlertId, NoticeId, TenantId
from cronicorn_domain.model.alert import Alert, DueNotice, KeptNotice, Notice, Occasion
from sqlalchemy import ColumnElement, Row, and_, delete, insert, select, tuple_, update

from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.mapping_alerts import (
    alert_from,
    kept_notice_from,
    notice_from,
    values_of_alert,
    values_of_notice,
)
from cronicorn_adapter_sql.tables import alerts, endpoints, jobs, notices
from cronicorn_adapter_sql.transaction import Transaction


class SqlAlertBook:
    """Of what people want to be told, within one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    async def add(self, alert: Alert) -> None:
        """Keep a new alert."""
        connection = await self._transaction.begin_writing()
        with translated():
            await connection.execute(insert(alerts).values(values_of_alert(alert)))

    async def get(self, tenant: TenantId, alert_id: AlertId) -> Alert:
        """Return an alert."""
        statement = select(alerts).where(_meant(tenant, alert_id))
        with translated():
            row = (await self._transaction.connection.execute(statement)).mappings().one_or_none()
        if row is None:
            raise NotFound("alert", alert_id)
        return alert_from(row)

    async def list_alerts(
        self, tenant: TenantId, *, limit: int = 100, after: AlertId | None = None
    ) -> Sequence[Alert]:
        """Return the tenant's alerts in the order of their ids."""
        statement = select(alerts).where(alerts.c.tenant == tenant)
        if after is not None:
            statement = statement.where(alerts.c.id > after)
        ordered = statement.order_by(alerts.c.id).limit(limit)
        with translated():
            rows = (await self._transaction.connection.execute(ordered)).mappings().all()
        return [alert_from(row) for row in rows]

    async def change(self, alert: Alert) -> Alert:
        """Write an alert as it is to be, and return it as it was."""
        before = await self._locked(alert.tenant, alert.id)
        statement = update(alerts).where(_meant(alert.tenant, alert.id))
        with translated():
            await self._transaction.connection.execute(statement.values(values_of_alert(alert)))
        return before

    async def remove(self, tenant: TenantId, alert_id: AlertId) -> Alert:
        """Forget an alert, and return it as it was; its notices go by their foreign key."""
        alert = await self._locked(tenant, alert_id)
        with translated():
            await self._transaction.connection.execute(
                delete(alerts).where(_meant(tenant, alert_id))
            )
        return alert

    async def put(self, notice: Notice) -> None:
        """Keep a notice that is to be told at once."""
        await self._locked(notice.tenant, notice.alert_id)
        with translated():
            await self._transaction.connection.execute(
                insert(notices).values(values_of_notice(notice))
            )

    async def put_once(self, notice: Notice) -> bool:
        """Keep a notice, unless there is one with its id; who puts it, too, waits for the alert."""
        known = select(notices.c.id).where(notices.c.id == notice.id)
        with translated():
            if (await self._transaction.connection.execute(known)).first() is not None:
                return False
        await self._locked(notice.tenant, notice.alert_id)
        with translated():
            connection = self._transaction.connection
            if (await connection.execute(known)).first() is not None:
                return False
            await connection.execute(insert(notices).values(values_of_notice(notice)))
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
        await self.get(tenant, alert_id)
        statement = select(notices).where(notices.c.alert_id == alert_id)
        if before is not None:
            last = select(*_AGE).where(notices.c.id == before, notices.c.alert_id == alert_id)
            statement = statement.where(tuple_(*_AGE) < last.scalar_subquery())
        page = statement.order_by(*(each.desc() for each in _AGE)).limit(limit)
        with translated():
            rows = (await self._transaction.connection.execute(page)).mappings().all()
        return [kept_notice_from(row) for row in rows]

    async def list_about_budgets(
        self, *, limit: int = 100, after: AlertId | None = None
    ) -> Sequence[Alert]:
        """Return the alerts of all tenants that are about budgets."""
        statement = select(alerts).where(
            alerts.c.enabled,
            alerts.c.job_id.is_(None),
            alerts.c.occasions.contains(Occasion.BUDGET.value, autoescape=True),
        )
        if after is not None:
            statement = statement.where(alerts.c.id > after)
        page = statement.order_by(alerts.c.id).limit(limit)
        with translated():
            rows = (await self._transaction.connection.execute(page)).mappings().all()
        return [alert_from(row) for row in rows]

    async def is_any_due(self, *, now: datetime) -> bool:
        """Say whether any notice is to be told by now."""
        first = select(notices.c.id).where(notices.c.next_at <= now).limit(1)
        with translated():
            return (await self._transaction.connection.execute(first)).first() is not None

    async def take(self, *, limit: int, now: datetime, keep_until: datetime) -> Sequence[DueNotice]:
        """Take notices that are to be told now; nobody waits for those that others take."""
        with translated():
            connection = self._transaction.connection
            waiting = select(notices.c.id).where(notices.c.next_at <= now).limit(limit)
            ordered = waiting.order_by(notices.c.next_at, notices.c.id)
            if (await connection.execute(ordered.limit(1))).first() is None:
                return []
            await self._transaction.begin_writing()
            locked = ordered.with_for_update(skip_locked=True)
            ids = (await connection.execute(locked)).scalars().all()
            kept = update(notices).where(notices.c.id.in_(ids)).values(next_at=keep_until)
            await connection.execute(kept)
            rows = (await connection.execute(_DUE.where(notices.c.id.in_(ids)))).all()
        return [_due(row) for row in rows]

    async def told(self, notice_id: NoticeId, *, now: datetime) -> None:
        """Note that a notice was told."""
        await self._note(notice_id, next_at=None, ended_at=now, error=None)

    async def put_off(
        self, notice_id: NoticeId, *, until: datetime | None, reason: str, now: datetime
    ) -> None:
        """Note that a notice could not be told."""
        ended_at = now if until is None else None
        await self._note(notice_id, next_at=until, ended_at=ended_at, error=reason)

    async def prune_notices(self, *, before: datetime, limit: int) -> int:
        """Delete notices that were told, or given up, before an instant."""
        old = select(notices.c.id).where(notices.c.ended_at < before).limit(limit)
        with translated():
            ids = (await self._transaction.connection.execute(old)).scalars().all()
            if ids:
                connection = await self._transaction.begin_writing()
                await connection.execute(delete(notices).where(notices.c.id.in_(ids)))
        return len(ids)

    async def _note(self, notice_id: NoticeId, **values: object) -> None:
        connection = await self._transaction.begin_writing()
        statement = update(notices).where(notices.c.id == notice_id)
        with translated():
            await connection.execute(statement.values(tries=notices.c.tries + 1, **values))

    async def _locked(self, tenant: TenantId, alert_id: AlertId) -> Alert:
        connection = await self._transaction.begin_writing()
        statement = select(alerts).where(_meant(tenant, alert_id)).with_for_update()
        with translated():
            row = (await connection.execute(statement)).mappings().one_or_none()
        if row is None:
            raise NotFound("alert", alert_id)
        return alert_from(row)


def _meant(tenant: TenantId, alert_id: AlertId) -> ColumnElement[bool]:
    return and_(alerts.c.tenant == tenant, alerts.c.id == alert_id)


_AGE = (notices.c.at, notices.c.id)
_DUE = (
    select(
        notices,
        alerts,
        endpoints.c.name.label("endpoint_name"),
        jobs.c.name.label("job_name"),
    )
    .join(alerts, alerts.c.id == notices.c.alert_id)
    .outerjoin(endpoints, endpoints.c.id == notices.c.endpoint_id)
    .outerjoin(jobs, jobs.c.id == endpoints.c.job_id)
    .order_by(notices.c.at, notices.c.id)
)


def _due(row: Row[Any]) -> DueNotice:
    columns = row._mapping  # noqa: SLF001  the documented way to columns of one name in two tables
    return DueNotice(
        notice=notice_from({each.name: columns[each] for each in notices.c}),
        alert=alert_from({each.name: columns[each] for each in alerts.c}),
        tries=columns[notices.c.tries],
        endpoint_name=columns["endpoint_name"],
        job_name=columns["job_name"],
    )
