"""
An event loop on virtual time: nothing waits, and the order of what is ready is a matter of a seed.

Every callback belongs to a process, or to the world outside of them. A process can be stopped
between any two of its steps, which is at any await: as a power cut or a SIGSTOP would do it.
"""

import asyncio
import heapq
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from math import inf
from random import Random
from typing import Any, TypeVarTuple

Arguments = TypeVarTuple("Arguments")

PROCESS: ContextVar[str | None] = ContextVar("PROCESS", default=None)
"""The process that a step belongs to; None: the world outside, which nothing stops."""

STEPS_MOST = 1_000_000
"""So many steps without any time passing are a circle."""

STEPS_AT_FIRST = 200_000
"""So many are allowed for beginnings and crowded moments, whatever the pace."""


class Stuck(RuntimeError):
    """Nothing will ever happen again, or the same for ever, or far too much."""


class Step(asyncio.TimerHandle):
    """A callback to be run, now or at an instant. Steps are many, so they hold next to nothing."""

    __slots__ = ("at", "call", "context", "given", "is_cancelled")

    def __init__(
        self,
        at: float,
        call: Callable[..., object],
        given: tuple[Any, ...],
        context: Context | None,
    ) -> None:
        self.at = at
        self.call = call
        self.given = given
        self.context = context or copy_context()
        self.is_cancelled = False

    def cancel(self) -> None:
        """Do not run it."""
        self.is_cancelled = True

    def cancelled(self) -> bool:
        """Say whether it will not be run."""
        return self.is_cancelled

    def when(self) -> float:
        """Return the instant."""
        return self.at


class VirtualTimeLoop(asyncio.BaseEventLoop):
    """
    Runs tasks in a time that jumps to the next timer whenever nothing is ready.

    Of steps that are ready together the seed says which goes first. There are no threads, files or
    sockets. ``errors`` keeps what callbacks raised and nobody caught. More steps than ``pace`` for
    each second, on the whole, are a storm.
    """

    def __init__(self, seed: int, *, pace: float = inf) -> None:
        super().__init__()
        self.errors: list[str] = []
        self._seconds = 0.0
        self._draw = Random(seed).random  # noqa: S311  it guards nothing
        self._steps: list[Step] = []
        self._timers: list[tuple[float, int, Step]] = []
        self._serial = 0
        self._still = 0
        self._taken = 0
        self._pace = pace
        self._stopped: dict[str, list[Step]] = {}
        self._doomed: dict[str, tuple[int, Callable[[], None]]] = {}
        self.set_exception_handler(self._keep_error)

    def time(self) -> float:
        """Return the seconds since the beginning."""
        return self._seconds

    def call_soon(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Run a callback among those that are ready next."""
        step = Step(self._seconds, callback, args, context)
        self._steps.append(step)
        return step

    def call_at(
        self,
        when: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback at an instant of ``time``."""
        step = Step(when, callback, args, context)
        self._serial += 1
        heapq.heappush(self._timers, (when, self._serial, step))
        return step

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Run a callback after so many seconds."""
        return self.call_at(self._seconds + delay, callback, *args, context=context)

    def stop_process(self, process: str) -> None:
        """Run nothing of a process any more, until ``continue_process``."""
        self._stopped.setdefault(process, [])

    def stop_process_after(self, process: str, steps: int, then: Callable[[], None]) -> None:
        """Stop a process between two steps: after so many of them, counted from now."""
        self._doomed[process] = (steps, then)

    def continue_process(self, process: str) -> None:
        """Let a stopped process go on where it was."""
        self._steps.extend(self._stopped.pop(process, ()))

    def _run_once(self) -> None:
        """Run what is ready; the base class calls it until the loop is stopped."""
        self._wake()
        steps, self._steps = self._steps, []
        # Fisher and Yates; the library's own is slower for the few that there are.
        for last in range(len(steps) - 1, 0, -1):
            other = int(self._draw() * (last + 1))
            steps[last], steps[other] = steps[other], steps[last]
        watching = bool(self._stopped or self._doomed)
        for step in steps:
            if step.is_cancelled or (watching and self._is_held(step)):
                continue
            try:
                step.context.run(step.call, *step.given)
            except Exception as error:  # noqa: BLE001  the loop goes on; the world is told
                self.call_exception_handler({"message": "a callback failed", "exception": error})
        self._still += len(steps)
        if self._still > STEPS_MOST:
            raise Stuck(f"{STEPS_MOST} steps, and no time has passed")
        self._taken += len(steps)
        if self._taken > STEPS_AT_FIRST and self._taken > self._pace * self._seconds:
            raise Stuck(f"{self._taken} steps in {self._seconds:.0f} s are a storm")

    def _wake(self) -> None:
        """Add the timers that are due to what is ready; time jumps if there is nothing else."""
        timers = self._timers
        while timers and timers[0][2].is_cancelled:
            heapq.heappop(timers)
        if not self._steps:
            if not timers:
                raise Stuck("no timer is set and nothing is ready")
            if timers[0][0] > self._seconds:
                self._seconds = timers[0][0]
                self._still = 0
        while timers and timers[0][0] <= self._seconds:
            self._steps.append(heapq.heappop(timers)[2])

    def _is_held(self, step: Step) -> bool:
        """Keep the step of a stopped process for later; count down what is about to be stopped."""
        process = step.context.get(PROCESS)
        if process is None:
            return False
        if process in self._stopped:
            self._stopped[process].append(step)
            return True
        if process in self._doomed:
            steps, then = self._doomed[process]
            if steps > 0:
                self._doomed[process] = (steps - 1, then)
                return False
            del self._doomed[process]
            self._stopped[process] = [step]
            self.call_soon(then, context=Context())
            return True
        return False

    def _keep_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.errors.append(f"{context['message']}: {error!r}")
