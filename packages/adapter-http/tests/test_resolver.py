"""The system's resolver, as far as it needs no network."""

import asyncio
import socket
import threading

import pytest
from cronicorn_adapter_http import resolver as resolver_module
from cronicorn_adapter_http.resolver import open_system_resolver


async def test_localhost_is_this_machine() -> None:
    """Names resolve to addresses as text."""
    async with open_system_resolver() as resolver:
        addresses = await resolver.resolve("localhost", 80)

    assert set(addresses) <= {"127.0.0.1", "::1"}
    assert addresses


async def test_lookups_at_once_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many who ask for a name at once share a lookup; one who goes takes it from nobody."""
    asked: list[str] = []

    def look_up(name: str, port: int) -> tuple[str, ...]:
        asked.append(name)
        return ("8.8.8.8",)

    monkeypatch.setattr(resolver_module, "_look_up", look_up)
    async with open_system_resolver() as resolver:
        waiting = [asyncio.create_task(resolver.resolve("shop.example", 80)) for _ in range(5)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        again = await resolver.resolve("shop.example", 80)

    assert isinstance(answers[0], asyncio.CancelledError)
    assert set(answers[1:]) == {("8.8.8.8",)}
    assert again == ("8.8.8.8",)
    assert asked == ["shop.example", "shop.example"]


async def test_a_name_that_is_not_known_is_an_oserror(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system cannot resolve is an `OSError`, for everyone who asked."""

    def look_up(name: str, port: int) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(resolver_module, "_look_up", look_up)
    async with open_system_resolver() as resolver:
        answers = await asyncio.gather(
            *(resolver.resolve("nobody.example", 80) for _ in range(2)), return_exceptions=True
        )

    assert all(isinstance(answer, OSError) for answer in answers)


async def test_closing_waits_for_no_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lookup that stalls does not hold up the end."""
    stalled, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def look_up(name: str, port: int) -> tuple[str, ...]:
        loop.call_soon_threadsafe(stalled.set)
        go_on.wait()
        return ()

    monkeypatch.setattr(resolver_module, "_look_up", look_up)
    async with open_system_resolver() as resolver:
        waiting = asyncio.create_task(resolver.resolve("shop.example", 80))
        await stalled.wait()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
