"""What the target saw, judged: how late, how many, whether any was early, doubled or missing."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from bench.work import Work

_NUMBERS = 3
_MILLISECOND = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """Arrival at the target against the slot, in milliseconds."""

    p50: float
    p99: float
    p99_9: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    What came of the slots of a window.

    Attributes:
        expected: Slots that lie in it.
        fired: Calls that arrived in it, of whatever slot.
        missed: Slots of it that no call was for, be they lost, skipped or coalesced.
        doubled: Calls beyond the first for one endpoint and slot.
        early: Calls that arrived before their slot.
        lateness: Of the calls for its slots; None when there is none.
    """

    expected: int
    fired: int
    missed: int
    doubled: int
    early: int
    lateness: Lateness | None


def judge(notes: bytes, work: Work, *, since: int, until: int) -> Judgement:
    """
    Judge the target's notes for a window of whole steps, in milliseconds.

    Work without endpoints is done flat out: its calls have no slot they could be late for.
    """
    numbers = array("q", notes)
    arrivals = numbers[2::_NUMBERS]
    begins, ends = since * _MILLISECOND, until * _MILLISECOND
    seen: set[tuple[int, int]] = set()
    late: list[int] = []
    doubled = 0
    for endpoint, slot, arrived in zip(
        numbers[0::_NUMBERS], numbers[1::_NUMBERS], arrivals, strict=True
    ):
        if begins <= slot < ends:
            doubled += (endpoint, slot) in seen
            seen.add((endpoint, slot))
            late.append(arrived - slot)
    expected = work.endpoints * (until - since) // work.step
    return Judgement(
        expected=expected,
        fired=sum(begins <= each < ends for each in arrivals),
        missed=max(0, expected - len(seen)),
        doubled=doubled,
        # A slot is told to the millisecond, rounded down: so no call is taken for an early one.
        early=sum(each < 0 for each in late),
        lateness=_lateness(sorted(late)) if work.endpoints else None,
    )


def _lateness(late: Sequence[int]) -> Lateness | None:
    if not late:
        return None
    return Lateness(
        p50=_percentile(late, 0.5),
        p99=_percentile(late, 0.99),
        p99_9=_percentile(late, 0.999),
        most=late[-1] / _MILLISECOND,
    )


def _percentile(ordered: Sequence[int], part: float) -> float:
    """Return the least value that so large a part does not exceed, in milliseconds."""
    index = min(len(ordered) - 1, max(0, -(-len(ordered) * part // 1) - 1))
    return ordered[int(index)] / _MILLISECOND
