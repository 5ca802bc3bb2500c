"""The recording dispatcher keeps the contract of every dispatcher, and records."""

import asyncio
import json
from collections.abc import Sequence
from urllib.parse import urlsplit

import pytest
from cronicorn_adapter_memory.dispatcher import RecordingDispatcher, in_turn
from cronicorn_domain.model.run import (
    Body,
    BodyKind,
    Failed,
    FailureKind,
    Outcome,
    Response,
    Succeeded,
)
from cronicorn_domain.ports.dispatcher import Dispatch, Dispatcher
from cronicorn_domain.testing.builders import failed, succeeded
from cronicorn_domain.testing.dispatcher_contract import (
    Answer,
    DispatcherContract,
    Received,
    Target,
    a_dispatch,
)


class MemoryTarget:
    """What the dispatcher reaches: a function that answers, stalls, and remembers."""

    url = "http://shop.example"

    def __init__(self) -> None:
        self._received: list[Received] = []
        self._answers: dict[str | None, Answer] = {None: Answer()}
        self._arrived = asyncio.Event()
        self._abandoned = asyncio.Event()

    @property
    def received(self) -> Sequence[Received]:
        """What has arrived, in its order."""
        return self._received

    def answer(self, answer: Answer, *, path: str | None = None) -> None:
        """Answer so from now on, at one path or at all that have no answer of their own."""
        self._answers[path] = answer

    async def arrived(self) -> None:
        """Return when a request has arrived."""
        await self._arrived.wait()

    async def abandoned(self) -> None:
        """Return when the sender of a request that is not answered has gone."""
        await self._abandoned.wait()

    async def __call__(self, dispatch: Dispatch) -> Outcome:
        """Take a request, and answer it as was said."""
        url = urlsplit(dispatch.request.url)
        path = f"{url.path}?{url.query}" if url.query else url.path
        self._received.append(
            Received(
                method=dispatch.request.method,
                path=path,
                headers={each.name.lower(): each.value for each in dispatch.request.headers},
                body=dispatch.request.body or "",
            )
        )
        self._arrived.set()
        answer = self._answers.get(url.path, self._answers[None])
        if answer.stalls:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._abandoned.set()
        return outcome_of(answer)


def outcome_of(answer: Answer) -> Outcome:
    """Say what an answer comes to."""
    text = answer.body.decode()
    is_json = any("json" in value for _, value in answer.headers)
    kind = BodyKind.JSON if is_json and json.loads(text) else BodyKind.TEXT
    response = Response(
        status_code=answer.status, headers=answer.headers, body=Body(kind=kind, text=text)
    )
    if 200 <= answer.status < 300:
        return Succeeded(response=response)
    message = f"answered {answer.status}"
    return Failed(kind=FailureKind.HTTP_STATUS, message=message, response=response)


class TestRecordingDispatcher(DispatcherContract):
    """Without a network, and true to the port."""

    @pytest.fixture
    async def target(self) -> Target:
        """Give a target in memory."""
        return MemoryTarget()

    @pytest.fixture
    def dispatcher(self, target: Target) -> Dispatcher:
        """Give a dispatcher whose answers are the target's."""
        assert isinstance(target, MemoryTarget)
        return RecordingDispatcher(target)

    async def test_what_was_dispatched_is_recorded(self) -> None:
        """Dispatches are kept whole, in their order, and answered with 200."""
        dispatcher = RecordingDispatcher()
        dispatches = [a_dispatch(f"http://shop.example/{number}") for number in range(3)]

        outcomes = [await dispatcher.dispatch(each) for each in dispatches]

        assert dispatcher.dispatches == dispatches
        assert outcomes == [succeeded()] * 3

    async def test_a_script_is_followed(self) -> None:
        """Each request gets the next outcome, and one too many is a fault of the test."""
        dispatcher = RecordingDispatcher(in_turn([failed(), succeeded("better")]))
        dispatch = a_dispatch("http://shop.example/")

        assert await dispatcher.dispatch(dispatch) == failed()
        assert await dispatcher.dispatch(dispatch) == succeeded("better")
        with pytest.raises(AssertionError, match="no answer"):
            await dispatcher.dispatch(dispatch)
