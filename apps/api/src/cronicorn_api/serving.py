"""Serves until it is asked to stop, and finishes the requests that are under way."""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, ip_address
from typing import Final, TypeVar

import typer
import uvicorn
from cronicorn_management.accounts.founding import found_key
from cronicorn_management.desk import Desk
from cronicorn_management.people.founding import found_owner
from cronicorn_management.people.setting_up import print_setup_token
from cronicorn_planner.sessions.choosing import NONE_CHOSEN
from cronicorn_scheduler.echoes import Echoes
from cronicorn_scheduler.opening import Opening
from cronicorn_scheduler.service import Scheduler
from fastapi import FastAPI

from cronicorn_api.application import application
from cronicorn_api.composition import Choices, Service, open_service, open_tracing
from cronicorn_api.doorman import Doorman
from cronicorn_api.envelope import Envelope
from cronicorn_api.log import Log
from cronicorn_api.metering.instruments import Instruments
from cronicorn_api.pages.frame.writing import compile_templates
from cronicorn_api.patience import PatientProtocol
from cronicorn_api.settings import ApiSettings
from cronicorn_api.tidying import keep_tidy
from cronicorn_api.tracing import Tracing
from cronicorn_api.wire.head_limit import HEAD_MOST
from cronicorn_api.working import LoggedSessions, LoggedWork, OpeningLines, QuotaLines

Done = TypeVar("Done")

GRACE: Final = 20
"""So many seconds requests have to end, once it is asked to stop."""

BACKLOG: Final = 2048
"""So many connections may wait to be taken."""

CONNECTIONS_MOST: Final = 2000
"""So many may be open; what comes on top is told 503."""


class Server(uvicorn.Server):
    """
    Leaves signals to who runs it: uvicorn would end the process before its database closes.

    ``beside`` is what else is asked to stop with it.
    """

    def __init__(self, config: uvicorn.Config, *beside: Callable[[], object]) -> None:
        super().__init__(config)
        self.beside = [*beside]
        self._echoes = Echoes(lambda: asyncio.get_running_loop().time())

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    def ask_to_stop(self) -> None:
        """Take no more requests and finish those there are; asked again, do not finish them."""
        if not self._echoes.hear():
            return
        self.force_exit = self.should_exit
        self.should_exit = True
        for each in self.beside:
            each()

    async def unless_stopped(self, work: Awaitable[Done]) -> Done | None:
        """Return what the work gives; None if it is asked to stop before, which ends the work."""
        task = asyncio.current_task()
        assert task is not None
        self.beside.append(task.cancel)
        try:
            return await work
        except asyncio.CancelledError:
            if not self.should_exit:
                raise
            task.uncancel()
            return None
        finally:
            self.beside.remove(task.cancel)


async def serve(settings: ApiSettings) -> None:
    """
    Open the database, found what is to be founded, and serve.

    A database that is away is waited for; until it is there only the question whether this process
    lives is answered well.

    Raises:
        OSError: nobody can be listened to there; the message says what to do.
        StoreError: the database cannot be opened, and waiting would not help.
    """
    log = Log(settings.log_level)
    async with AsyncExitStack() as held:
        listener = held.enter_context(listening(settings.host, settings.port))
        tracing = await held.enter_async_context(open_tracing(wanted=settings.traces))
        doorman = Doorman()
        envelope = Envelope(
            doorman,
            log,
            secure=settings.site.speaks_tls,
            traces=None if tracing is None else tracing.calls,
        )
        server = Server(configured(envelope, trusted=settings.trusted_entries))
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, server.ask_to_stop)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        instruments = Instruments()
        try:
            async with AsyncExitStack() as stack:
                port = listener.getsockname()[1]
                origin = settings.site.public_url or f"http://{in_addresses(settings.host)}:{port}"
                chosen = _choices(settings, log, instruments, tracing)
                opening = stack.enter_async_context(
                    Opening(OpeningLines(log)).opened(
                        partial(open_service, settings.database_url, settings.key, chosen)
                    )
                )
                opened = _founded(opening, settings, log, origin=origin)
                service = await server.unless_stopped(opened)
                if service is not None:
                    doorman.app = _application(service, settings, server, instruments)
                    log.say("serving", host=settings.host, port=port, dashboard=f"{origin}/")
                    await _serve_and_work(server, serving, service, settings)
        finally:
            server.should_exit = True
            await serving
        log.say("stopped")


async def _founded(
    opening: Awaitable[Service], settings: ApiSettings, log: Log, *, origin: str
) -> Service:
    """Wait for the service, and found what is to be founded."""
    service = await opening
    again = Opening(OpeningLines(log))
    await again.answered(lambda: _found(service.desk, settings, log, origin=origin))
    return service


def _application(
    service: Service, settings: ApiSettings, server: Server, instruments: Instruments
) -> FastAPI:
    app = application(
        service.desk, settings.site, per_address=settings.per_address, instruments=instruments
    )
    server.beside.append(app.state.watch.close)  # whoever listens would keep it from ending
    return app


def _choices(
    settings: ApiSettings, log: Log, instruments: Instruments, tracing: Tracing | None
) -> Choices:
    chosen = Choices(
        allowed=settings.egress_entries,
        poll_only=settings.poll_only,
        quotas=settings.quotas,
        quota_redis=settings.quota_redis_url,
        quota_told=QuotaLines(log),
        allowance=settings.allowance,
        sign_in_rates=settings.sign_in_rates,
        caps=settings.caps,
        breaker=settings.breaker,
        retention=settings.retention,
        runs_most=settings.keep_runs,
        smtp=settings.smtp_url,
        mail_from=settings.mail_from,
        tracing=tracing,
    )
    return _with_a_worker(chosen, settings, log, instruments) if settings.with_worker else chosen


def _with_a_worker(
    chosen: Choices, settings: ApiSettings, log: Log, instruments: Instruments
) -> Choices:
    """Let a worker, and a planner where a model is named, be heard and counted; say if one is."""
    model = settings.chosen_model
    if model is None:
        log.say("planner_off", hint=NONE_CHOSEN)
    else:
        log.say("planner_on", model=model.planner.model)
    return replace(
        chosen,
        observer=LoggedWork(log),
        model=model,
        sessions=LoggedSessions(log),
        meters=instruments.with_a_worker(chosen.concurrency),
    )


async def _serve_and_work(
    server: Server, serving: "asyncio.Task[None]", service: Service, settings: ApiSettings
) -> None:
    """Serve, and let a worker run beside; when it cannot go on, neither does the server."""
    beside = (
        asyncio.create_task(keep_tidy(service.desk)),
        asyncio.create_task(asyncio.to_thread(compile_templates)),
    )
    try:
        if settings.with_worker:
            if service.planner is not None:
                server.beside.append(service.planner.stop_looking)
            async with nullcontext() if service.planner is None else service.planner.at_work():
                await _with_worker(server, serving, service.worker)
        else:
            await serving
    finally:
        for each in beside:
            each.cancel()


async def _with_worker(server: Server, serving: "asyncio.Task[None]", worker: Scheduler) -> None:
    def end_both(_: object) -> None:
        if not server.should_exit:
            server.ask_to_stop()

    server.beside.append(worker.request_stop)
    working = asyncio.create_task(worker.run())
    working.add_done_callback(end_both)
    await serving
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


def in_addresses(host: str) -> str:
    """Write a host as addresses have it; of one that stands for all, this machine's own."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return "127.0.0.1" if address.is_unspecified else host
    return "[::1]" if address.is_unspecified else f"[{host}]"


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
