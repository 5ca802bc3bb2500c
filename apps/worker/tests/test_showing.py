"""Who watches gets a live view; who does not gets lines; either way there is a summary."""

import asyncio
from collections import Counter
from io import StringIO
from typing import Any

import pytest
from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.testing.builders import EPOCH, SECOND, a_job, an_endpoint
from cronicorn_worker.settings import read_settings
from cronicorn_worker.watching.showing import LiveShow, LogShow, open_show
from cronicorn_worker.watching.slots_not_run import SlotsNotRun
from cronicorn_worker.watching.summary import Summary
from cronicorn_worker.watching.tally import Tally
from rich.console import Console


@pytest.mark.usefixtures("bare", "logging_as_before")
@pytest.mark.parametrize(
    ("terminal", "given", "chosen"),
    [
        ("1", {}, LiveShow),
        ("1", {"log_format": "console"}, LogShow),
        ("1", {"log_format": "json"}, LogShow),
        ("", {}, LogShow),
    ],
)
def test_the_live_view_is_for_terminals(
    monkeypatch: pytest.MonkeyPatch, terminal: str, given: dict[str, object], chosen: type
) -> None:
    """Lines are chosen by asking for a format, and wherever nobody could see a view."""
    monkeypatch.setenv("FORCE_COLOR", terminal)
    monkeypatch.setenv("TERM", "xterm")

    show = open_show(read_settings(given), store="cronicorn.db", clock=ManualClock(EPOCH))

    assert type(show) is chosen


async def settled() -> None:
    """Let everything that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_live_view_follows_the_store_and_the_events(runs: Any) -> None:
    """Endpoints are looked up when something happens; phase, notices and marks show at once."""
    units, clock = MemoryUnitsOfWork(MemoryStore()), ManualClock(EPOCH)
    job = a_job()
    endpoint = an_endpoint(job, "health")
    screen = StringIO()
    console = Console(file=screen, width=90, height=24, force_terminal=True, color_system=None)
    show = LiveShow(console, title="Cronicorn", store="cronicorn.db", clock=clock)
    keeping = asyncio.create_task(show.keep_up(units, clock, DEFAULT_TENANT))
    await settled()
    async with units.begin() as unit:
        await unit.catalog.add_job(job)
        await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()

    show.record(runs.settled(runs.claimed(endpoint=endpoint)))
    show.tell("jobs_applied", {"created": 2})
    show.tell_phase("surge", "a flash sale opens")
    for _ in range(3):
        clock.advance(SECOND)
        await settled()
    keeping.cancel()
    await asyncio.wait([keeping])
    show.conclude(
        Summary(worked_for=SECOND, tally=show.tally, not_run=SlotsNotRun(counts=Counter()))
    )

    shown = screen.getvalue()
    assert keeping.cancelled()
    for part in ("health", "every 1 min", "●", "surge: a flash sale opens", "created 2"):
        assert part in shown
    assert "Summary" in shown
    assert "runs         1: 1 success" in shown


@pytest.mark.usefixtures("bare", "logging_as_before")
def test_a_reader_that_goes_away_stops_nothing(monkeypatch: pytest.MonkeyPatch, runs: Any) -> None:
    """`| head` ends the lines, not the work."""
    monkeypatch.setattr("sys.stdout", GoneAway())
    show = open_show(read_settings({}), store="cronicorn.db", clock=ManualClock(EPOCH))

    show.record(runs.settled(runs.claimed()))
    show.conclude(Summary(worked_for=SECOND, tally=Tally(), not_run=None))

    assert show.tally.settled == 1


class GoneAway(StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        """Fail as such a pipe does."""
        raise BrokenPipeError(text)
