"""Read this moment: what needs somebody, what was and is to come, what came of the last hour."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.slot_record import Fate
from cronicorn_domain.ports.board import (
    Counts,
    DueTogether,
    LatestRun,
    MinuteTally,
    Recent,
    Standing,
)
from cronicorn_domain.ports.overview import Tally
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.grid import Grid
from cronicorn_domain.schedules.schedule import IntervalSchedule

from cronicorn_management.dashboard.speed import lateness_at_most
from cronicorn_management.desk import Reading

AHEAD: Final = timedelta(minutes=15)
NEEDY_MOST: Final = 5
LATEST_MOST: Final = 30
"""So many runs of each that fails say since when it does."""
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_SLOTS_MOST: Final = 900
"""So many slots of one schedule are looked for: one each second of the time ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """How many runs the schedules ahead make of what is due now, by the minute it begins with."""

    minutes: Mapping[datetime, int]

    @property
    def peak(self) -> tuple[datetime, int] | None:
        """The minute with the most, the first of several; None: there is nothing."""
        if not self.minutes:
            return None
        return max(self.minutes.items(), key=lambda each: (each[1], -each[0].timestamp()))


@dataclass(frozen=True, slots=True, kw_only=True)
class LastHour:
    """
    What came of the slots of the last sixty whole minutes.

    Attributes:
        since: When the first of them began.
        minutes: Those that have runs.
        yesterday: All runs of the same minutes a day before.
        lateness: So late half of the runs started at most, and 99 of 100; None: there are none.
    """

    since: datetime
    minutes: Sequence[MinuteTally]
    tally: Tally
    not_run: Mapping[Fate, int]
    yesterday: Tally
    lateness: tuple[timedelta, timedelta] | None

    @property
    def slots(self) -> int:
        """All of them, run or not; a run that was held back left a record of its slot."""
        attempted = self.tally.runs - self.tally.not_attempted
        return attempted + sum(self.not_run.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """This moment; ``latest`` are the newest runs of what fails among the ``needy``."""

    at: datetime
    counts: Counts
    needy: Sequence[Standing]
    latest: Mapping[EndpointId, Sequence[LatestRun]]
    last_hour: LastHour
    outlook: Outlook


async def read_now(work: Reading) -> Now:
    """Return all of this moment, in four questions."""
    attention = await work.board.attention(
        work.tenant, now=work.now, limit=NEEDY_MOST, runs=LATEST_MOST
    )
    counts = await work.board.counts(work.tenant, now=work.now)
    upcoming = await work.board.upcoming(work.tenant, until=work.now + AHEAD)
    return Now(
        at=work.now,
        counts=counts,
        needy=attention.standings,
        latest=attention.latest,
        last_hour=await _last_hour(work),
        outlook=outlook(upcoming, now=work.now),
    )


def outlook(upcoming: Sequence[DueTogether], *, now: datetime) -> Outlook:
    """
    Tell what is to come: each schedule goes on from when its endpoints are due next.

    As they stand: hints that end, jitter and failures to come are not foreseen.
    """
    found: Counter[datetime] = Counter()
    until = now + AHEAD
    for together in upcoming:
        for slot in _slots(together, now, until):
            found[_minute_of(max(slot, now))] += together.count
    return Outlook(minutes=dict(found))


def _slots(together: DueTogether, now: datetime, until: datetime) -> Iterator[datetime]:
    slot: datetime | None = together.begins_at
    yield together.begins_at
    match together.schedule:
        case IntervalSchedule(every=every):
            grid: Grid | CronSchedule = Grid(together.begins_at, every)
        case CronSchedule() as cron:
            # A minute holds several slots of one that counts seconds.
            grid = cron
            slot = max(together.begins_at + _MINUTE - timedelta(seconds=1), now)
        case _:
            return
    for _ in range(_SLOTS_MOST):
        slot = None if slot is None else grid.next_after(slot)
        if slot is None or slot >= until:
            return
        if slot >= now:
            yield slot


async def _last_hour(work: Reading) -> LastHour:
    until = _minute_of(work.now)
    since = until - _HOUR
    recent = await work.board.recent(work.tenant, [(since - _DAY, until - _DAY), (since, work.now)])
    today = [each for each in recent.minutes if each.begins_at >= since]
    return LastHour(
        since=since,
        minutes=today,
        tally=_sum(today),
        not_run=recent.not_run,
        yesterday=_sum(each for each in recent.minutes if each.begins_at < since),
        lateness=_lateness(Recent(minutes=today, not_run={})),
    )


def _lateness(recent: Recent) -> tuple[timedelta, timedelta] | None:
    counted: Counter[int] = Counter()
    for minute in recent.minutes:
        counted.update(minute.lateness)
    half, most = lateness_at_most(counted, 0.5), lateness_at_most(counted, 0.99)
    return None if half is None or most is None else (half, most)


def _sum(minutes: "Sequence[MinuteTally] | Iterator[MinuteTally]") -> Tally:
    whole = Tally()
    for minute in minutes:
        whole = whole.plus(minute.tally)
    return whole


def _minute_of(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)
