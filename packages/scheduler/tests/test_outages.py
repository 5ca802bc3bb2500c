"""Outages: told once, met with growing pauses, and nothing else is swallowed."""

from datetime import timedelta
from random import Random

import pytest
from cronicorn_domain.errors import StoreRefused, StoreUnavailable
from cronicorn_scheduler.outages import Backoff, Outages

BACKOFF = Backoff(first=timedelta(seconds=1), most=timedelta(seconds=8), chance=Random(3))


@pytest.mark.parametrize(
    ("failures", "least", "most"), [(1, 0.5, 1), (2, 1, 2), (4, 4, 8), (5, 4, 8), (10_000, 4, 8)]
)
def test_pauses_double_up_to_a_limit(failures, least, most):
    """Each failure doubles the pause, up to the limit; by chance it is up to a half shorter."""
    pauses = [BACKOFF.pause(failures).total_seconds() for _ in range(200)]

    assert least <= min(pauses) < max(pauses) <= most
    assert max(pauses) - min(pauses) > (most - least) / 2


async def test_an_outage_is_over_when_all_are_answered(rig, told):
    """It begins with the first part that gets no answer and ends with the last that gets one."""
    outages = Outages(clock=rig.clock, observer=told, backoff=BACKOFF)
    one, two = outages.line("one"), outages.line("two")

    for line in (one, two, one):
        async with line:
            raise StoreUnavailable
    async with one:
        pass
    assert told.names() == ["store_unavailable"]
    async with two:
        pass

    assert told.names() == ["store_unavailable", "store_recovered"]
    assert told.events[0].part == "one"


async def test_a_part_at_rest_prolongs_no_outage(rig, told):
    """A part that has nothing more to ask does not have to be answered first."""
    outages = Outages(clock=rig.clock, observer=told, backoff=BACKOFF)
    line = outages.line("one")

    async with line:
        raise StoreUnavailable
    line.rest()

    assert told.names() == ["store_unavailable", "store_recovered"]


async def test_a_second_outage_is_told_again(rig, told):
    """Each outage has a beginning and an end, and patience begins anew with it."""
    outages = Outages(clock=rig.clock, observer=told, backoff=BACKOFF)
    line = outages.line("one")

    for _ in range(2):
        begun = rig.elapsed()
        async with line:
            raise StoreUnavailable
        assert rig.elapsed() - begun <= 1
        async with line:
            pass

    assert told.names() == ["store_unavailable", "store_recovered"] * 2


async def test_only_outages_are_swallowed(rig, told):
    """Any other error goes through, and is no outage."""
    outages = Outages(clock=rig.clock, observer=told, backoff=BACKOFF)

    with pytest.raises(StoreRefused):
        async with outages.line("one"):
            raise StoreRefused

    assert told.events == []


class Told:
    """What an observer was told."""

    def __init__(self):
        self.events = []

    def record(self, event):
        self.events.append(event)

    def names(self):
        return [event.name for event in self.events]


@pytest.fixture
def told():
    """Return an observer that keeps everything."""
    return Told()
