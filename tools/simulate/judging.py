"""Plays scenarios and has their histories judged."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from cronicorn_domain.model.run import RunStatus

from tools.checker.check import check
from tools.checker.finding import Finding
from tools.checker.history import History
from tools.simulate.scenario import Scenario
from tools.simulate.trace import Trace
from tools.simulate.world import Course, play


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    What came of one scenario.

    Attributes:
        slots: Fire times that were run or recorded as not run.
        runs: Claims; a slot may have several.
        requests: What the targets saw.
        faults: What was met, by kind.
        findings: What the checker found.
        broken: What must never happen, whatever the history says.
        seconds: The processor time of playing, without the checking.
    """

    slots: int
    runs: int
    requests: int
    faults: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    broken: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def sound(self) -> bool:
        """Whether all promises were kept."""
        return not (self.findings or self.broken)


def judge(scenario: Scenario, trace: Trace | None = None) -> Verdict:
    """Play a scenario and judge its history."""
    begun = time.process_time()
    try:
        course = play(scenario, trace)
    except Exception as error:  # noqa: BLE001  a world that cannot go on has broken its promise
        broken = (f"it could not be played to its end: {error!r}",)
        return Verdict(slots=0, runs=0, requests=0, broken=broken)
    seconds = time.process_time() - begun
    history = course.history
    return Verdict(
        slots=_slots(history),
        runs=len(history.runs),
        requests=len(history.requests),
        faults=course.faults,
        findings=tuple(check(history)),
        broken=(*course.broken, *_left_over(course)),
        seconds=seconds,
    )


def _slots(history: History) -> int:
    run = {(each.endpoint_id, each.slot) for each in history.runs}
    recorded = sum(each.count for records in history.records.values() for each in records)
    return len(run) + recorded


def _left_over(course: Course) -> tuple[str, ...]:
    running = sum(each.status is RunStatus.RUNNING for each in course.history.runs)
    return (f"{running} runs are still running after the end",) if running else ()
