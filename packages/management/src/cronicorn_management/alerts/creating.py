"""Create an alert."""

from cronicorn_domain.errors import LimitReached
from cronicorn_domain.model.alert import Alert

from cronicorn_management.alerts.settings import AlertSettings, judged_alert
from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note

ALERTS_MOST = 50
"""So many a tenant may have: what happens is held against each."""


async def create_alert(work: Changing, settings: AlertSettings) -> Alert:
    """
    Create an alert; it tells what happens from then on.

    Raises:
        InvalidInput: it cannot be as it is given.
        NotFound: there is no such job.
        LimitReached: the tenant has as many as it may have.
    """
    alert = await judged_alert(work, settings, None)
    if len(await work.alerts.list_alerts(work.tenant, limit=ALERTS_MOST)) == ALERTS_MOST:
        raise LimitReached("alerts", limit=ALERTS_MOST)
    await work.alerts.add(alert)
    await note(work, Deed.CREATE, alert)
    return alert
