"""
Ends requests that take too long, under one timer for all that may take equally long.

A timer for each request, as the standard library has it, costs as much to set and unset as all the
rest of our own work on an ordinary request.
"""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


class Deadline:
    """
    A block of one task that is cut short when its time is over: it then ends in ``TimeoutError``.

    As with `asyncio.timeout`, a cancellation from elsewhere stays one, and ``expired`` tells
    whether it was the deadline that ended the block, whatever error came of it.
    """

    __slots__ = ("_cancelling", "_deadlines", "_task", "expired", "seconds", "when")

    def __init__(self, deadlines: "Deadlines", seconds: float) -> None:
        self._deadlines = deadlines
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self.seconds = seconds
        self.when = 0.0
        self.expired = False

    def __enter__(self) -> Self:
        """Begin the block, and to count its time."""
        self._task = asyncio.current_task()
        assert self._task is not None
        self._cancelling = self._task.cancelling()
        self._deadlines.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the block; raises ``TimeoutError`` for a cancellation that is our own."""
        self._deadlines.discard(self)
        if not self.expired:
            return
        assert self._task is not None
        still_cancelled = self._task.uncancel() > self._cancelling
        if kind is asyncio.CancelledError and not still_cancelled:
            raise TimeoutError from error

    def expire(self) -> None:
        """Cut the block short."""
        assert self._task is not None
        self.expired = True
        self._task.cancel()


@dataclass(slots=True)
class _Queue:
    """Deadlines of one length, the earliest first, and the timer for the first of them."""

    timer: asyncio.TimerHandle
    waiting: dict[Deadline, None] = field(default_factory=dict)


class Deadlines:
    """
    Sets deadlines.

    Those of one length come in the order in which they were set. The timer for the first of them is
    left alone when its block ends in time: when it is due it looks who is first by then.
    """

    def __init__(self) -> None:
        self._queues: dict[float, _Queue] = {}

    def within(self, seconds: float) -> Deadline:
        """Return a block that may last so long, counted from its beginning."""
        return Deadline(self, seconds)

    def add(self, deadline: Deadline) -> None:
        """Count the time of a block that begins now."""
        loop = asyncio.get_running_loop()
        deadline.when = loop.time() + deadline.seconds
        queue = self._queues.get(deadline.seconds)
        if queue is None:
            timer = loop.call_at(deadline.when, self._look, deadline.seconds)
            queue = self._queues[deadline.seconds] = _Queue(timer)
        queue.waiting[deadline] = None

    def discard(self, deadline: Deadline) -> None:
        """Count no longer: the block has ended."""
        queue = self._queues.get(deadline.seconds)
        if queue is not None:
            queue.waiting.pop(deadline, None)

    def close(self) -> None:
        """Unset the timers; blocks that still run are cut short no more."""
        for queue in self._queues.values():
            queue.timer.cancel()
        self._queues.clear()

    def _look(self, seconds: float) -> None:
        """Cut short whose time is over, and set the timer for who is first then."""
        loop = asyncio.get_running_loop()
        queue = self._queues[seconds]
        while (first := next(iter(queue.waiting), None)) and first.when <= loop.time():
            del queue.waiting[first]
            first.expire()
        if first is None:
            del self._queues[seconds]
        else:
            queue.timer = loop.call_at(first.when, self._look, seconds)
