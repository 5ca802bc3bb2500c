"""A server that speaks as OpenAI's and Anthropic's do, and plays a scene on every ask."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from cronicorn_domain.testing.model_client_contract import CALL, KEY, Scene

pytest.register_assert_rewrite("cronicorn_domain.testing")

WELL, HALF = "All is well.", "All is"
BROKEN_ARGUMENTS = "{seconds: 30"
USAGES: dict[Scene, tuple[int, int] | None] = {
    Scene.NO_USAGE: None,
    Scene.ABSURD_USAGE: (10**18, 10),
    Scene.NEGATIVE_USAGE: (-20, 10),
}
STATUSES = {Scene.TOO_MANY: 429, Scene.OVERLOADED: 503, Scene.BROKEN: 500, Scene.WRONG_KEY: 401}
CALLED = {Scene.CALLS, Scene.BROKEN_CALL, Scene.CUT_CALL}
CUT = {Scene.CUT_CALL, Scene.CUT_TEXT}


@dataclass
class Vendor:
    """The server: its address, the scene, and what it was asked."""

    scene: Scene = Scene.TEXT
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Play the scene."""
        self.asked.append(await request.json())
        self.came.set()
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        speak = _openai if request.path.endswith("/chat/completions") else _anthropic
        if self.scene is Scene.HANGS:
            try:
                await asyncio.Event().wait()
            finally:
                self.left.set()
        if status := STATUSES.get(self.scene):
            error = {"message": f"no, {KEY} will not do", "type": "error", "code": "nope"}
            headers = {"Retry-After": "7"} if status == 429 else {}
            body = {"type": "error", "error": error}
            return web.json_response(body, status=status, headers=headers)
        if self.scene is Scene.NO_JSON:
            return web.Response(text="<html>Hello</html>", content_type="text/html")
        if self.scene is Scene.CUT_BODY:
            return await _cut(request, json.dumps(speak(Scene.TEXT)).encode())
        return web.json_response(speak(self.scene))


async def _cut(request: web.Request, body: bytes) -> web.StreamResponse:
    """Promise a whole body, send the half of it, and hang up."""
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


def _text(scene: Scene) -> str:
    return HALF if scene is Scene.CUT_TEXT else "" if scene in CALLED | {Scene.WITHHELD} else WELL


def _openai(scene: Scene) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": _text(scene) or None}
    if scene in CALLED:
        whole = json.dumps(CALL.arguments)
        arguments = whole if scene is Scene.CALLS else BROKEN_ARGUMENTS
        function = {"name": CALL.tool, "arguments": arguments}
        message["tool_calls"] = [{"id": CALL.id, "type": "function", "function": function}]
    finish = "tool_calls" if scene in CALLED else "stop"
    finish = "length" if scene in CUT else finish
    finish = "content_filter" if scene is Scene.WITHHELD else finish
    usage = USAGES.get(scene, (20, 10))
    told = {} if usage is None else {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "model-1",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        **({"usage": told | {"total_tokens": sum(told.values())}} if told else {}),
    }


def _anthropic(scene: Scene) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if text := _text(scene):
        content.append({"type": "text", "text": text})
    if scene in CALLED:
        given = CALL.arguments if scene is Scene.CALLS else BROKEN_ARGUMENTS
        content.append({"type": "tool_use", "id": CALL.id, "name": CALL.tool, "input": given})
    stop = "tool_use" if scene in CALLED else "end_turn"
    stop = "max_tokens" if scene in CUT else stop
    stop = "refusal" if scene is Scene.WITHHELD else stop
    usage = USAGES.get(scene, (20, 10))
    told = {} if usage is None else {"input_tokens": usage[0], "output_tokens": usage[1]}
    return {
        "id": "message-1",
        "type": "message",
        "role": "assistant",
        "model": "model-1",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        **({"usage": told} if told else {}),
    }


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """Serve on a port of this machine until the test is over."""
    vendor = Vendor()
    application = web.Application()
    application.router.add_post("/v1/chat/completions", vendor.serve)
    application.router.add_post("/v1/messages", vendor.serve)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    vendor.url = f"http://127.0.0.1:{port}"
    try:
        yield vendor
    finally:
        await runner.cleanup()
