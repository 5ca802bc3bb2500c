"""Answers HEAD wherever GET is answered: with its status and headers, and nothing behind them."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """
    Has an application take a HEAD for the GET that it is the beginning of.

    What would go on, as a stream does, is ended there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; whoever is around this goes on seeing what was asked."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        scope["method"] = "GET"
        try:
            await _Beginning(send).of(self._app, scope, receive)
        finally:
            scope["method"] = "HEAD"


class _Beginning:
    """Sends how an answer begins."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._told = False
        self._cut = False

    async def of(self, app: ASGIApp, scope: Scope, receive: Receive) -> None:
        task = asyncio.current_task()
        assert task is not None

        async def send(message: Message) -> None:
            if message["type"] != "http.response.body":
                await self._send(message)
                return
            if not self._told:
                self._told = True
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            if message.get("more_body", False) and not self._cut:
                self._cut = True
                task.cancel()

        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._cut or task.uncancel():
                raise
