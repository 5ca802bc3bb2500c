"""Works that go on beside a block of code, and end with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def beside(*works: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run works beside the block, and end them with it. One that fails fails alone, and is told."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                asyncio.get_running_loop().call_exception_handler(
                    {
                        "message": "what goes on beside failed; the work did not",
                        "exception": result,
                    }
                )
