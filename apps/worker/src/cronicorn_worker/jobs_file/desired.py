"""What a jobs file asks for: jobs and endpoints as they should stand, whatever stands now."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cronicorn_domain.identity import EndpointId, JobId, TenantId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED, floor_millisecond
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
from cronicorn_domain.schedules.schedule import Schedule

PauseWish = None | bool | datetime
"""None: as it stands; False: no pause; True: open-ended; an instant: until then."""
PAUSED_BY_FILE = "paused in the jobs file"


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredEndpoint:
    """An endpoint as the file has it, without identity and past."""

    name: str
    request: HttpRequest
    schedule: Schedule
    description: str | None
    guardrails: Guardrails
    bounds: Bounds
    jitter: timedelta
    misfire: Misfire
    retry: Retry
    delivery: Delivery
    limits: Limits
    heeds: Heeds
    paused: PauseWish

    def created(self, *, tenant: TenantId, job_id: JobId, now: datetime) -> Endpoint:
        """
        Make a new endpoint of it.

        Raises:
            InvalidInput: the parts are valid one by one, but not together.
        """
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
            pause=self._wanted_pause(now),
        )

    def changed(self, existing: Endpoint) -> Endpoint:
        """Give the existing endpoint this configuration; its identity, anchor and pause stay."""
        return replace(
            existing,
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
        )

    def pause_to_set(self, existing: Endpoint, now: datetime) -> Pause | None:
        """Return the pause that has yet to be set, or None."""
        wanted = self._wanted_pause(now)
        if wanted is None or (existing.pause and existing.pause.until == wanted.until):
            return None
        return wanted

    def must_resume(self, existing: Endpoint, now: datetime) -> bool:
        """Say whether a pause holds that the file does not want."""
        unwanted = self.paused is not None and self._wanted_pause(now) is None
        return unwanted and existing.paused_at(now)

    def _wanted_pause(self, now: datetime) -> Pause | None:
        match self.paused:
            case None | False:
                return None
            case True:
                return Pause(until=OPEN_ENDED, reason=PAUSED_BY_FILE)
            case until:
                return Pause(until=until, reason=PAUSED_BY_FILE) if until > now else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredJob:
    """A job as the file has it. ``paused``: None leaves a pause as it stands."""

    name: str
    endpoints: tuple[DesiredEndpoint, ...]
    description: str | None
    paused: bool | None
