"""When it is told that a month's quota is nearly used up, and that it is."""

from dataclasses import replace

import pytest
from cronicorn_domain.identity import JobId, new_uuid
from cronicorn_domain.model.alert import Occasion
from cronicorn_domain.model.quota import Meter, Standing
from cronicorn_domain.policies.budgeting import budget_notices
from cronicorn_domain.policies.quotas import month_of
from cronicorn_domain.testing.builders import DAY, EPOCH, an_alert

ALERT = an_alert()


def standing(used: int, limit: int | None = 500) -> Standing:
    """Return where a tenant stands in the month of the tests."""
    return Standing(used=used, held=0, limit=limit, month=month_of(EPOCH))


@pytest.mark.parametrize(
    ("used", "told"),
    [(0, None), (399, None), (400, "80 %"), (499, "80 %"), (500, "used up"), (9000, "used up")],
)
def test_it_is_told_when_a_level_is_reached(used: int, told: str | None) -> None:
    """Equal is reached, and of two levels the higher is told."""
    notices = budget_notices(ALERT, Meter.RUNS, standing(used), now=EPOCH)

    assert len(notices) == (0 if told is None else 1)
    assert all(told in str(each.message) for each in notices if told)


def test_a_notice_says_what_was_used_of_what() -> None:
    """And when there is more; it is about no endpoint."""
    (notice,) = budget_notices(ALERT, Meter.TOKENS, standing(1000, 1000), now=EPOCH)

    assert notice.message == (
        "this month's quota is used up: tokens: 1,000 of 1,000; the next month begins 2025-02-01"
    )
    assert (notice.occasion, notice.endpoint_id, notice.tenant) == (
        Occasion.BUDGET,
        None,
        ALERT.tenant,
    )


def test_a_month_is_told_of_once_by_each_alert() -> None:
    """By its id, whoever makes the notice; another month, meter, level or alert is another."""
    later, next_month = standing(450), replace(standing(450), month=month_of(EPOCH + 40 * DAY))

    def told(alert=ALERT, meter=Meter.RUNS, of=later):
        return budget_notices(alert, meter, of, now=EPOCH + DAY)[0].id

    assert told() == budget_notices(ALERT, Meter.RUNS, standing(400), now=EPOCH)[0].id
    others = {
        told(meter=Meter.TOKENS),
        told(of=standing(500)),
        told(of=next_month),
        told(alert=an_alert()),
    }
    assert len({told(), *others}) == 5


@pytest.mark.parametrize(
    "alert",
    [
        replace(ALERT, enabled=False),
        replace(ALERT, job_id=JobId(new_uuid())),
        replace(ALERT, occasions=frozenset({Occasion.FAILING})),
    ],
    ids=["still", "of a job", "of failures"],
)
def test_who_did_not_want_to_know_is_not_told(alert) -> None:
    """Nor is anybody of what has no limit, or allows nothing."""
    assert not budget_notices(alert, Meter.RUNS, standing(500), now=EPOCH)
    for limit in (None, 0):
        assert not budget_notices(ALERT, Meter.RUNS, standing(500, limit), now=EPOCH)
