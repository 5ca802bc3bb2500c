"""Writes what is to be told of what happens, in the transaction in which it happens."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from cronicorn_domain.identity import AlertId, JobId
from cronicorn_domain.model.alert import Alert, Happening, Notice
from cronicorn_domain.policies.alerting import telling_of
from sqlalchemy import and_, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.mapping_alerts import alert_from, values_of_notice
from cronicorn_adapter_sql.tables import alert_streaks, alerts, endpoints, notices


async def keep_notices(connection: AsyncConnection, happenings: Sequence[Happening]) -> None:
    """
    Keep the notices of what has happened to locked endpoints.

    One question tells whether anybody wants to know anything; only then is more asked.
    """
    if not happenings:
        return
    wanted = await _alerts_of(connection, happenings)
    if not wanted:
        return
    ids = [each.endpoint_id for each in happenings]
    jobs, told = await _jobs_of(connection, ids), await _told(connection, ids)
    written: list[Notice] = []
    for each in happenings:
        if each.endpoint_id not in jobs:
            continue
        telling = telling_of(
            each,
            job_id=jobs[each.endpoint_id],
            alerts=wanted[each.tenant],
            told=told[each.endpoint_id],
        )
        written += telling.notices
        for alert_id in telling.ended:
            await connection.execute(
                delete(alert_streaks).where(
                    and_(
                        alert_streaks.c.endpoint_id == each.endpoint_id,
                        alert_streaks.c.alert_id == alert_id,
                    )
                )
            )
        for alert_id in telling.begun:
            streak = {"alert_id": alert_id, "endpoint_id": each.endpoint_id, "at": each.at}
            await connection.execute(insert(alert_streaks).values(streak))
    if written:
        await connection.execute(insert(notices), [values_of_notice(each) for each in written])


async def _alerts_of(
    connection: AsyncConnection, happenings: Sequence[Happening]
) -> dict[UUID, list[Alert]]:
    """Read the alerts of those tenants; locked, so that none goes while its notice is written."""
    dialect = connection.dialect.name
    tenants = sorted({each.tenant for each in happenings})
    statement = (
        select(alerts)
        .where(among(alerts.c.tenant, "tenants", dialect=dialect))
        .order_by(alerts.c.id)
        .with_for_update(key_share=True, read=True)
    )
    found: dict[UUID, list[Alert]] = defaultdict(list)
    for row in (await connection.execute(statement, {"tenants": tenants})).mappings():
        found[row["tenant"]].append(alert_from(row))
    return found


async def _jobs_of(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, JobId]:
    known = select(endpoints.c.id, endpoints.c.job_id).where(
        among(endpoints.c.id, "ids", dialect=connection.dialect.name)
    )
    return {row.id: JobId(row.job_id) for row in await connection.execute(known, {"ids": ids})}


async def _told(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, list[AlertId]]:
    standing = select(alert_streaks).where(
        among(alert_streaks.c.endpoint_id, "ids", dialect=connection.dialect.name)
    )
    told: dict[UUID, list[AlertId]] = defaultdict(list)
    for row in await connection.execute(standing, {"ids": ids}):
        told[row.endpoint_id].append(AlertId(row.alert_id))
    return told
