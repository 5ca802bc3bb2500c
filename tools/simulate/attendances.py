"""Writes down when each worker of a world was at work, and nothing hindered it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cronicorn_domain.identity import WorkerId
from cronicorn_scheduler.settings import SchedulerSettings

from tools.checker.history import Attendance, Keeping

Stretch = tuple[datetime, datetime]

ON_THE_WAY = timedelta(seconds=0.75)
"""What calls and their answers may take where nothing hinders them, and the rest of two seconds."""


@dataclass(slots=True)
class _Sheet:
    begins_at: datetime
    hindered: list[Stretch] = field(default_factory=list)
    stops_at: datetime | None = None
    gone_at: datetime | None = None


class Attendances:
    """A sheet for each worker, by the shared time."""

    def __init__(self) -> None:
        self._sheets: dict[WorkerId, _Sheet] = {}
        self._everybody: list[Stretch] = []

    def begins(self, worker: str, at: datetime) -> None:
        """Note that a worker begins."""
        self._sheets[WorkerId(worker)] = _Sheet(at)

    def hindered(self, worker: str | None, since: datetime, until: datetime) -> None:
        """Note that a worker, or everybody, could not do its work for a while."""
        of = self._everybody if worker is None else self._sheets[WorkerId(worker)].hindered
        of.append((since, until))

    def stops(self, worker: str, at: datetime) -> None:
        """Note that a worker was asked to stop."""
        sheet = self._sheets[WorkerId(worker)]
        sheet.stops_at = sheet.stops_at or at

    def gone(self, worker: str, at: datetime) -> None:
        """Note that a worker has ended, or crashed."""
        sheet = self._sheets[WorkerId(worker)]
        sheet.gone_at = sheet.gone_at or at

    def keeping(self, settings: SchedulerSettings, ends_at: datetime) -> Keeping:
        """Return all sheets, and what is asked of workers with such settings."""
        return Keeping(
            renewed_within=2 * settings.renew_every,
            reaped_within=settings.reap_every + ON_THE_WAY,
            reaps_after=settings.retry_most + settings.reap_reprieve + settings.reap_every,
            concurrency=settings.concurrency,
            attendances={
                worker: Attendance(
                    shifts=tuple(self._shifts(sheet, ends_at)),
                    stops_at=sheet.stops_at,
                    gone_at=sheet.gone_at,
                )
                for worker, sheet in self._sheets.items()
            },
        )

    def _shifts(self, sheet: _Sheet, ends_at: datetime) -> Iterator[Stretch]:
        """Return what hindrances leave of the time from the beginning to the end."""
        until = min(sheet.gone_at or ends_at, ends_at)
        free_from = sheet.begins_at
        for begins_at, over_at in sorted([*sheet.hindered, *self._everybody]):
            if free_from < min(begins_at, until):
                yield free_from, min(begins_at, until)
            free_from = max(free_from, over_at)
        if free_from < until:
            yield free_from, until
