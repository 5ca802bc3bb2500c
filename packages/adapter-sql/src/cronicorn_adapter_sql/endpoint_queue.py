"""The queue on SQL: what the domain decides, each batch in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from cronicorn_domain.errors import StoreRefused
from cronicorn_domain.identity import EndpointId, Token, WorkerId
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.policies.following import leased_plan
from cronicorn_domain.policies.reaping import abandoned_run, reap
from cronicorn_domain.policies.releasing import release, released_run
from cronicorn_domain.policies.replanning import plan_afresh
from cronicorn_domain.policies.settling import settle, settled_run
from cronicorn_domain.policies.starting import start_refusal
from cronicorn_domain.policies.storable import bare, storable
from cronicorn_domain.ports.endpoint_queue import (
    ClaimBatch,
    Reaped,
    Settled,
    Settlement,
    StartRefusal,
)
from sqlalchemy import func, select, update

from cronicorn_adapter_sql.claiming import Claiming
from cronicorn_adapter_sql.endings import run_of
from cronicorn_adapter_sql.engine import read_only, single_statements
from cronicorn_adapter_sql.errors import is_about_values, translated
from cronicorn_adapter_sql.lease_statements import mark_of_start, renewal
from cronicorn_adapter_sql.situations import ReadEndpoint, UnreadableEndpoint
from cronicorn_adapter_sql.tables import due, endpoint_state, hints, leases, triggers
from cronicorn_adapter_sql.transaction import Database, Transaction


class SqlEndpointQueue:
    """Lends due endpoints, one lease each, and keeps their schedules going."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looking = single_statements(read_only(database.engine))
        self._claiming = Claiming(database)

    async def claim(
        self, *, worker: WorkerId, limit: int, lease_for: timedelta, now: datetime
    ) -> ClaimBatch:
        """Lease up to ``limit`` endpoints that are due."""
        return await self._claiming.claim(
            worker=worker, limit=limit, until=now + lease_for, now=now
        )

    async def start(
        self, tokens: Sequence[Token], *, now: datetime
    ) -> Mapping[Token, StartRefusal | None]:
        """Check once more, right before sending, and mark the runs as started."""
        results: dict[Token, StartRefusal | None] = dict.fromkeys(tokens, StartRefusal.LOST)
        async with self._database.begin() as transaction:
            refused: list[ReadEndpoint] = []
            for read, lease in await self._leased(transaction, tokens, now):
                refusal = _refusal(read, lease, now)
                results[lease.token] = refusal
                if refusal in {StartRefusal.PAUSED, StartRefusal.ARCHIVED}:
                    assert isinstance(read, ReadEndpoint)
                    refused.append(read)
            granted = [token for token, refusal in results.items() if refusal is None]
            if granted:
                marks = mark_of_start(self._database.engine.dialect.name)
                await transaction.connection.execute(marks, {"tokens": granted, "started_at": now})
            await self._give_back(transaction, refused, now)
        return results

    async def renew(
        self, tokens: Sequence[Token], *, lease_for: timedelta, now: datetime
    ) -> frozenset[Token]:
        """Prolong leases and return those that are lost."""
        if not tokens:
            return frozenset()
        statement = renewal(self._database.engine.dialect.name)
        given = {"tokens": list(tokens), "until": now + lease_for}
        async with self._database.begin() as transaction:
            kept = set((await transaction.connection.execute(statement, given)).scalars())
        return frozenset(token for token in tokens if token not in kept)

    async def settle(
        self, settlements: Sequence[Settlement], *, now: datetime
    ) -> Mapping[Token, Settled]:
        """
        End runs with their outcome, and plan what follows.

        A batch that is refused is halved, until the one at fault is alone: it is kept without its
        response, or, if that is refused too, left to the reaper and answered as lost.
        """
        batch = list({each.token: each for each in reversed(settlements)}.values())
        try:
            return await self._settle(batch, now)
        except StoreRefused as error:
            if not is_about_values(error):
                raise
        if len(batch) == 1:
            return await self._settle_bare(batch[0], now)
        middle = len(batch) // 2
        first = await self.settle(batch[:middle], now=now)
        return {**first, **await self.settle(batch[middle:], now=now)}

    async def release(self, tokens: Sequence[Token], *, now: datetime) -> Mapping[Token, Settled]:
        """Undo claims whose run has sent nothing."""
        results = dict.fromkeys(tokens, Settled.LOST)
        async with self._database.begin() as transaction:
            unstarted = [
                (read, lease)
                for read, lease in await self._leased(transaction, tokens, now)
                if lease.started_at is None
            ]
            await self._give_back(transaction, [read for read, _ in unstarted], now)
            results |= {lease.token: Settled.ACCEPTED for _, lease in unstarted}
        return results

    async def reap(self, *, limit: int, now: datetime) -> Sequence[Reaped]:
        """Take away up to ``limit`` leases whose end is at or before ``now``."""
        over = (
            select(leases.c.token)
            .where(leases.c.until <= now)
            .order_by(leases.c.until, leases.c.token)
            .limit(limit)
        )
        with translated():
            async with self._looking.connect() as connection:
                tokens = [Token(each) for each in (await connection.execute(over)).scalars()]
        if not tokens:
            return []
        try:
            reaped = await self._reap(tokens, now)
        except StoreRefused as error:
            if not is_about_values(error):
                raise
            reaped = await self._reap_apart(tokens, now)
        return [
            _reaped(lease) for lease in sorted(reaped, key=lambda each: (each.until, each.token))
        ]

    async def _reap_apart(self, tokens: Sequence[Token], now: datetime) -> list[Lease]:
        """Take leases away one by one; one that is refused stays, and harms only itself."""
        reaped: list[Lease] = []
        for token in tokens:
            with suppress(StoreRefused):
                reaped += await self._reap([token], now)
        return reaped

    async def _reap(self, tokens: Sequence[Token], now: datetime) -> list[Lease]:
        async with self._database.begin() as transaction:
            # A lease may have been renewed or ended since it was found.
            found = [
                (read, lease)
                for read, lease in await self._leased(transaction, tokens, now)
                if lease.until <= now
            ]
            for read, lease in found:
                if lease.started_at is not None:
                    _abandon(transaction, read, lease, lease.started_at, now)
            unstarted = [read for read, lease in found if lease.started_at is None]
            await self._give_back(transaction, unstarted, now)
        return [lease for _, lease in found]

    async def next_due(self) -> datetime | None:
        """Return the earliest instant at which something may become claimable."""
        with translated():
            async with self._looking.connect() as connection:
                found = await connection.execute(select(func.min(due.c.due_at)))
                earliest: datetime | None = found.scalar_one()
        return earliest

    async def heal_quarantined(self, *, now: datetime) -> Sequence[EndpointId]:
        """Let out of quarantine the endpoints whose stored schedule can be read after all."""
        healed: list[EndpointId] = []
        async with self._database.begin() as transaction:
            sick = select(endpoint_state.c.endpoint_id).where(
                endpoint_state.c.quarantine.is_not(None)
            )
            ids = list((await transaction.connection.execute(sick)).scalars())
            for read in await transaction.locked(ids, now=now):
                if isinstance(read, ReadEndpoint) and read.situation.lease is None:
                    well = replace(read.situation.state, quarantine=None)
                    situation = replace(read.situation, state=well)
                    change = plan_afresh(situation, now, "healed")
                    transaction.changes.apply(read, change, now, after=situation)
                    healed.append(read.id)
        return healed

    async def _leased(
        self, transaction: Transaction, tokens: Collection[Token], now: datetime
    ) -> list[tuple[ReadEndpoint | UnreadableEndpoint, Lease]]:
        """Lock the endpoints that the tokens hold, and read them with their leases."""
        ids = await transaction.situations.lock_leased(tokens)
        read = await transaction.situations.read(ids, now=now)
        found = sorted(read, key=lambda each: each.id)
        with_lease = [(read, _lease_of(read)) for read in found]
        wanted = set(tokens)
        return [(read, lease) for read, lease in with_lease if lease and lease.token in wanted]

    async def _settle(self, batch: Sequence[Settlement], now: datetime) -> dict[Token, Settled]:
        settlements = {each.token: _storable(each) for each in batch}
        results = dict.fromkeys(settlements, Settled.LOST)
        async with self._database.begin() as transaction:
            for read, lease in await self._leased(transaction, settlements, now):
                _settle_one(transaction, read, lease, settlements[lease.token], now)
                results[lease.token] = Settled.ACCEPTED
        return results

    async def _settle_bare(self, settlement: Settlement, now: datetime) -> dict[Token, Settled]:
        try:
            kept = replace(settlement, outcome=bare(settlement.outcome))
            return await self._settle([kept], now)
        except StoreRefused as error:
            if not is_about_values(error):
                raise
        return {settlement.token: Settled.LOST}

    async def _give_back(
        self,
        transaction: Transaction,
        found: Sequence[ReadEndpoint | UnreadableEndpoint],
        now: datetime,
    ) -> None:
        """Undo the claims of locked endpoints: what they consumed is pending again."""
        if not found:
            return
        held = [lease.run_id for read in found if (lease := _lease_of(read)) is not None]
        freed = update(hints).where(hints.c.run_id.in_(held))
        await transaction.connection.execute(freed.values(end=None, ended_at=None, run_id=None))
        asked = update(triggers).where(triggers.c.run_id.in_(held))
        await transaction.connection.execute(asked.values(run_id=None))
        for read in await transaction.situations.read([each.id for each in found], now=now):
            _release_one(transaction, read, now)


def _storable(settlement: Settlement) -> Settlement:
    outcome = storable(settlement.outcome)
    return settlement if outcome is settlement.outcome else replace(settlement, outcome=outcome)


def _settle_one(
    transaction: Transaction,
    read: ReadEndpoint | UnreadableEndpoint,
    lease: Lease,
    settlement: Settlement,
    now: datetime,
) -> None:
    if isinstance(read, UnreadableEndpoint):
        _end_unreadable(transaction, read, lease, now, settlement)
        return
    run = run_of(lease, leased_plan(read.situation), now)
    change = settle(read.situation, settlement, now)
    transaction.endings.end(lease, settled_run(run, settlement))
    transaction.changes.apply(read, change, now, after=replace(read.situation, lease=None))


def _release_one(
    transaction: Transaction, read: ReadEndpoint | UnreadableEndpoint, now: datetime
) -> None:
    lease = _lease_of(read)
    if lease is None:
        return
    if isinstance(read, UnreadableEndpoint):
        _end_unreadable(transaction, read, lease, now, None)
        return
    run = run_of(lease, leased_plan(read.situation), now)
    change = release(read.situation, now)
    transaction.endings.end(lease, released_run(run, now))
    transaction.changes.apply(read, change, now, after=replace(read.situation, lease=None))


def _abandon(
    transaction: Transaction,
    read: ReadEndpoint | UnreadableEndpoint,
    lease: Lease,
    started_at: datetime,
    now: datetime,
) -> None:
    if isinstance(read, UnreadableEndpoint):
        _end_unreadable(transaction, read, lease, now, None)
        return
    run = run_of(lease, leased_plan(read.situation), now)
    change = reap(read.situation, now)
    transaction.endings.end(lease, abandoned_run(run, started_at, now))
    transaction.changes.apply(read, change, now, after=replace(read.situation, lease=None))


def _end_unreadable(
    transaction: Transaction,
    read: UnreadableEndpoint,
    lease: Lease,
    now: datetime,
    settlement: Settlement | None,
) -> None:
    """End the run of an endpoint that became unreadable meanwhile; healing it makes a plan."""
    plan = read.state.urgent if lease.urgent else read.state.plan
    if plan is not None:
        run = run_of(lease, plan, now)
        if settlement is not None:
            run = settled_run(run, settlement)
        elif lease.started_at is not None:
            run = abandoned_run(run, lease.started_at, now)
        else:
            run = released_run(run, now)
        transaction.endings.end(lease, run)
    transaction.changes.set_aside(read)


def _refusal(
    read: ReadEndpoint | UnreadableEndpoint, lease: Lease, now: datetime
) -> StartRefusal | None:
    if isinstance(read, ReadEndpoint):
        return start_refusal(read.situation, now)
    return StartRefusal.LOST if lease.until <= now else None


def _lease_of(read: ReadEndpoint | UnreadableEndpoint) -> Lease | None:
    return read.lease if isinstance(read, UnreadableEndpoint) else read.situation.lease


def _reaped(lease: Lease) -> Reaped:
    return Reaped(
        token=lease.token,
        endpoint_id=lease.endpoint_id,
        tenant=lease.tenant,
        run_id=lease.run_id,
        worker=lease.worker,
        given_back=lease.started_at is None,
    )
