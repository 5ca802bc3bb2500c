"""What one trial of one system gave, as it is kept."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.calls import Lateness


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """
    The figures of a trial.

    Attributes:
        label: Which trial of its scenario, such as ``1000/s``.
        rate: Slots a second that were asked for.
        fires: Calls a second that arrived (runs, where nothing is sent).
        kept_up: Whether nearly all slots asked for were served.
        cpu: By part, in percent of one processor.
        memory: By part, in MiB: the worker's at its peak; the database's now, shared pages once.
        stored_in: Seconds that storing the work's endpoints took.
        queries: Statements a second on PostgreSQL.
        claiming: Milliseconds that claims took on PostgreSQL, all together.
        transaction_age: Seconds that a transaction had been open; with the dead rows it kept.
        others: What processes that are not ours used meanwhile, in percent of one processor.
        steal: What the hypervisor took, in percent of all.
        failed: Why there are no figures.
    """

    scenario: str
    label: str
    system: str
    round: int
    endpoints: int
    parked: int
    rate: float = 0.0
    seconds: float = 0.0
    fires: float = 0.0
    expected: int = 0
    missed: int = 0
    doubled: int = 0
    early: int = 0
    lateness: Lateness | None = None
    cpu: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, float] = field(default_factory=dict)
    stored_in: float = 0.0
    queries: float | None = None
    claiming: float | None = None
    transaction_age: float | None = None
    dead_rows: int | None = None
    others: float = 0.0
    steal: float = 0.0
    failed: str | None = None

    @property
    def kept_up(self) -> bool:
        """
        Whether at most one slot in a hundred was missed, and calls came as often as slots.

        But for one in a hundred, too: who falls behind misses little at first.
        """
        if self.failed is not None or not self.expected:
            return False
        return self.missed * 100 <= self.expected and self.fires >= self.rate * 0.99

    @property
    def cpu_per_fire(self) -> float | None:
        """Microseconds of the worker's processor time for one fire."""
        return self._per_fire("worker")

    @property
    def database_per_fire(self) -> float | None:
        """Microseconds of the database's processor time for one fire."""
        return self._per_fire("database")

    @property
    def claim_per_fire(self) -> float | None:
        """
        Microseconds that PostgreSQL took to claim one endpoint.

        A claim takes longer the more it takes, and takes more the later a worker is: claims as
        such cannot be compared.
        """
        if self.claiming is None or not self.fires:
            return None
        return self.claiming * 1000 / (self.fires * self.seconds)

    def _per_fire(self, part: str) -> float | None:
        if part not in self.cpu or not self.fires:
            return None
        return self.cpu[part] * 10_000 / self.fires

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Measurement":
        """Read what `document` returned."""
        lateness = document["lateness"]
        return cls(**{**document, "lateness": None if lateness is None else Lateness(**lateness)})
