"""Read from steps how long runs took, and how late they started."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from cronicorn_domain.model.durations import percentile
from cronicorn_domain.ports.board import LATENESS_STEPS
from cronicorn_domain.ports.overview import Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """What half of some lengths are not longer than, and 95 and 99 of a hundred."""

    p50: timedelta
    p95: timedelta
    p99: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """
    How long runs took, a tenth more or less, and how late they started, at most.

    None where nothing was requested. A lateness is told as the next of ``LATENESS_STEPS``.
    """

    duration: Percentiles | None
    lateness: Percentiles | None


def speed_of(spreads: Iterable[Spread]) -> Speed:
    """Read the speed of all runs that were counted, whatever stretches they lie in."""
    durations: Counter[int] = Counter()
    lateness: Counter[int] = Counter()
    for each in spreads:
        durations.update(each.durations)
        lateness.update(each.lateness)
    return Speed(
        duration=_percentiles(percentile(durations, share) for share in _SHARES),
        lateness=_percentiles(lateness_at_most(lateness, share) for share in _SHARES),
    )


def lateness_at_most(counted: Mapping[int, int], share: float) -> timedelta | None:
    """Return what so large a share, by number of step, is not later than; None: there is none."""
    behind = math.ceil(share * sum(counted.values()))
    for step in sorted(step for step, count in counted.items() if count):
        behind -= counted[step]
        if behind <= 0:
            return LATENESS_STEPS[step]
    return None


_SHARES = (0.5, 0.95, 0.99)


def _percentiles(found: Iterable[timedelta | None]) -> Percentiles | None:
    p50, p95, p99 = found
    if p50 is None or p95 is None or p99 is None:
        return None
    return Percentiles(p50=p50, p95=p95, p99=p99)
