"""Read alerts."""

from cronicorn_domain.identity import AlertId, NoticeId
from cronicorn_domain.model.alert import Alert, KeptNotice

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit, page_of


async def read_alert(work: Reading, alert_id: AlertId) -> Alert:
    """Return an alert. Raises ``NotFound``."""
    return await work.alerts.get(work.tenant, alert_id)


async def list_alerts(
    work: Reading, *, limit: int = PAGE_USUAL, after: AlertId | None = None
) -> Page[Alert]:
    """Return the tenant's alerts, the oldest first."""
    found = await work.alerts.list_alerts(work.tenant, limit=check_limit(limit), after=after)
    return page_of(found, limit)


async def list_notices(
    work: Reading, alert_id: AlertId, *, limit: int = PAGE_USUAL, before: NoticeId | None = None
) -> Page[KeptNotice]:
    """
    Return what an alert has told, and what it still has to, the newest first.

    Of those that have ended what is older than some weeks is gone. Raises ``NotFound``.
    """
    found = await work.alerts.list_notices(
        work.tenant, alert_id, limit=check_limit(limit), before=before
    )
    return page_of(found, limit)
