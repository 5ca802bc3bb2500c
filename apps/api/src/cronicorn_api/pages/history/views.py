"""What the history of an endpoint shows, and what it gives away as a file."""

import csv
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cronicorn_domain.instants import MILLISECOND, iso_milliseconds
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.slot_record import SlotRecord
from cronicorn_management.history.past import Kept, PastSlot, Totals
from cronicorn_management.pages import Page

from cronicorn_api.pages.endpoint.views import zone_of
from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.outcomes import Outcome, outcome_of_fate, outcome_of_run
from cronicorn_api.pages.frame.shapes import exact, length, percent
from cronicorn_api.pages.history.asked import Asked
from cronicorn_api.pages.timeline.marks import LATE_FROM, lateness_of
from cronicorn_api.pages.timeline.sources import source_words

WORDS: Final[Mapping[Kept | None, str]] = {
    None: "all",
    Kept.SUCCESS: "ok",
    Kept.FAILED: "failed",
    Kept.RUNNING: "running",
    Kept.CANCELED: "canceled",
    Kept.NOT_RUN: "not run",
}
COLUMNS: Final = (
    "slot",
    "last_slot",
    "count",
    "outcome",
    "source",
    "attempt",
    "due_at",
    "started_at",
    "finished_at",
    "lateness_ms",
    "duration_ms",
    "status_code",
    "failure_kind",
    "message",
    "run_id",
)
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """A slot, or consecutive ones that were not run."""

    slot: Moment
    first: Moment | None
    outcome: Outcome
    word: str
    source: str
    attempt: str
    took: str
    late: str
    why: str | None
    href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """A page of the history."""

    endpoint_id: str
    name: str
    rows: Sequence[HistoryRow]
    older: str | None
    first: str | None
    kinds: Sequence[tuple[str, str, bool]]
    since: str
    until: str
    zone: str
    csv: str
    json: str
    sentence: str
    filtered: bool


def history_view(
    endpoint: Endpoint,
    page: Page[PastSlot],
    totals: Totals,
    zones: Zones,
    asked: Asked,
    *,
    zone: str,
    later: bool,
) -> HistoryView:
    """Say what a page of the history shows; ``later``: it is not the first one."""
    path, query, chosen = f"/endpoints/{endpoint.id}/runs", asked.query, asked.kept
    return HistoryView(
        endpoint_id=str(endpoint.id),
        name=endpoint.name,
        rows=[_row(each, zones, zone_of(endpoint)) for each in page.items],
        older=asked.query_behind(page.items[-1]) if page.more and page.items else None,
        first=(query or "?") if later else None,
        kinds=[
            ("" if kind is None else kind.value, word, kind is chosen)
            for kind, word in WORDS.items()
        ],
        since=asked.since,
        until=asked.until,
        zone=zone,
        csv=f"{path}.csv{query}",
        json=f"{path}.json{query}",
        sentence=_sentence(totals),
        filtered=bool(query),
    )


async def as_csv(slots: AsyncIterator[PastSlot]) -> AsyncIterator[str]:
    """Write slots as lines, the names of the columns first."""
    yield f"{','.join(COLUMNS)}\r\n"
    async for each in slots:
        line = io.StringIO()
        csv.writer(line).writerow([_cell(value) for value in _members(each).values()])
        yield line.getvalue()


async def as_json(slots: AsyncIterator[PastSlot]) -> AsyncIterator[str]:
    """Write slots as one list of objects."""
    before = "["
    async for each in slots:
        yield f"{before}\n{json.dumps(_members(each), ensure_ascii=False)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _members(slot: PastSlot) -> dict[str, str | int | None]:
    members: dict[str, str | int | None] = dict.fromkeys(COLUMNS)
    if slot.run is not None:
        members |= _of_run(slot.run)
    if slot.record is not None:
        record = slot.record
        members |= {
            "slot": iso_milliseconds(record.first),
            "last_slot": iso_milliseconds(record.last),
            "count": record.count,
            "outcome": record.fate.value,
            "message": record.reason,
        }
    return members


def _of_run(run: Run) -> dict[str, str | int | None]:
    late = lateness_of(run)
    return {
        "slot": iso_milliseconds(run.slot),
        "last_slot": iso_milliseconds(run.slot),
        "count": 1,
        "outcome": run.status.value,
        "source": run.decision.source.value,
        "attempt": run.attempt,
        "due_at": iso_milliseconds(run.decision.due_at),
        "started_at": _instant(run.started_at),
        "finished_at": _instant(run.finished_at),
        "lateness_ms": None if late is None else late // MILLISECOND,
        "duration_ms": _duration(run),
        "status_code": None if run.response is None else run.response.status_code,
        "failure_kind": None if run.failure_kind is None else run.failure_kind.value,
        "message": run.message,
        "run_id": str(run.id),
    }


def _cell(value: str | int | None) -> str | int:
    """Keep a table program from taking a text of somebody else for a formula."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value


def _instant(of: datetime | None) -> str | None:
    return None if of is None else iso_milliseconds(of)


def _duration(run: Run) -> int | None:
    if run.started_at is None or run.finished_at is None:
        return None
    return (run.finished_at - run.started_at) // MILLISECOND


def _row(slot: PastSlot, zones: Zones, zone: str | None) -> HistoryRow:
    if slot.record is not None:
        return _row_of_record(slot.record, zones, zone)
    assert slot.run is not None  # one of them is there
    return _row_of_run(slot.run, zones, zone)


def _row_of_record(record: SlotRecord, zones: Zones, zone: str | None) -> HistoryRow:
    outcome = outcome_of_fate(record.fate)
    return HistoryRow(
        slot=zones.moment(record.last, zone),
        first=zones.moment(record.first, zone) if record.count > 1 else None,
        outcome=outcome,
        word=outcome.word if record.count == 1 else f"{exact(record.count)} {outcome.word}",
        source="",
        attempt="",
        took="",
        late="",
        why=record.reason,
        href=None,
    )


def _row_of_run(run: Run, zones: Zones, zone: str | None) -> HistoryRow:
    outcome = outcome_of_run(run.status, run.failure_kind)
    late = lateness_of(run)
    code = f", HTTP {run.response.status_code}" if run.failure_kind and run.response else ""
    return HistoryRow(
        slot=zones.moment(run.slot, zone),
        first=None,
        outcome=outcome,
        word=f"{outcome.word}{code}",
        source=source_words(run.decision.source),
        attempt=str(run.attempt) if run.attempt > 1 else "",
        took=length(run.finished_at - run.started_at)
        if run.finished_at is not None and run.started_at is not None
        else "",
        late=length(late) if late is not None and late >= LATE_FROM else "",
        why=run.message,
        href=f"/runs/{run.id}",
    )


def _sentence(totals: Totals) -> str:
    runs = totals.runs
    judged = runs.success + runs.target_failure
    if not runs.runs and not totals.not_run:
        return "Nothing has come of it yet."
    parts = [
        f"{exact(runs.success)} ok",
        f"{exact(runs.target_failure)} failed",
        f"{exact(runs.our_failure)} we failed",
        f"{exact(totals.not_run)} not run",
    ]
    return f"{', '.join(parts)}; {percent(runs.success, judged)} ok."
