"""What a signal to the server means."""

import asyncio

import uvicorn
from cronicorn_api.serving import Server


async def test_a_signal_that_a_parent_passes_on_gives_nothing_up() -> None:
    """A group that is ended reaches the API twice; requests and runs are finished all the same."""
    asked: list[bool] = []
    server = Server(uvicorn.Config(app="unused"), lambda: asked.append(True))

    asyncio.get_running_loop().call_soon(server.ask_to_stop)
    server.ask_to_stop()
    await asyncio.sleep(0)

    assert (server.should_exit, server.force_exit, asked) == (True, False, [True])
