"""One request as it is sent: the first, or one that a redirect asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import urljoin

from aiohttp import ClientResponse
from cronicorn_domain.errors import RefusedUrl
from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.endpoint import Method
from cronicorn_domain.model.signing import Signatory
from cronicorn_domain.ports.dispatcher import Dispatch

from cronicorn_adapter_http.body import STRICT_JSON
from cronicorn_adapter_http.egress import Destination, EgressGuard, NotLetOut
from cronicorn_adapter_http.signing import signature_headers

_MADE_GET = frozenset({HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ABOUT_THE_BODY = "content-"
_SMALL_BODY = 4096


class BadRedirect(Exception):
    """A redirect that leads nowhere; the message says why."""


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """
    A request to one destination.

    ``secret`` names the headers that are for this origin alone. ``signatory`` signs it when it is
    sent, and is for this origin alone, too.
    """

    destination: Destination
    method: str
    headers: Mapping[str, str]
    secret: frozenset[str]
    body: bytes | None
    signatory: Signatory | None

    def sent_headers(self, *, since: timedelta) -> Mapping[str, str]:
        """Return what is sent at the head of it, ``since`` its dispatch began."""
        if self.signatory is None:
            return self.headers
        return {**self.headers, **signature_headers(self.signatory, self.body or b"", since=since)}


def first_hop(dispatch: Dispatch, guard: EgressGuard, *, agent: str) -> Hop:
    """
    Build the request that an endpoint asks for.

    Raises:
        RefusedUrl: the guard does not let it out.
        UnicodeEncodeError: its body holds what UTF-8 cannot.
    """
    request = dispatch.request
    body = None if request.body is None else request.body.encode()
    headers = {header.name: header.value for header in request.headers}
    given = {name.lower() for name in headers}
    if "accept-encoding" not in given:
        headers["Accept-Encoding"] = "gzip, deflate"
    if request.body is not None and "content-type" not in given:
        headers["Content-Type"] = _content_type(request.body)
    headers |= _own_headers(dispatch, agent=agent)
    return Hop(
        destination=guard.destination(request.url),
        method=request.method.value,
        headers=headers,
        secret=frozenset(header.name for header in request.headers if header.secret),
        body=body,
        signatory=dispatch.signatory,
    )


def redirect_of(answer: ClientResponse) -> str | None:
    """Return where an answer sends us; None if it does not."""
    return answer.headers.get("Location") if answer.status in _REDIRECTS else None


def next_hop(hop: Hop, *, status: int, location: str, guard: EgressGuard) -> Hop:
    """
    Build the request that a redirect asks for, as RFC 9110 (15.4) and browsers understand it.

    303 asks for GET; after 301 and 302 a POST becomes GET, too; 307 and 308 repeat the request.
    Secret headers do not go to another origin, nor come back when a later redirect does; nor is
    anything signed from there on.

    Raises:
        BadRedirect: the location is no URL that could be requested.
        NotLetOut: it is one, and the guard does not let it out.
    """
    try:
        destination = guard.inspect(urljoin(str(hop.destination.url), location))
    except NotLetOut:
        raise
    except (RefusedUrl, ValueError) as error:
        raise BadRedirect(f"it redirects to what cannot be requested: {error}") from error
    elsewhere = destination.origin != hop.destination.origin
    left_out = hop.secret if elsewhere else frozenset()
    as_get = (status == HTTPStatus.SEE_OTHER and hop.method != Method.HEAD) or (
        status in _MADE_GET and hop.method == Method.POST
    )
    return Hop(
        destination=destination,
        method=Method.GET.value if as_get else hop.method,
        headers={
            name: value
            for name, value in hop.headers.items()
            if name not in left_out and not (as_get and name.lower().startswith(_ABOUT_THE_BODY))
        },
        secret=frozenset() if elsewhere else hop.secret,
        body=None if as_get else hop.body,
        signatory=None if elsewhere else hop.signatory,
    )


def _own_headers(dispatch: Dispatch, *, agent: str) -> dict[str, str]:
    """Build what a user's own headers cannot replace; the model refuses those names."""
    # The trace is the run: who has one finds the other; or it is that of who asked. Its one span
    # takes the run's random half, which is never the zero that W3C's trace context refuses.
    run_id = str(dispatch.run_id)
    own = run_id.replace("-", "")
    span, asked = own[16:], dispatch.trace
    return {
        "User-Agent": agent,
        "Idempotency-Key": dispatch.idempotency_key,
        "X-Cronicorn-Run-Id": run_id,
        "X-Cronicorn-Scheduled-For": iso_milliseconds(dispatch.slot),
        "X-Cronicorn-Attempt": str(dispatch.attempt),
        "traceparent": f"00-{own}-{span}-01" if asked is None else str(asked.below(span)),
    }


def _content_type(body: str) -> str:
    is_json = _reads_as_json(body) if len(body) <= _SMALL_BODY else _try_json(body)
    return "application/json" if is_json else "text/plain; charset=utf-8"


def _try_json(body: str) -> bool:
    try:
        STRICT_JSON.decode(body)
    except (ValueError, RecursionError):
        return False
    return True


_reads_as_json = lru_cache(maxsize=1024)(_try_json)
"""The same for small bodies, which are sent again and again."""
