"""Serves until it is asked to stop, and finishes the requests that are under way."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import typer
import uvicorn
from cronicorn_management.accounts.founding import found_key
from cronicorn_management.desk import Desk
from cronicorn_management.people.founding import found_owner
from cronicorn_management.people.setting_up import print_setup_token
from cronicorn_scheduler.service import Scheduler

from cronicorn_api.application import application
from cronicorn_api.composition import open_service
from cronicorn_api.envelope import Envelope
from cronicorn_api.log import Log
from cronicorn_api.metering.instruments import Instruments
from cronicorn_api.metering.work import CountedWork
from cronicorn_api.patience import PatientProtocol
from cronicorn_api.settings import ApiSettings
from cronicorn_api.tidying import keep_tidy
from cronicorn_api.working import LoggedWork

GRACE: Final = 20
"""So many seconds requests have to end, once it is asked to stop."""

BACKLOG: Final = 2048
"""So many connections may wait to be taken."""

CONNECTIONS_MOST: Final = 2000
"""So many may be open; what comes on top is told 503."""

HEAD_MOST: Final = 32 * 1024
"""So many bytes the line and the headers of a request may have."""


class Server(uvicorn.Server):
    """
    Leaves signals to who runs it: uvicorn would end the process before its database closes.

    ``beside`` is what else is asked to stop with it.
    """

    def __init__(self, config: uvicorn.Config, *beside: Callable[[], object]) -> None:
        super().__init__(config)
        self._beside = beside

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    def ask_to_stop(self) -> None:
        """Take no more requests and finish those there are; asked again, do not finish them."""
        self.force_exit = self.should_exit
        self.should_exit = True
        for each in self._beside:
            each()


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
    instruments, observer = Instruments(), LoggedWork(log)
    async with open_service(
        settings.database_url,
        settings.key,
        allowed=settings.egress_entries,
        poll_only=settings.poll_only,
        quotas=settings.quotas,
        quota_redis=settings.quota_redis_url,
        allowance=settings.allowance,
        sign_in_rates=settings.sign_in_rates,
        observer=CountedWork(observer, instruments.registry) if settings.with_worker else observer,
        smtp=settings.smtp_url,
        mail_from=settings.mail_from,
    ) as service:
        port = listener.getsockname()[1]
        origin = settings.site.public_url or f"http://{_in_addresses(settings.host)}:{port}"
        await _found(service.desk, settings, log, origin=origin)
        app = application(
            service.desk,
            settings.site,
            per_address=settings.per_address,
            instruments=instruments,
        )
        envelope = Envelope(app, log, secure=settings.site.speaks_tls)
        worker = service.worker if settings.with_worker else None
        server = Server(
            configured(envelope, trusted=settings.trusted_entries),
            app.state.watch.close,  # whoever listens would keep it from ending
            *([] if worker is None else [worker.request_stop]),
        )
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, server.ask_to_stop)
        tidying = asyncio.create_task(keep_tidy(service.desk))
        log.say("serving", host=settings.host, port=port, dashboard=f"{origin}/")
        try:
            await _serve_and_work(server, listener, worker)
        finally:
            tidying.cancel()
        log.say("stopped")


async def _serve_and_work(
    server: Server, listener: socket.socket, worker: Scheduler | None
) -> None:
    """Serve, and let a worker run beside; when it cannot go on, neither does the server."""
    if worker is None:
        await server.serve(sockets=[listener])
        return

    def end_both(_: object) -> None:
        if not server.should_exit:
            server.ask_to_stop()

    working = asyncio.create_task(worker.run())
    working.add_done_callback(end_both)
    await server.serve(sockets=[listener])
    await working


async def _found(desk: Desk, settings: ApiSettings, log: Log, *, origin: str) -> None:
    """Give the installation what it begins with, at its first start."""
    if settings.bootstrap_key is not None and await found_key(desk, settings.bootstrap_key):
        log.say("bootstrap key issued")
    if settings.owner is not None:
        email, password = settings.owner
        if await found_owner(desk, email=email, password=password):
            log.say("owner made", email=email)
    else:
        await _invite(desk, origin)


def _in_addresses(host: str) -> str:
    return f"[{host}]" if ":" in host else host


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


def configured(app: Envelope, *, trusted: Sequence[str] = ()) -> uvicorn.Config:
    """
    Tell the server what it is to be.

    Nothing of it is taken from a request's headers, unless the request comes from a proxy that is
    ``trusted``, by address or network, to tell from where it has it.
    """
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=list(trusted),
        h11_max_incomplete_event_size=HEAD_MOST,
        limit_concurrency=CONNECTIONS_MOST,
        timeout_graceful_shutdown=GRACE,
    )
