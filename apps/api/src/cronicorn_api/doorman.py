"""Answers from the start on, and lets the application answer once it is there."""

from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LIVE: Final = {"/health/live", "/api/health/live"}
_RETRY_AFTER: Final = "5"


class Doorman:
    """
    Says that the process lives, and to all else that it is not ready, until it has an application.

    That is while the database is away, or is being migrated, when a restart would not help.
    """

    def __init__(self) -> None:
        self.app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let answer."""
        if self.app is not None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await _answer(scope["path"])(scope, receive, send)


def _answer(path: str) -> JSONResponse:
    if path in _LIVE:
        return JSONResponse({"status": "ok"})
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = "the service is starting, and waits for its database"
    return JSONResponse(
        {
            "error": "Service Unavailable",
            "message": message,
            "status": status.value,
            "code": "unavailable",
        },
        status_code=status,
        headers={"Retry-After": _RETRY_AFTER},
    )
