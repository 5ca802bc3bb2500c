"""Tabs that show this moment, as a browser has them: a stream, and parts that are fetched."""

import asyncio
import time
from contextlib import suppress
from typing import Final

import aiohttp

_PARTS: Final = ("needs", "sentence", "figures")
_ON_NEWS: Final = ("needs", "sentence")
_AT_MOST_EVERY: Final = 2.0
_AT_LEAST_EVERY: Final = 30.0
_POLL_EVERY: Final = 5.0


class Tab:
    """One tab; it looks until it is cancelled."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base
        self._tags: dict[str, str] = {}
        self._fetched = dict.fromkeys(_PARTS, time.monotonic())
        self._news: set[str] = set()

    async def look(self) -> None:
        """Follow the stream, and fetch what has news; ask by itself where there is no stream."""
        async with self._session.get(f"{self._base}/_/stream?topics=run+plan") as answer:
            if answer.status != 200:  # noqa: PLR2004
                await self._poll()
                return
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(answer))
                group.create_task(self._fetch_on())

    async def _hear(self, answer: aiohttp.ClientResponse) -> None:
        async for line in answer.content:
            if line.startswith(b"data:") and len(line.split()) > 2:  # noqa: PLR2004
                self._news.update(_ON_NEWS)

    async def _fetch_on(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            now = time.monotonic()
            for part, at in list(self._fetched.items()):
                wanted = part in self._news and now - at >= _AT_MOST_EVERY
                if wanted or now - at >= _AT_LEAST_EVERY:
                    await self._fetch(part)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(_POLL_EVERY)
            for part in _PARTS:
                await self._fetch(part)

    async def _fetch(self, part: str) -> None:
        self._news.discard(part)
        self._fetched[part] = time.monotonic()
        headers = {"HX-Request": "true"}
        if part in self._tags:
            headers["If-None-Match"] = self._tags[part]
        with suppress(TimeoutError):
            async with self._session.get(f"{self._base}/_/now/{part}", headers=headers) as answer:
                answer.raise_for_status()
                await answer.read()
                self._tags[part] = answer.headers["ETag"]
