"""
Serves metrics and health over HTTP, on the loop that does the work.

So that a loop which stands still answers nobody: whoever asks learns it by the silence.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web
from cronicorn_metering.health import Health
from cronicorn_metering.meters import Meters
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from cronicorn_worker.faults import WorkerFault


async def _nowhere() -> None:
    """Look for nothing."""


@asynccontextmanager
async def open_exporter(
    registry: CollectorRegistry,
    health: Health,
    *,
    host: str,
    port: int,
    look: Callable[[], Awaitable[None]] = _nowhere,
) -> AsyncIterator[str]:
    """
    Serve until the end of the block, and give the address; with port 0 any free one is taken.

    ``look`` is called before metrics are told.

    ``/metrics`` has the metrics, ``/healthz`` tells whether the worker lives, ``/readyz`` whether
    it is ready: 200 or 503, and why.

    Raises:
        WorkerFault: the port cannot be had.
    """
    runner = web.AppRunner(_app(registry, health, look), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise WorkerFault(
                f"metrics cannot be served on {host}:{port}: {error.strerror}",
                "Give another --metrics-port, or see what has this one",
            ) from error
        name = f"[{host}]" if ":" in host else host
        yield f"http://{name}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def served(
    concurrency: int, *, host: str, port: int, tell: Callable[[str], None]
) -> AsyncIterator[Meters]:
    """
    Serve the metrics and the health of a worker that may have no store yet.

    ``tell`` hears the address.

    Raises:
        WorkerFault: the port cannot be had.
    """
    meters = Meters(concurrency)
    registry, health = meters.instruments.registry, meters.health
    async with open_exporter(registry, health, host=host, port=port, look=meters.look) as address:
        tell(address)
        yield meters


def _app(
    registry: CollectorRegistry, health: Health, look: Callable[[], Awaitable[None]]
) -> web.Application:
    async def metrics(request: web.Request) -> web.Response:
        await look()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    async def healthz(_: web.Request) -> web.Response:
        live = health.standing().live
        return _said({"live": live}, well=live)

    async def readyz(_: web.Request) -> web.Response:
        standing = health.standing()
        said = {"ready": standing.ready, "because": standing.because}
        return _said(said, well=standing.ready)

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    return app


def _said(what: dict[str, object], *, well: bool) -> web.Response:
    status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
    return web.json_response(what, status=status, headers={"Cache-Control": "no-store"})
