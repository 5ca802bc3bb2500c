"""Keeps the heads of requests small, also of those that arrive whole."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from cronicorn_api.wire.refusing import answer_status

HEAD_MOST: Final = 32 * 1024
"""So many bytes the line and the headers of a request may have."""


class HeadLimit:
    """
    Refuses a request whose head has more bytes than it may.

    The server stops to read one that comes in parts; one that comes at once it has read already.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "http" and _size(scope) > HEAD_MOST:
            await answer_status(431)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _size(scope: Scope) -> int:
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    return headers + len(scope.get("raw_path") or b"") + len(scope["query_string"])
