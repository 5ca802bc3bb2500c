"""The event loop that the API runs on."""

import asyncio
import sys
from collections.abc import Callable, Coroutine


def complete(work: Coroutine[None, None, None]) -> None:
    """Run to the end."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415

    return uvloop.new_event_loop
