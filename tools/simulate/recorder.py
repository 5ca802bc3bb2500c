"""Writes the history of a world while it runs, each commit at the moment it is made."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cronicorn_adapter_memory.tables import Tables
from cronicorn_domain.identity import EndpointId, RunId, Token
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.model.quota import Quotas
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.dispatcher import Dispatch
from cronicorn_domain.ports.endpoint_queue import ClaimedRun

from tools.checker.history import (
    Deed,
    Entry,
    History,
    Keeping,
    LeaseEnd,
    LeaseLife,
    Outage,
    Request,
)
from tools.simulate.attendances import Attendances
from tools.simulate.trace import Trace


class Recorder:
    """
    Numbers commits and notes what each one did. Call it before anything else can happen.

    ``trace`` is None when nobody will read it. ``attendances`` tells when workers were at work.
    """

    def __init__(self, clock: Clock, trace: Trace | None) -> None:
        self.clock = clock
        self.requests: list[Request] = []
        self.entries: list[Entry] = []
        self.outages: list[Outage] = []
        self.attendances = Attendances()
        self.tracing = trace is not None
        self._trace = trace
        self._order = 0
        self._leases: dict[Token, LeaseLife] = {}
        self._replaced: list[LeaseLife] = []
        self._settled: dict[RunId, int] = {}

    def tell(self, sentence: str, endpoint_id: EndpointId | None = None) -> None:
        """Add a line to the trace, if there is one."""
        if self._trace is not None:
            self._trace.tell(self.clock.now(), endpoint_id, sentence)

    def committed(self) -> int:
        """Return the number of a commit that was just made."""
        self._order += 1
        return self._order

    def done(self, deeds: Iterable[tuple[EndpointId, Deed]], *, now: datetime) -> None:
        """Note what one commit has done to endpoints."""
        order = self.committed()
        for endpoint_id, deed in deeds:
            self.entries.append(Entry(order=order, at=now, endpoint_id=endpoint_id, deed=deed))

    def granted(self, runs: Sequence[ClaimedRun], *, now: datetime) -> None:
        """Note a claim."""
        order = self.committed()
        for run in runs:
            lease = run.lease
            if lease.token in self._leases:
                self._replaced.append(self._leases[lease.token])
            self._leases[lease.token] = LeaseLife(
                token=lease.token,
                order=order,
                endpoint_id=lease.endpoint_id,
                run_id=lease.run_id,
                worker=lease.worker,
                granted_at=now,
                promised=((now, lease.until),),
            )

    def promised(self, tokens: Iterable[Token], *, until: datetime, now: datetime) -> None:
        """Note that leases were prolonged, all by one commit."""
        order = self.committed()
        for token in tokens:
            life = self._leases[token]
            promised, renewed = (*life.promised, (now, until)), (*life.renewed, order)
            self._leases[token] = replace(life, promised=promised, renewed=renewed)

    def started(self, token: Token) -> None:
        """Note that a run was started on its lease as it is now; of one promise that is plain."""
        life = self._leases[token]
        if len(life.promised) > 1:
            self._leases[token] = replace(life, started_before=life.promised[-1][1])

    def ended(self, tokens: Iterable[Token], end: LeaseEnd, *, now: datetime) -> None:
        """Note the end of leases, all of one commit. What has ended before ended then."""
        order, seen_at = self.committed(), self.clock.now()
        for token in tokens:
            life = self._leases[token]
            self._settled[life.run_id] = order
            if life.end is None:
                self._leases[token] = replace(
                    life, ended_at=now, end_order=order, end=end, ended_seen_at=seen_at
                )

    def heeded(self, deeds: Iterable[tuple[EndpointId, Deed]], *, now: datetime) -> None:
        """Note what answers and rules have done, in the order in which it holds."""
        for endpoint_id, deed in deeds:
            order = self.committed()
            self.entries.append(Entry(order=order, at=now, endpoint_id=endpoint_id, deed=deed))
            self.tell(f"its target's answer is heeded: {type(deed).__name__}", endpoint_id)

    def sent(self, dispatch: Dispatch) -> int:
        """Note a request, and return its number."""
        self.requests.append(
            Request(
                run_id=dispatch.run_id,
                endpoint_id=dispatch.endpoint_id,
                slot=dispatch.slot,
                attempt=dispatch.attempt,
                sent_at=self.clock.now(),
                order=self._order,
                key=dispatch.idempotency_key,
            )
        )
        return len(self.requests) - 1

    def answered(self, number: int) -> None:
        """Note that a request is over."""
        self.requests[number] = replace(self.requests[number], ended_at=self.clock.now())

    def lease_of(self, token: Token) -> LeaseLife:
        """Return what is known of a lease."""
        return self._leases[token]

    def history(
        self,
        tables: Tables,
        *,
        begins_at: datetime,
        ends_at: datetime,
        lateness_allowed: timedelta | None,
        patience: timedelta | None,
        caps: Caps,
        breaker: Breaker | None,
        quotas: Quotas,
        clocks_ahead: timedelta,
        keeping: Keeping,
    ) -> History:
        """Return all of it, with the runs and records that the store holds."""
        return History(
            begins_at=begins_at,
            ends_at=ends_at,
            entries=tuple(self.entries),
            runs=tuple(tables.runs.values()),
            records={each: tuple(tables.records.of(each)) for each in tables.endpoints},
            leases=(*self._replaced, *self._leases.values()),
            requests=tuple(self.requests),
            outages=tuple(self.outages),
            default_floor=tables.floor,
            settled_orders=dict(self._settled),
            lateness_allowed=lateness_allowed,
            patience=patience,
            caps=caps,
            breaker=breaker,
            quotas=quotas,
            clocks_ahead=clocks_ahead,
            keeping=keeping,
        )
