"""Brings what many runs ask of the store together into few calls."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Generic, TypeVar

from cronicorn_domain.errors import StoreUnavailable
from cronicorn_domain.identity import Token
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.ports.clock import Clock

from cronicorn_scheduler.outages import Line

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(slots=True, eq=False)
class _Request(Generic[Item, Answer]):
    item: Item
    answer: asyncio.Future[Answer]


class Grouping(Generic[Item, Answer]):
    """
    Gathers items, each under its lease's token, and gives every one its own answer.

    What is asked while a call is under way goes with the next one; ``window`` is how long the
    first item waits for company. In an outage everything waits and is tried again without end:
    leaving is the asker's decision, by cancelling ``ask``. A call that fails otherwise is repeated
    item by item, so that only the item at fault gets the error.
    """

    def __init__(
        self,
        call: Callable[[Sequence[Item]], Awaitable[Mapping[Token, Answer]]],
        *,
        line: Line,
        clock: Clock,
        limit: int,
        window: timedelta = NO_TIME,
    ) -> None:
        self._call = call
        self._line = line
        self._clock = clock
        self._limit = limit
        self._window = window
        self._size = limit
        self._waiting: dict[Token, _Request[Item, Answer]] = {}
        self._stirred = asyncio.Event()

    async def ask(self, token: Token, item: Item) -> Answer:
        """Hand an item over and return its answer, or raise the error that it alone causes."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        request = _Request(item, answer)
        self._waiting[token] = request
        self._stirred.set()
        try:
            return await request.answer
        finally:
            self._waiting.pop(token, None)

    async def run(self) -> None:
        """Hand over what is asked, for ever."""
        while True:
            await self._stirred.wait()
            await self._linger()
            await self._hand_over()
            if not self._waiting:
                self._stirred.clear()
                self._line.rest()

    async def _linger(self) -> None:
        if self._window and len(self._waiting) < self._size:
            await self._clock.sleep_until(self._clock.now() + self._window)

    async def _hand_over(self) -> None:
        group = dict(islice(self._waiting.items(), self._size))
        if not group:
            return
        # Until the call has come back: if it did not, others are tried first and fewer at once, so
        # that an item the store can never take in time does not keep the rest.
        size, self._size = self._size, max(1, len(group) // 2)
        async with self._line:
            await self._deliver(group)
            self._size = min(size * 2, self._limit)
            return
        for token in group:
            if (request := self._waiting.pop(token, None)) is not None:
                self._waiting[token] = request

    async def _deliver(self, group: Mapping[Token, _Request[Item, Answer]]) -> None:
        try:
            answers = await self._call([request.item for request in group.values()])
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  whose fault it is shows when each goes alone
            await self._deliver_singly(group, error)
        else:
            for token, request in group.items():
                self._resolve(token, request, answers)

    async def _deliver_singly(
        self, group: Mapping[Token, _Request[Item, Answer]], error: Exception
    ) -> None:
        if len(group) > 1:
            for token, request in group.items():
                if not request.answer.done():
                    await self._deliver({token: request})
            return
        for token, request in group.items():
            self._waiting.pop(token, None)
            if not request.answer.done():
                request.answer.set_exception(error)

    def _resolve(
        self, token: Token, request: _Request[Item, Answer], answers: Mapping[Token, Answer]
    ) -> None:
        self._waiting.pop(token, None)
        if request.answer.done():
            return
        if token in answers:
            request.answer.set_result(answers[token])
        else:
            request.answer.set_exception(LookupError(f"the store left out lease {token}"))
