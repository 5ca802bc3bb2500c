"""List an endpoint's slots with what became of each: a run, or the reason why there was none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.identity import EndpointId, RunId
from cronicorn_domain.instants import MICROSECOND
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import Run, RunStatus
from cronicorn_domain.model.slot_record import Fate, SlotRecord

from cronicorn_management.desk import Reading
from cronicorn_management.pages import PAGE_USUAL, Page, check_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotOutcome:
    """
    What became of a slot, or of consecutive ones that shared a fate.

    Attributes:
        first: The slot, or the first of them.
        last: The last of them.
        count: How many.
        outcome: How the latest attempt of its run stands, or what became of it instead.
        reason: Why it was not run; None for a run.
        source: Which rule planned the run; None for what was not run.
        run_id: The latest attempt; None for what was not run.
        attempts: How many attempts there were.
    """

    first: datetime
    last: datetime
    count: int
    outcome: RunStatus | Fate
    reason: str | None = None
    source: Source | None = None
    run_id: RunId | None = None
    attempts: int = 0


async def list_slots(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = PAGE_USUAL,
    before: datetime | None = None,
) -> Page[SlotOutcome]:
    """
    Return the slots from ``since`` to ``until`` that have come, the newest first.

    With ``before`` what ended before that: a list goes on behind the ``last`` of its last item. A
    page has fewer than ``limit`` where one more would part what ended together.

    A slot whose run sent nothing, and which is on record for a reason, is told once, with the
    reason. Test runs have no slot. Raises ``InvalidInput``, ``NotFound``.
    """
    more = check_limit(limit)
    records = await work.runs.list_slot_records(
        work.tenant, endpoint_id, limit=more, before=before, since=since, until=until
    )
    latest = _earlier(until, before)
    runs = await _latest_runs(work, endpoint_id, since=since, until=latest, limit=more)
    told = [*records, *await _reaching_over(work, endpoint_id, before)]
    found = [_of_record(record) for record in records]
    found += [_of_run(run) for run in runs if not _is_on_record(run, told)]
    return _page(sorted(found, key=lambda each: each.last, reverse=True), limit)


def _earlier(until: datetime | None, before: datetime | None) -> datetime | None:
    if before is None:
        return until
    return before - MICROSECOND if until is None else min(until, before - MICROSECOND)


async def _reaching_over(
    work: Reading, endpoint_id: EndpointId, before: datetime | None
) -> Sequence[SlotRecord]:
    """Find what an earlier page has told of slots that lie on this one."""
    if before is None:
        return ()
    return await work.runs.list_slot_records(work.tenant, endpoint_id, since=before, until=before)


def _page(found: Sequence[SlotOutcome], limit: int) -> Page[SlotOutcome]:
    if len(found) <= limit:
        return Page(found, more=False)
    whole = [each for each in found[:limit] if each.last > found[limit].last]
    return Page(whole or found[:limit], more=True)


async def _latest_runs(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> Sequence[Run]:
    """Find the latest attempts of the newest slots; a slot may have many."""
    latest: dict[datetime, Run] = {}
    before: RunId | None = None
    while len(latest) < limit:
        runs = await work.runs.list_runs(
            work.tenant,
            endpoint_id,
            limit=limit,
            before=before,
            since=since,
            until=until,
            tests=False,
        )
        for run in runs:
            latest.setdefault(run.slot, run)
        if len(runs) < limit:
            break
        before = runs[-1].id
    return list(latest.values())


def _is_on_record(run: Run, records: Sequence[SlotRecord]) -> bool:
    sent_nothing = run.status is RunStatus.CANCELED
    return sent_nothing and any(each.first <= run.slot <= each.last for each in records)


def _of_run(run: Run) -> SlotOutcome:
    return SlotOutcome(
        first=run.slot,
        last=run.slot,
        count=1,
        outcome=run.status,
        source=run.decision.source,
        run_id=run.id,
        attempts=run.attempt,
    )


def _of_record(record: SlotRecord) -> SlotOutcome:
    return SlotOutcome(
        first=record.first,
        last=record.last,
        count=record.count,
        outcome=record.fate,
        reason=record.reason,
    )
