"""SIGTERM and SIGINT: the first asks for a good end, the next one for a quick one."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from cronicorn_scheduler.echoes import Echoes

ASKING = (signal.SIGTERM, signal.SIGINT)


class Requests:
    """Where requests to stop lead; it changes when there is more to end than the start itself."""

    def __init__(self, action: Callable[[], object], clock: Callable[[], float]) -> None:
        self._action = action
        self._echoes = Echoes(clock)

    def lead_to(self, action: Callable[[], object]) -> None:
        """Call this from now on."""
        self._action = action

    def ask(self) -> None:
        """Ask to stop, unless this is the echo of a signal that has just done so."""
        if self._echoes.hear():
            self._action()


@contextmanager
def stop_requests(
    action: Callable[[], object], clock: Callable[[], float] | None = None
) -> Iterator[Requests]:
    """
    Lead the signals to ``action``, on the running loop, until the end of the block.

    ``clock`` counts seconds, to tell an echo; by default it is the loop's.
    """
    loop = asyncio.get_running_loop()
    requests = Requests(action, clock or loop.time)
    before = {each: signal.getsignal(each) for each in ASKING}
    for each in ASKING:
        _handle(loop, each, requests.ask)
    try:
        yield requests
    finally:
        for each in ASKING:
            with suppress(NotImplementedError):
                loop.remove_signal_handler(each)
            signal.signal(each, before[each])


def _handle(loop: asyncio.AbstractEventLoop, each: signal.Signals, ask: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(each, ask)
    except NotImplementedError:  # Windows has no such thing
        signal.signal(each, lambda *_: loop.call_soon_threadsafe(ask))
