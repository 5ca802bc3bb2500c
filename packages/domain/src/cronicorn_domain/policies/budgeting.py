"""Decides when it is worth telling that a month's quota is nearly used up, and that it is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import uuid5

from cronicorn_domain.identity import NoticeId
from cronicorn_domain.model.alert import Alert, Notice, Occasion
from cronicorn_domain.model.quota import Meter, Standing

LEVELS: Final = (100, 80)
"""So many hundredths of a quota are told of, the most first; each once in a month."""


def budget_notices(
    alert: Alert, meter: Meter, standing: Standing, *, now: datetime
) -> Sequence[Notice]:
    """
    Return what an alert tells of a month as it stands: the highest level that was reached, if any.

    A notice has the same id whoever makes it, and however often: of an alert, a month, a meter and
    a level there is one.
    """
    if not standing.limit or not alert.is_about_budget:
        return ()
    reached = [each for each in LEVELS if standing.used * 100 >= standing.limit * each]
    return [_notice(alert, meter, standing, level, now) for level in reached[:1]]


def _notice(alert: Alert, meter: Meter, standing: Standing, level: int, now: datetime) -> Notice:
    begins, ends = standing.month.begins, standing.month.ends
    what = f"{meter.value}: {standing.used:,} of {standing.limit:,}"
    told = "used up" if level == max(LEVELS) else f"used to {level} %"
    return Notice(
        id=NoticeId(uuid5(alert.id, f"{begins:%Y-%m} {meter.value} {level}")),
        alert_id=alert.id,
        tenant=alert.tenant,
        occasion=Occasion.BUDGET,
        at=now,
        message=f"this month's quota is {told}: {what}; the next month begins {ends:%Y-%m-%d}",
    )
