"""Everything that only grows, read before and after, and what lies between."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.machine import Noise, Ticks
from bench.postgres import Server
from bench.processes import cpu_seconds, peak_memory, shared_memory
from bench.statistics import Statements
from bench.systems.system import DATABASE, TARGET, WORKER, Running
from bench.target_process import Target

_MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Counters at an instant."""

    ticks: Ticks
    cpu: Mapping[str, float]
    own: float
    statements: Statements | None
    fired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """Reads the counters of a system at work, by part."""

    running: Running
    server: Server
    target: Target

    def read(self) -> Snapshot:
        """Take a snapshot; the clock is read last."""
        database = self.running.database
        return Snapshot(
            statements=None
            if database is None
            else Statements.of(database, self.server.url, claims=self.running.claims),
            fired=self.running.fired() if self.running.fired else 0,
            own=time.process_time(),
            cpu={name: cpu_seconds(pids) for name, pids in self._parts().items()},
            ticks=Ticks.now(),
        )

    def memory(self) -> Mapping[str, float]:
        """Say what each part holds, in MiB."""
        return {
            name: round((shared_memory if name == DATABASE else peak_memory)(pids) / _MEBIBYTE, 1)
            for name, pids in self._parts().items()
        }

    def _parts(self) -> Mapping[str, Sequence[int]]:
        workers = [worker.pid for worker in self.running.workers]
        parts = {WORKER: workers, TARGET: [self.target.pid]}
        return parts if self.running.database is None else {**parts, DATABASE: [self.server.pid]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What lies between two snapshots."""

    before: Snapshot
    after: Snapshot

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.after.ticks.at - self.before.ticks.at

    @property
    def cpu(self) -> Mapping[str, float]:
        """The processor time of each part, in percent of one processor."""
        return {name: round(100 * used / self.seconds, 1) for name, used in self._used().items()}

    @property
    def noise(self) -> Noise:
        """What others took."""
        ours = sum(self._used().values()) + self.after.own - self.before.own
        return Noise.between(self.before.ticks, self.after.ticks, ours=ours)

    @property
    def fired(self) -> int:
        """How many runs the system itself counted."""
        return self.after.fired - self.before.fired

    @property
    def queries(self) -> float | None:
        """Statements a second."""
        if self.before.statements is None or self.after.statements is None:
            return None
        return round((self.after.statements.calls - self.before.statements.calls) / self.seconds, 2)

    @property
    def claiming(self) -> float | None:
        """Milliseconds that claims took, all together."""
        if self.before.statements is None or self.after.statements is None:
            return None
        return self.after.statements.claiming - self.before.statements.claiming

    def _used(self) -> Mapping[str, float]:
        return {name: after - self.before.cpu[name] for name, after in self.after.cpu.items()}
