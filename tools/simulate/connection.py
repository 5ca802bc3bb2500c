"""
A worker's connection to the store: what travels takes time, gets lost, comes late or twice.

The store's end runs in the world outside of the worker's process: a call that has arrived is
carried out whole, whatever becomes of the worker; and no call is carried out by half.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import Context
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import EndpointId, Token, WorkerId
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import NO_CAPS, Caps
from cronicorn_domain.ports.endpoint_queue import (
    ClaimBatch,
    Deferral,
    EndpointQueue,
    Reaped,
    Settled,
    Settlement,
    StartRefusal,
)

from tools.simulate.troubles import (
    AnswersLate,
    AnswersLost,
    Call,
    CallsDoubled,
    CallsLate,
    LineTrouble,
    Unreachable,
    WakeupsLost,
)

T = TypeVar("T")


class Faults:
    """The troubles of one worker's line, asked for by the moment; and how often each one struck."""

    def __init__(self, troubles: Iterable[LineTrouble], struck: Callable[[str], None]) -> None:
        self._troubles = tuple(troubles)
        self._struck = struck

    def of(self, call: Call) -> Sequence[LineTrouble]:
        """Return the troubles that a call meets now."""
        if not self._troubles:
            return ()
        now = asyncio.get_running_loop().time()
        return [each for each in self._troubles if call in each.calls and _holds(each, now)]

    def deaf(self) -> bool:
        """Say whether wake-ups get lost now."""
        now = asyncio.get_running_loop().time()
        lost = any(isinstance(each, WakeupsLost) and _holds(each, now) for each in self._troubles)
        if lost:
            self.strike(WakeupsLost)
        return lost

    def strike(self, kind: type[LineTrouble]) -> None:
        """Count a fault that was met."""
        self._struck(kind.__name__)


class Connection:
    """
    An ``EndpointQueue`` at the other end of a line; ``ask`` serves the worker's other calls.

    On a plain line nothing can go wrong, and no worker ends: so that a call needs no one at the
    other end.
    """

    def __init__(
        self,
        queue: EndpointQueue,
        *,
        faults: Faults,
        latency: timedelta,
        chance: Random,
        plain: bool,
    ) -> None:
        self._queue = queue
        self._faults = faults
        self._latency = latency.total_seconds()
        self._chance = chance
        self._plain = plain and not latency
        self._outside = Context()
        self.closed = False

    async def ask(self, call: Call, carry_out: Callable[[], Awaitable[T]]) -> T:
        """
        Have something carried out at the store, and return the answer.

        Raises:
            StoreUnavailable: no answer came; whether it was carried out is not known.
        """
        if self.closed:
            raise StoreUnavailable("the connection is closed")
        troubles = self._faults.of(call)
        for each in troubles:
            if isinstance(each, Unreachable):
                self._faults.strike(Unreachable)
                await asyncio.sleep(each.hangs.total_seconds())
                raise StoreUnavailable("the store cannot be reached")
        if self._plain:
            return await carry_out()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        serving = self._serve(call, carry_out, answer, troubles)
        # What it waits for holds it: a timer, or the store's lock.
        loop.create_task(serving, context=self._outside)  # noqa: RUF006
        return await answer

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
        """Ask for leases."""
        return await self.ask(
            Call.CLAIM,
            lambda: self._queue.claim(
                worker=worker, limit=limit, lease_for=lease_for, now=now, caps=caps, breaker=breaker
            ),
        )

    async def start(
        self, tokens: Sequence[Token], *, now: datetime
    ) -> Mapping[Token, StartRefusal | None]:
        """Ask whether runs may start."""
        return await self.ask(Call.START, lambda: self._queue.start(tokens, now=now))

    async def renew(
        self, tokens: Sequence[Token], *, lease_for: timedelta, now: datetime
    ) -> frozenset[Token]:
        """Prolong leases."""
        return await self.ask(
            Call.RENEW, lambda: self._queue.renew(tokens, lease_for=lease_for, now=now)
        )

    async def settle(
        self, settlements: Sequence[Settlement], *, now: datetime
    ) -> Mapping[Token, Settled]:
        """Hand results over."""
        return await self.ask(Call.SETTLE, lambda: self._queue.settle(settlements, now=now))

    async def release(
        self, tokens: Sequence[Token], *, now: datetime, deferral: Deferral | None = None
    ) -> Mapping[Token, Settled]:
        """Give claims back."""
        return await self.ask(
            Call.RELEASE, lambda: self._queue.release(tokens, now=now, deferral=deferral)
        )

    async def reap(self, *, limit: int, now: datetime) -> Sequence[Reaped]:
        """Take away leases that ran out."""
        return await self.ask(Call.REAP, lambda: self._queue.reap(limit=limit, now=now))

    async def next_due(self) -> datetime | None:
        """Ask for the next due instant."""
        return await self.ask(Call.NEXT_DUE, self._queue.next_due)

    async def heal_quarantined(self, *, now: datetime) -> Sequence[EndpointId]:
        """Ask for quarantined endpoints to be looked at."""
        return await self.ask(Call.HEAL, lambda: self._queue.heal_quarantined(now=now))

    async def _serve(
        self,
        call: Call,
        carry_out: Callable[[], Awaitable[T]],
        answer: "asyncio.Future[T]",
        troubles: Sequence[LineTrouble],
    ) -> None:
        """Carry a call out at the store's end, with all that may happen on the way."""
        await self._travel(_late(troubles, CallsLate, self._faults))
        try:
            result = await carry_out()
            again = next((each for each in troubles if isinstance(each, CallsDoubled)), None)
            if again is not None:
                self._faults.strike(CallsDoubled)
                await asyncio.sleep(again.by.total_seconds())
                repeated = await carry_out()
                # Whoever asks again for a start heeds the last answer: an earlier one is void.
                result = repeated if again.second or call is Call.START else result
        except Exception as error:  # noqa: BLE001  whatever it is, the caller is to see it
            if not answer.done():
                answer.set_exception(error)
            return
        lost = next((each for each in troubles if isinstance(each, AnswersLost)), None)
        if lost is not None:
            self._faults.strike(AnswersLost)
            await asyncio.sleep(lost.hangs.total_seconds())
            if not answer.done():
                answer.set_exception(StoreUnavailable("the answer was lost on its way"))
            return
        await self._travel(_late(troubles, AnswersLate, self._faults))
        if not answer.done():
            answer.set_result(result)

    async def _travel(self, more: float) -> None:
        length = more
        if self._latency:
            length += round(self._chance.uniform(0, self._latency), 6)
        if length:
            await asyncio.sleep(length)


def _late(
    troubles: Sequence[LineTrouble], kind: type[CallsLate] | type[AnswersLate], faults: Faults
) -> float:
    length = 0.0
    for each in troubles:
        if isinstance(each, kind):
            faults.strike(kind)
            length += each.by.total_seconds()
    return length


def _holds(trouble: LineTrouble, now: float) -> bool:
    begun = trouble.after.total_seconds()
    return begun <= now < begun + trouble.lasts.total_seconds()
