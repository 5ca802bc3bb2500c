"""
Whoever holds a run keeps its lease, and nobody else does (SEMANTICS §5, steps 1, 3, 5 and 8).

A worker at work renews what it has in hand long before the lease ends, starts or gives back what it
claims, claims no more than it can start, and ends the request of a lease that it has lost. Behind a
stop it claims nothing. What a worker leaves behind that is gone is prolonged by nobody, and taken
away soon after its end, by any other that is at work.

When that is was seen by whoever writes the history: what a worker does while something hinders it
is not judged here.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from cronicorn_domain.identity import RunId, WorkerId
from cronicorn_domain.model.run import Run

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.history import (
    Attendance,
    History,
    Keeping,
    LeaseEnd,
    LeaseLife,
    Request,
)

Shift = tuple[datetime, datetime]
CLOCKS_DIFFER = timedelta(seconds=1)
"""A worker's clock and the shared one, which tells of shifts, may be so far apart."""
NEVER_AT_WORK = Attendance(shifts=())


def check_keeping(history: History) -> Iterator[Finding]:
    """Judge how the workers of a history kept their leases; none where that was not seen."""
    if history.keeping is None:
        return
    judge = _Judge(history, history.keeping)
    for lease in history.leases:
        run = judge.runs.get(lease.run_id)
        if run is not None:
            yield from judge.lease(lease, run)
    yield from judge.requests()
    yield from judge.hands()


class _Judge:
    def __init__(self, history: History, keeping: Keeping) -> None:
        self._history = history
        self._keeping = keeping
        self.runs: dict[RunId, Run] = {run.id: run for run in history.runs}

    def lease(self, lease: LeaseLife, run: Run) -> Iterator[Finding]:
        """Judge one lease, from its claim to its end."""
        attendance = self._of(lease.worker)
        until = lease.ended_at or self._history.ends_at
        if until - lease.granted_at > self._keeping.renewed_within:
            if run.started_at is not None or _is_at_work(attendance, lease.granted_at):
                yield from self._renewed(lease, run, attendance, until)
                yield from self._started(lease, run, attendance, until)
            yield from self._reaped(lease, run)
        stops_at, gone_at = attendance.stops_at, attendance.gone_at
        if stops_at is not None and lease.granted_at > stops_at + CLOCKS_DIFFER:
            yield _broken(run, f"its worker had been asked to stop at {stamp(stops_at)}")
        said_at = lease.promised[-1][0]
        if gone_at is not None and said_at > gone_at + CLOCKS_DIFFER:
            sentence = f"its lease was prolonged at {stamp(said_at)}, and its worker was gone"
            yield _broken(run, f"{sentence} since {stamp(gone_at)}")

    def requests(self) -> Iterator[Finding]:
        """A lease that is lost ends its request, as soon as its worker can know."""
        taken = {
            lease.run_id: lease for lease in self._history.leases if lease.end is LeaseEnd.REAPED
        }
        for request in self._history.requests:
            lease = taken.get(request.run_id)
            if lease is not None and lease.ended_seen_at is not None:
                yield from self._ended(request, lease, lease.ended_seen_at)

    def hands(self) -> Iterator[Finding]:
        """No worker has more runs in hand than it can, counted by commits."""
        changes: list[tuple[int, bool, LeaseLife]] = []
        for lease in self._history.leases:
            run = self.runs.get(lease.run_id)
            if run is None or run.started_at is None:
                continue  # its worker may never have heard of it
            changes.append((lease.order, True, lease))
            if lease.end_order is not None:
                changes.append((lease.end_order, False, lease))
        in_hand = Counter[WorkerId]()
        for _, takes, lease in sorted(changes, key=lambda each: each[:2]):
            in_hand[lease.worker] += 1 if takes else -1
            if takes and in_hand[lease.worker] > self._keeping.concurrency:
                count, most = in_hand[lease.worker], self._keeping.concurrency
                run = self.runs[lease.run_id]
                yield _broken(run, f"it is number {count} in hand of {lease.worker}, of {most}")

    def _renewed(
        self, lease: LeaseLife, run: Run, attendance: Attendance, until: datetime
    ) -> Iterator[Finding]:
        """Judge the lease while it lives: one that has ended may have been found lost."""
        said = [said_at for said_at, _ in lease.promised]
        for since, then in pairwise([*said, min(until, lease.promised[-1][1])]):
            idle = _longest(attendance, since, then)
            if idle is not None and idle[1] - idle[0] > self._keeping.renewed_within:
                yield _broken(
                    run,
                    f"its lease was not renewed from {stamp(idle[0])} to {stamp(idle[1])}, and "
                    f"{lease.worker} was at work",
                )

    def _started(
        self, lease: LeaseLife, run: Run, attendance: Attendance, until: datetime
    ) -> Iterator[Finding]:
        """Judge what lies between the claim, or the due instant, and the start."""
        since = max(lease.granted_at, run.decision.due_at)
        then = run.started_at or min(until, lease.promised[-1][1])
        idle = _longest(attendance, since, then)
        if idle is not None and idle[1] - idle[0] > self._keeping.renewed_within:
            yield _broken(
                run,
                f"claimed at {stamp(lease.granted_at)}, it had neither started nor been given "
                f"back at {stamp(idle[1])}",
            )

    def _reaped(self, lease: LeaseLife, run: Run) -> Iterator[Finding]:
        """Judge how soon a lease was taken away, and that it was by the shared time, too."""
        if lease.end not in {LeaseEnd.REAPED, None}:
            return
        taken_at = lease.ended_seen_at or self._history.ends_at
        if lease.ended_at is not None and lease.ended_at > taken_at + CLOCKS_DIFFER:
            yield about(
                run,
                Fault.STALE_WRITE,
                f"it was reaped as of {stamp(lease.ended_at)}, at {stamp(taken_at)}",
            )
        # A renewal that comes late, as of an instant long past, may promise less than one before.
        ran_out = max(until for _, until in lease.promised)
        if taken_at - ran_out <= self._keeping.reaped_within:
            return
        for worker, attendance in self._keeping.attendances.items():
            for begins_at, ends_at in attendance.shifts:
                since = max(ran_out, begins_at + self._keeping.reaps_after)
                if min(ends_at, taken_at) - since > self._keeping.reaped_within:
                    yield about(
                        run,
                        Fault.LATE,
                        f"its lease ran out at {stamp(ran_out)}, and {worker} did not take it "
                        f"away until {stamp(min(ends_at, taken_at))}",
                    )
                    return

    def _ended(self, request: Request, lease: LeaseLife, taken_at: datetime) -> Iterator[Finding]:
        until = request.ended_at or self._history.ends_at
        on = _longest(self._of(lease.worker), max(taken_at, request.sent_at), until)
        if on is not None and on[1] - on[0] > self._keeping.renewed_within:
            run = self.runs[lease.run_id]
            sentence = f"its lease was taken at {stamp(taken_at)}, and its request"
            yield _broken(run, f"{sentence} went on until {stamp(on[1])}")

    def _of(self, worker: WorkerId) -> Attendance:
        return self._keeping.attendances.get(worker, NEVER_AT_WORK)


def _is_at_work(attendance: Attendance, at: datetime) -> bool:
    return any(begins_at <= at < ends_at for begins_at, ends_at in attendance.shifts)


def _longest(attendance: Attendance, since: datetime, until: datetime) -> Shift | None:
    """Return the longest stretch between two instants in which a worker was at work."""
    parts = (
        (max(begins_at, since), min(ends_at, until)) for begins_at, ends_at in attendance.shifts
    )
    return max(
        (part for part in parts if part[0] < part[1]),
        key=lambda part: part[1] - part[0],
        default=None,
    )


def _broken(run: Run, sentence: str) -> Finding:
    return about(run, Fault.KEEPING_BROKEN, sentence)
