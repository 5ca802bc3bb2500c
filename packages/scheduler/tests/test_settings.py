"""Settings: numbers with which leases would be lost or nothing would run are refused."""

from dataclasses import FrozenInstanceError
from datetime import timedelta

import pytest
from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import WorkerId
from cronicorn_scheduler.settings import SchedulerSettings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("concurrency", 0),
        ("claim_batch", 0),
        ("batch", -1),
        ("prune_batch", 0),
        ("failures_most", 0),
        ("claim_pause", timedelta()),
        ("idle_ceiling", timedelta()),
        ("reap_every", timedelta()),
        ("renew_every", timedelta(seconds=6)),
        ("retry_first", timedelta()),
        ("drain_grace", timedelta(seconds=-1)),
        ("settle_window", timedelta(seconds=-1)),
        ("retention", timedelta()),
    ],
)
def test_impossible_numbers_are_refused(field, value):
    """A number that cannot work is refused with the name of its field."""
    with pytest.raises(InvalidInput) as refused:
        SchedulerSettings(worker=WorkerId("one"), **{field: value})

    assert refused.value.field == field
    assert refused.value.remedy


def test_the_defaults_hold_together():
    """By default a lease survives two failed renewals, and reaping stays within two seconds."""
    settings = SchedulerSettings(worker=WorkerId("one"))

    assert settings.renew_every * 3 < settings.lease
    assert settings.reap_every < timedelta(seconds=2)
    assert settings.retry_most < settings.reap_reprieve


def test_settings_do_not_change():
    """What a scheduler was given stays as it is."""
    settings = SchedulerSettings(worker=WorkerId("one"))

    with pytest.raises(FrozenInstanceError):
        settings.concurrency = 5  # type: ignore[misc]
