"""Serves until it is asked to stop, and finishes the requests that are under way."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer
import uvicorn
from cronicorn_management.accounts.founding import found_key
from cronicorn_management.desk import Desk
from cronicorn_management.people.founding import found_owner
from cronicorn_management.people.setting_up import print_setup_token
from cronicorn_management.watching import Watch

from cronicorn_api.application import application
from cronicorn_api.composition import open_desk
from cronicorn_api.envelope import Envelope
from cronicorn_api.log import Log
from cronicorn_api.settings import ApiSettings
from cronicorn_api.tidying import keep_tidy

GRACE: Final = 20
"""So many seconds requests have to end, once it is asked to stop."""


BACKLOG: Final = 2048
"""So many connections may wait to be taken."""


class Server(uvicorn.Server):
    """Leaves signals to who runs it: uvicorn would end the process before its database closes."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    def __init__(self, config: uvicorn.Config, *, watch: Watch) -> None:
        super().__init__(config)
        self._watch = watch

    def ask_to_stop(self) -> None:
        """Take no more requests and finish those there are; asked again, do not finish them."""
        self._watch.close()  # whoever listens would keep it from ending
        self.force_exit = self.should_exit
        self.should_exit = True


async def serve(settings: ApiSettings) -> None:
    """
    Open the database, found what is to be founded, and serve.

    Raises:
        OSError: nobody can be listened to there; the message says what to do.
    """
    log = Log(settings.log_level)
    with listening(settings.host, settings.port) as listener:
        await _serve_over(listener, settings, log)


async def _serve_over(listener: socket.socket, settings: ApiSettings, log: Log) -> None:
    async with open_desk(
        settings.database_url,
        settings.key,
        allowed=settings.egress_entries,
        poll_only=settings.poll_only,
        quotas=settings.quotas,
        quota_redis=settings.quota_redis_url,
        allowance=settings.allowance,
        sign_in_rates=settings.sign_in_rates,
    ) as desk:
        await _found(desk, settings, log, port=listener.getsockname()[1])
        app = application(desk, settings.site, per_address=settings.per_address)
        envelope = Envelope(app, log, secure=settings.site.speaks_tls)
        server = Server(configured(envelope), watch=app.state.watch)
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, server.ask_to_stop)
        tidying = asyncio.create_task(keep_tidy(desk))
        log.say("serving", host=settings.host, port=listener.getsockname()[1])
        try:
            await server.serve(sockets=[listener])
        finally:
            tidying.cancel()
        log.say("stopped")


async def _found(desk: Desk, settings: ApiSettings, log: Log, *, port: int) -> None:
    """Give the installation what it begins with, at its first start."""
    if settings.bootstrap_key is not None and await found_key(desk, settings.bootstrap_key):
        log.say("bootstrap key issued")
    if settings.owner is not None:
        email, password = settings.owner
        if await found_owner(desk, email=email, password=password):
            log.say("owner made", email=email)
    else:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        await _invite(desk, settings.site.public_url or f"http://{host}:{port}")


async def _invite(desk: Desk, origin: str) -> None:
    """Tell whoever started it, and not the log, how it gets its owner, while it has none."""
    token = await print_setup_token(desk)
    if token is not None:
        typer.echo(
            "cronicorn-api: nobody can sign in yet. To become the owner, open this within an hour:"
            f"\n{origin}/setup?token={token}",
            err=True,
        )


def listening(host: str, port: int) -> socket.socket:
    """
    Listen before anything is opened or said; port 0 is any that is free.

    Raises:
        OSError: the address is not ours, or somebody else has the port.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        why = error.strerror or str(error)
        message = f"cannot listen on {host}:{port}: {why}; choose another --host or --port"
        raise OSError(message) from error


def configured(app: Envelope) -> uvicorn.Config:
    """Tell the server what it is to be: nothing of it is taken from a request's headers."""
    return uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
    )
