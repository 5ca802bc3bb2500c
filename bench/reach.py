"""Says which figures were aimed at, which were reached, and what stood in the way of the others."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.figures import NOTHING, cpu, figure, late
from bench.measurement import Measurement
from bench.systems.all_systems import DURABLE
from bench.systems.system import DATABASE, WORKER
from bench.tables import table

Measurements = Sequence[Measurement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """
    A figure that is aimed at.

    Attributes:
        at_least: Whether more is better.
        found: Reads it from all measurements; None if it was not measured.
        beside: The system and scenario whose processor time says what stood in the way.
    """

    what: str
    wanted: float
    unit: str
    at_least: bool
    found: Callable[[Measurements], float | None]
    beside: tuple[str, str]

    def reached(self, value: float) -> bool:
        """Say whether a value will do."""
        return value >= self.wanted if self.at_least else value <= self.wanted


def reach(measurements: Measurements) -> Iterator[str]:
    """Write the chapter, if anything of it was measured."""
    told = [(aim, aim.found(measurements)) for aim in AIMS]
    if all(value is None for _, value in told):
        return
    yield f"## What was aimed at\n\n{table(_HEAD, [_row(aim, value) for aim, value in told])}"
    missed = [
        f"- {aim.what}: {_in_the_way(aim, measurements)}"
        for aim, value in told
        if value is not None and not aim.reached(value)
    ]
    if missed:
        yield "What stands in the way of those that were missed:\n\n" + "\n".join(missed)


def _row(aim: Aim, value: float | None) -> Sequence[str]:
    wanted = f"{'at least' if aim.at_least else 'at most'} {aim.wanted:,g}{aim.unit}"
    if value is None:
        return (aim.what, wanted, NOTHING, "not measured")
    return (aim.what, wanted, f"{value:,.4g}{aim.unit}", "yes" if aim.reached(value) else "**no**")


def _in_the_way(aim: Aim, measurements: Measurements) -> str:
    system, scenario = aim.beside
    own = [
        each
        for each in measurements
        if (each.system, each.scenario) == (system, scenario) and not each.failed
    ]
    if not own:
        return "it failed, see below."
    if not any(each.seconds for each in own):
        return "see below: nothing was measured beside it."
    hardest = max(own, key=lambda each: (each.parked, each.endpoints))
    if scenario == "idle":
        return (
            f"beside {hardest.label} endpoints it sent {hardest.queries or 0:.2f} statements a"
            f" second, and used {hardest.cpu.get(WORKER, 0.0):.1f} % of a processor."
        )
    worker, database = hardest.cpu.get(WORKER, 0.0), hardest.cpu.get(DATABASE, 0.0)
    return (
        f"at {hardest.label} the worker used {worker:.0f} % of a processor, the database"
        f" {database:.0f} %, what is not ours {hardest.others:.0f} %; they and the target share"
        " what the machine has. Where the worker's time goes is told below, by part."
    )


def _best(system: str) -> Callable[[Measurements], float | None]:
    def read(measurements: Measurements) -> float | None:
        own = _of(measurements, "throughput", system)
        values = [found.median for each in _by_label(own) if (found := figure(each, _fires))]
        return max(values, default=None)

    return read


def _fires(measurement: Measurement) -> float:
    return measurement.fires


def _kept_up(system: str) -> Callable[[Measurements], float | None]:
    def read(measurements: Measurements) -> float | None:
        own = _of(measurements, "throughput", system)
        return max((each.rate for each in own if each.kept_up), default=0.0) if own else None

    return read


def _late(system: str, label: str) -> Callable[[Measurements], float | None]:
    def read(measurements: Measurements) -> float | None:
        own = [each for each in _of(measurements, "lateness", system) if each.label == label]
        found = figure(own, late("p99"))
        return None if found is None else found.median

    return read


def _two_to_one(measurements: Measurements) -> float | None:
    one, two = _best("cronicorn-pg")(measurements), _best("cronicorn-pg-2")(measurements)
    return two / one if one and two else None


def _over_peers(measurements: Measurements) -> float | None:
    ours = _best("cronicorn-pg")(measurements)
    theirs = [best for name in DURABLE if (best := _best(name)(measurements))]
    return ours / max(theirs) if ours and theirs else None


def _stored(measurements: Measurements) -> float | None:
    own = _of(measurements, "load", "cronicorn-pg")
    found = figure(own, lambda each: each.stored_in * 100_000 / each.endpoints)
    return None if found is None else found.median


def _flat(measurements: Measurements) -> float | None:
    """Compare what an endpoint costs to claim beside the most stored ones and the fewest."""
    own = sorted(_of(measurements, "stored", "cronicorn-pg"), key=lambda each: each.parked)
    found = [figure(rounds, lambda each: each.claim_per_fire) for rounds in _by_label(own)]
    costs = [each.median for each in found if each is not None and each.median]
    return costs[-1] / costs[0] if len(costs) > 1 else None


def _under_the_oldest(measurements: Measurements) -> float | None:
    """Compare that beside an open transaction and the most stored, with neither."""
    own = _of(measurements, "old transaction", "cronicorn-pg")
    without = figure([each for each in own if not each.dead_rows], lambda each: each.claim_per_fire)
    most = max((each.parked for each in own), default=0)
    beside = [each for each in own if each.dead_rows and each.parked == most]
    found = figure(beside, lambda each: each.claim_per_fire)
    return found.median / without.median if found and without and without.median else None


def _idle_queries(measurements: Measurements) -> float | None:
    found = figure(_of(measurements, "idle", "cronicorn-pg"), lambda each: each.queries)
    return None if found is None else found.median


def _idle_cpu(measurements: Measurements) -> float | None:
    found = figure(_of(measurements, "idle", "cronicorn-pg"), cpu(WORKER))
    return None if found is None else found.median


def _of(measurements: Measurements, scenario: str, system: str) -> list[Measurement]:
    return [
        each
        for each in measurements
        if (each.scenario, each.system) == (scenario, system) and not each.failed
    ]


def _by_label(own: Measurements) -> Iterator[list[Measurement]]:
    for label in dict.fromkeys(each.label for each in own):
        yield [each for each in own if each.label == label]


def _aim(
    what: str,
    wanted: float,
    found: Callable[[Measurements], float | None],
    *,
    unit: str = "",
    at_least: bool = True,
    beside: tuple[str, str] = ("cronicorn-pg", "throughput"),
) -> Aim:
    return Aim(what=what, wanted=wanted, unit=unit, at_least=at_least, found=found, beside=beside)


_HEAD: Final = ("figure", "wanted", "measured", "reached")
AIMS: Final = (
    _aim("One worker on PostgreSQL keeps up with", 3000, _kept_up("cronicorn-pg"), unit="/s"),
    _aim(
        "One worker on PostgreSQL, lateness p99 at 2000/s",
        50,
        _late("cronicorn-pg", "2000/s"),
        unit=" ms",
        at_least=False,
        beside=("cronicorn-pg", "lateness"),
    ),
    _aim(
        "Two processes fire as much as one, times",
        1.4,
        _two_to_one,
        beside=("cronicorn-pg-2", "throughput"),
    ),
    _aim(
        "One worker on SQLite keeps up with",
        1500,
        _kept_up("cronicorn-sqlite"),
        unit="/s",
        beside=("cronicorn-sqlite", "throughput"),
    ),
    _aim(
        "One worker on PostgreSQL fires as much as the fastest durable peer, times", 1, _over_peers
    ),
    _aim(
        "100 000 endpoints are stored on PostgreSQL in",
        30,
        _stored,
        unit=" s",
        at_least=False,
        beside=("cronicorn-pg", "load"),
    ),
    _aim(
        "Claiming one endpoint takes, beside the most that are stored against the fewest, times",
        1.3,
        _flat,
        at_least=False,
        beside=("cronicorn-pg", "stored"),
    ),
    _aim(
        "Claiming one endpoint takes, beside the most that are stored and an old open transaction"
        " against neither, times",
        1.3,
        _under_the_oldest,
        at_least=False,
        beside=("cronicorn-pg", "old transaction"),
    ),
    _aim(
        "Idle on PostgreSQL, queries a second",
        1,
        _idle_queries,
        at_least=False,
        beside=("cronicorn-pg", "idle"),
    ),
    _aim(
        "Idle on PostgreSQL, of a processor",
        1,
        _idle_cpu,
        unit=" %",
        at_least=False,
        beside=("cronicorn-pg", "idle"),
    ),
)
