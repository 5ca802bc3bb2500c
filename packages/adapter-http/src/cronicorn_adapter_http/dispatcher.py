"""Sends requests over HTTP: one deadline over everything, one cap, and only where it may."""

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from http import HTTPStatus
from importlib.metadata import version

from aiohttp import (
    ClientError,
    ClientOSError,
    ClientResponse,
    ServerDisconnectedError,
    StreamReader,
)
from cronicorn_domain.errors import RefusedUrl
from cronicorn_domain.model.endpoint import Limits
from cronicorn_domain.model.run import Blocked, Failed, FailureKind, Outcome, Succeeded
from cronicorn_domain.ports.dispatcher import Dispatch, Dispatcher

from cronicorn_adapter_http.connector import GuardedConnector, GuardedResolver
from cronicorn_adapter_http.content import BrokenContent, Content
from cronicorn_adapter_http.deadlines import Deadlines
from cronicorn_adapter_http.egress import EgressGuard
from cronicorn_adapter_http.exchange import Exchange, current
from cronicorn_adapter_http.failures import TARGET_FAULTS, explained
from cronicorn_adapter_http.hop import BadRedirect, Hop, first_hop, next_hop, redirect_of
from cronicorn_adapter_http.pool import Pool
from cronicorn_adapter_http.resolver import Resolver, open_system_resolver

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_SUCCESS = range(200, 300)


class HttpDispatcher(Dispatcher):
    """
    The `Dispatcher` over HTTP/1.1, for the life of a worker; see `open_dispatcher`.

    Connections are kept and reused per host. One that the target closed meanwhile costs nothing:
    the request goes out once more on a new connection, if repeating it is harmless.
    """

    def __init__(
        self,
        *,
        guard: EgressGuard,
        kept: Pool,
        afresh: Pool,
        deadlines: Deadlines,
        agent: str,
    ) -> None:
        self._guard = guard
        self._deadlines = deadlines
        self._kept = kept
        self._afresh = afresh
        self._agent = agent

    async def dispatch(self, dispatch: Dispatch) -> Outcome:
        """Send one request and return what came of it; see `Dispatcher`."""
        exchange = Exchange()
        token = current.set(exchange)
        deadline = self._deadlines.within(dispatch.limits.deadline.total_seconds())
        try:
            with deadline:
                return await self._run(dispatch, exchange)
        except RefusedUrl as refusal:
            return _blocked(refusal, exchange)
        except TARGET_FAULTS as fault:
            if deadline.expired:
                return _late(dispatch.limits, exchange)
            return _failed(FailureKind.CONNECTION, explained(fault), exchange)
        finally:
            exchange.let_go()
            current.reset(token)

    async def _run(self, dispatch: Dispatch, exchange: Exchange) -> Outcome:
        limits = dispatch.limits
        hop = first_hop(dispatch, self._guard, agent=self._agent)
        answer = await self._ask(hop, limits, exchange)
        addition = ""
        while (location := redirect_of(answer)) is not None:
            if exchange.redirects == limits.redirects:
                most = f"at most {limits.redirects}" if limits.redirects else "no"
                addition = f": {most} redirects are followed"
                break
            exchange.redirects += 1
            try:
                hop = next_hop(hop, status=answer.status, location=location, guard=self._guard)
            except BadRedirect as bad:
                addition = f": {bad}"
                break
            answer = await self._ask(hop, limits, exchange)
        await _read(answer, exchange)
        return _judged(answer.status, exchange, addition)

    async def _ask(self, hop: Hop, limits: Limits, exchange: Exchange) -> ClientResponse:
        """Send a request and return when the head of its answer is there."""
        sent = len(hop.body or b"")
        exchange.begin_hop(hop.destination.cleared, sent=sent)
        try:
            answer = await _request(self._kept, hop, exchange)
        except (ClientOSError, ServerDisconnectedError) as fault:
            if not _went_stale(hop, exchange, fault):
                raise
            exchange.begin_hop(hop.destination.cleared, sent=sent)
            answer = await _request(self._afresh, hop, exchange)
        encoding = answer.headers.get("Content-Encoding", "")
        exchange.answered(answer, Content(cap=limits.response_size, encoding=encoding))
        return answer


@asynccontextmanager
async def open_dispatcher(
    guard: EgressGuard,
    *,
    resolver: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[HttpDispatcher]:
    """
    Open a dispatcher; closing it ends whatever it still sends.

    Args:
        guard: What is let out.
        resolver: Looks names up; the system's if None.
        tls: Whose certificates are trusted; the system's authorities if None.
    """
    async with AsyncExitStack() as stack:
        if resolver is None:
            resolver = await stack.enter_async_context(open_system_resolver())
        guarded = GuardedResolver(resolver, guard)
        deadlines = stack.enter_context(closing(Deadlines()))
        kept, afresh = [
            await stack.enter_async_context(_open_pool(guarded, tls, keep_alive=keep_alive))
            for keep_alive in (True, False)
        ]
        yield HttpDispatcher(
            guard=guard,
            kept=kept,
            afresh=afresh,
            deadlines=deadlines,
            agent=f"Cronicorn/{version('cronicorn-adapter-http')}",
        )


@asynccontextmanager
async def _open_pool(
    resolver: GuardedResolver, tls: ssl.SSLContext | None, *, keep_alive: bool
) -> AsyncIterator[Pool]:
    pool = Pool(GuardedConnector(resolver, tls=tls or True, keep_alive=keep_alive))
    try:
        yield pool
    finally:
        await pool.close()


async def _request(pool: Pool, hop: Hop, exchange: Exchange) -> ClientResponse:
    return await pool.request(
        hop.method,
        hop.destination.url,
        headers=hop.sent_headers(since=exchange.elapsed()),
        body=hop.body,
    )


def _went_stale(hop: Hop, exchange: Exchange, fault: Exception) -> bool:
    """Say whether a kept connection had been closed, and asking again does no harm."""
    reused = exchange.connected_at is not None and not exchange.new_connection
    unanswered = not isinstance(fault, ServerDisconnectedError) or isinstance(fault.message, str)
    return reused and unanswered and hop.method in _IDEMPOTENT


async def _read(answer: ClientResponse, exchange: Exchange) -> None:
    """Read the body to its end or to the cap."""
    content = exchange.content
    if content is None or answer.status == HTTPStatus.SWITCHING_PROTOCOLS:
        return
    try:
        while not content.truncated and (chunk := await answer.content.readany()):
            content.feed(chunk)
    except (ClientError, OSError):
        with suppress(BrokenContent):
            content.feed(_left_over(answer.content))
        raise
    if not content.truncated:
        content.finish()
    exchange.completed()


def _left_over(stream: StreamReader) -> bytes:
    """Take what arrived before a body broke off: a failed stream does not hand it out."""
    stream.set_exception(None)  # type: ignore[arg-type]
    return stream.read_nowait()


def _judged(status: int, exchange: Exchange, addition: str) -> Outcome:
    response = exchange.response()
    if response is not None and status in _SUCCESS:
        return Succeeded(response=response, timing=exchange.timing())
    return _failed(FailureKind.HTTP_STATUS, f"answered {_named(status)}{addition}", exchange)


def _failed(kind: FailureKind, message: str, exchange: Exchange) -> Failed:
    return Failed(
        kind=kind, message=message, response=exchange.response(), timing=exchange.timing()
    )


def _late(limits: Limits, exchange: Exchange) -> Failed:
    seconds = f"{limits.deadline.total_seconds():g} s"
    so_far = f" ({exchange.content.size} bytes so far)" if exchange.content else ""
    message = f"timed out after {seconds} while {exchange.phase.value}{so_far}"
    return _failed(FailureKind.TIMEOUT, message, exchange)


def _blocked(refusal: RefusedUrl, exchange: Exchange) -> Blocked:
    where = "it was redirected: " if exchange.redirects else ""
    remedy = f" ({refusal.remedy})" if refusal.remedy else ""
    return Blocked(message=f"{where}{refusal}{remedy}")


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
