"""Plays scenarios and has their histories judged."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cronicorn_domain.model.run import RunStatus

from tools.checker.check import Report, examine
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
        playing: The processor seconds of playing.
        judging: The processor seconds of the checker.
    """

    slots: int = 0
    runs: int = 0
    requests: int = 0
    faults: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    broken: tuple[str, ...] = ()
    playing: float = 0.0
    judging: float = 0.0

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
        return Verdict(broken=(f"it could not be played to its end: {error!r}",))
    played = time.process_time()
    report = examine(course.history)
    judged = time.process_time()
    history = course.history
    return Verdict(
        slots=_slots(history),
        runs=len(history.runs),
        requests=len(history.requests),
        faults=course.faults,
        findings=tuple(report.findings),
        broken=(*course.broken, *_unjudged(report), *_left_over(scenario, course)),
        playing=played - begun,
        judging=judged - played,
    )


def _slots(history: History) -> int:
    run = {(each.endpoint_id, each.slot) for each in history.runs}
    recorded = sum(each.count for records in history.records.values() for each in records)
    return len(run) + recorded


def _unjudged(report: Report) -> Iterator[str]:
    """A history whose definitions are missing says nothing."""
    if report.unreadable:
        yield f"{report.unreadable} endpoints could not be judged"


def _left_over(scenario: Scenario, course: Course) -> Iterator[str]:
    """Behind the end nothing is under way but requests whose own deadline lies behind it, too."""
    history = course.history
    timeouts = {each.endpoint.id: each.endpoint.limits.deadline for each in scenario.newcomers}
    slow = {
        each.id
        for each in history.runs
        if each.started_at is not None
        and each.started_at + timeouts[each.endpoint_id] > history.ends_at
    }
    running = [each for each in history.runs if each.status is RunStatus.RUNNING]
    if left := [each for each in running if each.id not in slow]:
        yield f"{len(left)} runs are still running after the end"
    leased = [each for each in history.leases if each.end is None]
    if alive := [each for each in leased if each.run_id not in slow]:
        yield f"{len(alive)} leases live on after the end"
