"""What a jobs file asks for: jobs and endpoints as they should stand, whatever stands now."""

from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.identity import JobId, TenantId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_management.endpoints.configuration import Configuration

PauseWish = None | bool | datetime
"""None: as it stands; False: no pause; True: open-ended; an instant: until then."""
PAUSED_BY_FILE = "paused in the jobs file"


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredEndpoint:
    """An endpoint as the file has it, without identity and past."""

    meant: Configuration
    paused: PauseWish

    @property
    def name(self) -> str:
        """Its name within the job."""
        return self.meant.name

    def new(self, *, tenant: TenantId, job_id: JobId, now: datetime) -> Endpoint:
        """Make a new endpoint of it."""
        pause = self._wanted_pause(now)
        return self.meant.created(tenant=tenant, job_id=job_id, now=now, pause=pause)

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
