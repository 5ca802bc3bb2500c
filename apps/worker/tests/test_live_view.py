"""The live view fits a terminal and says what runs next, why, and how it went."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from io import BytesIO, StringIO, TextIOWrapper
from typing import Any

import pytest
from cronicorn_adapter_memory.clock import ManualClock
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import DEFAULT_TENANT, EndpointId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Bounds, Endpoint, Pause
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.run import Failed, FailureKind
from cronicorn_domain.ports.unit_of_work import UnitsOfWork
from cronicorn_domain.testing.builders import EPOCH, SECOND, a_job, an_endpoint, cron, once
from cronicorn_scheduler.observing import (
    EndpointQuarantined,
    LeaseWasLost,
    ReleaseReason,
    RunReleased,
    StoreWentAway,
)
from cronicorn_worker.watching.board import Board, Standing
from cronicorn_worker.watching.live_view import drawn, keep_drawing
from cronicorn_worker.watching.standings import standings
from cronicorn_worker.watching.tally import Tally
from rich.cells import cell_len
from rich.console import Console


def a_board() -> Board:
    """Return an empty board that was begun at the epoch."""
    return Board(title="Cronicorn", store="cronicorn.db", began=EPOCH, tally=Tally())


def screen(board: Board, *, width: int = 80, height: int = 24, after: timedelta = SECOND) -> str:
    """Return what a terminal of this size shows."""
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(drawn(board, EPOCH + after, console))
    return capture.get()


async def a_store(*endpoints: Endpoint, job: Job) -> UnitsOfWork:
    """Return a store with the endpoints of a job."""
    units = MemoryUnitsOfWork(MemoryStore())
    async with units.begin() as unit:
        await unit.catalog.add_job(job)
        for endpoint in endpoints:
            await unit.catalog.add_endpoint(endpoint, now=EPOCH)
        await unit.commit()
    return units


async def looked_up(units: UnitsOfWork, *, limit: int = 20) -> list[Standing]:
    """Return the standings at the epoch."""
    found, _ = await standings(units, ManualClock(EPOCH), DEFAULT_TENANT, limit=limit)
    return list(found)


def row_of(name: str, shown: str) -> str:
    """Return the only row of an endpoint, its blanks made single."""
    (row,) = [line for line in shown.splitlines() if line.startswith(name)]
    return " ".join(row.split())


async def test_a_row_says_what_runs_next_and_why() -> None:
    """Name, state, time left and reason, straight from the decision that stands."""
    job = a_job()
    endpoints = [
        an_endpoint(job, "health"),
        an_endpoint(job, "nightly", schedule=cron("0 0 * * *")),
        an_endpoint(job, "launch", schedule=once(EPOCH + 5 * SECOND)),
    ]
    board = a_board()
    board.standings = await looked_up(await a_store(*endpoints, job=job))

    shown = screen(board)

    assert row_of("health", shown) == "health active 59s every 1 min"
    assert row_of("nightly", shown) == "nightly active 11h59m cron 0 0 * * * (UTC)"
    assert row_of("launch", shown).startswith("launch active 4.0 s once, at 2025-01-01 12:00:05")


async def test_outcomes_are_marks_in_order(runs: Any) -> None:
    """The latest ten, the newest last, each with a shape of its own; the legend names them."""
    job = a_job()
    endpoint = an_endpoint(job, "health")
    board = a_board()
    board.standings = await looked_up(await a_store(endpoint, job=job))
    timeout = Failed(kind=FailureKind.TIMEOUT, message="timed out")
    for outcome in [timeout, *[None] * 9, timeout, None]:
        event = runs.settled(runs.claimed(endpoint=endpoint), outcome)
        board.record(event)
        board.tally.record(event)

    shown = screen(board)

    assert "●●●●●●●●◔●" in row_of("health", shown)
    assert "●●●●●●●●●◔●" not in shown
    assert "● success  ◔ timeout" in shown
    assert "12 runs, 2 not well" in shown


async def test_a_run_under_way_is_shown_until_it_ends(runs: Any) -> None:
    """Started, then settled, lost or given back: the row follows."""
    job = a_job()
    endpoint = an_endpoint(job, "health")
    board = a_board()
    board.standings = await looked_up(await a_store(endpoint, job=job))
    run = runs.claimed(endpoint=endpoint)
    states = []
    for event in (
        runs.started(run),
        LeaseWasLost(run=run),
        runs.started(run),
        RunReleased(run=run, reason=ReleaseReason.STOPPING),
    ):
        board.record(event)
        states.append(row_of("health", screen(board)).split()[1])

    assert states == ["running", "active", "running", "active"]
    assert "?" in row_of("health", screen(board))


async def test_what_hinders_an_endpoint_is_its_state() -> None:
    """A paused and a finished one show as what they are; an archived one not at all."""
    job = a_job()
    paused, finished, archived = (an_endpoint(job, name) for name in ("paused", "over", "gone"))
    finished = replace(finished, schedule=once(EPOCH), bounds=Bounds(ends_at=EPOCH - SECOND))
    units = await a_store(paused, finished, archived, job=job)
    async with units.begin() as unit:
        pause = Pause(until=OPEN_ENDED)
        await unit.catalog.pause_endpoint(DEFAULT_TENANT, paused.id, pause, now=EPOCH)
        await unit.catalog.archive_endpoint(DEFAULT_TENANT, archived.id, now=EPOCH)
        await unit.commit()
    board = a_board()
    board.standings = await looked_up(units)

    shown = screen(board)

    assert row_of("paused", shown).startswith("paused paused -")
    assert row_of("over", shown) == "over finished -"
    assert "gone" not in shown


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
async def test_it_fits_every_terminal(runs: Any, width: int) -> None:
    """No line is wider than the terminal, and no more of them than it has."""
    job = a_job("a job whose name is rather long")
    endpoints = [an_endpoint(job, f"endpoint number {n} of this job") for n in range(40)]
    board = a_board()
    board.standings = await looked_up(await a_store(*endpoints, job=job), limit=50)
    board.phase = "failing: " + "the shop's database gives up " * 10
    for endpoint in endpoints:
        board.record(runs.settled(runs.claimed(endpoint=endpoint)))
    for _ in range(9):
        board.record(StoreWentAway(part="claiming", error=StoreUnavailable("no answer " * 50)))

    lines = screen(board, width=width, height=30).splitlines()

    assert max(map(cell_len, lines)) <= width
    assert len(lines) <= 30
    assert any("more endpoints than fit here" in line for line in lines)


async def test_a_wide_terminal_shows_how_late_each_started(runs: Any) -> None:
    """A hundred columns have room for the lateness of the latest start."""
    job = a_job()
    endpoint = an_endpoint(job, "health")
    board = a_board()
    board.standings = await looked_up(await a_store(endpoint, job=job))
    late = timedelta(milliseconds=1.5)
    board.record(runs.started(runs.claimed(endpoint=endpoint), late=late))

    assert "1.5 ms" in row_of("health", screen(board, width=100))
    assert "1.5 ms" not in screen(board, width=80)


async def test_endpoints_of_several_jobs_are_told_apart() -> None:
    """With more than one job each row names its job, too."""
    first, second = a_job("shop"), a_job("office")
    units = await a_store(an_endpoint(first, "health"), job=first)
    async with units.begin() as unit:
        await unit.catalog.add_job(second)
        await unit.catalog.add_endpoint(an_endpoint(second, "health"), now=EPOCH)
        await unit.commit()
    board = a_board()
    board.standings = await looked_up(units)

    shown = screen(board, width=120)

    assert row_of("shop / health", shown)
    assert row_of("office / health", shown)


async def test_what_matters_is_told_below_the_table() -> None:
    """The latest notices: an outage, a quarantine; ordinary events leave none."""
    board = a_board()
    board.record(StoreWentAway(part="claiming", error=StoreUnavailable("no answer")))
    board.record(
        EndpointQuarantined(endpoint_id=EndpointId(new_uuid()), reason="its cron lost a field")
    )

    shown = screen(board, width=160)

    assert "store unavailable: error no answer, part claiming" in shown
    assert "endpoint quarantined: reason its cron lost a field" in shown


def test_a_terminal_without_utf_8_gets_letters(runs: Any) -> None:
    """Marks have a plain form, so that nothing turns into question marks."""
    board = a_board()
    board.tally.record(runs.settled(runs.claimed()))
    console = Console(file=TextIOWrapper(BytesIO(), encoding="ascii"), width=80)
    with console.capture() as capture:
        console.print(drawn(board, EPOCH, console))

    assert "o success" in capture.get()


def test_the_board_remembers_a_bounded_number_of_endpoints(runs: Any) -> None:
    """A million endpoints do not fill the memory of whoever watches."""
    board = a_board()
    for _ in range(1100):
        board.record(runs.started(runs.claimed()))

    assert len(board.traces) == 1000


async def test_it_is_drawn_again_and_again_until_it_is_ended() -> None:
    """A picture every quarter of a second; the last one stays."""
    console = Console(file=StringIO(), width=80, height=24, force_terminal=True)
    clock, board = ManualClock(EPOCH), a_board()
    drawing = asyncio.create_task(keep_drawing(board, console, clock))
    await asyncio.sleep(0)
    board.phase = "surge: a flash sale opens"
    clock.advance(SECOND)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    drawing.cancel()
    await asyncio.wait([drawing])

    assert drawing.cancelled()
    assert "surge: a flash sale opens" in console.file.getvalue()  # type: ignore[attr-defined]
