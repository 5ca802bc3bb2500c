"""What is made of the end of a run, by the endpoint's own conditions, before it is settled."""

from datetime import datetime
from typing import Protocol

from cronicorn_domain.model.rulings import Assessed
from cronicorn_domain.model.run import Outcome
from cronicorn_domain.ports.endpoint_queue import ClaimedRun


class Assessor(Protocol):
    """Assesses the runs of endpoints that have conditions; each in bounded time."""

    async def assess(
        self, run: ClaimedRun, outcome: Outcome, *, started_at: datetime, ended_at: datetime
    ) -> Assessed:
        """Return what the run counts as, and what its endpoint's rules say about it."""
        ...


def has_conditions(run: ClaimedRun) -> bool:
    """Say whether there is anything to be assessed: mostly there is not, and nobody is asked."""
    return bool(run.endpoint.rules.rules) or run.endpoint.success_when is not None


class TakesAsItIs:
    """Where nobody judges conditions an outcome is what it is."""

    async def assess(
        self, run: ClaimedRun, outcome: Outcome, *, started_at: datetime, ended_at: datetime
    ) -> Assessed:
        """Return the outcome."""
        del run, started_at, ended_at
        return Assessed(outcome=outcome)
