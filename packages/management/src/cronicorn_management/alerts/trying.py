"""Try an alert."""

from cronicorn_domain.identity import AlertId, NoticeId, new_uuid
from cronicorn_domain.model.alert import Notice, Occasion

from cronicorn_management.desk import Changing


async def try_alert(work: Changing, alert_id: AlertId) -> None:
    """Have an alert tell that somebody tries it, as it tells everything. Raises ``NotFound``."""
    await work.alerts.put(
        Notice(
            id=NoticeId(new_uuid()),
            alert_id=alert_id,
            tenant=work.tenant,
            occasion=Occasion.TEST,
            at=work.now,
            message=f"{work.caller.actor} tries this alert",
        )
    )
