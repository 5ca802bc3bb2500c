"""Throws away what is only kept for a while: by every process, as none has to be the one."""

import asyncio
import random
from contextlib import suppress
from typing import Final

from cronicorn_domain.errors import StoreError
from cronicorn_management.desk import Desk
from cronicorn_management.repeating import forget_answers

_PAUSE: Final = 60.0
_SPREAD: Final = 15.0
"""Processes that start together do not tidy together."""


async def keep_tidy(desk: Desk) -> None:
    """Throw away now and then, until it is cancelled; while the store is away, nothing."""
    while True:
        await asyncio.sleep(_PAUSE + random.uniform(0, _SPREAD))  # noqa: S311  nothing secret
        with suppress(StoreError):
            await desk.throttle.tidy()
            await forget_answers(desk)
