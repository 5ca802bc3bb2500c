"""What workers share: the store, its time, the recorder, and the loop that runs all of it."""

from collections import Counter
from dataclasses import dataclass, field

from cronicorn_adapter_memory.quota_guard import MemoryQuotaGuard
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.unit_of_work import MemoryUnitsOfWork
from cronicorn_domain.model.session import Session

from tools.checker.history import HintOffered
from tools.simulate.clock import SharedClock
from tools.simulate.loop import VirtualTimeLoop
from tools.simulate.recorded_queue import RecordedQueue
from tools.simulate.recorder import Recorder
from tools.simulate.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """
    The place where a scenario is played.

    ``faults`` counts what was met by kind; ``broken`` says what must never happen, in sentences.
    ``sessions`` are the planner's that were kept, ``granted`` the hints that they wrote.
    """

    scenario: Scenario
    loop: VirtualTimeLoop
    clock: SharedClock
    store: MemoryStore
    queue: RecordedQueue
    units: MemoryUnitsOfWork
    quota_guard: MemoryQuotaGuard
    recorder: Recorder
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    granted: list[tuple[Session, HintOffered]] = field(default_factory=list)

    def struck(self, kind: str) -> None:
        """Count a fault."""
        self.faults[kind] += 1
