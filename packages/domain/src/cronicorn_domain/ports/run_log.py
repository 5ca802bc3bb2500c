"""Keeps the history: runs, the slots that were not run, and the statistics of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cronicorn_domain.identity import EndpointId, RunId, TenantId
from cronicorn_domain.model.run import Run, RunStatus
from cronicorn_domain.model.slot_record import SlotRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """
    What came of an endpoint's runs in a window. Runs whose slot was retried count once per attempt.

    ``mean_duration`` is over settled runs that were attempted; None when there were none. Lateness
    is the start against ``due_at``.
    """

    success_count: int = 0
    target_failure_count: int = 0
    our_failure_count: int = 0
    not_attempted_count: int = 0
    mean_duration: timedelta | None = None
    mean_lateness: timedelta | None = None
    failure_streak: int = 0
    last_run: Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How much history one pruning step deleted."""

    runs: int = 0
    slot_records: int = 0


class RunLog(Protocol):
    """
    The history of all endpoints; takes part in the caller's unit of work. Only the queue writes it.

    Promises:

    - (endpoint, slot, attempt) is unique.
    - Deleting history changes no plan and no usage.
    - Another tenant's run or endpoint is ``NotFound``.
    """

    async def get(self, tenant: TenantId, run_id: RunId) -> Run:
        """Return the run with its response body. Raises ``NotFound``."""
        ...

    async def list_runs(
        self,
        tenant: TenantId,
        endpoint_id: EndpointId,
        *,
        limit: int = 100,
        before: RunId | None = None,
        status: RunStatus | None = None,
    ) -> Sequence[Run]:
        """
        Return runs, the newest slot first, of one slot the latest attempt; bodies are left out.

        With ``before`` those that come behind that run, in this order.
        """
        ...

    async def list_slot_records(
        self, tenant: TenantId, endpoint_id: EndpointId, *, limit: int = 100
    ) -> Sequence[SlotRecord]:
        """Return what was not run, the newest slot first."""
        ...

    async def health(
        self, tenant: TenantId, endpoint_id: EndpointId, *, since: datetime, now: datetime
    ) -> Health:
        """
        Return the statistics of slots from ``since`` (to the minute) on; test runs not counted.
        """
        ...

    async def prune(self, *, before: datetime, limit: int, now: datetime) -> Pruned:
        """
        Delete up to ``limit`` settled runs and up to ``limit`` records, of slots before ``before``.

        Bodies go with their runs; running ones stay. Fewer than ``limit`` of each means that it is
        done.
        """
        ...
