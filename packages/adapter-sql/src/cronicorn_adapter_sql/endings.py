"""Collects the ends of runs and writes them: rows, bodies, statistics, and the leases that go."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.run import FailureKind, OutcomeClass, Run, RunStatus
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.bulk import changing, insertion, removal
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.mapping_runs import values_of_body, values_of_ended
from cronicorn_adapter_sql.roll_ups import add_up
from cronicorn_adapter_sql.slot_spans import WITHIN, by_span, span
from cronicorn_adapter_sql.tables import leases, run_bodies, runs


@dataclass(slots=True)
class Endings:
    """The ends of the runs of one transaction."""

    _leases: list[Values] = field(default_factory=list)
    _runs: list[tuple[Run, datetime]] = field(default_factory=list)
    _unplanned: list[Values] = field(default_factory=list)

    def end(self, lease: Lease, run: Run, now: datetime) -> None:
        """End a lease, and its run as it now is."""
        self._leases.append({"token": lease.token})
        self._runs.append((run, now))

    def end_unplanned(self, lease: Lease, now: datetime) -> None:
        """End a lease whose plan cannot be read any more: of its run only the id is known."""
        self._leases.append({"token": lease.token})
        self._unplanned.append({"id": lease.run_id, "finished_at": now, **_GIVEN_UP})

    async def write(self, connection: AsyncConnection) -> None:
        """Write what was collected."""
        await END_LEASE.run(connection, self._leases)
        await GIVE_UP_RUN.run(connection, self._unplanned)
        for rows in by_span([_values(run) for run, _ in self._runs]):
            await END_RUN.run(connection, rows, **span([row["slot"] for row in rows]))
        bodies = [values for run, _ in self._runs if (values := values_of_body(run)) is not None]
        await KEEP_BODY.run(connection, bodies)
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
    return {"id": run.id, "slot": run.slot, **values_of_ended(run)}


_GIVEN_UP: Final[Values] = {
    "status": RunStatus.FAILED.value,
    "outcome_class": OutcomeClass.OURS.value,
    "failure_kind": FailureKind.ABANDONED.value,
    "message": "its plan could not be read any more when it ended",
}
ENDED_COLUMNS: Final = (
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
END_LEASE: Final = removal(leases, keys=("token",))
END_RUN: Final = replace(
    changing(runs, ENDED_COLUMNS, keys=("id", "slot")),
    postgresql=f"{changing(runs, ENDED_COLUMNS, keys=('id',)).postgresql} AND {WITHIN}",
)
KEEP_BODY: Final = insertion(run_bodies, run_bodies.c.keys())
GIVE_UP_RUN: Final = changing(runs, (*_GIVEN_UP, "finished_at"), keys=("id",))
