"""Log lines: one per outcome, under names that last, without anything that was sent."""

import asyncio
import json
import logging
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_domain.model.run import Blocked, Failed, FailureKind, Response
from cronicorn_domain.testing.builders import EPOCH
from cronicorn_scheduler.observing import (
    Event,
    RunBroken,
)
from cronicorn_worker.settings import LogFormat, LogLevel
from cronicorn_worker.watching.log_lines import LogLines, line_of
from cronicorn_worker.watching.log_writer import LogWriter
from cronicorn_worker.watching.plan_lines import PlanLines

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "metrics.md"
ROWS = re.compile(r"^\| (`[a-z_`, ]+`) \| (debug|info|warning|error) \|", re.MULTILINE)
SOURCES = [
    *(ROOT / "apps/worker/src").rglob("*.py"),
    *(ROOT / "packages/scheduler/src").rglob("observing.py"),
    *(ROOT / "packages/planner/src").rglob("telling.py"),
]
SECRET = "hunter2"
"""The secret of the events there are of every kind."""


def test_every_event_has_a_line_with_a_documented_name(every_event: list[Event]) -> None:
    """Someone's alert depends on a name, so each is in the list, with its level."""
    levels = {
        name: level
        for names, level in ROWS.findall(DOCUMENT.read_text("utf-8"))
        for name in re.findall(r"`(\w+)`", names)
    }

    lines = [line_of(event) for event in every_event]

    assert {type(event) for event in every_event} == set(get_args(Event))
    assert {line.name: levels.get(line.name) for line in lines} == {
        line.name: line.level for line in lines
    }


def test_every_documented_name_is_written_somewhere() -> None:
    """The list promises nothing that is not there."""
    source = "".join(path.read_text("utf-8") for path in SOURCES)
    names = [
        name
        for row, _ in ROWS.findall(DOCUMENT.read_text("utf-8"))
        for name in re.findall(r"`(\w+)`", row)
    ]

    assert len(names) == len(set(names)) > 20
    assert [name for name in names if f'"{name}"' not in source] == []


def test_no_line_holds_what_was_sent(every_event: list[Event]) -> None:
    """Trap T43: neither a header's value nor a body nor an error's text gets into a log."""
    lines = [line_of(event) for event in every_event]

    assert SECRET not in repr(lines)


@pytest.mark.parametrize(
    ("outcome", "name", "level", "fields"),
    [
        (None, "run_succeeded", LogLevel.INFO, {"status": 200}),
        (
            Failed(
                kind=FailureKind.HTTP_STATUS,
                message="answered 503",
                response=Response(status_code=503),
            ),
            "run_failed",
            LogLevel.WARNING,
            {"failure": "http_status", "message": "answered 503", "status": 503},
        ),
        (
            Failed(kind=FailureKind.TIMEOUT, message="timed out"),
            "run_failed",
            LogLevel.WARNING,
            {"failure": "timeout", "message": "timed out"},
        ),
        (Blocked(message="private"), "run_blocked", LogLevel.WARNING, {"message": "private"}),
    ],
)
def test_an_outcome_is_one_line(
    runs: Any, outcome: Any, name: str, level: LogLevel, fields: dict[str, object]
) -> None:
    """The outcome, how late and how long, and the ids by which everything else is found."""
    run = runs.claimed("health")

    line = line_of(runs.settled(run, outcome))

    assert (line.name, line.level) == (name, level)
    assert line.fields == {
        "endpoint": "health",
        **fields,
        "late_ms": 1000.0,
        "took_ms": 2000.0,
        "slot": "2025-01-01T12:00:00.000Z",
        "attempt": 1,
        "source": "baseline-interval",
        "endpoint_id": str(run.endpoint.id),
        "run_id": str(run.lease.run_id),
    }


def test_an_error_of_ours_is_told_by_kind_and_place(runs: Any) -> None:
    """Where it was raised says enough to find it."""
    with pytest.raises(ValueError, match="2") as raised:
        int(SECRET)

    line = line_of(RunBroken(run=runs.claimed(), error=raised.value))

    assert str(line.fields["error"]).startswith("ValueError at test_log_lines.py:")


@pytest.mark.usefixtures("logging_as_before")
def test_json_lines_are_one_object_each(capsys: pytest.CaptureFixture[str], runs: Any) -> None:
    """For programs: name, level and time beside the fields; libraries' lines are alike."""
    writer = LogWriter(LogFormat.JSON, LogLevel.INFO)
    lines = LogLines(writer.write, writer.wants)

    lines.record(runs.started(runs.claimed()))
    lines.record(runs.settled(runs.claimed("stock")))
    logging.getLogger("some.library").warning("it %s", "warned")

    ours, library = map(json.loads, capsys.readouterr().out.splitlines())
    assert (ours["event"], ours["level"], ours["endpoint"]) == ("run_succeeded", "info", "stock")
    assert ours["timestamp"].endswith("Z")
    assert (library["event"], library["level"]) == ("it warned", "warning")


@pytest.mark.usefixtures("logging_as_before")
def test_no_text_keeps_a_json_line_from_being_written(capsys: pytest.CaptureFixture[str]) -> None:
    """Half a character, a number beyond all numbers, and what JSON does not know are told, too."""
    odd = {"message": "half \ud800", "number": 1 << 80, "other": {1}}

    LogWriter(LogFormat.JSON, LogLevel.INFO).write(LogLevel.ERROR, "part_failed", odd)

    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["message"], line["number"], line["other"]) == ("half \ud800", 1 << 80, "{1}")
    assert (line["event"], line["level"]) == ("part_failed", "error")


@pytest.mark.usefixtures("logging_as_before")
async def test_lines_of_one_moment_are_written_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each piece holds whole lines and is no longer than a pipe takes at once; none waits long."""
    pieces = Pieces()
    monkeypatch.setattr("sys.stdout", pieces)
    writer = LogWriter(LogFormat.JSON, LogLevel.INFO)
    for number in range(40):
        writer.write(LogLevel.INFO, "run_succeeded", {"number": number, "text": "\u00e4" * 100})

    await asyncio.sleep(0)

    assert [line["number"] for line in map(json.loads, "".join(pieces).splitlines())] == [
        *range(40)
    ]
    assert all(piece.endswith("\n") and len(piece.encode()) <= 4096 for piece in pieces)
    assert len(pieces) < 10


@pytest.mark.usefixtures("logging_as_before")
async def test_a_warning_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """What matters is written before anything else can happen, behind the lines before it."""
    pieces = Pieces()
    monkeypatch.setattr("sys.stdout", pieces)
    writer = LogWriter(LogFormat.JSON, LogLevel.INFO)

    writer.write(LogLevel.INFO, "run_succeeded", {})
    writer.write(LogLevel.WARNING, "run_failed", {})

    events = [json.loads(line)["event"] for line in "".join(pieces).splitlines()]
    assert events == ["run_succeeded", "run_failed"]


class Pieces(list[str]):
    """A stream that keeps what is written by each call."""

    def write(self, text: str) -> int:
        """Keep it."""
        self.append(text)
        return len(text)

    def flush(self) -> None:
        """Have nothing to flush."""


@pytest.mark.usefixtures("logging_as_before")
def test_console_lines_are_for_people(capsys: pytest.CaptureFixture[str], runs: Any) -> None:
    """Name first, then the fields; no colours where no terminal is. The level holds some back."""
    writer = LogWriter(LogFormat.CONSOLE, LogLevel.WARNING)
    lines = LogLines(writer.write, writer.wants)

    lines.record(runs.settled(runs.claimed()))
    lines.record(runs.settled(runs.claimed("stock"), Blocked(message="private")))

    (line,) = capsys.readouterr().out.splitlines()
    assert "run_blocked" in line
    assert "endpoint=stock message=private late_ms=1000.0" in line
    assert "\x1b" not in line


async def test_the_demo_tells_what_a_failure_makes_of_the_plan(runs: Any) -> None:
    """After a failed run: how many in a row, when it runs next and why; nothing after a success."""
    written: list[tuple[str, dict[str, object]]] = []
    plans = PlanLines(lambda _, name, fields: written.append((name, dict(fields))))
    store = MemoryStore()
    units = MemoryUnitsOfWork(store)
    failed, well = runs.claimed("health"), runs.claimed("stock")
    async with units.begin() as unit:
        for run in (failed, well):
            job = runs.job_of(run)
            await unit.catalog.add_job(job)
            await unit.catalog.add_endpoint(run.endpoint, now=EPOCH)
        await unit.commit()

    plans.record(runs.settled(well))
    plans.record(runs.settled(failed, Failed(kind=FailureKind.TIMEOUT, message="timed out")))
    await plans.tell_waiting(units, DEFAULT_TENANT)

    ((name, fields),) = written
    assert name == "next_run_planned"
    assert fields == {
        "endpoint": "health",
        "failures": 0,
        "due": "2025-01-01T12:01:00.000Z",
        "why": "its schedule says every 1 min",
    }
