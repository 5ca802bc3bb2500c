"""The demo's shop as an HTTP server on a free port of this machine."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from aiohttp import web
from cronicorn_domain.ports.clock import Clock

from cronicorn_worker.demo.shop import answer
from cronicorn_worker.demo.story import Phase, chapter_at

HOST = "127.0.0.1"
_FAREWELL = 0.2
"""Seconds that requests under way are given when the shop closes."""


class Shop:
    """
    Answers by the clock it is given. The story begins with the first visit.

    ``on_chapter`` hears of each chapter as it begins: its phase, and what to tell.
    """

    def __init__(self, clock: Clock, on_chapter: Callable[[str, str], None]) -> None:
        self._clock = clock
        self._on_chapter = on_chapter
        self._began: datetime | None = None
        self._visits: Counter[tuple[str, Phase]] = Counter()
        self._opened = asyncio.Event()

    async def visit(self, path: str) -> tuple[int, dict[str, object]]:
        """Return status and body of one visit, when the shop gets round to it."""
        if self._began is None:
            self._began = self._clock.now()
            self._opened.set()
        chapter, _ = chapter_at(self._clock.now() - self._began)
        place = (path, chapter.phase)
        given = answer(path, chapter.phase, self._visits[place])
        self._visits[place] += 1
        await self._clock.sleep_until(self._clock.now() + given.after)
        return given.status, given.body

    async def tell(self) -> None:
        """Tell each chapter as it begins, until cancelled."""
        await self._opened.wait()
        assert self._began is not None
        while True:
            now = self._clock.now()
            chapter, left = chapter_at(now - self._began)
            self._on_chapter(chapter.phase.value, chapter.telling)
            await self._clock.sleep_until(now + left)


@asynccontextmanager
async def open_shop(clock: Clock, on_chapter: Callable[[str, str], None]) -> AsyncIterator[str]:
    """Open the shop and give its address, such as ``127.0.0.1:40123``; nobody else can reach it."""
    shop = Shop(clock, on_chapter)

    async def handle(request: web.Request) -> web.Response:
        status, body = await shop.visit(request.path)
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_route("*", "/{page:.*}", handle)
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, shutdown_timeout=_FAREWELL
    )
    telling = asyncio.create_task(shop.tell())
    try:
        await runner.setup()
        await web.TCPSite(runner, HOST, 0).start()
        yield f"{HOST}:{runner.addresses[0][1]}"
    finally:
        telling.cancel()
        await asyncio.wait([telling])
        await runner.cleanup()
