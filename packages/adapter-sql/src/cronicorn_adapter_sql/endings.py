"""Collects the ends of runs and writes them: rows, bodies, statistics, and the leases that go."""

from dataclasses import dataclass, field
from datetime import datetime

from cronicorn_domain.identity import Token
from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.run import FailureKind, OutcomeClass, Run, RunStatus
from sqlalchemy import bindparam, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.lease_statements import ending
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.mapping_runs import values_of_body, values_of_ended
from cronicorn_adapter_sql.roll_ups import add_up
from cronicorn_adapter_sql.tables import run_bodies, runs


@dataclass(slots=True)
class Endings:
    """The ends of the runs of one transaction."""

    _tokens: list[Token] = field(default_factory=list)
    _runs: list[Run] = field(default_factory=list)
    _unplanned: list[Values] = field(default_factory=list)

    def end(self, lease: Lease, run: Run) -> None:
        """End a lease, and its run as it now is."""
        self._tokens.append(lease.token)
        self._runs.append(run)

    def end_unplanned(self, lease: Lease, now: datetime) -> None:
        """End a lease whose plan cannot be read any more: of its run only the id is known."""
        self._tokens.append(lease.token)
        self._unplanned.append({"key": lease.run_id, "ended_at": now})

    async def write(self, connection: AsyncConnection) -> None:
        """Write what was collected."""
        if not self._tokens:
            return
        await connection.execute(ending(connection.dialect.name), {"tokens": self._tokens})
        if self._unplanned:
            await connection.execute(_GIVE_UP_RUN, self._unplanned)
        if not self._runs:
            return
        await connection.execute(_END_RUN, [_values(run) for run in self._runs])
        bodies = [values for run in self._runs if (values := values_of_body(run)) is not None]
        if bodies:
            await connection.execute(insert(run_bodies), bodies)
        await add_up(connection, self._runs)


def run_of(lease: Lease, plan: Plan, now: datetime) -> Run:
    """Return a leased run as far as its lease and plan tell it; ``now`` stands in for its claim."""
    return Run(
        id=lease.run_id,
        endpoint_id=lease.endpoint_id,
        tenant=lease.tenant,
        decision=plan.decision,
        kind=plan.kind,
        attempt=plan.attempt,
        worker=lease.worker,
        claimed_at=now,
        started_at=lease.started_at,
    )


def _values(run: Run) -> Values:
    return {"key": run.id, "key_slot": run.slot, **values_of_ended(run)}


_ENDED_COLUMNS = (
    "status",
    "started_at",
    "finished_at",
    "outcome_class",
    "failure_kind",
    "message",
    "status_code",
    "connected",
    "first_byte",
    "complete",
)
_END_RUN = (
    update(runs)
    .where(runs.c.id == bindparam("key"), runs.c.slot == bindparam("key_slot"))
    .values({name: bindparam(name) for name in _ENDED_COLUMNS})
)
_GIVE_UP_RUN = (
    update(runs)
    .where(runs.c.id == bindparam("key"), runs.c.finished_at.is_(None))
    .values(
        status=RunStatus.FAILED.value,
        outcome_class=OutcomeClass.OURS.value,
        failure_kind=FailureKind.ABANDONED.value,
        message="its plan could not be read any more when it ended",
        finished_at=bindparam("ended_at"),
    )
)
