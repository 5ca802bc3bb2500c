"""
Breakers (docs/politeness.md): a tenant's host that failed so often in a row is left alone.

A slot that is recorded as blocked and was not tried needs these failures behind it, with no answer
in between. While the breaker is open, claims that nobody asked for by hand lie apart by the time
between probes.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.run import FailureKind, Run, RunStatus
from cronicorn_domain.model.slot_record import Fate

from tools.checker.addresses import Address, Addresses
from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.history import History, LeaseEnd, LeaseLife

BUSY = {429, *range(500, 600)}
CLOCKS_APART_MOST = timedelta(seconds=15)
"""A record has no commit's number: its instant and an end's may be of two clocks."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How many failures in a row there were behind a commit: at least, and at most."""

    order: int
    at: datetime
    least: int
    most: int


def check_breakers(history: History) -> Iterator[Finding]:
    """Judge what was blocked, and how often hosts were tried meanwhile."""
    if history.breaker is None:
        return
    addresses = Addresses(history)
    standings = _standings(history, addresses)
    yield from _check_blocked(history, history.breaker, addresses, standings)
    yield from _check_probes(history, history.breaker, addresses, standings)


def _standings(history: History, addresses: Addresses) -> dict[Address, list[Standing]]:
    """Count failures, settle by settle; within one commit the order is not known."""
    runs = {run.id: run for run in history.runs}
    ends: dict[Address, dict[int, list[tuple[LeaseLife, Run]]]] = defaultdict(dict)
    for lease in history.leases:
        run = runs.get(lease.run_id)
        if lease.end is LeaseEnd.SETTLED and lease.end_order is not None and run is not None:
            address = addresses.at(lease.endpoint_id, lease.end_order)
            if address is not None:
                ends[address].setdefault(lease.end_order, []).append((lease, run))
    return {address: list(_counted(commits)) for address, commits in ends.items()}


def _counted(commits: dict[int, list[tuple[LeaseLife, Run]]]) -> Iterator[Standing]:
    least = most = 0
    for order in sorted(commits):
        answers = [_answered(run) for _, run in commits[order]]
        failed = answers.count(False)
        if True in answers:
            least, most = 0, failed
        else:
            least, most = least + failed, most + failed
        settled_at = commits[order][0][0].ended_at
        assert settled_at is not None, "it was settled"
        yield Standing(order, settled_at, least, most)


def _answered(run: Run) -> bool | None:
    """Say whether the host was there; None: the run says nothing of it."""
    if run.status is RunStatus.SUCCESS:
        return True
    if run.status is not RunStatus.FAILED:
        return None
    match run.failure_kind:
        case FailureKind.ABANDONED | FailureKind.SIGNING:
            return None
        case FailureKind.TIMEOUT | FailureKind.CONNECTION:
            return False
        case _:
            status = None if run.response is None else run.response.status_code
            return status is not None and status not in BUSY


def _check_blocked(
    history: History,
    breaker: Breaker,
    addresses: Addresses,
    standings: dict[Address, list[Standing]],
) -> Iterator[Finding]:
    tried = {(run.endpoint_id, run.slot) for run in history.runs if run.started_at is not None}
    for endpoint_id, records in history.records.items():
        address = addresses.latest(endpoint_id)
        for record in records:
            if record.fate is not Fate.BLOCKED or (endpoint_id, record.first) in tried:
                continue
            known = [] if address is None else standings.get(address, [])
            for slot, at in (
                (record.first, record.recorded_at),
                (record.last, record.prolonged_at or record.recorded_at),
            ):
                if _most_about(known, at) < breaker.opens_after:
                    yield Finding(
                        fault=Fault.BREAKER_BROKEN,
                        endpoint_id=endpoint_id,
                        slot=slot,
                        sentence=f"the slot {stamp(slot)} was blocked at {stamp(at)},"
                        f" without {breaker.opens_after} failures in a row",
                    )
                    break


def _most_about(known: Sequence[Standing], at: datetime) -> int:
    """Return the most failures in a row about an instant."""
    begin = bisect_right(known, at - CLOCKS_APART_MOST, key=lambda each: each.at)
    end = bisect_right(known, at + CLOCKS_APART_MOST, key=lambda each: each.at)
    return max((each.most for each in known[max(begin - 1, 0) : end]), default=0)


def _check_probes(
    history: History,
    breaker: Breaker,
    addresses: Addresses,
    standings: dict[Address, list[Standing]],
) -> Iterator[Finding]:
    runs = {run.id: run for run in history.runs}
    probes: dict[Address, LeaseLife] = {}
    for lease in sorted(history.leases, key=lambda each: each.order):
        run, address = runs.get(lease.run_id), addresses.at(lease.endpoint_id, lease.order)
        if run is None or address is None or run.kind is Kind.MANUAL:
            continue
        known = standings.get(address, [])
        place = bisect_left(known, lease.order, key=lambda each: each.order)
        if place == 0 or known[place - 1].least < breaker.opens_after:
            continue
        before = probes.get(address)
        probes[address] = lease
        if before is None or _answered_between(known, before, lease):
            continue
        if lease.granted_at - before.granted_at < breaker.probe_every:
            sentence = f"it tried {address.host} at {stamp(lease.granted_at)}, which fails and was "
            sentence += f"tried at {stamp(before.granted_at)}"
            yield about(run, Fault.BREAKER_BROKEN, sentence)


def _answered_between(known: Sequence[Standing], before: LeaseLife, behind: LeaseLife) -> bool:
    return any(each.least == 0 for each in known if before.order <= each.order < behind.order)
