"""
Keeps bodies small, prompt and as they are.

Whoever sends more, too slowly, or what is to be decoded first is refused before the end.
"""

import asyncio
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_WITHIN: Final = 30.0
"""In so many seconds a body has to arrive."""
_AS_IT_IS: Final = "identity"


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
            if size and _is_encoded(scope):
                raise HTTPException(415, headers={"Accept-Encoding": _AS_IT_IS})
            if size > self._most:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)


def _is_encoded(scope: Scope) -> bool:
    """Say whether a body has to be decoded first, which may make very much of very little."""
    encoding = Headers(scope=scope).get("content-encoding", "")
    return encoding.strip().lower() not in {"", _AS_IT_IS}
