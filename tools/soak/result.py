"""What a phase gave, as it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from bench.calls import Lateness

RECOVERS_WITHIN: Final = 5.0
"""Seconds behind the length of a lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """
    What came of the slots.

    Attributes:
        slots: Those accounted for, by a run or by a record.
        runs: Executions of them; ``told`` are slots that have a record instead.
        lost: Slots without either, and whatever the checker calls lost.
        doubled: A slot called again although its lease lived, a lease that was taken away while it
            lived, and what the checker calls so.
        two_leases: Runs of one endpoint that overlap.
        repeated: Runs of a slot beyond its first, behind a lease that was lost.
        unexplained: Calls without a run, runs without a call, keys that differ, and all else that
            the checker found.
        findings: The first of what was found, in sentences.
        lateness: Of each slot's first call, against the slot.
    """

    slots: int
    runs: int
    told: int
    lost: int
    doubled: int
    two_leases: int
    repeated: int
    unexplained: int
    findings: Sequence[str]
    lateness: Lateness | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """
    The figures of one fault; lengths in seconds.

    Attributes:
        rate: Slots a second.
        lasted: How long the fault lasted.
        passes: It has an end, after which everything has to recover.
        recovery: From its end until nothing was overdue and no earlier lease left; None: it was
            not got over, or there was nothing to get over.
        outages: How often a worker told that its store was away.
        troubles: Log lines that are not about one run.
        connections: To the database, where they were counted.
        raved: What shows that a worker went round without a pause, in sentences.
    """

    fault: str
    sqlite: bool
    rate: int
    lease: float
    lasted: float
    passes: bool
    recovery: float | None
    outages: int
    troubles: int
    connections: int
    raved: Sequence[str]
    judged: Judged

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.fault}, SQLite" if self.sqlite else self.fault

    @property
    def sound(self) -> bool:
        """Whether every promise was kept."""
        it = self.judged
        broken = it.lost + it.doubled + it.two_leases + it.unexplained
        return not broken and self.recovered and not self.raved

    @property
    def recovered(self) -> bool:
        """Whether everything was well again within a lease and five seconds."""
        if self.recovery is None:
            return not self.passes
        return self.recovery <= self.lease + RECOVERS_WITHIN

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Result":
        """Read what `document` returned."""
        judged = document["judged"]
        lateness = judged["lateness"]
        read = Judged(**{**judged, "lateness": None if lateness is None else Lateness(**lateness)})
        return cls(**{**document, "judged": read})
