"""Mends what is safe to mend: what workers do anyway, or what follows from what is stored."""

from datetime import datetime, timedelta
from typing import Final, assert_never

from cronicorn_domain.model.finding import Finding, Mending

from cronicorn_worker.composition import Patient
from cronicorn_worker.doctor.examining import Report

_AT_ONCE: Final = 200
_ROOM_AHEAD: Final = timedelta(days=3)


def intentions(report: Report) -> list[str]:
    """Say what mending would do, before anything is done."""
    return [f"{mending.value} ({len(findings)})" for mending, findings in report.mendings.items()]


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
        case Mending.HEAL:
            await patient.queue.heal_quarantined(now=now)
        case Mending.MAKE_ROOM:
            await patient.room.prepare(until=now + _ROOM_AHEAD, now=now)
        case _:
            assert_never(mending)
