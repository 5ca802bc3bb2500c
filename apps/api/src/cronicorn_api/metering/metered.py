"""Counts requests around the application."""

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cronicorn_api.metering.instruments import Instruments

_KNOWN: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_NEITHER: Final = "other"


class Metered:
    """Passes every request on, and counts what became of it."""

    def __init__(self, app: ASGIApp, instruments: Instruments) -> None:
        self._app = app
        self._instruments = instruments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; one that ends in a fault was answered with 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def send_noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            with self._instruments.under_way.track_inprogress():
                await self._app(scope, receive, send_noting)
        finally:
            self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", _NEITHER)
        method = scope["method"] if scope["method"] in _KNOWN else _NEITHER
        self._instruments.requests.labels(method, route, status).inc()
        self._instruments.request_seconds.labels(route).observe(seconds)
