"""Counts the requests that are under way."""

from cronicorn_domain.model.run import Outcome
from cronicorn_domain.ports.dispatcher import Dispatch, Dispatcher
from prometheus_client import Gauge


class CountedDispatcher:
    """A dispatcher that is another one, and keeps a gauge at the number of its requests."""

    def __init__(self, dispatcher: Dispatcher, running: Gauge) -> None:
        self._dispatcher = dispatcher
        self._running = running

    async def dispatch(self, dispatch: Dispatch) -> Outcome:
        """Send, and count it until it has ended, in whatever way."""
        self._running.inc()
        try:
            return await self._dispatcher.dispatch(dispatch)
        finally:
            self._running.dec()
