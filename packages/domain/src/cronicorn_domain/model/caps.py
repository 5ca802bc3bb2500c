"""How many runs may be under way at once: for each tenant and for each host, over all workers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """
    The most runs that are under way at once; without a cap as many as the workers take on.

    A run is under way from its claim to its settled result. All workers of a store must have the
    same caps: each claim goes by its own.

    Attributes:
        per_tenant: For each tenant; None: no cap.
        per_host: For each host, as `HttpRequest.host` names it, over all tenants; None: no cap.
        tenants: For these tenants, in place of ``per_tenant``.
        hosts: For these hosts, in place of ``per_host``.
    """

    per_tenant: int | None = None
    per_host: int | None = None
    tenants: Mapping[TenantId, int] = field(default_factory=lambda: MappingProxyType({}))
    hosts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse caps under which nothing would ever run."""
        caps = (self.per_tenant, self.per_host, *self.tenants.values(), *self.hosts.values())
        for cap in caps:
            if cap is not None and cap < 1:
                raise InvalidInput(
                    f"a cap of {cap} lets nothing run", field="caps", remedy="give 1 or more"
                )

    @property
    def are_set(self) -> bool:
        """Whether there is any cap at all."""
        general = self.per_tenant is not None or self.per_host is not None
        return general or bool(self.tenants or self.hosts)

    def of_tenant(self, tenant: TenantId) -> int | None:
        """Return the cap of a tenant; None: it has none."""
        return self.tenants.get(tenant, self.per_tenant)

    def of_host(self, host: str) -> int | None:
        """Return the cap of a host; None: it has none."""
        return self.hosts.get(host, self.per_host)


NO_CAPS = Caps()
