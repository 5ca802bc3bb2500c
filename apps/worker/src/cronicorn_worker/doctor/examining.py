"""Examines a live store from head to foot, and changes nothing."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cronicorn_domain.errors import StoreError
from cronicorn_domain.model.finding import Ailment, Finding, Mending
from cronicorn_domain.policies import diagnosing
from cronicorn_domain.policies.diagnosing import Thresholds
from cronicorn_domain.schedules.zones import tzdata_version
from cronicorn_domain.wording import length_in_words

from cronicorn_worker.composition import Patient

FOUND_MOST: Final = 1000
"""So many findings of a sort are kept; of more it is only said that there are more."""
_BATCH: Final = 500
_TOLD_EVERY: Final = 10

Say = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Report:
    """
    What an examination found.

    Attributes:
        database: Which one, without its password.
        examined_at: When, by the database's clock.
        findings: What was found, sort by sort.
        more: The sorts of which there is more than was kept.
        endpoints: How many endpoints were looked at.
        all_endpoints: Whether those were all.
        schema_compared: Whether the tables were compared with what they should be.
    """

    database: str
    examined_at: datetime
    findings: list[Finding] = field(default_factory=list)
    more: set[Ailment] = field(default_factory=set)
    endpoints: int = 0
    all_endpoints: bool = True
    schema_compared: bool = True

    def take(self, found: Iterable[Finding]) -> None:
        """Keep findings, so many of a sort."""
        kept = Counter(finding.ailment for finding in self.findings)
        for finding in found:
            if kept[finding.ailment] == FOUND_MOST:
                self.more.add(finding.ailment)
                continue
            kept[finding.ailment] += 1
            self.findings.append(finding)

    @property
    def mendings(self) -> dict[Mending, list[Finding]]:
        """What may safely be done, each with the findings that it mends."""
        sorted_by: dict[Mending, list[Finding]] = {}
        for finding in self.findings:
            if finding.mending is not None:
                sorted_by.setdefault(finding.mending, []).append(finding)
        return sorted_by


async def examine(
    patient: Patient, *, most: int | None = None, limits: Thresholds | None = None, say: Say
) -> Report:
    """
    Look at everything, at ``most`` so many endpoints, and tell the progress to ``say``.

    Raises:
        StoreError: the store could not be read.
    """
    now = patient.clock.now()
    report = Report(database=patient.name, examined_at=now)
    await _schema(patient, report, say)
    async for found in _on_the_whole(patient, now, limits or Thresholds()):
        report.take(found)
    await _endpoint_by_endpoint(patient, report, most, limits or Thresholds(), say)
    if not patient.floors and any(each.ailment is Ailment.PLAN_DIFFERS for each in report.findings):
        say(
            "no worker has told by which floor it plans: plans were judged by the one set here,"
            f" {length_in_words(patient.floor)}"
        )
    return report


async def _schema(patient: Patient, report: Report, say: Say) -> None:
    """Compare the tables, where this role may: the rest can be looked at without."""
    try:
        report.take(diagnosing.schema_differs(await patient.differences()))
    except StoreError as error:
        report.schema_compared = False
        say(f"the tables are not compared with what they should be: {error}")


async def _on_the_whole(
    patient: Patient, now: datetime, limits: Thresholds
) -> AsyncIterator[Iterator[Finding]]:
    looked, workers = patient.examination, await patient.workers.list_workers()
    since, limit = now - limits.look_back, FOUND_MOST + 1
    overdue = await looked.overdue(before=now - limits.overdue, limit=limit)
    yield diagnosing.slots_overdue(overdue, workers, now, limits)
    yield diagnosing.leases_lost(await looked.leases(limit=limit), now, limits)
    held = await looked.held_analyses(now=now, limit=limit)
    yield diagnosing.analyses_lost(held, now, limits)
    late = await looked.overdue_analyses(before=now - limits.analysis, limit=limit)
    yield diagnosing.analyses_overdue(late, held, now, limits)
    yield diagnosing.queued_in_vain(await looked.strays(limit=limit))
    yield diagnosing.transactions_too_old(await looked.old_transactions(age=limits.transaction))
    yield diagnosing.workers_apart(workers, tzdata_version(), now, limits)
    days = await looked.missing_days(until=now + limits.room_ahead, now=now)
    yield diagnosing.room_missing(days)
    open_runs = await looked.runs_left_open(since=since, until=now, limit=limit)
    yield diagnosing.runs_without_end(open_runs)
    miscounts = await looked.miscounts(since=since, until=now, limit=limit)
    yield diagnosing.counts_that_differ(miscounts)
    sums = await looked.wrong_sums(since=since, until=now, limit=limit)
    yield diagnosing.sums_that_differ(sums)


async def _endpoint_by_endpoint(
    patient: Patient, report: Report, most: int | None, limits: Thresholds, say: Say
) -> None:
    since = report.examined_at - limits.look_back
    batches = 0
    async for batch in patient.examination.endpoints(since=since, batch=_BATCH):
        if most is not None and report.endpoints >= most:
            report.all_endpoints = False
            return
        now = patient.clock.now()
        for endpoint in batch:
            report.take(diagnosing.examined(endpoint, now, floors=patient.floors))
        report.endpoints += len(batch)
        batches += 1
        if batches % _TOLD_EVERY == 0:
            say(f"looked at {report.endpoints} endpoints")
