"""Try an alert."""

from datetime import timedelta
from typing import Final

from cronicorn_domain.identity import AlertId, NoticeId, new_uuid
from cronicorn_domain.model.alert import Notice, Occasion
from cronicorn_domain.model.api_key import Scope
from cronicorn_domain.model.rate import Rate

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk

RATE: Final = Rate(count=10, per=timedelta(minutes=1))
"""So often a tenant may try its alerts: each trial is a letter, or a call, to whomever it names."""


async def try_alert(desk: Desk, caller: Caller, alert_id: AlertId) -> None:
    """
    Have an alert tell that somebody tries it, as it tells everything.

    Raises ``NotAllowed``, ``NotFound``; ``TooManyRequests``: alerts were tried too often.
    """
    caller.check(Scope.WRITE)
    (await desk.throttle.ask(f"alert trials of {caller.tenant}", RATE)).check()
    async with desk.changing(caller) as work:
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
