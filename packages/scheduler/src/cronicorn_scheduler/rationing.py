"""The start of runs whose tenants have a quota: as many as it leaves room for; others wait."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final, assert_never

from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import TenantId, Token
from cronicorn_domain.model.quota import Burst, Exhausted, Meter, Refusal, Reservation
from cronicorn_domain.policies.lifting import OUT_OF_RUNS
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.endpoint_queue import (
    ClaimedRun,
    Deferral,
    EndpointQueue,
    Settled,
    StartRefusal,
)
from cronicorn_domain.ports.quota_guard import QuotaGuard

from cronicorn_scheduler.grouping import Grouping
from cronicorn_scheduler.outages import Line
from cronicorn_scheduler.starting import Start

LOOK_AGAIN: Final = timedelta(seconds=30)
"""For so long a run waits when only others' starts are in its way, or the guard does not answer."""
RationedStart = Start | Deferral
"""As ``Start``; or until when the endpoint was put off, because of its tenant's quota."""


class RationedStarting:
    """
    Starts claimed runs as ``Starting`` does, as far as the quotas of their tenants allow.

    What is started together is reserved together, and charged by what did start. What finds no room
    is given back until the month is over: it is claimed once, and then not until then. A guard that
    does not answer lets nothing start; its tenants' runs are put off by a moment, and keep nobody
    else waiting.
    """

    name = "ration"

    def __init__(
        self, queue: EndpointQueue, guard: QuotaGuard, *, clock: Clock, line: Line, limit: int
    ) -> None:
        self._queue = queue
        self._guard = guard
        self._clock = clock
        self._starts = Grouping(self._start, line=line, clock=clock, limit=limit)
        self._uncharged: deque[tuple[Reservation, int]] = deque()
        self._answered: dict[Token, RationedStart] = {}

    async def run(self) -> None:
        """Start what is asked, for ever."""
        await self._starts.run()

    def limits(self, tenant: TenantId) -> bool:
        """Say whether a tenant's runs are rationed."""
        return self._guard.limits(tenant, Meter.RUNS)

    async def start(self, run: ClaimedRun) -> RationedStart:
        """Mark a run as started, or say why it may not. A refused claim is undone already."""
        try:
            return await self._starts.ask(run.lease.token, run)
        finally:
            self._answered.pop(run.lease.token, None)

    async def _start(self, runs: Sequence[ClaimedRun]) -> Mapping[Token, RationedStart]:
        # The clock may have been set back since the claim.
        await self._clock.sleep_until(max(run.plan.decision.due_at for run in runs))
        of_tenants: defaultdict[TenantId, list[Token]] = defaultdict(list)
        for run in runs:
            if run.lease.token not in self._answered:
                of_tenants[run.endpoint.tenant].append(run.lease.token)
        for tenant, tokens in of_tenants.items():
            await self._start_of(tenant, tokens)
        asked = [run.lease.token for run in runs]
        return {token: self._answered.pop(token) for token in asked if token in self._answered}

    async def _start_of(self, tenant: TenantId, tokens: Sequence[Token]) -> None:
        """
        Start a tenant's runs, and note what became of each.

        Where something fails in between all are asked about again; what has started by then is
        not started, nor charged, a second time.
        """
        left = tokens
        while left:
            asked = await self._ask(tenant, len(left))
            if isinstance(asked, Deferral):
                self._answered |= await self._put_off(left, asked)
                break
            self._answered |= await self._start_reserved(asked, left[: asked.amount])
            left = left[asked.amount :]

    async def _ask(self, tenant: TenantId, amount: int) -> Reservation | Deferral:
        """Reserve so many starts, or as many as are left; or say until when they are put off."""
        try:
            answer = await self._reserve(tenant, amount)
            if isinstance(answer, Exhausted) and answer.standing.left:
                answer = await self._reserve(tenant, min(amount, answer.standing.left))
        except StoreUnavailable:
            reason = "its tenant's quota could not be asked about"
            return Deferral(until=self._clock.now() + LOOK_AGAIN, reason=reason)
        return answer if isinstance(answer, Reservation) else self._deferral(answer)

    async def _reserve(self, tenant: TenantId, amount: int) -> Reservation | Refusal:
        return await self._guard.reserve(tenant, amount, Meter.RUNS, now=self._clock.now())

    def _deferral(self, refusal: Refusal) -> Deferral:
        match refusal:
            case Burst(retry_after=wait):
                reason = "its tenant starts runs too fast"
                return Deferral(until=self._clock.now() + wait, reason=reason)
            case Exhausted(standing=standing) if standing.used < (standing.limit or 0):
                # What is held may come back, as a start that was reserved may be refused.
                reason = "the last runs of its tenant's month are about to start"
                return Deferral(until=self._clock.now() + LOOK_AGAIN, reason=reason)
            case Exhausted(standing=standing):
                reason = f"{OUT_OF_RUNS} ({standing.limit})"
                return Deferral(until=refusal.until, reason=reason)
            case _:
                assert_never(refusal)

    async def _start_reserved(
        self, reservation: Reservation, tokens: Sequence[Token]
    ) -> Mapping[Token, Start]:
        now = self._clock.now()
        try:
            refusals = await self._queue.start(tokens, now=now)
        except BaseException:
            await self._release(reservation)
            raise
        started = sum(refusal is None for refusal in refusals.values())
        self._uncharged.append((reservation, started))
        await self._charge()
        return {token: now if refusal is None else refusal for token, refusal in refusals.items()}

    async def _release(self, reservation: Reservation) -> None:
        """Let others have what was not started; what the guard does not take now expires."""
        with suppress(StoreUnavailable):
            await self._guard.release(reservation, now=self._clock.now())

    async def _charge(self) -> None:
        """
        Charge what has started. What the guard does not take now is charged with the next start.

        Until then it is held, so that nobody else gets it.
        """
        with suppress(StoreUnavailable):
            while self._uncharged:
                reservation, started = self._uncharged[0]
                await self._guard.settle(reservation, started, now=self._clock.now())
                self._uncharged.popleft()

    async def _put_off(
        self, tokens: Sequence[Token], deferral: Deferral
    ) -> Mapping[Token, Deferral | StartRefusal]:
        released = await self._queue.release(tokens, now=self._clock.now(), deferral=deferral)
        return {
            token: deferral if answer is Settled.ACCEPTED else StartRefusal.LOST
            for token, answer in released.items()
        }
