"""Asks a model within its tenant's quota: each request has a reservation of its own."""

import asyncio
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.conversation import (
    Answer,
    Ask,
    Message,
    Result,
    Said,
    Told,
    Unanswered,
    Usage,
)
from cronicorn_domain.model.quota import Meter, Refusal, Reservation
from cronicorn_domain.ports.clock import Clock
from cronicorn_domain.ports.model_client import ModelClient
from cronicorn_domain.ports.quota_guard import RESERVED_FOR, QuotaGuard

_BYTES_A_TOKEN: Final = 3
"""In UTF-8, and fewer than languages have on average: rather an estimate too high than too low."""
_DENSE: Final = (string.digits + string.punctuation).encode()
_ABSURD: Final = 10
"""So many times more than can be is no measure of anything: it would use up a month at once."""
_SPARE: Final = 200
"""Tokens that a vendor adds around what is said: roles, tools, marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """
    How often an ask is put again, and how long the waits between grow.

    Attributes:
        tries: At most, the first one included.
        first: The first wait; each further one is twice as long.
        most: The longest wait that is granted, also to a vendor that asks for more.
    """

    tries: int = 3
    first: timedelta = timedelta(seconds=1)
    most: timedelta = timedelta(seconds=30)

    def wait(self, tried: int, asked_for: timedelta | None) -> timedelta | None:
        """Return how long to wait after so many tries; None: it is not worth it."""
        if tried >= self.tries:
            return None
        wait = max(self.first * (1 << (tried - 1)), asked_for or timedelta())
        return wait if wait <= self.most else None


@dataclass(slots=True)
class Bill:
    """
    What a caller's asks have cost, tries included; where nobody knows, all that was reserved.

    It grows also when the caller is cancelled.
    """

    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def tokens(self) -> int:
        """All of them."""
        return self.tokens_in + self.tokens_out

    def add(self, usage: Usage | None, ask: Ask) -> None:
        """Add one request."""
        if usage is None:
            self.tokens_in += tokens_most(ask) - ask.tokens_most
            self.tokens_out += ask.tokens_most
        else:
            self.tokens_in += usage.tokens_in
            self.tokens_out += usage.tokens_out


class RationedModel:
    """
    Asks a model for tenants, and tries again where that may help.

    Each request is reserved for before it is made, tries included, and settled by what it cost:
    by what the vendor told, or, where nobody knows, by all that was reserved. Whoever is cancelled
    has settled before.
    """

    def __init__(
        self,
        client: ModelClient,
        guard: QuotaGuard,
        *,
        clock: Clock,
        patience: Patience | None = None,
    ) -> None:
        self._client = client
        self._guard = guard
        self._clock = clock
        self._patience = patience or Patience()

    async def ask(
        self,
        tenant: TenantId,
        ask: Ask,
        bill: Bill | None = None,
        *,
        may_try: Callable[[], bool] = lambda: True,
    ) -> Answer | Unanswered | Refusal:
        """
        Put one question for a tenant; what it costs is added to the bill.

        ``may_try`` is asked before each further try, as each costs as much as the first might.

        Raises:
            StoreUnavailable: the guard does not answer; nothing was asked.
        """
        for tried in range(1, self._patience.tries + 1):
            answer = await self._ask_once(tenant, ask, bill or Bill())
            if not isinstance(answer, Unanswered) or not answer.may_heal:
                return answer
            wait = self._patience.wait(tried, answer.retry_after)
            if wait is None:
                return answer
            await self._clock.sleep_until(self._clock.now() + wait)
            if not may_try():
                return answer
        raise AssertionError("the last try returns")

    async def _ask_once(
        self, tenant: TenantId, ask: Ask, bill: Bill
    ) -> Answer | Unanswered | Refusal:
        now = self._clock.now()
        # What it has cost is told behind its end: a reservation that lapses is charged in full.
        lasts = max(2 * ask.timeout, RESERVED_FOR)
        reserved = await self._guard.reserve(
            tenant, tokens_most(ask), Meter.TOKENS, now=now, lasts=lasts
        )
        if not isinstance(reserved, Reservation):
            return reserved
        usage: Usage | None = None
        try:
            answer = await self._client.ask(ask)
            usage = believed(answer.usage, ask) if isinstance(answer, Answer) else answer.usage
        finally:
            bill.add(usage, ask)
            used = None if usage is None else usage.tokens
            await asyncio.shield(self._settle(reserved, used, self._clock.now()))
        return answer

    async def _settle(self, reserved: Reservation, used: int | None, now: datetime) -> None:
        """
        Charge what it cost. A guard that does not answer is asked once more, then left to itself.

        What is reserved is held until it expires: an answer that was paid for is not thrown away.
        """
        for _ in range(2):
            try:
                await self._guard.settle(reserved, used, now=now)
            except StoreUnavailable:
                continue
            return


def believed(usage: Usage | None, ask: Ask) -> Usage | None:
    """
    Return what an answer has cost by what its vendor told; None: that cannot be.

    An answer to nothing is none, and ten times what there was to read, or what it could write at
    most, is a count of something else.
    """
    if usage is None:
        return None
    most_read = tokens_most(ask) - ask.tokens_most
    if not 0 < usage.tokens_in <= _ABSURD * most_read:
        return None
    return None if usage.tokens_out > _ABSURD * ask.tokens_most else usage


def tokens_most(ask: Ask) -> int:
    """Return about how many tokens an ask may cost: all that is read, and the longest answer."""
    read = [ask.instructions, *map(_text_of, ask.messages)]
    read += [f"{tool.name} {tool.description} {tool.parameters}" for tool in ask.tools]
    return sum(map(_tokens_in, read)) + _SPARE + ask.tokens_most


def _tokens_in(text: str) -> int:
    """Count digits and marks as a token each: dense JSON is made of them; of the rest three."""
    written = text.encode(errors="replace")
    rest = len(written.translate(None, _DENSE))
    return len(written) - rest + -(-rest // _BYTES_A_TOKEN)


def _text_of(message: Message) -> str:
    match message:
        case Told(text=text) | Result(text=text):
            return text
        case Said(text=text, calls=calls):
            return f"{text} {calls}" if calls else text
        case _:
            assert_never(message)
