"""Claims due endpoints, together if the database takes them all, else one by one."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from cronicorn_domain.errors import StoreRefused, StoreUnavailable
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.alert import Happening, Occasion
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.model.state import EndpointState
from cronicorn_domain.ports.endpoint_queue import ClaimBatch
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.changes import set_aside_unread
from cronicorn_adapter_sql.claim_batch import Batch, reason_of
from cronicorn_adapter_sql.errors import may_be_of_one
from cronicorn_adapter_sql.kept_connection import kept_transaction
from cronicorn_adapter_sql.known import Known, Remembered
from cronicorn_adapter_sql.lanes import Lanes
from cronicorn_adapter_sql.left_alone import LeftAlone
from cronicorn_adapter_sql.orphans import take_out_unknown
from cronicorn_adapter_sql.picking import Picked, Picking
from cronicorn_adapter_sql.situations import ReadEndpoint, UnreadableEndpoint
from cronicorn_adapter_sql.states_alone import read_states
from cronicorn_adapter_sql.transaction import Database, Transaction

WITHHELD_FOR: Final = timedelta(seconds=30)
"""How long an endpoint whose key is not at hand is left alone before it is looked at again."""
_MET_AGAIN: Final = 4
"""This part of a claim, at most, are such endpoints: they keep no others from their turn."""


class Claiming:
    """Makes claims over a database; ``withheld`` are the endpoints whose key is not at hand."""

    def __init__(self, database: Database, known: Known) -> None:
        self._database = database
        self._known = known
        self._connected = kept_transaction(database.engine, "claim")
        self._picking = Picking(database.due_bound)
        self.lanes = Lanes(database.due_bound)
        self.withheld: LeftAlone[UUID] = LeftAlone(WITHHELD_FOR)

    async def claim(self, batch: Batch, *, limit: int, caps: Caps) -> ClaimBatch:
        """
        Lease up to ``limit`` due endpoints, as far as the caps leave room.

        One about which the domain cannot decide is set aside. If the batch fails as a whole (a row
        that breaks a constraint, a column beyond reading), each endpoint is claimed on its own, and
        those at fault are set aside. What refuses all of them (rights, missing tables) is no fault
        of theirs.
        """
        again = self.withheld.over(batch.now, most=max(1, limit // _MET_AGAIN))
        brought = await self._claim_together(batch, limit=limit, caps=caps, again=again)
        self.withheld.forget(again)
        self.withheld.add(brought.withheld, batch.now)
        return brought

    async def _claim_together(
        self, batch: Batch, *, limit: int, caps: Caps, again: Sequence[UUID]
    ) -> ClaimBatch:
        picked: Sequence[Picked] = []
        now = batch.now
        try:
            async with self._database.begin(self._connected) as transaction:
                connection = transaction.connection
                await self.lanes.let_in(connection, caps, limit=limit, now=now)
                picked = await self._picking.pick(
                    connection,
                    now=now,
                    limit=limit,
                    again=again,
                    but=self.withheld.all(),
                    breaks=batch.breaks,
                )
                admitted = await self.lanes.admit(connection, picked, caps, now=now)
                batch.held_back = admitted.held_back
                if any(each.broken for each in picked):
                    await batch.look_at_breakers(connection, admitted.picked)
                found = await self._read(transaction, admitted.picked, now)
                await _claim(transaction, batch, found)
            return self._told(batch)
        except Exception as error:
            if not picked or not may_be_of_one(error):
                raise
        return await self._claim_apart(picked, batch.afresh, caps)

    async def _claim_apart(
        self, picked: Sequence[Picked], afresh: Callable[[], Batch], caps: Caps
    ) -> ClaimBatch:
        batches: list[ClaimBatch] = []
        faults: dict[UUID, Exception] = {}
        for each in picked:
            try:
                batches.append(await self._claim_one(each, afresh(), caps))
            except StoreUnavailable:
                if not batches:
                    raise
                break  # what is leased already is not to wait for the reaper
            except Exception as error:
                if not may_be_of_one(error):
                    raise
                faults[each.endpoint_id] = error
        if len(faults) == len(picked):
            _check_whose(faults)
        with suppress(StoreUnavailable):  # they will be met again
            batches.append(await self._set_aside(faults, afresh().now))
        return _joined(batches)

    async def _claim_one(self, picked: Picked, batch: Batch, caps: Caps) -> ClaimBatch:
        async with self._database.begin() as transaction:
            found = await transaction.locked([picked.endpoint_id], now=batch.now)
            if all(read.due_at != picked.due_at for read in found):
                await _take_out(transaction.connection, [picked])
                return ClaimBatch()
            admitted = await self.lanes.admit(transaction.connection, [picked], caps, now=batch.now)
            batch.held_back = admitted.held_back
            await batch.look_at_breakers(transaction.connection, admitted.picked)
            await _claim(transaction, batch, found if admitted.picked else ())
        return self._told(batch)

    async def _read(
        self, transaction: Transaction, picked: Sequence[Picked], now: datetime
    ) -> list[ReadEndpoint | UnreadableEndpoint]:
        """Return what is known of the locked endpoints, and read the others."""
        found: list[ReadEndpoint | UnreadableEndpoint] = []
        unknown: list[UUID] = []
        passed_on: list[tuple[Picked, Remembered]] = []
        for each in picked:
            known = self._known.endpoint(each.endpoint_id, now)
            if known is None:
                unknown.append(each.endpoint_id)
            elif known.revision != each.revision:
                passed_on.append((each, known))
            else:
                found.append(_with_state(each, known, known.situation.state))
        states = await read_states(transaction.connection, [each for each, _ in passed_on])
        for each, known in passed_on:
            state = states.get((each.endpoint_id, each.revision, known.edition))
            if state is None:
                unknown.append(each.endpoint_id)
            else:
                found.append(_with_state(each, known, state))
        read = await transaction.situations.read(unknown, now=now)
        places = {each.endpoint_id: each for each in picked}
        in_place = {each.id: each for each in read if each.due_at == places[each.id].due_at}
        if strays := [places[each] for each in unknown if each not in in_place]:
            await _take_out(transaction.connection, strays)
        return found + [
            replace(each, state_at=places[each.id].state_at)
            if isinstance(each, ReadEndpoint)
            else each
            for each in in_place.values()
        ]

    def _told(self, batch: Batch) -> ClaimBatch:
        """Return what a committed batch brought, and remember the situations of its runs."""
        for token, held in batch.held():
            self._known.hold(token, held)
        return batch.told()

    async def _set_aside(self, faults: Mapping[UUID, Exception], now: datetime) -> ClaimBatch:
        reasons = {EndpointId(key): reason_of(error) for key, error in faults.items()}
        async with self._database.begin() as transaction:
            for endpoint_id in sorted(reasons):
                reason = reasons[endpoint_id]
                tenant = await set_aside_unread(transaction.connection, endpoint_id, reason)
                if tenant is not None:
                    transaction.happenings.append(
                        Happening(
                            occasion=Occasion.QUARANTINED,
                            tenant=tenant,
                            endpoint_id=endpoint_id,
                            at=now,
                            message=reason,
                        )
                    )
        return ClaimBatch(passed=len(reasons), quarantined=reasons)


async def _take_out(connection: AsyncConnection, picked: Sequence[Picked]) -> None:
    """
    Take places out of the queue whose endpoint is not there, or does not know of them.

    Somebody deleted it by hand, or restored a part of a backup. Each claim would meet them first,
    and as many as a claim takes would keep all others waiting for ever.
    """
    await take_out_unknown(connection, [(each.due_at, each.endpoint_id) for each in picked])


def _with_state(picked: Picked, known: Remembered, state: EndpointState) -> ReadEndpoint:
    situation = known.situation
    return ReadEndpoint(
        situation=situation if state is situation.state else replace(situation, state=state),
        due_at=picked.due_at,
        revision=picked.revision,
        edition=known.edition,
        state_at=picked.state_at,
    )


async def _claim(
    transaction: Transaction, batch: Batch, found: Sequence[ReadEndpoint | UnreadableEndpoint]
) -> None:
    """
    Claim what is due of the locked endpoints, the longest overdue first.

    One that was claimed, paused or put off since it was picked is left alone.
    """
    due_now = [
        (read.due_at, read.id, read)
        for read in found
        if read.due_at is not None and read.due_at <= batch.now
    ]
    for _, _, read in sorted(due_now, key=lambda each: each[:2]):
        batch.decide(read)
    await batch.write(transaction)


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
        held_back=sum(batch.held_back for batch in batches),
        blocked=sum(batch.blocked for batch in batches),
    )
