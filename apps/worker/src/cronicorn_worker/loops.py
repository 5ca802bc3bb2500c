"""The event loop that a worker runs on."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress


def complete(work: Coroutine[None, None, None]) -> None:
    """Run to the end. Being stopped before there was anything to drain is a good end, too."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner, suppress(asyncio.CancelledError):
        runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop
