"""The queue on SQL: what the domain decides, each batch in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from cronicorn_domain.errors import StoreRefused, StoreUnavailable
from cronicorn_domain.identity import EndpointId, Token, WorkerId
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.policies.starting import start_refusal
from cronicorn_domain.policies.storable import bare, storable
from cronicorn_domain.ports.endpoint_queue import (
    ClaimBatch,
    Deferral,
    Reaped,
    Settled,
    Settlement,
    StartRefusal,
)
from sqlalchemy import func, not_, select, update

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.breakers import Heard, called_by
from cronicorn_adapter_sql.claim_batch import Batch
from cronicorn_adapter_sql.claiming import Claiming
from cronicorn_adapter_sql.engine import read_only, single_statements
from cronicorn_adapter_sql.errors import is_about_values, may_be_of_one, translated
from cronicorn_adapter_sql.healing import Healing
from cronicorn_adapter_sql.known import Known
from cronicorn_adapter_sql.lanes import IN_A_LANE
from cronicorn_adapter_sql.lease_statements import ended, freeing, living, mark_of_start, renewal
from cronicorn_adapter_sql.left_alone import LeftAlone
from cronicorn_adapter_sql.lower_bound import LowerBound
from cronicorn_adapter_sql.orphans import leases_of_nobody
from cronicorn_adapter_sql.quick_settling import QuickSettling
from cronicorn_adapter_sql.run_ends import abandon_one, lease_of, release_one, settle_one
from cronicorn_adapter_sql.sibling_triggers import trigger_asked
from cronicorn_adapter_sql.signing_keys import KeysAtHand
from cronicorn_adapter_sql.situations import ReadEndpoint, UnreadableEndpoint
from cronicorn_adapter_sql.starting import QuickStarting
from cronicorn_adapter_sql.sweeping import Sweeping
from cronicorn_adapter_sql.tables import due, triggers
from cronicorn_adapter_sql.transaction import Database, Transaction

_STUCK_FOR: Final = timedelta(seconds=30)
"""How long a lease that could not be taken away is left before it is tried again."""


class SqlEndpointQueue:
    """Lends due endpoints, one lease each, and keeps their schedules going."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._looking = single_statements(read_only(database.engine))
        self._feeling = single_statements(database.engine)
        self._known = Known()
        self._signing_keys = KeysAtHand(database.vault)
        self._claiming = Claiming(database, self._known)
        self._healing = Healing(database)
        self._starting = QuickStarting(database)
        self._heard = Heard()
        self._settling = QuickSettling(database, self._known, self._heard)
        self._untold: set[Token] = set()
        self._lease_bound = LowerBound()
        self._sweeping = Sweeping(database)
        self._stuck: LeftAlone[Token] = LeftAlone(_STUCK_FOR)

    async def claim(
        self,
        *,
        worker: WorkerId,
        limit: int,
        lease_for: timedelta,
        now: datetime,
        caps: Caps = NO_CAPS,
        breaker: Breaker | None = None,
    ) -> ClaimBatch:
        """Lease up to ``limit`` endpoints that are due."""
        self._database.signal.look()
        self._sweeping.check()
        try:
            await self._sweeping.find_beginning(now)
            batch = Batch(
                worker=worker,
                until=now + lease_for,
                now=now,
                keys=self._signing_keys,
                breaker=breaker,
            )
            claimed = await self._claiming.claim(batch, limit=limit, caps=caps)
        except StoreUnavailable:
            self._signing_keys.forget()
            self._known.forget()  # what comes back may be another database, or an older state of it
            raise
        self._sweeping.begin_if_due(now)
        return claimed

    async def close(self) -> None:
        """End what goes on beside claims; whoever shares the store calls it in the end."""
        await self._sweeping.close()

    async def start(
        self, tokens: Sequence[Token], *, now: datetime
    ) -> Mapping[Token, StartRefusal | None]:
        """
        Check once more, right before sending, and mark the runs as started.

        Of the endpoints nothing is locked but the lease: what a person commits later came after
        the start, and whoever edits an endpoint at this moment keeps no other from its start.
        """
        if not tokens:
            return {}
        results: dict[Token, StartRefusal | None] = dict.fromkeys(tokens, StartRefusal.LOST)
        results |= dict.fromkeys(await self._starting.start(tokens, now))
        if left := [token for token in tokens if results[token] is not None]:
            await self._start_with_care(results, left, now)
        return results

    async def _start_with_care(
        self,
        results: dict[Token, StartRefusal | None],
        tokens: Sequence[Token],
        now: datetime,
    ) -> None:
        async with self._database.begin() as transaction:
            held = await transaction.situations.leased(tokens)
            for read, lease in await _with_leases(transaction, held, now):
                results[lease.token] = _refusal(read, lease, now)
            granted = [token for token in tokens if results[token] is None]
            if granted:
                marks = mark_of_start(self._database.engine.dialect.name)
                await transaction.connection.execute(marks, {"tokens": granted, "started_at": now})
        stopped = {StartRefusal.PAUSED, StartRefusal.ARCHIVED}
        # One whose first answer was lost is asked for again, and may be marked as started.
        await self._undo([each for each in tokens if results[each] in stopped], now, started=True)

    async def renew(
        self, tokens: Sequence[Token], *, lease_for: timedelta, now: datetime
    ) -> frozenset[Token]:
        """
        Prolong leases and return those that are lost.

        One that is being ended at this moment is neither prolonged nor lost.
        """
        if not tokens:
            return frozenset()
        dialect = self._database.engine.dialect.name
        given = {"tokens": list(tokens), "until": now + lease_for}
        async with self._database.begin() as transaction:
            kept = set((await transaction.connection.execute(renewal(dialect), given)).scalars())
            if missed := [token for token in tokens if token not in kept]:
                left = await transaction.connection.execute(living(dialect), {"tokens": missed})
                kept |= set(left.scalars())
        return frozenset(token for token in tokens if token not in kept)

    async def settle(
        self, settlements: Sequence[Settlement], *, now: datetime
    ) -> Mapping[Token, Settled]:
        """
        End runs with their outcome, and plan what follows.

        A batch that is refused is halved, until the one at fault is alone: it is kept without its
        response, or, if that is refused too, left to the reaper and answered as lost. Endpoints
        that somebody plans at this moment come last, one by one, so that they keep no other.

        What was accepted before an outage ended the call is accepted when it is given again.
        """
        batch = {each.token: each for each in reversed(settlements)}
        results = dict.fromkeys(batch.keys() & self._untold, Settled.ACCEPTED)
        try:
            left = [each for token, each in batch.items() if token not in results]
            await self._settle_all(results, left, now)
        except BaseException:
            self._untold |= {token for token in results if results[token] is Settled.ACCEPTED}
            raise
        self._untold -= results.keys()
        self._known.let_go(results)
        self._room_made(now)
        await self._heard.count(self._database.engine, now)
        return results

    def _room_made(self, now: datetime) -> None:
        """Let a claim look for what waits for room, if anything does: some runs have ended."""
        if self._claiming.lanes.room_made(now):
            self._database.signal.send()

    async def _settle_all(
        self, results: dict[Token, Settled], batch: Sequence[Settlement], now: datetime
    ) -> None:
        try:
            await self._settle_in_turn(results, batch, now)
        except StoreRefused as error:
            if not is_about_values(error):
                raise
        else:
            return
        left = [each for each in batch if each.token not in results]
        if len(left) == 1:
            await self._settle_bare(results, left[0], now)
            return
        middle = len(left) // 2
        await self._settle_all(results, left[:middle], now)
        await self._settle_all(results, left[middle:], now)

    async def release(
        self, tokens: Sequence[Token], *, now: datetime, deferral: Deferral | None = None
    ) -> Mapping[Token, Settled]:
        """Undo claims whose run has sent nothing."""
        return await self._undo(tokens, now, started=False, deferral=deferral)

    async def _undo(
        self,
        tokens: Sequence[Token],
        now: datetime,
        *,
        started: bool,
        deferral: Deferral | None = None,
    ) -> dict[Token, Settled]:
        """Undo claims; ``started``: also of runs that were marked as started and refused since."""
        results = dict.fromkeys(tokens, Settled.LOST)
        if not tokens:
            return results
        undoing = partial(self._release, results, now=now, started=started, deferral=deferral)
        for token in await undoing(tokens, shortly=False):
            await undoing([token], shortly=True)
        self._room_made(now)
        return results

    async def _release(
        self,
        results: dict[Token, Settled],
        tokens: Collection[Token],
        *,
        now: datetime,
        shortly: bool,
        started: bool,
        deferral: Deferral | None,
    ) -> list[Token]:
        """Undo the claims that can be, and return those whose endpoint somebody else plans."""
        async with self._database.begin() as transaction:
            found, busy = await _lock(transaction, tokens, now, shortly=shortly)
            undone = [each for each in found if started or each[1].started_at is None]
            await self._give_back(transaction, [read for read, _ in undone], now, deferral)
        results |= {lease.token: Settled.ACCEPTED for _, lease in undone}
        return busy

    async def reap(self, *, limit: int, now: datetime) -> Sequence[Reaped]:
        """Take away up to ``limit`` leases whose end is at or before ``now``."""
        while tokens := await self._over(limit, now):
            reaped = await self._reap_some(tokens, now)
            left = set(tokens) - {lease.token for lease in reaped}
            orphans_gone = bool(left) and await self._forget_orphans(left)
            if reaped or not orphans_gone:
                ordered = sorted(reaped, key=lambda each: (each.until, each.token))
                return [_reaped(lease) for lease in ordered]
        return []

    async def _reap_some(self, tokens: Sequence[Token], now: datetime) -> list[Lease]:
        try:
            return await self._reap(tokens, now)
        except Exception as error:
            if not may_be_of_one(error):
                raise
        return await self._reap_apart(tokens, now)

    async def _forget_orphans(self, tokens: Collection[Token]) -> bool:
        """
        Take leases away whose endpoint is not there, and say whether there were any.

        Somebody deleted it by hand. Each look would find them first, and as many as it is to find
        would keep all others from being taken away.
        """
        statement = leases_of_nobody(self._database.engine.dialect.name)
        async with self._database.begin() as transaction:
            done = await transaction.connection.execute(statement, {"tokens": list(tokens)})
        return bool(done.rowcount)

    async def _over(self, limit: int, now: datetime) -> list[Token]:
        """Find leases that have ended, but for those that could not be taken away lately."""
        again = self._stuck.over(now, most=limit)
        over = ended(self._database.engine.dialect.name, but=self._stuck.all())
        most = limit - len(again)
        with translated(), self._lease_bound.looking(now) as look:
            given = {"since": look.since, "now": now, "limit": most}
            async with self._feeling.connect() as connection:
                found = (await connection.execute(over, given)).all()
            if found:
                look.first = found[0].until
            elif most == 0:
                look.first = look.since  # whoever asks for none has seen nothing
        self._stuck.forget(again)
        return [*again, *(Token(each.token) for each in found)]

    async def _reap_apart(self, tokens: Sequence[Token], now: datetime) -> list[Lease]:
        """
        Take leases away one by one; one that cannot be stays, and is tried again in a while.

        Another worker may be able to: what fails here is not to keep it from that.
        """
        reaped: list[Lease] = []
        for token in tokens:
            try:
                reaped += await self._reap([token], now)
            except StoreUnavailable:
                if not reaped:
                    raise
                break  # what was taken away already is to be told
            except Exception as error:
                if not may_be_of_one(error):
                    raise
                self._stuck.add([token], now)
        return reaped

    async def _reap(self, tokens: Sequence[Token], now: datetime) -> list[Lease]:
        async with self._database.begin() as transaction:
            # A lease may have been renewed or ended since it was found; one whose endpoint somebody
            # plans at this moment is left for the next time.
            locked, _ = await _lock(transaction, tokens, now, shortly=False)
            found = [(read, lease) for read, lease in locked if lease.until <= now]
            for read, lease in found:
                if lease.started_at is not None:
                    abandon_one(transaction, read, lease, lease.started_at, now)
            unstarted = [read for read, lease in found if lease.started_at is None]
            await self._give_back(transaction, unstarted, now)
        return [lease for _, lease in found]

    async def next_due(self) -> datetime | None:
        """Return the earliest instant at which something may become claimable."""
        self._sweeping.check()
        withheld, bound = self._claiming.withheld, self._database.due_bound
        with translated(), bound.looking_ahead() as look:
            look.first = await self._first_from(look.since, but=withheld.all())
        self._sweeping.begin_if_due(bound.instant())
        again = (withheld.first_end(), self._claiming.lanes.look_at())
        return min((each for each in (look.first, *again) if each is not None), default=None)

    async def _first_from(self, since: datetime, *, but: Sequence[UUID]) -> datetime | None:
        """Find when the next is due; what waits in a lane alone is told to the lanes."""
        earliest = select(func.min(due.c.due_at)).where(due.c.due_at >= since)
        if but:
            dialect = self._database.engine.dialect.name
            earliest = earliest.where(not_(among(due.c.endpoint_id, "ids", dialect=dialect)))
        async with self._looking.connect() as connection:
            found = await connection.execute(earliest, {"ids": list(but)})
            due_at: datetime | None = found.scalar_one()
        if due_at == IN_A_LANE:
            self._claiming.lanes.seen_waiting()
            return None
        return due_at

    async def heal_quarantined(self, *, now: datetime) -> Sequence[EndpointId]:
        """Let out of quarantine the endpoints whose stored schedule can be read after all."""
        return await self._healing.heal(now)

    async def _settle_in_turn(
        self, results: dict[Token, Settled], batch: Sequence[Settlement], now: datetime
    ) -> None:
        """
        Settle together what is as it was claimed, then together what else is free.

        What somebody plans at this moment comes last, one by one.
        """
        clean = [_storable(each) for each in batch]
        for some in self._settling.together(clean):
            accepted = await self._settling.settle(some, now)
            results |= dict.fromkeys(accepted, Settled.ACCEPTED)
        settlements = {each.token: each for each in clean if each.token not in results}
        for token in await self._settle(results, settlements, now, shortly=False):
            await self._settle(results, {token: settlements[token]}, now, shortly=True)

    async def _settle(
        self,
        results: dict[Token, Settled],
        settlements: Mapping[Token, Settlement],
        now: datetime,
        *,
        shortly: bool,
    ) -> list[Token]:
        """Settle what can be, and return the tokens whose endpoint somebody else plans."""
        if not settlements:
            return []
        answers = dict.fromkeys(settlements, Settled.LOST)
        async with self._database.begin() as transaction:
            found, busy = await _lock(transaction, settlements, now, shortly=shortly)
            for read, lease in found:
                settle_one(transaction, read, lease, settlements[lease.token], now)
                answers[lease.token] = Settled.ACCEPTED
            await trigger_asked(transaction, now)
        for read, lease in found:
            if isinstance(read, ReadEndpoint):
                called = called_by(read.situation.endpoint)
                self._heard.hear(called, settlements[lease.token].outcome, well=False)
        results |= {token: answers[token] for token in answers if token not in busy}
        return busy

    async def _settle_bare(
        self, results: dict[Token, Settled], settlement: Settlement, now: datetime
    ) -> None:
        kept = replace(settlement, outcome=bare(settlement.outcome))
        try:
            await self._settle_in_turn(results, [kept], now)
        except StoreRefused as error:
            if not is_about_values(error):
                raise
            results[settlement.token] = Settled.LOST

    async def _give_back(
        self,
        transaction: Transaction,
        found: Sequence[ReadEndpoint | UnreadableEndpoint],
        now: datetime,
        deferral: Deferral | None = None,
    ) -> None:
        """Undo the claims of locked endpoints: what they consumed is pending again, or cleared."""
        if not found:
            return
        held = [lease.run_id for read in found if (lease := lease_of(read)) is not None]
        await transaction.connection.execute(freeing(held))
        asked = update(triggers).where(triggers.c.run_id.in_(held))
        await transaction.connection.execute(asked.values(run_id=None))
        for read in await transaction.situations.read([each.id for each in found], now=now):
            release_one(transaction, read, now, deferral)


async def _lock(
    transaction: Transaction, tokens: Collection[Token], now: datetime, *, shortly: bool
) -> tuple[list[tuple[ReadEndpoint | UnreadableEndpoint, Lease]], list[Token]]:
    """
    Lock the endpoints that the tokens hold, and read them with their leases.

    Endpoints that somebody else has locked are waited for a moment if ``shortly``, and else passed
    over: their tokens come back apart. Who holds the locks of many must not wait for a person,
    who holds others and may come to want one of these.
    """
    held = await transaction.situations.leased(tokens)
    if shortly:
        await transaction.situations.lock_shortly(held.values())
        return await _with_leases(transaction, held, now), []
    free = await transaction.situations.lock_free(held.values())
    busy = [token for token, endpoint_id in held.items() if endpoint_id not in free]
    locked = {token: endpoint_id for token, endpoint_id in held.items() if endpoint_id in free}
    return await _with_leases(transaction, locked, now), busy


async def _with_leases(
    transaction: Transaction, held: Mapping[Token, UUID], now: datetime
) -> list[tuple[ReadEndpoint | UnreadableEndpoint, Lease]]:
    """Read endpoints whose leases are locked, in the order of their ids."""
    found = await transaction.situations.read(held.values(), now=now)
    with_lease = [(read, lease_of(read)) for read in sorted(found, key=lambda each: each.id)]
    return [(read, lease) for read, lease in with_lease if lease and lease.token in held]


def _storable(settlement: Settlement) -> Settlement:
    outcome = storable(settlement.outcome)
    return settlement if outcome is settlement.outcome else replace(settlement, outcome=outcome)


def _refusal(
    read: ReadEndpoint | UnreadableEndpoint, lease: Lease, now: datetime
) -> StartRefusal | None:
    if isinstance(read, ReadEndpoint):
        return start_refusal(read.situation, now)
    return StartRefusal.LOST if lease.until <= now else None


def _reaped(lease: Lease) -> Reaped:
    return Reaped(
        token=lease.token,
        endpoint_id=lease.endpoint_id,
        tenant=lease.tenant,
        run_id=lease.run_id,
        worker=lease.worker,
        given_back=lease.started_at is None,
    )
