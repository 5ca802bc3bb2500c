"""How often somebody may ask: each address, before it is known who asks, and each credential."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address, ip_network
from math import ceil
from typing import Final

from cronicorn_domain.errors import CronicornError
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.rate import Rate
from cronicorn_management.desk import Desk
from cronicorn_management.throttle import Admission
from starlette.types import ASGIApp, Receive, Scope, Send

from cronicorn_api.wire.refusing import answer_to

PER_ADDRESS: Final = Rate(count=60_000, per=timedelta(minutes=1))
"""How often an address may ask, unless it is configured: many may be behind one."""
_MINUTE: Final = timedelta(minutes=1)
_STANDING: Final = "admission"
_ALWAYS: Final = frozenset(
    f"{base}/health{part}" for base in ("", "/api") for part in ("", "/live", "/ready")
)
"""Whoever watches the service is answered, also while its database is away."""
_NETWORK_BITS: Final = 64
_IPV4: Final = 4


class AddressRate:
    """Lets each address ask so often, whatever it presents."""

    def __init__(self, app: ASGIApp, rate: Rate) -> None:
        self._app = app
        self._rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in _ALWAYS:
            try:
                await _admit(scope, f"address {address_of(scope)}", self._rate)
            except CronicornError as refusal:
                await answer_to(refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def admit_proof(scope: Scope, tenant: TenantId, proof: str) -> None:
    """Let what proves who asks, a key or a sign-in, ask as often as the tenant's may; trap T40."""
    desk: Desk = scope["app"].state.desk
    rate = Rate(count=desk.allowances(tenant).requests_a_minute, per=_MINUTE)
    await _admit(scope, proof, rate)


def rate_headers(scope: Scope) -> Iterator[tuple[str, str]]:
    """Tell how the last bucket stands that a request took from, the narrowest there is."""
    admission = scope.get("state", {}).get(_STANDING)
    if isinstance(admission, Admission):
        yield "X-RateLimit-Limit", str(admission.limit)
        yield "X-RateLimit-Remaining", str(admission.left)
        yield "X-RateLimit-Reset", str(ceil(admission.full_in.total_seconds()))


def address_of(scope: Scope) -> str:
    """Return where a request comes from; whoever has an address of IPv6 has its network."""
    host, _ = scope.get("client") or ("unknown", 0)
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None or address.version == _IPV4:
        return str(mapped or address)
    return str(ip_network((address, _NETWORK_BITS), strict=False))


async def _admit(scope: Scope, subject: str, rate: Rate) -> None:
    desk: Desk = scope["app"].state.desk
    admission = await desk.throttle.ask(subject, rate)
    scope.setdefault("state", {})[_STANDING] = admission
    admission.check()
