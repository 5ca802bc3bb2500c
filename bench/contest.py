"""Runs systems in turn, A B C, A B C, so that none has the quieter hour to itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from bench.measurement import Measurement
from bench.observing import observe
from bench.postgres import Server
from bench.systems.system import System
from bench.trials import FLAT_OUT, SCENARIOS, Size, Trial, rounds_of

_BEHIND = 0.9
_SLACK = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """One trial of one system in one round."""

    round: int
    trial: Trial
    system: System

    @property
    def title(self) -> str:
        """Name it for the progress bar."""
        return f"{self.trial.scenario} {self.trial.label}: {self.system.name}"


@dataclass(slots=True)
class Contest:
    """What is to be measured, and what has been."""

    size: Size
    scenarios: Sequence[str]
    systems: Sequence[System]
    measured: list[Measurement] = field(default_factory=list)

    def heats(self) -> list[Heat]:
        """Return all that might be run, in order."""
        return [
            Heat(round=number, trial=_for(system, trial, self.size), system=system)
            for scenario in self.scenarios
            for number in range(1, rounds_of(scenario, self.size) + 1)
            for index, trial in enumerate(SCENARIOS[scenario](self.size))
            for system in self.systems
            if system.cannot(scenario) is None
            if index == 0 or scenario != "throughput" or not system.flat_out
        ]

    def run(self, server: Server, tell: Callable[[Heat], None]) -> Iterator[Measurement | None]:
        """Run the heats; None for each that has become pointless."""
        for heat in self.heats():
            tell(heat)
            if self._pointless(heat):
                yield None
                continue
            measurement = observe(
                heat.system, heat.trial, self.size, server=server, round_number=heat.round
            )
            self.measured.append(measurement)
            yield measurement

    def _pointless(self, heat: Heat) -> bool:
        """Say whether a trial can be left out: nothing would be learned, or it would take hours."""
        if heat.system.storing(heat.trial.shape) > self.size.storing_most + _SLACK:
            return True
        if heat.trial.scenario == "lateness":
            return self._cannot_keep_up(heat)
        if heat.trial.scenario != "throughput" or heat.system.flat_out:
            return False
        return self._has_shown_its_most(heat)

    def _has_shown_its_most(self, heat: Heat) -> bool:
        """
        Say whether a system fell behind at two lower rates.

        In later rounds, too, what lies well below the best of the first.
        """
        own = self._throughput_of(heat.system)
        behind = [each for each in own if each.round == heat.round and _fell_behind(each)]
        best = max((each.fires for each in own if each.round < heat.round), default=0.0)
        return len(behind) > 1 or heat.trial.shape.endpoints < best / 2

    def _cannot_keep_up(self, heat: Heat) -> bool:
        """Say whether a system was seen to fire less often than the rate: it is late by seconds."""
        best = max((each.fires for each in self._throughput_of(heat.system)), default=None)
        return best is not None and best < _BEHIND * heat.trial.shape.endpoints

    def _throughput_of(self, system: System) -> list[Measurement]:
        return [
            each
            for each in self.measured
            if each.scenario == "throughput" and each.system == system.name
        ]


def _fell_behind(measurement: Measurement) -> bool:
    return measurement.failed is not None or measurement.fires < _BEHIND * measurement.endpoints


def _for(system: System, trial: Trial, size: Size) -> Trial:
    """Give those that work flat out their own shape, and slow ones less to store."""
    if trial.scenario == "throughput" and system.flat_out:
        return replace(trial, label="flat out", shape=FLAT_OUT)
    most = size.storing_most / 3
    if trial.stores_only and (takes := system.storing(trial.shape)) > most:
        count = max(1, int(trial.shape.endpoints * most / takes) // 100 * 100)
        return replace(trial, label=f"{count:,}", shape=replace(trial.shape, endpoints=count))
    return trial
