"""Gives quarantined endpoints another chance when a worker starts, whose code may be newer."""

from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import EndpointQueue

from cronicorn_scheduler.observing import EndpointHealed, Observer
from cronicorn_scheduler.outages import Line


class Healing:
    """Lets out of quarantine, once, what can be read after all."""

    name = "heal"

    def __init__(
        self, queue: EndpointQueue, *, clock: Clock, observer: Observer, line: Line
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._observer = observer
        self._line = line

    async def run(self) -> None:
        """Heal what can be healed, and end."""
        healed = False
        while not healed:
            async with self._line:
                for endpoint_id in await self._queue.heal_quarantined(now=self._clock.now()):
                    self._observer.record(EndpointHealed(endpoint_id=endpoint_id))
                healed = True
