"""A loop without a pause is told from tries in pauses that grow."""

import pytest

from tools.soak.faults import FAULTS
from tools.soak.raving import ravings

NAMED = {fault.name: fault for fault in FAULTS}


@pytest.mark.parametrize(
    ("name", "outages", "troubles", "connections"),
    [
        ("none", 0, 11, 0),
        ("database restarted", 2, 14, 0),
        ("postmaster killed", 3, 15, 0),
        ("backends terminated", 40, 90, 0),
        ("network cut", 2, 12, 72),
        ("network stalled", 1, 11, 20),
    ],
)
def test_growing_pauses_are_no_raving(
    name: str, outages: int, troubles: int, connections: int
) -> None:
    """What workers do in five seconds of a fault, each outage told once, is as it should be."""
    counted = {"outages": outages, "troubles": troubles, "connections": connections}

    assert list(ravings(NAMED[name], 5.0, **counted)) == []


@pytest.mark.parametrize(
    ("name", "outages", "troubles", "connections"),
    [
        ("database restarted", 10, 30, 0),  # an outage is told twice a second
        ("database restarted", 2, 34, 0),  # each part says it twice a second
        ("backends terminated", 200, 400, 0),
        ("network cut", 2, 12, 220),  # four parts of two workers ask five times a second
    ],
)
def test_going_round_without_a_pause_is_found(
    name: str, outages: int, troubles: int, connections: int
) -> None:
    """Also where the pause does not grow, or what is known is said again."""
    counted = {"outages": outages, "troubles": troubles, "connections": connections}

    assert len(list(ravings(NAMED[name], 5.0, **counted))) == 1
