"""The event loop that the API runs on."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Final

_SWITCH: Final = 0.0005
"""
Seconds for which a loop that is busy keeps another thread from the interpreter: SQLite runs in one,
and needs it several times for a statement. Python has 5 ms by itself.
"""


def complete(work: Coroutine[None, None, None]) -> None:
    """Run to the end."""
    sys.setswitchinterval(_SWITCH)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop
