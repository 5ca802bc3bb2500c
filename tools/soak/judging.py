"""Holds what the database tells and what the target saw against one another, and each by itself."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.run import FailureKind, OutcomeClass, Run

from bench.calls import Lateness
from bench.work import Work
from tools.checker.check import examine
from tools.checker.finding import Fault
from tools.checker.history import Created, History
from tools.soak.result import Judged
from tools.soak.target import Call

_DOUBT: Final = timedelta(milliseconds=50)
"""How far the clocks of two workers may differ: so much is doubt of measuring."""

_RECOVERED: Final = 15_000_000
"""Microseconds behind a fault within which all is well again (docs/reliability.md)."""

_TOLD: Final = 5


class Slot(NamedTuple):
    """A slot of an endpoint, in microseconds: the target knows it to the millisecond."""

    endpoint: int
    at: int


def judge(history: History, calls: Sequence[Call], work: Work, *, lease: timedelta) -> Judged:
    """Judge a phase whose workers have ended, and whose leases lived for ``lease`` at least."""
    report = examine(history)
    found = Counter(finding.fault for finding in report.findings)
    numbers = _numbers(history)
    runs = {
        (Slot(numbers[run.endpoint_id], _micro(run.slot)), run.attempt): run for run in history.runs
    }
    slots = {slot for slot, _ in runs}
    told = sum(record.count for records in history.records.values() for record in records)
    strange = [*_unexplained_calls(calls, runs), *_unexplained_runs(calls, runs)]
    overlapping = list(_overlaps(history.runs))
    doubled = [*_doubled(calls, runs), *_taken_alive(history.runs, lease)]
    others = found.total() - found[Fault.LOST] - found[Fault.DOUBLED]
    accounts = list(_accounts(slots, history, numbers, work))
    stopped = _stopped(history.runs, numbers, work)
    unaccounted = [*(each.lacking() for each in accounts if each.lacks), *stopped]
    too_much = [each.exceeding() for each in accounts if each.exceeds]
    sentences = [finding.sentence for finding in report.findings]
    sentences += [*strange, *overlapping, *doubled, *unaccounted, *too_much]
    return Judged(
        slots=len(slots) + told,
        runs=len(runs),
        told=told,
        lost=found[Fault.LOST] + len(unaccounted),
        doubled=found[Fault.DOUBLED] + len(doubled),
        two_leases=len(overlapping),
        repeated=sum(attempt > 1 for _, attempt in runs),
        unexplained=others + len(strange) + len(too_much) + report.unreadable,
        findings=sentences[:_TOLD],
        lateness=_lateness(calls),
    )


def _numbers(history: History) -> Mapping[EndpointId, int]:
    """Return the number by which the target knows each endpoint."""
    return {
        entry.endpoint_id: int(entry.deed.endpoint.name.removeprefix("e"))
        for entry in history.entries
        if isinstance(entry.deed, Created)
    }


def _micro(instant: datetime) -> int:
    return round(instant.timestamp() * 1000) * 1000


def _unexplained_calls(
    calls: Sequence[Call], runs: Mapping[tuple[Slot, int], Run]
) -> Iterator[str]:
    keys: dict[Slot, int] = {}
    for call in calls:
        slot = Slot(call.endpoint, call.slot)
        run = runs.get((slot, call.attempt))
        if run is None:
            yield f"no run sent the call of e{call.endpoint}, {call.slot}, {call.attempt}"
        elif run.outcome_class is OutcomeClass.NOT_ATTEMPTED:
            yield f"a run that was not attempted sent e{call.endpoint}, {call.slot}"
        if call.arrived_at < call.slot:
            yield f"e{call.endpoint} was called before its slot {call.slot}"
        if keys.setdefault(slot, call.key) != call.key:
            yield f"the repeat of e{call.endpoint}, {call.slot} carried another key"


def _unexplained_runs(calls: Sequence[Call], runs: Mapping[tuple[Slot, int], Run]) -> Iterator[str]:
    arrived = {(Slot(call.endpoint, call.slot), call.attempt) for call in calls}
    for (slot, attempt), run in runs.items():
        if run.outcome_class is OutcomeClass.SUCCESS and (slot, attempt) not in arrived:
            yield f"e{slot.endpoint}, {slot.at}, {attempt} succeeded, and was never called"
        if run.finished_at is None:
            yield f"e{slot.endpoint}, {slot.at}, {attempt} has no end"


def _doubled(calls: Sequence[Call], runs: Mapping[tuple[Slot, int], Run]) -> Iterator[str]:
    """Find calls of one attempt, and attempts behind one that was not taken away or given back."""
    times = Counter((Slot(call.endpoint, call.slot), call.attempt) for call in calls)
    for (slot, attempt), count in times.items():
        if count > 1:
            yield f"e{slot.endpoint}, {slot.at}, {attempt} was called {count} times"
        before = runs.get((slot, attempt - 1))
        if before is not None and before.outcome_class is OutcomeClass.SUCCESS:
            yield f"e{slot.endpoint}, {slot.at} was called again behind a success"


def _taken_alive(runs: Iterable[Run], lease: timedelta) -> Iterator[str]:
    """
    Find runs that were taken away while their first lease lived: another sends what they may send.

    The thief writes when the run ended, so that it overlaps with nothing.
    """
    for run in runs:
        if run.failure_kind is not FailureKind.ABANDONED or run.finished_at is None:
            continue
        if run.finished_at < run.claimed_at + lease - _DOUBT:
            yield f"the run of {run.slot} was taken away {run.finished_at - run.claimed_at} old"


def _overlaps(runs: Iterable[Run]) -> Iterator[str]:
    """Find runs claimed while an earlier one of the endpoint had not ended."""
    lives: dict[EndpointId, list[Run]] = defaultdict(list)
    for run in runs:
        lives[run.endpoint_id].append(run)
    for life in lives.values():
        for before, behind in pairwise(sorted(life, key=lambda run: run.claimed_at)):
            if before.finished_at is None or behind.claimed_at < before.finished_at - _DOUBT:
                yield f"the run of {behind.slot} was claimed while that of {before.slot} lived"


def _stopped(runs: Iterable[Run], numbers: Mapping[EndpointId, int], work: Work) -> Iterator[str]:
    """
    Find endpoints that others went on without, though all had been well for long enough.

    When they were claimed counts, and not for which slot: that may be long past, as where workers
    were slow to start.
    """
    latest: dict[int, int] = {}
    for run in runs:
        endpoint = numbers[run.endpoint_id]
        latest[endpoint] = max(_micro(run.claimed_at), latest.get(endpoint, 0))
    newest = max(latest.values(), default=0)
    for endpoint, at in latest.items():
        if newest - at > _RECOVERED + 2000 * work.step:
            yield f"e{endpoint} has not run since {at}, and others until {newest}"


class _Account(NamedTuple):
    """What an endpoint's grid has, up to the last slot that was run or recorded, and what came."""

    endpoint: int
    expected: int
    ran: int
    told: int

    @property
    def lacks(self) -> bool:
        return not self.ran or self.ran + self.told < self.expected

    @property
    def exceeds(self) -> bool:
        return self.ran + self.told > self.expected

    def lacking(self) -> str:
        come = self.ran + self.told
        return f"of e{self.endpoint} {come} of {self.expected} slots are accounted for"

    def exceeding(self) -> str:
        return (
            f"e{self.endpoint} has {self.expected} slots, of which {self.ran} were run and"
            f" {self.told} recorded as not run"
        )


def _accounts(
    slots: set[Slot], history: History, numbers: Mapping[EndpointId, int], work: Work
) -> Iterator[_Account]:
    """
    Count for each endpoint what its grid has against what is accounted for: neither less nor more.

    That is plain arithmetic, which knows nothing of schedules.
    """
    runs: dict[int, list[int]] = defaultdict(list)
    for slot in slots:
        runs[slot.endpoint].append(slot.at)
    told: Counter[int] = Counter()
    latest = {endpoint: max(ran) for endpoint, ran in runs.items()}
    for endpoint_id, records in history.records.items():
        endpoint = numbers[endpoint_id]
        told[endpoint] += sum(record.count for record in records)
        ends = (_micro(record.last) for record in records)
        latest[endpoint] = max((latest.get(endpoint, 0), *ends))
    step = work.step * 1000
    for endpoint in range(work.endpoints):
        first = (work.begins_at + work.phase(endpoint)) * 1000
        last = latest.get(endpoint, first - step)
        yield _Account(
            endpoint=endpoint,
            expected=(last - first) // step + 1,
            ran=len(runs[endpoint]),
            told=told[endpoint],
        )


def _lateness(calls: Iterable[Call]) -> Lateness | None:
    first: dict[Slot, int] = {}
    for call in calls:
        slot = Slot(call.endpoint, call.slot)
        first[slot] = min(call.arrived_at, first.get(slot, call.arrived_at))
    late = sorted(arrived - slot.at for slot, arrived in first.items())
    if not late:
        return None
    p50, p99, p99_9 = (late[min(len(late) - 1, int(len(late) * p))] for p in (0.5, 0.99, 0.999))
    return Lateness(p50=p50 / 1000, p99=p99 / 1000, p99_9=p99_9 / 1000, most=late[-1] / 1000)
