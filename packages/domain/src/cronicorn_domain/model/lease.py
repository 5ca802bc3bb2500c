"""A lease: the right of one worker to run an endpoint for a while."""

from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import EndpointId, RunId, TenantId, Token, WorkerId


@quickly_made
@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """
    One worker's hold on one endpoint.

    At the instant ``until`` it has ended: equal is expired. It nevertheless stays the endpoint's
    only lease until the reaper takes it. ``urgent`` says that it was made of the urgent plan, not
    of the standing one.
    """

    token: Token
    endpoint_id: EndpointId
    tenant: TenantId
    run_id: RunId
    worker: WorkerId
    until: datetime
    started_at: datetime | None = None
    urgent: bool = False

    def started(self, started_at: datetime) -> "Lease":
        """Return the lease once its run has started."""
        return Lease(
            token=self.token,
            endpoint_id=self.endpoint_id,
            tenant=self.tenant,
            run_id=self.run_id,
            worker=self.worker,
            until=self.until,
            started_at=started_at,
            urgent=self.urgent,
        )
