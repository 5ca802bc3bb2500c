"""Sends requests by way of trial, so many at once."""

from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import TooManyRequests
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.dispatcher import Dispatch, Dispatcher
from cronicorn_planner.rules.assessing import RuleAssessor

from cronicorn_api.tracing import TrialTraces

AT_ONCE: Final = 20
"""So many a process has under way; each holds a connection to a target, and somebody's request."""
_SOON: Final = timedelta(seconds=5)


class SentTrials:
    """Sends them as a worker does, and has them traced where traces are kept."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        assessor: RuleAssessor,
        clock: Clock,
        traces: TrialTraces | None = None,
    ) -> None:
        self._traces = traces
        self._dispatcher = dispatcher
        self._assessor = assessor
        self._clock = clock
        self._under_way = 0

    async def send(self, dispatch: Dispatch, endpoint: Endpoint) -> Outcome:
        """Send one request, and return what it counts as. Raises ``TooManyRequests``."""
        if self._under_way >= AT_ONCE:
            raise TooManyRequests(_SOON)
        self._under_way += 1
        try:
            began = self._clock.now()
            outcome = await self._dispatcher.dispatch(dispatch)
            ended = max(began, self._clock.now())
            counted = await self._assessor.counted(
                endpoint, outcome, started_at=began, ended_at=ended
            )
            if self._traces is not None:
                self._traces.tried(dispatch, counted, began=began, ended=ended)
            return counted
        finally:
            self._under_way -= 1
