"""Keeps bodies small and prompt: whoever sends more, or too slowly, is refused before the end."""

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_WITHIN: Final = 30.0
"""In so many seconds a body has to arrive."""


class BodyLimit:
    """Lets an application read so many bytes of a request, and no more."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is not read is neither counted nor waited for."""
        size, whole = 0, False
        until = asyncio.get_running_loop().time() + BODY_WITHIN

        async def counted() -> Message:
            nonlocal size, whole
            try:
                async with asyncio.timeout_at(None if whole else until):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408) from None
            whole = not message.get("more_body", False)
            size += len(message.get("body", b""))
            if size > self._most:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)
