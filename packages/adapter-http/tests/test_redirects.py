"""Redirects that are followed: how often, with which method, and what goes along."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from aiohttp import web
from cronicorn_domain.model.endpoint import Header, Limits, Method
from cronicorn_domain.model.run import Failed, FailureKind, Succeeded
from cronicorn_domain.testing.dispatcher_contract import a_dispatch

HEADERS = (
    Header(name="Authorization", value="Bearer key"),
    Header(name="X-Token", value="hidden", secret=True),
    Header(name="X-Team", value="shop"),
)


@dataclass(slots=True)
class Site:
    """A site whose every path redirects to the next but the last, and that remembers requests."""

    url: str = ""
    redirects: dict[str, tuple[int, str]] = field(default_factory=dict)
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Redirect, or answer."""
        self.seen.append((request.method, request.path_qs, await request.text()))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if request.path in self.redirects:
            status, location = self.redirects[request.path]
            return web.Response(status=status, headers={"Location": location}, text="moved")
        return web.Response(text="arrived")


async def start(stack, site: Site) -> Site:
    """Serve a site."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    host, port = runner.addresses[0]
    site.url = f"http://{host}:{port}"
    return site


@pytest.fixture
async def site(stack) -> Site:
    """Serve a site."""
    return await start(stack, Site())


def following(url: str, most: int = 3, **changes: object):
    """Dispatch with redirects."""
    return replace(a_dispatch(url, **changes), limits=Limits(redirects=most))


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "GET", "GET"),
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (302, "DELETE", "DELETE"),
        (307, "POST", "POST"),
        (308, "POST", "POST"),
        (307, "GET", "GET"),
    ],
)
async def test_the_method_changes_as_http_says(
    site: Site, dispatching, status: int, method: str, becomes: str
) -> None:
    """303 asks for GET, 301 and 302 turn POST into GET, 307 and 308 change nothing."""
    site.redirects["/a"] = (status, "/b?c=d")
    dispatcher = await dispatching()
    dispatch = following(f"{site.url}/a", method=Method(method), body="hello", headers=HEADERS)

    outcome = await dispatcher.dispatch(dispatch)

    assert isinstance(outcome, Succeeded)
    kept = becomes == method
    assert site.seen == [(method, "/a", "hello"), (becomes, "/b?c=d", "hello" if kept else "")]
    first, second = site.headers
    assert ("content-type" in second) == kept
    assert second["authorization"] == "Bearer key"
    assert second["idempotency-key"] == first["idempotency-key"]


async def test_secrets_stay_with_their_origin(site: Site, stack, dispatching) -> None:
    """What is secret is not sent to another origin, nor again when that sends us back."""
    other = await start(stack, Site())
    site.redirects["/a"] = (302, f"{other.url}/b")
    other.redirects["/b"] = (302, f"{site.url}/c")
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(following(f"{site.url}/a", headers=HEADERS))

    assert isinstance(outcome, Succeeded)
    assert {"authorization", "x-token", "x-team"} <= site.headers[0].keys()
    for headers in (*other.headers, *site.headers[1:]):
        assert "x-team" in headers
        assert not {"authorization", "x-token"} & headers.keys()


async def test_only_so_many_redirects_are_followed(site: Site, dispatching) -> None:
    """One redirect more than the limits allow is the answer, with its response."""
    site.redirects["/a"] = (302, "/a")
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(following(f"{site.url}/a", most=2))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.HTTP_STATUS
    assert "at most 2" in outcome.message
    assert outcome.response is not None
    assert outcome.response.body.text == "moved"
    assert len(site.seen) == 3


@pytest.mark.parametrize(
    "location", ["http://:80/", "ftp://a/", "http://u:p@a/", "http://[::1", "\xe4 b"]
)
async def test_a_redirect_to_nowhere_is_a_failure(site: Site, dispatching, location: str) -> None:
    """A location that is no URL to request is the target's failure, not the guard's refusal."""
    site.redirects["/a"] = (302, location)
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(following(f"{site.url}/a"))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.HTTP_STATUS
    assert "redirects to what cannot be requested" in outcome.message
    assert "u:p" not in outcome.message


async def test_a_redirect_without_a_location_is_the_answer(serve, dispatching) -> None:
    """A redirect status alone leads nowhere."""
    server = await serve.answer(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")
    dispatcher = await dispatching()

    outcome = await dispatcher.dispatch(following(server.url))

    assert isinstance(outcome, Failed)
    assert outcome.message == "answered 302 Found"


async def test_the_deadline_is_one_over_all_hops(serve, dispatching) -> None:
    """Trap T20: following redirects does not start the deadline anew."""

    async def script(server, reader, writer) -> None:
        while True:
            await server.request(reader)
            if len(server.heads) > 2:
                await server.until_gone(reader)
                return
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n")

    server = await serve.run(script)
    dispatcher = await dispatching()
    limits = Limits(timeout=timedelta(milliseconds=300), redirects=3)

    outcome = await dispatcher.dispatch(replace(a_dispatch(server.url), limits=limits))

    assert isinstance(outcome, Failed)
    assert outcome.kind is FailureKind.TIMEOUT
    await server.gone.wait()
