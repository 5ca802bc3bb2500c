"""Makes a story of many parts into one of few, by playing it again without some of them."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from tools.simulate.drawing import SECOND
from tools.simulate.judging import Verdict, judge
from tools.simulate.scenario import Scenario

PLAYS_MOST = 300
"""How often a scenario is played again at most."""


def shrink(
    scenario: Scenario, verdict: Verdict, judge: Callable[[Scenario], Verdict] = judge
) -> tuple[Scenario, Verdict]:
    """
    Return the smallest scenario found in which the first finding still comes up, and its verdict.

    Anything may be left out but the last worker: time at the end, endpoints, deeds, troubles.
    ``verdict`` is what ``judge`` says of the whole.
    """
    return _Shrinking(scenario, verdict, judge).shrunk()


class _Shrinking:
    def __init__(
        self, scenario: Scenario, verdict: Verdict, judge: Callable[[Scenario], Verdict]
    ) -> None:
        self._scenario = scenario
        self._verdict = verdict
        self._wanted = _mark(verdict)
        self._judge = judge
        self._plays = 0

    def shrunk(self) -> tuple[Scenario, Verdict]:
        self._shorten()
        size = len(self._scenario.parts())
        while size > 0:
            self._drop_groups_of(size)
            size //= 2
        self._drop_groups_of(1)
        self._shorten()
        return self._scenario, self._verdict

    def _shorten(self) -> None:
        """Halve the time, and then take less and less off."""
        step = self._scenario.lasts / 2
        while step > SECOND and self._plays < PLAYS_MOST:
            shorter = self._scenario.lasts - step
            whole = max(timedelta(seconds=shorter // SECOND), SECOND)
            if whole >= self._scenario.lasts or not self._holds(self._scenario.lasting(whole)):
                step /= 2

    def _drop_groups_of(self, size: int) -> None:
        """Leave groups of so many parts out, each if the finding does not need it."""
        parts = self._scenario.parts()
        for begin in range(0, len(parts), size):
            group = set(parts[begin : begin + size])
            left = set(self._scenario.parts()) - group
            if group & set(self._scenario.parts()) and self._plays < PLAYS_MOST:
                self._holds(self._scenario.only(left))

    def _holds(self, scenario: Scenario) -> bool:
        """Play a smaller scenario; if the finding is still there go on from it."""
        if not scenario.workers:
            return False  # where nobody works everything is left over, whatever was found before
        self._plays += 1
        verdict = self._judge(scenario)
        if self._wanted not in _marks(verdict):
            return False
        self._scenario, self._verdict = scenario, verdict
        return True


def _mark(verdict: Verdict) -> str:
    return _marks(verdict)[0]


def _marks(verdict: Verdict) -> Sequence[str]:
    """Say by what findings are known again: their fault and their endpoint."""
    found = [f"{each.fault} {each.endpoint_id}" for each in verdict.findings]
    return [*found, *(each.partition(": ")[2] or each for each in verdict.broken)]
