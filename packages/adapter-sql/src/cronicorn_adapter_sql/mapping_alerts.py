"""Alerts and notices, and their rows."""

from typing import assert_never

from cronicorn_domain.errors import UnreadableRow
from cronicorn_domain.identity import AlertId, EndpointId, JobId, NoticeId, TenantId
from cronicorn_domain.model.alert import Alert, Email, KeptNotice, Notice, Occasion, Way, Webhook

from cronicorn_adapter_sql.mapping_jobs import Columns, Values


def values_of_alert(alert: Alert) -> Values:
    """Return the values of an alert's row."""
    return {
        "id": alert.id,
        "tenant": alert.tenant,
        "name": alert.name,
        "job_id": alert.job_id,
        **_values_of_way(alert.way),
        "occasions": " ".join(sorted(alert.occasions)),
        "threshold": alert.threshold,
        "enabled": alert.enabled,
        "created_at": alert.created_at,
        "updated_at": alert.updated_at,
    }


def alert_from(row: Columns) -> Alert:
    """Return the alert of a row. Raises ``UnreadableRow``."""
    try:
        return Alert(
            id=AlertId(row["id"]),
            tenant=TenantId(row["tenant"]),
            name=row["name"],
            job_id=None if row["job_id"] is None else JobId(row["job_id"]),
            way=_way_from(row),
            occasions=frozenset(map(Occasion, row["occasions"].split())),
            threshold=row["threshold"],
            enabled=row["enabled"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )
    except ValueError as error:
        raise UnreadableRow(f"alert {row['id']}", str(error)) from error


def values_of_notice(notice: Notice) -> Values:
    """Return the values of the row of a notice that is to be told at once."""
    return {
        "id": notice.id,
        "alert_id": notice.alert_id,
        "tenant": notice.tenant,
        "occasion": notice.occasion.value,
        "at": notice.at,
        "endpoint_id": notice.endpoint_id,
        "failures": notice.failures,
        "message": notice.message,
        "tries": 0,
        "next_at": notice.at,
    }


def notice_from(row: Columns) -> Notice:
    """Return the notice of a row."""
    endpoint_id = row["endpoint_id"]
    return Notice(
        id=NoticeId(row["id"]),
        alert_id=AlertId(row["alert_id"]),
        tenant=TenantId(row["tenant"]),
        occasion=Occasion(row["occasion"]),
        at=row["at"],
        endpoint_id=None if endpoint_id is None else EndpointId(endpoint_id),
        failures=row["failures"],
        message=row["message"],
    )


def kept_notice_from(row: Columns) -> KeptNotice:
    """Return the notice of a row, and what came of it."""
    return KeptNotice(
        notice=notice_from(row),
        tries=row["tries"],
        next_at=row["next_at"],
        ended_at=row["ended_at"],
        error=row["error"],
    )


def _values_of_way(way: Way) -> Values:
    match way:
        case Webhook(url=url):
            return {"way": "webhook", "target": url}
        case Email(to=to):
            return {"way": "email", "target": to}
        case _:
            assert_never(way)


def _way_from(row: Columns) -> Way:
    return Webhook(row["target"]) if row["way"] == "webhook" else Email(row["target"])
