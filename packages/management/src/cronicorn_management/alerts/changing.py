"""Change an alert."""

from dataclasses import replace

from cronicorn_domain.identity import AlertId
from cronicorn_domain.model.alert import Alert

from cronicorn_management.alerts.settings import (
    AlertChanges,
    changed_alert,
    judged_alert,
    settings_of_alert,
)
from cronicorn_management.desk import Changing
from cronicorn_management.noting import Deed, note


async def change_alert(work: Changing, alert_id: AlertId, changes: AlertChanges) -> Alert:
    """
    Change some members of an alert, and return it; every rule holds for the result.

    Writing what already stands changes nothing.

    Raises:
        NotFound: there is no such alert, or no such job.
        InvalidInput: it cannot be as it is given.
    """
    stands = await work.alerts.get(work.tenant, alert_id)
    settings = changed_alert(settings_of_alert(stands), changes)
    alert = await judged_alert(work, settings, stands)
    if replace(alert, updated_at=stands.updated_at) == stands:
        return stands
    await work.alerts.change(alert)
    await note(work, Deed.CHANGE, alert)
    return alert
