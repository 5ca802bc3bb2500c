"""The queue in memory: each method is atomic, since nothing is awaited while it writes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from cronicorn_domain.errors import ForbiddenTransition
from cronicorn_domain.identity import EndpointId, RunId, TenantId, Token, WorkerId
from cronicorn_domain.model.alert import Happening
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import OneShotHint
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.rulings import SiblingTrigger
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.alerting import (
    deferring,
    happening_after_run,
    quarantining,
    telling_by_rule,
)
from cronicorn_domain.policies.change import Change, Claim, Postponement
from cronicorn_domain.policies.claiming import claim
from cronicorn_domain.policies.endpoint_states import check_triggerable
from cronicorn_domain.policies.lapsing import lapsed_until
from cronicorn_domain.policies.reaping import abandoned_run, reap
from cronicorn_domain.policies.releasing import defer, release, released_run
from cronicorn_domain.policies.replanning import plan_afresh, replan
from cronicorn_domain.policies.room import Room
from cronicorn_domain.policies.ruling import sibling_trigger
from cronicorn_domain.policies.settling import settle, settled_run
from cronicorn_domain.policies.starting import start_refusal
from cronicorn_domain.policies.storable import storable
from cronicorn_domain.ports.endpoint_queue import (
    ClaimBatch,
    ClaimedRun,
    Deferral,
    Reaped,
    Settled,
    Settlement,
    StartRefusal,
)
from cronicorn_domain.ports.hint_book import HintEnd, HintRecord
from cronicorn_domain.wording import fault

from cronicorn_adapter_memory.alert_book import keep_notices
from cronicorn_adapter_memory.analyses import note_asked, note_happening
from cronicorn_adapter_memory.store import MemoryStore
from cronicorn_adapter_memory.tables import EndpointRow


class MemoryEndpointQueue:
    """Lends due endpoints, one lease each, and keeps their schedules going."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._tables = store.tables

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
        async with self._store.writing:
            until = now + lease_for
            return self._claim(worker, until, now, limit=limit, caps=caps, breaker=breaker)

    async def start(
        self, tokens: Sequence[Token], *, now: datetime
    ) -> Mapping[Token, StartRefusal | None]:
        """Check once more, right before sending, and mark the runs as started."""
        async with self._store.writing:
            return {token: self._start(token, now) for token in dict.fromkeys(tokens)}

    async def renew(
        self, tokens: Sequence[Token], *, lease_for: timedelta, now: datetime
    ) -> frozenset[Token]:
        """Prolong leases and return those that are lost."""
        async with self._store.writing:
            return frozenset(token for token in tokens if not self._renew(token, now + lease_for))

    async def settle(
        self, settlements: Sequence[Settlement], *, now: datetime
    ) -> Mapping[Token, Settled]:
        """End runs with their outcome, and plan what follows."""
        async with self._store.writing:
            results: dict[Token, Settled] = {}
            for each in settlements:
                if each.token not in results:
                    results[each.token] = self._settle(each, now)
            return results

    async def release(
        self, tokens: Sequence[Token], *, now: datetime, deferral: Deferral | None = None
    ) -> Mapping[Token, Settled]:
        """Undo claims whose run has sent nothing."""
        async with self._store.writing:
            return {token: self._release(token, now, deferral) for token in dict.fromkeys(tokens)}

    async def reap(self, *, limit: int, now: datetime) -> Sequence[Reaped]:
        """Take away up to ``limit`` leases whose end is at or before ``now``."""
        async with self._store.writing:
            over = [
                lease
                for endpoint_id in self._tables.leases.values()
                if (lease := self._tables.endpoints[endpoint_id].lease) and lease.until <= now
            ]
            over.sort(key=lambda lease: (lease.until, lease.token))
            reaped: list[Reaped] = []
            for lease in over:
                if len(reaped) < limit:
                    with suppress(Exception):  # it stays, and harms only itself
                        reaped.append(self._reap(lease, now))
            return reaped

    async def next_due(self) -> datetime | None:
        """Return the earliest instant at which something may become claimable."""
        return self._store.due_rows.earliest()

    async def heal_quarantined(self, *, now: datetime) -> Sequence[EndpointId]:
        """Let out of quarantine the endpoints whose stored schedule can be read after all."""
        async with self._store.writing:
            sick = [
                row
                for row in self._tables.endpoints.values()
                if row.state.quarantine is not None and row.unreadable is None
            ]
            healed: list[EndpointId] = []
            for row in sick:
                with suppress(Exception):  # it stays as it is, and harms only itself
                    self._heal(row, now)
                    healed.append(row.endpoint.id)
            return healed

    def _heal(self, row: EndpointRow, now: datetime) -> None:
        well = replace(row.state, quarantine=None)
        situation = replace(self._tables.situation(row), state=well)
        self._tables.keep(row, plan_afresh(situation, now, "healed"), now)

    def _claim(
        self,
        worker: WorkerId,
        until: datetime,
        now: datetime,
        *,
        limit: int,
        caps: Caps,
        breaker: Breaker | None,
    ) -> ClaimBatch:
        leased: list[tuple[datetime, ClaimedRun]] = []
        postponed: list[EndpointRow] = []
        quarantined: dict[EndpointId, str] = {}
        due_rows, room = self._store.due_rows, Room(caps, self._running(caps))
        held_back = blocked = 0
        due_rows.let_in(room.places_in)
        while len(leased) < limit and (taken := due_rows.take(now)) is not None:
            endpoint_id, due = taken
            row = self._tables.endpoints[endpoint_id]
            tenant, host = row.endpoint.tenant, row.endpoint.request.host
            if (lane := room.full_lane(tenant, host)) is not None:
                due_rows.hold(endpoint_id, due, lane)
                held_back += 1
                continue
            decided = self._decide(row, breaker, now)
            match decided:
                case str():
                    quarantined[endpoint_id] = decided
                    row.state = replace(row.state, plan=None, urgent=None, quarantine=decided)
                    keep_notices(self._tables, quarantining(row.endpoint, decided, now))
                case Postponement(change=change):
                    self._write(row, change)
                    postponed.append(row)
                    blocked += decided.blocked
                case Claim() as made:
                    room.take(tenant, host)
                    leased.append((due.due_at, self._lease(row, made, worker, until, now)))
        # Only now, so that one claim meets no endpoint twice.
        for row in postponed:
            self._tables.place(row, now)
        leased.sort(key=lambda each: each[0])
        return ClaimBatch(
            runs=tuple(run for _, run in leased),
            passed=len(postponed) + len(quarantined),
            quarantined=quarantined,
            held_back=held_back,
            blocked=blocked,
        )

    def _running(self, caps: Caps) -> Iterator[tuple[TenantId, str, int]]:
        """Tell what is under way, for caps to be counted by; without caps nothing is counted."""
        if caps.are_set:
            for endpoint_id in self._tables.leases.values():
                endpoint = self._tables.endpoints[endpoint_id].endpoint
                yield endpoint.tenant, endpoint.request.host, 1

    def _decide(
        self, row: EndpointRow, breaker: Breaker | None, now: datetime
    ) -> Claim | Postponement | str:
        """Let the domain decide; words say why it cannot, which harms this endpoint alone."""
        if row.unreadable is not None:
            return row.unreadable
        situation = self._tables.situation(row)
        try:
            decided = claim(situation, now)
            if isinstance(decided, Postponement):
                return decided
            return self._store.breakers.passed(breaker, situation, decided, now)
        except Exception as error:  # noqa: BLE001  whatever it is
            return f"it could not be claimed, by a fault of ours: {fault(error)}"

    def _lease(
        self, row: EndpointRow, made: Claim, worker: WorkerId, until: datetime, now: datetime
    ) -> ClaimedRun:
        endpoint, plan = row.endpoint, made.plan
        run = Run(
            id=RunId(self._store.new_id()),
            endpoint_id=endpoint.id,
            tenant=endpoint.tenant,
            decision=plan.decision,
            kind=plan.kind,
            attempt=plan.attempt,
            worker=worker,
            claimed_at=now,
        )
        lease = Lease(
            token=self._store.next_token(),
            endpoint_id=endpoint.id,
            tenant=endpoint.tenant,
            run_id=run.id,
            worker=worker,
            until=until,
            urgent=made.urgent,
        )
        self._tables.runs[run.id] = run
        self._tables.runs_of.add(endpoint.id, run.id)
        self._tables.run_days.add(run.slot.date(), run.id)
        self._tables.leases[lease.token] = endpoint.id
        row.lease = lease
        _consume(row, made, lease, now)
        self._write(row, made.change)
        keys = None
        if endpoint.signing is not Signing.OFF:
            keys = self._tables.signing_keys.get(endpoint.tenant)
        return ClaimedRun(lease=lease, endpoint=endpoint, plan=plan, keys=keys)

    def _start(self, token: Token, now: datetime) -> StartRefusal | None:
        row = self._leased(token)
        if row is None or row.lease is None:
            return StartRefusal.LOST
        refusal = start_refusal(self._tables.situation(row), now)
        if refusal is None:
            row.lease = row.lease.started(now)
            run = self._tables.runs[row.lease.run_id]
            self._tables.runs[run.id] = run.standing(run.status, started_at=now)
        elif refusal is not StartRefusal.LOST:
            self._give_back(row, row.lease, now)
        return refusal

    def _renew(self, token: Token, until: datetime) -> bool:
        row = self._leased(token)
        if row is None or row.lease is None:
            return False
        row.lease = replace(row.lease, until=max(row.lease.until, until))
        return True

    def _settle(self, settlement: Settlement, now: datetime) -> Settled:
        row = self._leased(settlement.token)
        if row is None or row.lease is None:
            return Settled.LOST
        outcome = storable(settlement.outcome)
        clean = outcome is settlement.outcome
        result = settlement if clean else replace(settlement, outcome=outcome)
        before = self._tables.situation(row)
        change = self._planned(row, lambda situation: settle(situation, result, now))
        run = settled_run(self._tables.runs[row.lease.run_id], result, change.remark)
        self._happened(happening_after_run(before, change.state, run.message, now), now)
        keep_notices(self._tables, telling_by_rule(row.endpoint, change, now))
        note_asked(self._tables, row.endpoint, change.analysis, now)
        self._end(row, row.lease, run)
        self._tables.keep(row, change, now)
        for each in change.siblings:
            self._trigger(row.endpoint, each, now)
        self._store.breakers.hear(row.endpoint, result.outcome, now)
        self._forget_lapsed(row, now)
        return Settled.ACCEPTED

    def _happened(self, happening: Happening | None, now: datetime) -> None:
        """Tell whom it concerns: people by their alerts, and the AI planner."""
        keep_notices(self._tables, happening)
        note_happening(self._tables, happening, now)

    def _trigger(self, asking: Endpoint, sibling: SiblingTrigger, now: datetime) -> None:
        """Give a sibling a trigger, if there is one of this name and it takes one."""
        found = self._tables.endpoint_names.get((asking.job_id, sibling.name))
        row = None if found is None else self._tables.endpoints[found]
        if row is None or row.unreadable is not None:
            return
        trigger = sibling_trigger(sibling, now)
        job_state = self._tables.jobs[asking.job_id].state
        with suppress(ForbiddenTransition):
            check_triggerable(row.endpoint, job_state, trigger.kind, now)
            row.triggers = (*row.triggers, trigger)
            self._tables.keep(row, replan(self._tables.situation(row), now), now)

    def _release(self, token: Token, now: datetime, deferral: Deferral | None) -> Settled:
        row = self._leased(token)
        if row is None or row.lease is None or row.lease.started_at is not None:
            return Settled.LOST
        if deferral is not None:
            keep_notices(self._tables, deferring(row.endpoint, deferral.reason, now))
        self._give_back(row, row.lease, now, deferral)
        return Settled.ACCEPTED

    def _reap(self, lease: Lease, now: datetime) -> Reaped:
        row = self._tables.endpoints[lease.endpoint_id]
        if lease.started_at is None:
            self._give_back(row, lease, now)
        else:
            run = abandoned_run(self._tables.runs[lease.run_id], lease.started_at, now)
            before = self._tables.situation(row)
            change = self._planned(row, lambda situation: reap(situation, now))
            self._happened(happening_after_run(before, change.state, run.message, now), now)
            self._end(row, lease, run)
            self._tables.keep(row, change, now)
        return Reaped(
            token=lease.token,
            endpoint_id=lease.endpoint_id,
            tenant=lease.tenant,
            run_id=lease.run_id,
            worker=lease.worker,
            given_back=lease.started_at is None,
        )

    def _give_back(
        self, row: EndpointRow, lease: Lease, now: datetime, deferral: Deferral | None = None
    ) -> None:
        """Undo a claim: what it consumed is pending again or cleared, and its slot is due again."""
        cleared = {record.hint.id for record in row.cleared_hints}
        given_back = (record.hint for record in row.held_hints if record.hint.id not in cleared)
        hints = (*row.hints, *given_back)
        triggers = (*row.triggers, *row.held_triggers)

        def undone(held: Situation) -> Change:
            pending = replace(held, hints=hints, triggers=triggers)
            return release(pending, now) if deferral is None else defer(pending, deferral, now)

        change = self._planned(row, undone)
        row.hints, row.triggers = hints, triggers
        row.held_hints, row.held_triggers = row.cleared_hints, ()
        self._end(row, lease, released_run(self._tables.runs[lease.run_id], now, deferral))
        self._tables.keep(row, change, now)

    def _planned(self, row: EndpointRow, transition: Callable[[Situation], Change]) -> Change:
        """Plan on; for a schedule that cannot be read there is no plan, until healing makes one."""
        if row.unreadable is None:
            return transition(self._tables.situation(row))
        state = replace(row.state, plan=None, urgent=None, quarantine=row.unreadable)
        return Change(state=state)

    def _leased(self, token: Token) -> EndpointRow | None:
        endpoint_id = self._tables.leases.get(token)
        return None if endpoint_id is None else self._tables.endpoints[endpoint_id]

    def _end(self, row: EndpointRow, lease: Lease, run: Run) -> None:
        """End the lease with its run; what the run has consumed stays so."""
        del self._tables.leases[lease.token]
        self._store.due_rows.room_made()
        self._tables.runs[run.id] = run
        for record in row.held_hints:
            self._tables.ended_hints.add(lease.endpoint_id, record)
        row.lease, row.held_hints, row.held_triggers, row.cleared_hints = None, (), (), ()

    def _write(self, row: EndpointRow, change: Change) -> None:
        """Keep a change whose due row is settled otherwise: gone with a claim, or written later."""
        row.state = change.state
        self._tables.record(row.endpoint.id, change.records)

    def _forget_lapsed(self, row: EndpointRow, now: datetime) -> None:
        """Move out of the way what has no say any more, so that situations stay small."""
        if not row.hints and not row.triggers:
            return
        until = lapsed_until(row.endpoint, row.state, now)
        for hint in row.hints:
            if hint.expires_at <= until:
                record = HintRecord(hint=hint, end=HintEnd.EXPIRED, ended_at=hint.expires_at)
                self._tables.ended_hints.add(row.endpoint.id, record)
        row.hints = tuple(hint for hint in row.hints if hint.expires_at > until)
        row.triggers = tuple(each for each in row.triggers if each.expires_at > until)


def _consume(row: EndpointRow, made: Claim, lease: Lease, now: datetime) -> None:
    if made.hints:
        row.held_hints = tuple(
            HintRecord(hint=hint, end=HintEnd.CONSUMED, ended_at=now, run_id=lease.run_id)
            for hint in row.hints
            if hint.id in made.hints and isinstance(hint, OneShotHint)
        )
        row.hints = tuple(hint for hint in row.hints if hint.id not in made.hints)
    if made.triggers:
        row.held_triggers = tuple(each for each in row.triggers if each.id in made.triggers)
        row.triggers = tuple(each for each in row.triggers if each.id not in made.triggers)
