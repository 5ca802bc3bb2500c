"""Claims due endpoints: picks, lets the domain decide about each, and writes the leases."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from cronicorn_domain.errors import CronicornError, StoreRefused, StoreUnavailable
from cronicorn_domain.identity import EndpointId, RunId, Token, WorkerId, new_uuid
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.run import Run
from cronicorn_domain.policies.change import Claim, Postponement
from cronicorn_domain.policies.claiming import claim
from cronicorn_domain.ports.endpoint_queue import ClaimBatch, ClaimedRun
from cronicorn_domain.wording import fault
from sqlalchemy import bindparam, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.changes import set_aside_unread
from cronicorn_adapter_sql.errors import may_be_of_one
from cronicorn_adapter_sql.left_alone import LeftAlone
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.mapping_runs import values_of_claimed
from cronicorn_adapter_sql.picking import Picking
from cronicorn_adapter_sql.situations import ReadEndpoint, UnreadableEndpoint
from cronicorn_adapter_sql.tables import hints, leases, runs, triggers
from cronicorn_adapter_sql.transaction import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A lease to be written: of which endpoint, and what the domain decided."""

    read: ReadEndpoint
    claim: Claim
    run_id: RunId


@dataclass(slots=True)
class _Batch:
    made: list[_Made] = field(default_factory=list)
    postponed: int = 0
    quarantined: dict[EndpointId, str] = field(default_factory=dict)
    withheld: dict[EndpointId, str] = field(default_factory=dict)


WITHHELD_FOR: Final = timedelta(seconds=30)
"""How long an endpoint whose key is not at hand is left alone before it is looked at again."""


class Claiming:
    """Makes claims over a database; ``withheld`` are the endpoints whose key is not at hand."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._picking = Picking(database.due_bound)
        self.withheld: LeftAlone[UUID] = LeftAlone(WITHHELD_FOR, bound=database.due_bound)

    async def claim(
        self, *, worker: WorkerId, limit: int, until: datetime, now: datetime
    ) -> ClaimBatch:
        """
        Lease up to ``limit`` due endpoints.

        One about which the domain cannot decide is set aside. If the batch fails as a whole (a row
        that breaks a constraint, a column beyond reading), each endpoint is claimed on its own, and
        those at fault are set aside. What refuses all of them (rights, missing tables) is no fault
        of theirs.
        """
        batch = await self._claim_together(worker, limit, until, now)
        self.withheld.add(batch.withheld, now)
        return batch

    async def _claim_together(
        self, worker: WorkerId, limit: int, until: datetime, now: datetime
    ) -> ClaimBatch:
        picked: list[UUID] = []
        try:
            async with self._database.begin() as transaction:
                picked = await self._picking.pick(
                    transaction.connection, now=now, limit=limit, but=self.withheld.at(now)
                )
                return await _claim(transaction, picked, worker, until, now)
        except Exception as error:
            if not picked or not may_be_of_one(error):
                raise
        return await self._claim_apart(picked, worker, until, now)

    async def _claim_apart(
        self, picked: Sequence[UUID], worker: WorkerId, until: datetime, now: datetime
    ) -> ClaimBatch:
        batches: list[ClaimBatch] = []
        faults: dict[UUID, Exception] = {}
        for endpoint_id in picked:
            try:
                async with self._database.begin() as transaction:
                    await transaction.situations.lock([endpoint_id])
                    batches.append(await _claim(transaction, [endpoint_id], worker, until, now))
            except StoreUnavailable:
                if not batches:
                    raise
                break  # what is leased already is not to wait for the reaper
            except Exception as error:
                if not may_be_of_one(error):
                    raise
                faults[endpoint_id] = error
        if len(faults) == len(picked):
            _check_whose(faults)
        with suppress(StoreUnavailable):  # they will be met again
            batches.append(await self._set_aside(faults))
        return _joined(batches)

    async def _set_aside(self, faults: Mapping[UUID, Exception]) -> ClaimBatch:
        reasons = {EndpointId(key): _reason(error) for key, error in faults.items()}
        async with self._database.begin() as transaction:
            for endpoint_id in sorted(reasons):
                await set_aside_unread(transaction.connection, endpoint_id, reasons[endpoint_id])
        return ClaimBatch(passed=len(reasons), quarantined=reasons)


def _check_whose(faults: Mapping[UUID, Exception]) -> None:
    """
    Raise when several fail and none goes through, unless the database named what it refused.

    Then the fault is this process's, and it is not to set aside what others can run.
    """
    unforeseen = [error for error in faults.values() if not isinstance(error, StoreRefused)]
    if len(faults) > 1 and unforeseen:
        raise unforeseen[-1]


def _joined(batches: Sequence[ClaimBatch]) -> ClaimBatch:
    return ClaimBatch(
        runs=tuple(run for batch in batches for run in batch.runs),
        passed=sum(batch.passed for batch in batches),
        quarantined={key: why for batch in batches for key, why in batch.quarantined.items()},
        withheld={key: why for batch in batches for key, why in batch.withheld.items()},
    )


def _reason(error: Exception) -> str:
    """Say why an endpoint is set aside, in words that hold no stored value."""
    if isinstance(error, CronicornError):
        return str(error)
    return f"it could not be claimed, by a fault of ours: {fault(error)}"


async def _claim(
    transaction: Transaction,
    picked: Sequence[UUID],
    worker: WorkerId,
    until: datetime,
    now: datetime,
) -> ClaimBatch:
    batch = _Batch()
    found = await transaction.situations.read(picked, now=now)
    # One that was claimed, paused or put off since it was picked is left alone.
    due_now = [
        (read.due_at, read.id, read)
        for read in found
        if read.due_at is not None and read.due_at <= now
    ]
    for _, _, read in sorted(due_now, key=lambda each: each[:2]):
        _decide(transaction, batch, read, now)
    tokens = await _write_leases(transaction, batch.made, worker, until, now)
    return ClaimBatch(
        runs=tuple(_claimed_run(each, tokens[each.read.id], worker, until) for each in batch.made),
        passed=batch.postponed + len(batch.quarantined),
        quarantined=batch.quarantined,
        withheld=batch.withheld,
    )


def _decide(
    transaction: Transaction,
    batch: _Batch,
    read: ReadEndpoint | UnreadableEndpoint,
    now: datetime,
) -> None:
    if isinstance(read, UnreadableEndpoint):
        _put_aside(transaction, batch, read)
        return
    if read.withheld is not None:
        batch.withheld[read.id] = read.withheld
        return
    try:
        decided = claim(read.situation, now)
    except Exception as error:  # noqa: BLE001  whatever it is, it harms this endpoint alone
        _put_aside(transaction, batch, _unclaimable(read, _reason(error)))
        return
    match decided:
        case Postponement(change=change):
            transaction.changes.apply(read, change, now)
            batch.postponed += 1
        case Claim() as made:
            transaction.changes.lease(read, made.change)
            batch.made.append(_Made(read=read, claim=made, run_id=RunId(new_uuid())))


def _put_aside(transaction: Transaction, batch: _Batch, endpoint: UnreadableEndpoint) -> None:
    batch.quarantined[endpoint.id] = endpoint.reason
    transaction.changes.set_aside(endpoint)


async def _write_leases(
    transaction: Transaction,
    made: Sequence[_Made],
    worker: WorkerId,
    until: datetime,
    now: datetime,
) -> dict[EndpointId, Token]:
    if not made:
        return {}
    connection = transaction.connection
    rows = [_lease_values(each, worker, until) for each in made]
    statement = insert(leases).returning(leases.c.endpoint_id, leases.c.token)
    tokens = {
        EndpointId(endpoint_id): Token(token)
        for endpoint_id, token in await connection.execute(statement, rows)
    }
    claimed = [values_of_claimed(_run(each, worker, now)) for each in made]
    await connection.execute(insert(runs), claimed)
    await _consume(connection, made, now)
    return tokens


async def _consume(connection: AsyncConnection, made: Sequence[_Made], now: datetime) -> None:
    """Mark what the claims' instants have reached with the runs that serve it."""
    served: list[Values] = [
        {"key": hint_id, "run_id": each.run_id, "ended_at": now}
        for each in made
        for hint_id in each.claim.hints
    ]
    if served:
        await connection.execute(_CONSUME_HINT, served)
    asked: list[Values] = [
        {"key": trigger_id, "run_id": each.run_id}
        for each in made
        for trigger_id in each.claim.triggers
    ]
    if asked:
        await connection.execute(_CONSUME_TRIGGER, asked)


def _lease_values(made: _Made, worker: WorkerId, until: datetime) -> Values:
    endpoint = made.read.situation.endpoint
    return {
        "endpoint_id": endpoint.id,
        "tenant": endpoint.tenant,
        "host": endpoint.request.host,
        "run_id": made.run_id,
        "slot": made.claim.plan.slot,
        "worker": worker,
        "until": until,
        "urgent": made.claim.urgent,
    }


def _run(made: _Made, worker: WorkerId, now: datetime) -> Run:
    endpoint, plan = made.read.situation.endpoint, made.claim.plan
    return Run(
        id=made.run_id,
        endpoint_id=endpoint.id,
        tenant=endpoint.tenant,
        decision=plan.decision,
        kind=plan.kind,
        attempt=plan.attempt,
        worker=worker,
        claimed_at=now,
    )


def _claimed_run(made: _Made, token: Token, worker: WorkerId, until: datetime) -> ClaimedRun:
    endpoint = made.read.situation.endpoint
    lease = Lease(
        token=token,
        endpoint_id=endpoint.id,
        tenant=endpoint.tenant,
        run_id=made.run_id,
        worker=worker,
        until=until,
        urgent=made.claim.urgent,
    )
    return ClaimedRun(lease=lease, endpoint=endpoint, plan=made.claim.plan)


def _unclaimable(read: ReadEndpoint, reason: str) -> UnreadableEndpoint:
    situation = read.situation
    return UnreadableEndpoint(
        id=read.id,
        tenant=read.tenant,
        state=situation.state,
        lease=situation.lease,
        due_at=read.due_at,
        reason=reason,
    )


_CONSUME_HINT = (
    update(hints)
    .where(hints.c.id == bindparam("key"))
    .values(end="consumed", ended_at=bindparam("ended_at"), run_id=bindparam("run_id"))
)
_CONSUME_TRIGGER = (
    update(triggers).where(triggers.c.id == bindparam("key")).values(run_id=bindparam("run_id"))
)
