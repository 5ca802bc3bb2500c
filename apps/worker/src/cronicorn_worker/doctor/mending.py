"""Mends what is safe to mend: what workers do anyway, or what follows from what is stored."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, assert_never

from cronicorn_domain.model.finding import Finding, Mending
from cronicorn_domain.ports.examination import StrayEntry

from cronicorn_worker.composition import Patient
from cronicorn_worker.doctor.examining import Report

_AT_ONCE: Final = 200
_ROOM_AHEAD: Final = timedelta(days=3)


def intentions(report: Report) -> Iterator[str]:
    """Say what mending will do, for how many findings, and what it leaves alone."""
    for mending, findings in report.mendings.items():
        ailments = {finding.ailment for finding in findings}
        more = ", and there are more" if ailments & report.more else ""
        yield f"to be done: {mending.value} (findings: {len(findings)}{more})"
    left = Counter(each.ailment.value for each in report.findings if each.mending is None)
    if left:
        told = ", ".join(f"{ailment} {count}" for ailment, count in sorted(left.items()))
        yield f"left alone, for a person to judge: {told}"


async def mend(patient: Patient, report: Report) -> None:
    """
    Do it.

    Raises:
        StoreError: the store could not, or would not; what was done before stays done.
    """
    for mending, findings in report.mendings.items():
        await _mend(patient, mending, findings, patient.clock.now())


async def _mend(patient: Patient, mending: Mending, findings: list[Finding], now: datetime) -> None:
    match mending:
        case Mending.REAP:
            while await patient.queue.reap(limit=_AT_ONCE, now=now):
                pass
        case Mending.REPLAN:
            ids = [each.endpoint_id for each in findings if each.endpoint_id is not None]
            await patient.examination.replan(ids, now=now)
        case Mending.TAKE_OUT:
            await patient.examination.take_out(list(_strays(findings)))
        case Mending.HEAL:
            await patient.queue.heal_quarantined(now=now)
        case Mending.MAKE_ROOM:
            await patient.room.prepare(until=now + _ROOM_AHEAD, now=now)
        case _:
            assert_never(mending)


def _strays(findings: list[Finding]) -> Iterator[StrayEntry]:
    for each in findings:
        if each.endpoint_id is not None and each.due_at is not None:
            yield StrayEntry(endpoint_id=each.endpoint_id, due_at=each.due_at)
