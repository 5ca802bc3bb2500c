"""One claim: what the domain decides about each endpoint, and how all of it is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cronicorn_domain.errors import CronicornError
from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import EndpointId, RunId, TenantId, Token, WorkerId, new_uuid
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.signing import NoKeys, Signing, TenantKeys
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.breaking import hold_back, passes_breaker
from cronicorn_domain.policies.change import Claim, Postponement
from cronicorn_domain.policies.claiming import claim
from cronicorn_domain.ports.endpoint_queue import ClaimBatch, ClaimedRun
from cronicorn_domain.wording import fault
from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cronicorn_adapter_sql.breakers import NEVER, Called, Gate, called_by
from cronicorn_adapter_sql.changes import leaves_state_alone
from cronicorn_adapter_sql.known import HeldRun
from cronicorn_adapter_sql.lease_writes import write_leases
from cronicorn_adapter_sql.mapping_jobs import Values
from cronicorn_adapter_sql.mapping_runs import values_of_claimed
from cronicorn_adapter_sql.picking import Picked
from cronicorn_adapter_sql.run_ends import set_aside
from cronicorn_adapter_sql.signing_keys import KeysAtHand
from cronicorn_adapter_sql.situations import ReadEndpoint, UnreadableEndpoint
from cronicorn_adapter_sql.tables import hints, triggers
from cronicorn_adapter_sql.transaction import Transaction


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A lease to be written: of which endpoint, what the domain decided, and its run."""

    read: ReadEndpoint
    claim: Claim
    run: Run
    revision: int

    def lease(self, token: Token, until: datetime) -> Lease:
        """Return the lease that was written under the token."""
        return Lease(
            token=token,
            endpoint_id=self.run.endpoint_id,
            tenant=self.run.tenant,
            run_id=self.run.id,
            worker=self.run.worker,
            until=until,
            urgent=self.claim.urgent,
        )


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """What the domain says of a due endpoint; a text says why it is set aside."""

    read: ReadEndpoint | UnreadableEndpoint
    said: Claim | Postponement | str

    @property
    def plans(self) -> bool:
        """Whether the endpoint's state is to be written."""
        if isinstance(self.read, UnreadableEndpoint) or not isinstance(self.said, Claim):
            return True
        return not leaves_state_alone(self.read.situation, self.said)


@dataclass(slots=True, kw_only=True)
class Batch:
    """Decides about endpoints whose due rows are locked; ``write`` comes once, after that."""

    worker: WorkerId
    until: datetime
    now: datetime
    keys: KeysAtHand
    breaker: Breaker | None = None
    held_back: int = 0
    _gate: Gate | None = None
    _decided: list[_Decided] = field(default_factory=list)
    _made: list[_Made] = field(default_factory=list)
    _leases: list[Lease] = field(default_factory=list)
    _keys: Mapping[TenantId, TenantKeys | NoKeys] = field(default_factory=dict)
    _postponed: int = 0
    _blocked: int = 0
    _quarantined: dict[EndpointId, str] = field(default_factory=dict)
    _withheld: dict[EndpointId, str] = field(default_factory=dict)

    def afresh(self) -> "Batch":
        """Return a batch of the same claim that has decided nothing yet."""
        return Batch(
            worker=self.worker,
            until=self.until,
            now=self.now,
            keys=self.keys,
            breaker=self.breaker,
        )

    @property
    def breaks(self) -> int:
        """So many failures in a row open the breaker of a host."""
        return NEVER if self.breaker is None else self.breaker.opens_after

    async def look_at_breakers(self, connection: AsyncConnection, picked: Sequence[Picked]) -> None:
        """Find which calls of those that are picked an open breaker holds back."""
        if self.breaker is not None:
            self._gate = Gate(self.breaker, self.now)
            await self._gate.look(connection, [Called(each.tenant, each.host) for each in picked])

    def decide(self, read: ReadEndpoint | UnreadableEndpoint) -> None:
        """Let the domain decide about an endpoint; one that cannot be read is set aside."""
        if isinstance(read, UnreadableEndpoint):
            self._decided.append(_Decided(read=read, said=read.reason))
            return
        if read.withheld is not None:
            self._withheld[read.id] = read.withheld
            return
        said: Claim | Postponement | str
        try:
            said = self._passed(read.situation, claim(read.situation, self.now))
        except Exception as error:  # noqa: BLE001  whatever it is, it harms this endpoint alone
            said = reason_of(error)
        self._decided.append(_Decided(read=read, said=said))

    async def write(self, transaction: Transaction) -> None:
        """
        Write leases and runs, and mark what they serve as consumed.

        What changes a state needs its lock. Whoever has that waits for the due row, which we hold:
        so such an endpoint is left alone, and never waited for.
        """
        planned = [each.read.id for each in self._decided if each.plans]
        free = await transaction.situations.lock_free(planned)
        for each in self._decided:
            if not each.plans or each.read.id in free:
                self._take(transaction, each)
        connection = transaction.connection
        tokens = await write_leases(connection, [self._values(each) for each in self._made])
        self._leases = [each.lease(tokens[each.run.endpoint_id], self.until) for each in self._made]
        await _consume(connection, self._made, self.now)
        if self._gate is not None:
            await self._gate.write(connection)
        signing = {each.run.tenant for each in self._made if _signs(each.read)}
        self._keys = await self.keys.of(connection, signing, self.now)

    def told(self) -> ClaimBatch:
        """Return what the claim brought."""
        return ClaimBatch(
            runs=tuple(
                ClaimedRun(
                    lease=lease,
                    endpoint=each.read.situation.endpoint,
                    plan=each.claim.plan,
                    keys=self._keys_of(each.read),
                )
                for each, lease in zip(self._made, self._leases, strict=True)
            ),
            passed=self._postponed + len(self._quarantined),
            quarantined=self._quarantined,
            withheld=self._withheld,
            held_back=self.held_back,
            blocked=self._blocked,
        )

    def held(self) -> Iterator[tuple[Token, HeldRun]]:
        """Return the runs under the situations that the claim left, if it is committed."""
        for each, lease in zip(self._made, self._leases, strict=True):
            situation = each.read.situation.leased(each.claim.change.state, lease)
            if each.claim.hints or each.claim.triggers:
                situation = _without_served(situation, each.claim)
            # Where the claim has written the state, it is elsewhere now.
            moved = each.revision != each.read.revision
            yield (
                lease.token,
                HeldRun(
                    run=each.run,
                    situation=situation,
                    revision=each.revision,
                    edition=each.read.edition + moved,
                    state_at=None if moved else each.read.state_at,
                ),
            )

    def _passed(self, situation: Situation, decided: Claim | Postponement) -> Claim | Postponement:
        """Hold a call back whose host's breaker is open."""
        if self._gate is None or isinstance(decided, Postponement) or passes_breaker(decided):
            return decided
        trouble = self._gate.holds_back(called_by(situation.endpoint))
        if trouble is None:
            return decided
        return hold_back(situation, decided, trouble, self._gate.breaker, self.now)

    def _take(self, transaction: Transaction, decided: _Decided) -> None:
        match decided:
            case _Decided(read=ReadEndpoint() as read, said=Claim() as made):
                revision = transaction.changes.lease(read, made)
                run = self._run(read, made)
                self._made.append(_Made(read=read, claim=made, run=run, revision=revision))
            case _Decided(read=ReadEndpoint() as read, said=Postponement() as postponed):
                transaction.changes.apply(read, postponed.change, self.now)
                self._postponed += 1
                self._blocked += postponed.blocked
            case _Decided(read=ReadEndpoint() as read, said=str(reason)):
                self._put_aside(transaction, _unclaimable(read, reason))
            case _Decided(read=UnreadableEndpoint() as read):
                self._put_aside(transaction, read)

    def _keys_of(self, read: ReadEndpoint) -> TenantKeys | NoKeys | None:
        return self._keys.get(read.tenant) if _signs(read) else None

    def _put_aside(self, transaction: Transaction, endpoint: UnreadableEndpoint) -> None:
        self._quarantined[endpoint.id] = endpoint.reason
        set_aside(transaction, endpoint, self.now)

    def _run(self, read: ReadEndpoint, made: Claim) -> Run:
        endpoint, plan = read.situation.endpoint, made.plan
        return Run(
            id=RunId(new_uuid()),
            endpoint_id=endpoint.id,
            tenant=endpoint.tenant,
            decision=plan.decision,
            kind=plan.kind,
            attempt=plan.attempt,
            worker=self.worker,
            claimed_at=self.now,
        )

    def _values(self, made: _Made) -> Values:
        return {
            **values_of_claimed(made.run),
            "host": made.read.situation.endpoint.request.host,
            "run_id": made.run.id,
            "until": self.until,
            "urgent": made.claim.urgent,
            "taken_at": made.read.due_at,
        }


def reason_of(error: Exception) -> str:
    """Say why an endpoint is set aside, in words that hold no stored value."""
    if isinstance(error, CronicornError):
        return str(error)
    return f"it could not be claimed, by a fault of ours: {fault(error)}"


def _signs(read: ReadEndpoint) -> bool:
    return read.situation.endpoint.signing is not Signing.OFF


def _unclaimable(read: ReadEndpoint, reason: str) -> UnreadableEndpoint:
    situation = read.situation
    return UnreadableEndpoint(
        id=read.id,
        tenant=read.tenant,
        state=situation.state,
        lease=situation.lease,
        due_at=read.due_at,
        revision=read.revision,
        edition=read.edition,
        reason=reason,
        hints=situation.hints,
        triggers=situation.triggers,
    )


def _without_served(situation: Situation, made: Claim) -> Situation:
    return replace(
        situation,
        hints=tuple(each for each in situation.hints if each.id not in made.hints),
        triggers=tuple(each for each in situation.triggers if each.id not in made.triggers),
    )


async def _consume(connection: AsyncConnection, made: Sequence[_Made], now: datetime) -> None:
    """Mark what the claims' instants have reached with the runs that serve it."""
    served: list[Values] = [
        {"key": hint_id, "run_id": each.run.id, "ended_at": now}
        for each in made
        for hint_id in each.claim.hints
    ]
    if served:
        await connection.execute(_CONSUME_HINT, served)
    asked: list[Values] = [
        {"key": trigger_id, "run_id": each.run.id}
        for each in made
        for trigger_id in each.claim.triggers
    ]
    if asked:
        await connection.execute(_CONSUME_TRIGGER, asked)


_CONSUME_HINT = (
    update(hints)
    .where(hints.c.id == bindparam("key"))
    .values(end="consumed", ended_at=bindparam("ended_at"), run_id=bindparam("run_id"))
)
_CONSUME_TRIGGER = (
    update(triggers).where(triggers.c.id == bindparam("key")).values(run_id=bindparam("run_id"))
)
