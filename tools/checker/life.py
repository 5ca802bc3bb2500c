"""One endpoint's part of a history, its happenings in the order in which they were committed."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.identity import EndpointId, RunId
from cronicorn_domain.model.run import FailureKind, OutcomeClass, Run, RunStatus
from cronicorn_domain.model.slot_record import SlotRecord

from tools.checker.history import Created, Entry, History, Kept, LeaseEnd, LeaseLife, Request


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run was claimed: its lease began."""

    at: datetime
    run: Run
    lease: LeaseLife | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A run's lease ended, by a settle, a release or a reap."""

    at: datetime
    run: Run
    how: LeaseEnd


Moment = Entry | Claimed | Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """
    Everything a history holds about one endpoint.

    ``moments`` are in commit order; where a history does not number its commits, instants order
    them: at the same one an end comes before what was done, and both before a claim. What was
    claimed or recorded before ``judged_from`` is not judged, and ``kept`` what a database keeps.
    """

    endpoint_id: EndpointId
    moments: Sequence[Moment]
    runs: Sequence[Run]
    records: Sequence[SlotRecord]
    leases: Mapping[RunId, LeaseLife]
    requests: Sequence[Request]
    floor: timedelta
    judged_from: datetime | None = None
    kept: Kept | None = None

    def is_judged(self, at: datetime) -> bool:
        """Say whether what was claimed or recorded at an instant is to be judged."""
        return self.judged_from is None or at >= self.judged_from


def lives(history: History) -> Iterator[Life]:
    """Take a history apart by endpoint, in the order in which they first appear."""
    entries: dict[EndpointId, list[Entry]] = defaultdict(list)
    runs: dict[EndpointId, list[Run]] = defaultdict(list)
    leases: dict[EndpointId, dict[RunId, LeaseLife]] = defaultdict(dict)
    requests: dict[EndpointId, list[Request]] = defaultdict(list)
    for entry in history.entries:
        entries[entry.endpoint_id].append(entry)
    for run in (*history.earlier_runs, *history.runs):
        runs[run.endpoint_id].append(run)
    for lease in history.leases:
        leases[lease.endpoint_id][lease.run_id] = lease
    for request in history.requests:
        requests[request.endpoint_id].append(request)
    for endpoint_id in dict.fromkeys((*entries, *runs, *leases, *requests, *history.records)):
        yield Life(
            endpoint_id=endpoint_id,
            moments=_ordered(history, entries[endpoint_id], runs[endpoint_id], leases[endpoint_id]),
            runs=runs[endpoint_id],
            records=(
                *history.earlier_records.get(endpoint_id, ()),
                *history.records.get(endpoint_id, ()),
            ),
            leases=leases[endpoint_id],
            requests=requests[endpoint_id],
            floor=_floor(history, entries[endpoint_id]),
            judged_from=history.judged_from.get(endpoint_id),
            kept=history.kept.get(endpoint_id),
        )


def _floor(history: History, entries: Sequence[Entry]) -> timedelta:
    for entry in entries:
        if isinstance(entry.deed, Created):
            return history.floors.get(entry.deed.endpoint.tenant, history.default_floor)
    return history.default_floor


def _ordered(
    history: History,
    entries: Sequence[Entry],
    runs: Sequence[Run],
    leases: Mapping[RunId, LeaseLife],
) -> Sequence[Moment]:
    numbered = all(_numbered(history, leases.get(run.id)) for run in runs)
    placed: list[tuple[datetime | int, int, Moment]] = [
        (each.order if numbered else each.at, 1, each) for each in entries
    ]
    for run in runs:
        lease = leases.get(run.id)
        claim = Claimed(run.claimed_at if lease is None else lease.granted_at, run, lease)
        placed.append((lease.order if numbered and lease else claim.at, 2, claim))
        end = _end_of(run, lease)
        if end is not None:
            place = _end_order(history, lease) if numbered and lease else None
            placed.append((end.at if place is None else place, 0, end))
    placed.sort(key=lambda each: each[:2])
    return [each[2] for each in placed]


def _numbered(history: History, lease: LeaseLife | None) -> bool:
    if lease is None:
        return False
    return lease.ended_at is None or _end_order(history, lease) is not None


def _end_order(history: History, lease: LeaseLife) -> int | None:
    if lease.end_order is not None:
        return lease.end_order
    return history.settled_orders.get(lease.run_id)


def _end_of(run: Run, lease: LeaseLife | None) -> Ended | None:
    if lease is not None:
        if lease.ended_at is None or lease.end is None:
            return None
        return Ended(lease.ended_at, run, lease.end)
    if run.finished_at is None:
        return None
    if run.status is RunStatus.CANCELED and run.started_at is None:
        return Ended(run.finished_at, run, LeaseEnd.RELEASED)
    if run.failure_kind is FailureKind.ABANDONED:
        return Ended(run.finished_at, run, LeaseEnd.REAPED)
    return Ended(run.finished_at, run, LeaseEnd.SETTLED)


def blocked(run: Run) -> bool:
    """Say whether a started run sent nothing, by rule (SEMANTICS §5: not attempted)."""
    return run.outcome_class is OutcomeClass.NOT_ATTEMPTED and run.started_at is not None
