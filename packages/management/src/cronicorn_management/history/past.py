"""Read what became of an endpoint's slots page by page, with the runs themselves, and in sum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId, RunId
from cronicorn_domain.instants import LATEST, MICROSECOND
from cronicorn_domain.model.run import Run, RunStatus
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.ports.overview import Tally

from cronicorn_management.dashboard.windows import LONGEST
from cronicorn_management.desk import Reading
from cronicorn_management.history.runs import list_runs
from cronicorn_management.history.slots import SlotOutcome, list_slots
from cronicorn_management.pages import PAGE_MOST, PAGE_USUAL, Page, check_limit, page_of

RECORDS_COUNTED = 10_000
"""So many records of what was not run are added up; who has more has that many at least."""


class Kept(StrEnum):
    """Which of the past is meant."""

    SUCCESS = "success"
    FAILED = "failed"
    RUNNING = "running"
    CANCELED = "canceled"
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSlot:
    """A slot with its run, or consecutive ones with the record that says why they were not run."""

    run: Run | None = None
    record: SlotRecord | None = None

    @property
    def last(self) -> datetime:
        """The slot, or the last of them."""
        if self.record is not None:
            return self.record.last
        assert self.run is not None  # one of them is there
        return self.run.slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a window holds: settled runs, pruned ones too, and slots that were not run."""

    runs: Tally
    not_run: int


async def list_past(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    kept: Kept | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = PAGE_USUAL,
    before: datetime | RunId | None = None,
) -> Page[PastSlot]:
    """
    Return slots from ``since`` to ``until``, the newest first, with what became of them.

    A list goes on behind the run's id where runs of one status are asked for, else behind the last
    slot. Of each slot the latest attempt is told, of one status every attempt.

    Raises ``InvalidInput``, ``NotFound``.
    """
    _check_cursor(kept, before)
    instant = before if isinstance(before, datetime) else None
    match kept:
        case None:
            page = await list_slots(
                work, endpoint_id, since=since, until=until, limit=limit, before=instant
            )
            return await _with_runs(work, endpoint_id, page)
        case Kept.NOT_RUN:
            records = await work.runs.list_slot_records(
                work.tenant,
                endpoint_id,
                limit=check_limit(limit),
                before=instant,
                since=since,
                until=until,
            )
            return page_of([PastSlot(record=each) for each in records], limit)
        case _:
            runs = await list_runs(
                work,
                endpoint_id,
                status=RunStatus(kept.value),
                since=since,
                until=until,
                limit=limit,
                before=None if before is None or isinstance(before, datetime) else before,
            )
            return Page([PastSlot(run=each) for each in runs.items], more=runs.more)


async def count_past(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Totals:
    """Return what the window holds, as far back as statistics are kept. Raises ``NotFound``."""
    ahead = LATEST if until is None else until  # a slot that is to be skipped is on record already
    until = work.now if until is None else until
    since = until - LONGEST if since is None else max(since, until - LONGEST)
    asked = work.unit.chronicle
    whole = Tally()
    for each in await asked.stretches(work.tenant, endpoint_id, since=since, until=until):
        whole = whole.plus(each.tally)
    records = await asked.slot_records(
        work.tenant, endpoint_id, since=since, until=ahead, limit=RECORDS_COUNTED
    )
    return Totals(runs=whole, not_run=sum(each.count for each in records))


def _check_cursor(kept: Kept | None, before: datetime | RunId | None) -> None:
    of_slots = kept is None or kept is Kept.NOT_RUN
    if before is not None and isinstance(before, datetime) != of_slots:
        raise InvalidInput(
            "the cursor is of another list", field="cursor", remedy="begin at the first page"
        )


async def _with_runs(
    work: Reading, endpoint_id: EndpointId, page: Page[SlotOutcome]
) -> Page[PastSlot]:
    ran = [each for each in page.items if each.run_id is not None]
    if not page.items:
        return Page([], more=page.more)
    runs: Sequence[Run] = ()
    if ran:
        most = sum(each.attempts for each in ran)
        runs = await work.unit.chronicle.runs(
            work.tenant,
            endpoint_id,
            since=min(each.first for each in ran),
            until=max(each.last for each in ran),
            limit=max(most, PAGE_MOST),
        )
    records = await work.unit.chronicle.slot_records(
        work.tenant,
        endpoint_id,
        since=min(each.first for each in page.items),
        until=max(each.last for each in page.items) + MICROSECOND,
        limit=PAGE_MOST,
    )
    by_id = {run.id: run for run in runs}
    by_span: dict[tuple[datetime, datetime, RunStatus | Fate], SlotRecord] = {
        (each.first, each.last, each.fate): each for each in records
    }
    found = [_past_slot(each, by_id, by_span) for each in page.items]
    return Page([each for each in found if each is not None], more=page.more)


def _past_slot(
    outcome: SlotOutcome,
    runs: dict[RunId, Run],
    records: Mapping[tuple[datetime, datetime, RunStatus | Fate], SlotRecord],
) -> PastSlot | None:
    if outcome.run_id is not None:
        run = runs.get(outcome.run_id)
        return None if run is None else PastSlot(run=run)
    record = records.get((outcome.first, outcome.last, outcome.outcome))
    return None if record is None else PastSlot(record=record)
