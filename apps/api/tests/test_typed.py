"""The form of an endpoint: what is typed becomes settings, and what nobody touched stays."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cronicorn_api.pages.editing.typed import settings_in, typed_of
from cronicorn_domain.model.endpoint import Bounds, Header, HttpRequest, Limits
from cronicorn_domain.schedules.zones import zone
from cronicorn_domain.testing.builders import HOUR, MINUTE, a_job, an_endpoint, cron, every, once
from cronicorn_management.masking import MASK
from cronicorn_management.settings import settings_of

BERLIN = zone("Europe/Berlin")
SECOND_PASS = datetime.fromisoformat("2025-10-26T01:30:00.250+00:00")
"""Half past two for the second time that day, in Berlin, and a quarter of a second."""


@pytest.mark.parametrize(
    "schedule", [every(90 * MINUTE + timedelta(milliseconds=1)), cron("@daily"), once(SECOND_PASS)]
)
def test_what_nobody_touched_stays_to_the_letter(schedule) -> None:
    """Instants that a field cannot tell, sizes between two, line ends: saved as they stood."""
    endpoint = an_endpoint(
        a_job(),
        schedule=schedule,
        bounds=Bounds(starts_at=SECOND_PASS, ends_at=SECOND_PASS + HOUR),
        request=HttpRequest(
            url="http://shop.example",
            body="one\r\ntwo",
            headers=(Header(name="Authorization", value="hush"),),
        ),
    )
    endpoint = replace(endpoint, limits=Limits(response_size=10 * 1024 * 1024 - 1))
    stands, shown = settings_of(endpoint), typed_of(endpoint, BERLIN)
    browser = replace(
        shown, values={**shown.values, "body": shown.get("body").replace("\n", "\r\n")}
    )

    settings, faults = settings_in(browser, BERLIN, stands=stands, shown=shown)

    assert not faults
    assert settings is not None
    assert replace(settings, headers=()) == replace(stands, headers=())
    assert [(each.name, each.value) for each in settings.headers] == [("Authorization", MASK)]


def test_another_kind_of_schedule_replaces_the_one_there_was() -> None:
    """And what only that one could have goes with it."""
    endpoint = an_endpoint(a_job(), schedule=cron("0 3 * * *", timezone="Europe/Berlin"))
    shown = typed_of(endpoint, BERLIN)
    typed = replace(shown, values={**shown.values, "kind": "interval", "every": "2 h"})

    settings, _ = settings_in(typed, BERLIN, stands=settings_of(endpoint), shown=shown)

    assert settings is not None
    assert (settings.every, settings.cron, settings.timezone) == (2 * HOUR, None, None)


def test_every_fault_is_found_at_once() -> None:
    """Each at its own field."""
    typed = replace(
        typed_of(None, BERLIN),
        values={"kind": "cron", "cron": "", "min": "5", "max_runs": "x", "starts_at": "soon"},
    )

    settings, faults = settings_in(typed, BERLIN)

    assert settings is None
    assert {each.field for each in faults} == {"cron", "min", "max_runs", "starts_at"}
