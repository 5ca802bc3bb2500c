"""The stream that tells a tab which of its parts are not new any more."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Final

from cronicorn_domain.errors import TooManyRequests
from cronicorn_domain.identity import SignInId
from cronicorn_management.watching import Listener, Watch
from fastapi import Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from cronicorn_api.access.hearing import Hearing
from cronicorn_api.pages.frame.routing import pages_router
from cronicorn_api.pages.frame.viewer import TheViewer, Viewer
from cronicorn_api.pages.live.topics import topics_in, topics_of

router: Final = pages_router()
STREAMS_MOST: Final = 4
"""A browser holds six connections to a site; a seventh request would wait for ever."""
BEAT: Final = timedelta(seconds=2)
"""So often something comes, so that a tab knows within seconds when nothing does."""
_EVERYTHING: Final = "*"
_RETRY_MS: Final = 1000
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """How many streams each sign-in has open in this process."""

    open: Counter[SignInId] = field(default_factory=Counter)

    @asynccontextmanager
    async def one_of(self, sign_in: SignInId) -> AsyncIterator[None]:
        """Have one open. Raises ``TooManyRequests``."""
        if self.open[sign_in] >= STREAMS_MOST:
            raise TooManyRequests(BEAT)
        self.open[sign_in] += 1
        try:
            yield
        finally:
            self.open[sign_in] -= 1
            if not self.open[sign_in]:
                del self.open[sign_in]


@router.get("/_/stream")
async def stream(
    request: Request,
    viewer: TheViewer,
    topics: Annotated[str, Query(max_length=2000)] = "",
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Tell which topics have news; a tab for which there is no stream left asks by itself."""
    watch: Watch = request.app.state.watch
    streams: Streams = request.app.state.streams
    listening = _listening(watch, streams, viewer)
    try:
        listener = await listening.__aenter__()
    except TooManyRequests:
        return Response(status_code=204, headers=_HEADERS)
    wanted = topics_in(topics)
    hearing = Hearing(request, viewer.caller, listener, since=viewer.now)

    async def lines() -> AsyncIterator[str]:
        try:
            async for line in _told(hearing, wanted, viewer, again=last_event_id is not None):
                yield line
        finally:
            await listening.__aexit__(None, None, None)

    return StreamingResponse(lines(), media_type="text/event-stream", headers=_HEADERS)


@asynccontextmanager
async def _listening(watch: Watch, streams: Streams, viewer: Viewer) -> AsyncIterator[Listener]:
    sign_in = viewer.caller.sign_in
    if sign_in is None:
        raise TooManyRequests(BEAT)
    async with streams.one_of(sign_in), watch.listening(viewer.caller) as listener:
        yield listener


async def _told(
    hearing: Hearing, wanted: frozenset[str], viewer: Viewer, *, again: bool
) -> AsyncIterator[str]:
    """Write events: at once one that says the stream is there; who comes again missed anything."""
    number = 0
    yield f"retry: {_RETRY_MS}\n\n{_event(viewer, number, [_EVERYTHING] if again else [])}"
    while (happenings := await hearing.batch(BEAT)) is not None:
        number += 1
        yield _event(viewer, number, sorted(wanted.intersection(topics_of(happenings))))


def _event(viewer: Viewer, number: int, topics: list[str]) -> str:
    clock = viewer.zones.clock_of(viewer.desk.clock.now())
    return f"id: {number}\nevent: ping\ndata: {clock} {' '.join(topics)}\n\n"
