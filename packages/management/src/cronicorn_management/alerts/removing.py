"""Remove an alert."""

from cronicorn_domain.identity import AlertId

from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note


async def remove_alert(work: Changing, alert_id: AlertId) -> None:
    """Forget an alert and what it had still to tell. Raises ``NotFound``."""
    alert = await work.alerts.remove(work.tenant, alert_id)
    await note(work, Deed.REMOVE, alert)
