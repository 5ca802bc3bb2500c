"""What of an endpoint is configured, as the domain's values, without identity and past."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cronicorn_domain.identity import EndpointId, JobId, TenantId, new_uuid
from cronicorn_domain.instants import floor_millisecond
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    Heeds,
    HttpRequest,
    Limits,
    Misfire,
    Pause,
    Retry,
)
from cronicorn_domain.model.planning import Planning
from cronicorn_domain.model.rules import RuleSet
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.schedules.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything that an edit can set."""

    name: str
    description: str | None
    request: HttpRequest
    schedule: Schedule
    guardrails: Guardrails
    bounds: Bounds
    jitter: timedelta
    misfire: Misfire
    retry: Retry
    delivery: Delivery
    limits: Limits
    heeds: Heeds
    signing: Signing
    rules: RuleSet
    planning: Planning
    success_when: str | None

    def created(
        self,
        *,
        tenant: TenantId,
        job_id: JobId,
        now: datetime,
        pause: Pause | None = None,
        key: str | None = None,
    ) -> Endpoint:
        """Make a new endpoint of it. Raises ``InvalidInput`` if the parts do not go together."""
        born = floor_millisecond(now)
        return Endpoint(
            id=EndpointId(new_uuid()),
            tenant=tenant,
            job_id=job_id,
            name=self.name,
            description=self.description,
            request=self.request,
            schedule=self.schedule,
            anchor=self.bounds.starts_at or born,
            created_at=born,
            updated_at=born,
            guardrails=self.guardrails,
            bounds=self.bounds,
            jitter=self.jitter,
            misfire=self.misfire,
            retry=self.retry,
            delivery=self.delivery,
            limits=self.limits,
            heeds=self.heeds,
            signing=self.signing,
            rules=self.rules,
            planning=self.planning,
            success_when=self.success_when,
            pause=pause,
            external_key=key,
        )

    def set_on(self, existing: Endpoint) -> Endpoint:
        """Give an existing endpoint this configuration; its identity, anchor and pause stay."""
        return replace(
            existing,
            name=self.name,
            description=self.description,
            request=self.request,
            schedule=self.schedule,
            guardrails=self.guardrails,
            bounds=self.bounds,
            jitter=self.jitter,
            misfire=self.misfire,
            retry=self.retry,
            delivery=self.delivery,
            limits=self.limits,
            heeds=self.heeds,
            signing=self.signing,
            rules=self.rules,
            planning=self.planning,
            success_when=self.success_when,
        )
