"""What is told, and how often it is tried."""

from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId, JobId, new_uuid
from cronicorn_domain.model.alert import Email, Happening, Occasion, Webhook
from cronicorn_domain.policies.alerting import TRIES_MOST, next_try, telling_of
from cronicorn_domain.testing.builders import EPOCH, HOUR, SECOND, an_alert

JOB = JobId(new_uuid())


def a_happening(occasion: Occasion, failures: int = 0, message: str | None = None) -> Happening:
    """Return something about an endpoint of the default tenant."""
    return Happening(
        occasion=occasion,
        tenant=an_alert().tenant,
        endpoint_id=EndpointId(new_uuid()),
        at=EPOCH,
        failures=failures,
        message=message,
    )


def test_who_has_told_of_a_streak_tells_of_its_end() -> None:
    """And nobody else, though it would have wanted to."""
    told, quiet = an_alert(threshold=2), an_alert(threshold=9)

    telling = telling_of(
        a_happening(Occasion.RECOVERED, 5), job_id=JOB, alerts=[told, quiet], told=[told.id]
    )

    assert [each.alert_id for each in telling.notices] == [told.id]
    assert telling.ended == {told.id}


def test_a_streak_is_remembered_by_who_tells_its_end_alone() -> None:
    """An alert about recoveries says nothing of the streak, and knows of it."""
    alert = an_alert(threshold=1, occasions=frozenset({Occasion.RECOVERED}))

    telling = telling_of(a_happening(Occasion.FAILING, 1), job_id=JOB, alerts=[alert], told=[])

    assert telling.notices == ()
    assert telling.begun == {alert.id}


def test_a_long_message_is_cut() -> None:
    """A page of a target's HTML is no message."""
    (notice,) = telling_of(
        a_happening(Occasion.QUARANTINED, message="x" * 10_000),
        job_id=JOB,
        alerts=[an_alert()],
        told=[],
    ).notices

    assert notice.message == "x" * 500


def test_waits_double_up_to_an_hour_and_end() -> None:
    """After some hours a notice is old news."""
    waits = []
    for tries in range(1, TRIES_MOST):
        again = next_try(tries, EPOCH)
        assert again is not None
        waits.append(again - EPOCH)

    assert waits[:3] == [10 * SECOND, 20 * SECOND, 40 * SECOND]
    assert max(waits) == HOUR
    assert timedelta(hours=2) < sum(waits, timedelta()) < timedelta(hours=6)
    assert next_try(TRIES_MOST, EPOCH) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@example.org, bob@example.org",
        "Ada <ada@example.org>",
        "ada@example.org\nBcc: eve@example.org",
        f"{'a' * 250}@example.org",
    ],
)
def test_a_letter_has_one_address(address: str) -> None:
    """Nothing else of it could become a header."""
    with pytest.raises(InvalidInput):
        Email(address)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"threshold": 0},
        {"threshold": 1001},
        {"occasions": frozenset()},
        {"occasions": frozenset({Occasion.TEST})},
    ],
)
def test_an_alert_that_could_tell_nothing_is_refused(changes) -> None:
    """It has a name, an occasion, and a threshold that can be reached."""
    with pytest.raises(InvalidInput):
        an_alert(**changes)


def test_a_webhook_has_a_url() -> None:
    """One that a store can hold."""
    for url in ("", f"http://{'x' * 2048}"):
        with pytest.raises(InvalidInput):
            Webhook(url)
