"""What goes around every request: its id, its path without a last slash, headers, a log line."""

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from cronicorn_domain.identity import new_uuid
from cronicorn_domain.model.trace import Trace
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cronicorn_api.access.rates import rate_headers
from cronicorn_api.log import Log
from cronicorn_api.tracing import CallTraces, begun

_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_SECURITY: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_NO_CONTENT: Final = 204
_STRICT: Final[Mapping[str, str]] = {"Strict-Transport-Security": "max-age=31536000"}
"""Where TLS is spoken: browsers shall not come without it any more."""


class Envelope:
    """
    Wraps the application, also where that fails.

    It is ``secure`` where TLS is spoken before it; ``traces`` keeps what is called, if it is kept.
    """

    def __init__(
        self, app: ASGIApp, log: Log, *, secure: bool = False, traces: CallTraces | None = None
    ) -> None:
        self._app = app
        self._log = log
        self._traces = traces
        self._headers = {**_SECURITY, **_STRICT} if secure else _SECURITY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a fault is told in the log, and to nobody else."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        request_id, path = _request_id(asked), _path(scope["path"])
        call = begun(
            self._traces,
            Trace.parse(asked.get("traceparent")),
            method=scope["method"],
            path=path,
            request_id=request_id,
        )
        status = 500
        began = time.perf_counter()

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                if status == _NO_CONTENT:
                    del headers["Content-Type"]  # of nothing there is no kind
                for name, value in rate_headers(scope):
                    headers[name] = value
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        state: dict[str, object] = scope.setdefault("state", {})
        state["trace"] = call.trace
        within = {**scope, "path": path}
        try:
            await self._app(within, receive, send_wrapped)
        except Exception as fault:  # noqa: BLE001  it was answered, and is told here
            self._log.fault(fault, request_id=request_id)
        finally:
            call.end(route=getattr(within.get("route"), "path", None), status=status)
        with suppress(OSError):  # nobody reads any more
            self._log.request(
                method=scope["method"],
                path=scope["path"],
                status=status,
                milliseconds=round((time.perf_counter() - began) * 1000),
                request_id=request_id,
                trace=None if call.trace is None else call.trace.id,
                actor=state.get("actor"),
            )


def _request_id(asked: Headers) -> str:
    """Honour an id that comes with the request, if it can stand in a header and a line."""
    given = asked.get("x-request-id", "")
    return given if _ID.fullmatch(given) else str(new_uuid())


def _path(path: str) -> str:
    return path.rstrip("/") or "/"
