"""The last check before sending, made for all runs that are about to start together."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from cronicorn_domain.identity import Token
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import ClaimedRun, EndpointQueue, StartRefusal

from cronicorn_scheduler.grouping import Grouping
from cronicorn_scheduler.outages import Line

Start = datetime | StartRefusal
"""The instant at which a run was marked as started, or why it may not."""


class Starting:
    """Asks the store whether claimed runs may still start; in an outage they wait."""

    name = "start"

    def __init__(self, queue: EndpointQueue, *, clock: Clock, line: Line, limit: int) -> None:
        self._queue = queue
        self._clock = clock
        self._checks = Grouping(self._start, line=line, clock=clock, limit=limit)

    async def run(self) -> None:
        """Check what is asked, for ever."""
        await self._checks.run()

    async def start(self, run: ClaimedRun) -> Start:
        """Mark a run as started, or say why it may not. A refused claim is undone already."""
        return await self._checks.ask(run.lease.token, run)

    async def _start(self, runs: Sequence[ClaimedRun]) -> Mapping[Token, Start]:
        # The clock may have been set back since the claim.
        await self._clock.sleep_until(max(run.plan.decision.due_at for run in runs))
        now = self._clock.now()
        refusals = await self._queue.start([run.lease.token for run in runs], now=now)
        return {token: now if refusal is None else refusal for token, refusal in refusals.items()}
