"""The event loop that a worker runs on."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Final

_SWITCH: Final = 0.0005
"""
Seconds for which a loop that is busy keeps another thread from the interpreter.

SQLite runs in a thread of its own, which needs it some fifty times for the claim, the start and the
settle of a batch; with the 5 ms that Python has by itself they took a quarter of a second.
"""


def complete(work: Coroutine[None, None, None]) -> None:
    """Run to the end. Being stopped before there was anything to drain is a good end, too."""
    sys.setswitchinterval(_SWITCH)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner, suppress(asyncio.CancelledError):
        runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop
