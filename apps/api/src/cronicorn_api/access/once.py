"""Writes that bear an ``Idempotency-Key``: done once, and answered as the first time."""

from contextlib import suppress
from functools import cache
from typing import Final

from cronicorn_domain.errors import StoreError
from cronicorn_domain.model.answer import Answer
from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk
from cronicorn_management.repeating import Turn, begin_once, give_up, keep_answer
from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cronicorn_api.wire.values import SHOWN_ONCE, Wire

_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_TURN: Final = "turn"


class Repeated(Exception):
    """The request was done before; this is what was answered."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("answered before")
        self.answer = answer


async def take_turn(request: Request, desk: Desk, caller: Caller) -> None:
    """
    See to it that a write that bears a key is done once; called when it is known who asks.

    Raises ``Repeated``, and as ``begin_once`` does.
    """
    key = request.headers.get("idempotency-key")
    if key is None or request.method not in _WRITES:
        return
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    begun = await begin_once(desk, caller, key, asked + await request.body())
    if isinstance(begun, Answer):
        raise Repeated(begun)
    setattr(request.state, _TURN, begun)


def answer_again(repeated: Repeated) -> Response:
    """Answer as the first time, and say so."""
    answer = repeated.answer
    return Response(
        answer.body,
        status_code=answer.status,
        media_type=answer.media_type or None,
        headers={"Idempotency-Replayed": "true"},
    )


class AnswerKeeper:
    """
    Keeps what is answered to requests that have a turn, before it is sent.

    A refusal and a fault are not kept: nothing was done, so it may be asked again.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] not in _WRITES:
            await self._app(scope, receive, send)
            return
        state: dict[str, object] = scope.setdefault("state", {})
        held: list[Message] = []

        async def hold(message: Message) -> None:
            turn = state.get(_TURN)
            if not isinstance(turn, Turn):
                await send(message)
                return
            held.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                del state[_TURN]
                await _end(scope, turn, held)
                for each in held:
                    await send(each)

        try:
            await self._app(scope, receive, hold)
        finally:
            if isinstance(turn := state.pop(_TURN, None), Turn):
                await _give_up(scope, turn)


async def _end(scope: Scope, turn: Turn, held: list[Message]) -> None:
    status: int = held[0]["status"]
    if status not in range(200, 300):
        await _give_up(scope, turn)
        return
    answer = Answer(
        status=status,
        media_type=Headers(raw=held[0]["headers"]).get("content-type", ""),
        body=b"".join(each.get("body", b"") for each in held[1:]).decode(),
        secret=_shows_once(getattr(scope.get("route"), "response_model", None)),
    )
    with suppress(StoreError):  # it was done: who asked is told, whether or not it can be kept
        await keep_answer(scope["app"].state.desk, turn, answer)


@cache
def _shows_once(shape: object) -> bool:
    """Say whether an answer of a shape holds what is shown once, as its members say."""
    members = shape.model_fields if isinstance(shape, type) and issubclass(shape, Wire) else {}
    return any(SHOWN_ONCE in each.metadata for each in members.values())


async def _give_up(scope: Scope, turn: Turn) -> None:
    with suppress(StoreError):  # the turn ends by itself
        await give_up(scope["app"].state.desk, turn)
