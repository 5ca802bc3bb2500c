"""The scenarios, and how large they are in a quick run and in a full one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.systems.system import Shape

_A_DAY: Final = 86_400_000
_BURST_STEP: Final = 5000
FLAT_OUT: Final = Shape(endpoints=5000, flat_out=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """
    How much is measured; lengths in seconds.

    ``window`` is a multiple of the burst's step, 5 s, so that every window holds whole steps.
    ``hold`` is how long work goes on beside an open transaction before it is measured, and
    ``hold_longest`` beside as many as can be stored. ``slow``
    are the rounds of scenarios that first store much or wait long. ``scenarios`` are run when none
    is asked for. What a system would store for longer than ``storing_most`` is left out, or less
    of it stored where storing alone is measured.
    """

    name: str
    scenarios: Sequence[str]
    rounds: int
    slow: int
    warm_up: float
    window: float
    ladder: Sequence[int]
    rates: Sequence[int]
    bursts: Sequence[int]
    parked: Sequence[int]
    parked_rate: int
    hold: float
    hold_longest: float
    idle: int
    idle_window: float
    load: int
    storing_most: float


_ALL: Final = ("throughput", "lateness", "burst", "stored", "old transaction", "idle", "load")
QUICK: Final = Size(
    name="quick",
    scenarios=_ALL,
    rounds=1,
    slow=1,
    warm_up=5,
    window=5,
    ladder=(500, 1500, 3000, 4500),
    rates=(100, 500, 1000, 2000),
    bursts=(500,),
    parked=(1_000, 10_000, 100_000, 1_000_000),
    parked_rate=200,
    hold=10,
    hold_longest=60,
    idle=100_000,
    idle_window=20,
    load=100_000,
    storing_most=30,
)
FULL: Final = Size(
    name="full",
    scenarios=_ALL,
    rounds=3,
    slow=2,
    warm_up=6,
    window=10,
    ladder=(250, 500, 1000, 2000, 3000, 4500, 6000),
    rates=(100, 500, 1000, 2000),
    bursts=(100, 1000),
    parked=(1_000, 10_000, 100_000, 1_000_000),
    parked_rate=500,
    hold=120,
    hold_longest=3600,
    idle=100_000,
    idle_window=60,
    load=100_000,
    storing_most=300,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """
    One thing to measure.

    ``hold`` opens a transaction so many seconds before; ``window`` is in the place of the size's.
    """

    scenario: str
    label: str
    shape: Shape
    hold: float = 0.0
    window: float | None = None
    stores_only: bool = False


def _throughput(size: Size) -> list[Trial]:
    return [
        Trial(scenario="throughput", label=f"{rate}/s", shape=Shape(endpoints=rate))
        for rate in size.ladder
    ]


def _lateness(size: Size) -> list[Trial]:
    return [
        Trial(scenario="lateness", label=f"{rate}/s", shape=Shape(endpoints=rate))
        for rate in size.rates
    ]


def _burst(size: Size) -> list[Trial]:
    return [
        Trial(
            scenario="burst",
            label=f"{count} at once",
            shape=Shape(endpoints=count, step=_BURST_STEP, burst=True),
        )
        for count in size.bursts
    ]


def _stored(size: Size) -> list[Trial]:
    return [
        Trial(
            scenario="stored",
            label=f"{parked:,}",
            shape=Shape(endpoints=size.parked_rate, parked=parked),
        )
        for parked in size.parked
    ]


def _old_transaction(size: Size) -> list[Trial]:
    shape = Shape(endpoints=size.parked_rate, parked=size.parked[0])
    without = Trial(scenario="old transaction", label="none", shape=shape)
    most = replace(shape, parked=size.parked[-1])
    return [
        without,
        replace(without, label="open", hold=size.hold),
        replace(without, label=f"open, {most.parked:,} stored", shape=most, hold=size.hold_longest),
    ]


def _idle(size: Size) -> list[Trial]:
    shape = Shape(endpoints=0, parked=size.idle)
    label = f"{size.idle:,}"
    return [Trial(scenario="idle", label=label, shape=shape, window=size.idle_window)]


def _load(size: Size) -> list[Trial]:
    shape = Shape(endpoints=size.load, step=_A_DAY)
    return [Trial(scenario="load", label=f"{size.load:,}", shape=shape, stores_only=True)]


SCENARIOS: Final[Mapping[str, Callable[[Size], list[Trial]]]] = {
    "throughput": _throughput,
    "lateness": _lateness,
    "burst": _burst,
    "stored": _stored,
    "old transaction": _old_transaction,
    "idle": _idle,
    "load": _load,
}
"""In the order in which they are run and told."""
_SLOW: Final = frozenset({"stored", "old transaction", "idle", "load"})


def rounds_of(scenario: str, size: Size) -> int:
    """Say how often a scenario is run."""
    return size.slow if scenario in _SLOW else size.rounds
