"""One task at a time: Alembic keeps what it works on in globals of its modules."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

_BETWEEN_TRIES: Final = 0.02
_working = threading.Lock()


@asynccontextmanager
async def alone_in_process() -> AsyncIterator[None]:
    """Keep all other tasks and threads of this process out of Alembic for the block."""
    while not _working.acquire(blocking=False):  # noqa: ASYNC110  also other threads are awaited
        await asyncio.sleep(_BETWEEN_TRIES)
    try:
        yield
    finally:
        _working.release()
