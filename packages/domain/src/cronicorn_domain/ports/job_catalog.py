"""Keeps jobs and endpoints: everything that a person configures."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from cronicorn_domain.errors import (
    ForbiddenTransition,
    KeyTaken,
    NameTaken,
    NotFound,
    SecretsUnavailable,
)
from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.model.endpoint import Endpoint, Pause
from cronicorn_domain.model.job import Job, JobState
from cronicorn_domain.model.state import EndpointState, Situation

EndpointRefusal = NotFound | ForbiddenTransition | NameTaken | KeyTaken | SecretsUnavailable
"""Why one new endpoint is not kept, though others may be."""


class JobCatalog(Protocol):
    """
    Jobs and endpoints of all tenants; takes part in the caller's unit of work.

    Promises:

    - Another tenant's job or endpoint is ``NotFound``, the same as one that does not exist.
    - Job names are unique among a tenant's unarchived jobs, endpoint names among a job's unarchived
      endpoints; a second use raises ``NameTaken``. External keys are unique likewise, and raise
      ``KeyTaken``.
    - Every change replans in the same transaction and so takes effect at once; while a lease
      lives the settle plans. Writing what already stands changes nothing and replans nothing.
    - Secret header values are encrypted at rest; without a key on PostgreSQL they are refused with
      ``SecretsUnavailable``, which names the remedy.
    """

    async def add_job(self, job: Job) -> None:
        """Keep a new job. Raises ``NameTaken``, ``KeyTaken``."""
        ...

    async def get_job(self, tenant: TenantId, job_id: JobId, *, to_change: bool = False) -> Job:
        """
        Return the job, archived or not. Raises ``NotFound``.

        ``to_change`` keeps other units from changing it until this one ends.
        """
        ...

    async def find_job(self, tenant: TenantId, name: str) -> Job | None:
        """Return the unarchived job of that name, or None."""
        ...

    async def find_job_by_key(self, tenant: TenantId, key: str) -> Job | None:
        """Return the unarchived job of that external key, or None."""
        ...

    async def list_jobs(
        self,
        tenant: TenantId,
        *,
        limit: int = 100,
        after: JobId | None = None,
        state: JobState | None = None,
    ) -> Sequence[Job]:
        """
        Return jobs in the order of their ids, those behind ``after``.

        Without ``state`` they are in any, archived ones included.
        """
        ...

    async def describe_job(
        self, tenant: TenantId, job_id: JobId, *, name: str, description: str | None, now: datetime
    ) -> Job:
        """Set name and description. Raises ``NotFound``, ``NameTaken``."""
        ...

    async def pause_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """
        Make an active job's endpoints unclaimable. Raises ``ForbiddenTransition`` from archived.
        """
        ...

    async def resume_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Undo a pause; missed slots meet the misfire policy. Raises ``ForbiddenTransition``."""
        ...

    async def archive_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """Retire the job; its endpoints are not run. Archiving twice changes nothing."""
        ...

    async def restore_job(self, tenant: TenantId, job_id: JobId, *, now: datetime) -> Job:
        """
        Bring an archived job back as active.

        Slots that passed meanwhile are coalesced. Raises ``ForbiddenTransition`` unless it is
        archived, ``NameTaken`` or ``KeyTaken`` when its name or key is in use by now.
        """
        ...

    async def add_endpoint(self, endpoint: Endpoint, *, now: datetime) -> None:
        """
        Keep a new endpoint and plan its first slot.

        Raises:
            NotFound: the tenant has no such job.
            ForbiddenTransition: the job is archived, also by a concurrent writer.
            NameTaken, KeyTaken: an unarchived endpoint of the job has the name or key.
        """
        ...

    async def add_endpoints(
        self, endpoints: Sequence[Endpoint], *, now: datetime
    ) -> Sequence[EndpointRefusal | None]:
        """
        Keep many new endpoints at little more than the cost of one, and plan their first slots.

        Each is kept or refused by the rules of ``add_endpoint``, whatever becomes of the others.
        Of several with one name or key in one job the first has it. Returns in the order given:
        None for what was kept, else what ``add_endpoint`` would have raised.

        Raises:
            StoreError: the store could not do it; none is kept.
        """
        ...

    async def get_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, to_change: bool = False
    ) -> Endpoint:
        """
        Return the endpoint, archived or not. Raises ``NotFound``, ``UnreadableRow``.

        ``to_change`` keeps other units from changing it until this one ends.
        """
        ...

    async def find_endpoint(self, tenant: TenantId, job_id: JobId, name: str) -> Endpoint | None:
        """Return the job's unarchived endpoint of that name, or None."""
        ...

    async def find_endpoint_by_key(
        self, tenant: TenantId, job_id: JobId, key: str
    ) -> Endpoint | None:
        """Return the job's unarchived endpoint of that external key, or None."""
        ...

    async def list_endpoints(
        self,
        tenant: TenantId,
        job_id: JobId | None = None,
        *,
        limit: int = 100,
        after: EndpointId | None = None,
        archived: bool = True,
    ) -> Sequence[Endpoint]:
        """
        Return endpoints in the order of their ids; unreadable ones not.

        Without ``archived`` those that are archived are left out.
        """
        ...

    async def count_endpoints(
        self, tenant: TenantId, job_ids: Sequence[JobId]
    ) -> Mapping[JobId, int]:
        """Return how many unarchived endpoints each of the jobs has, none left out."""
        ...

    async def count_to_limit(self, tenant: TenantId) -> int:
        """
        Return how many unarchived endpoints the tenant's unarchived jobs have.

        Whoever else asks this for the tenant waits until the unit ends: who asks before it adds or
        restores is passed by nobody. Ask before anything of the tenant is changed in the unit.
        """
        ...

    async def change_endpoint(self, endpoint: Endpoint, *, now: datetime) -> bool:
        """
        Replace an endpoint's configuration; say whether anything differed.

        A change of schedule, zone or bounds plans anew from ``now``; a standing slot that had come
        is recorded as coalesced. A changed interval or ``starts_at`` moves the grid's anchor: the
        ``anchor`` given is ignored. A valid edit ends a quarantine. Pause and archive are not
        changed here, nor is the external key.

        Raises:
            NotFound, NameTaken.
            ForbiddenTransition: the endpoint is archived.
        """
        ...

    async def pause_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, pause: Pause, *, now: datetime
    ) -> None:
        """Pause until an instant or open-ended; replaces an earlier pause. The plan stands."""
        ...

    async def resume_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """End the pause: claimable at once, and missed slots meet the misfire policy."""
        ...

    async def archive_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """
        Retire the endpoint; archiving twice changes nothing.

        The result of a request under way is kept, but plans nothing.
        """
        ...

    async def restore_endpoint(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """
        Bring it back and plan from ``now``.

        Raises ``ForbiddenTransition``, ``NameTaken``, ``KeyTaken``.
        """
        ...

    async def reset_failures(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """Set the consecutive failures to zero, and plan without their backoff."""
        ...

    async def list_out_of_runs(
        self, *, limit: int, now: datetime
    ) -> Sequence[tuple[TenantId, EndpointId]]:
        """Return endpoints of any tenant that wait since a quota of runs is used up."""
        ...

    async def lift(self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime) -> None:
        """End such a wait, and plan without it; what waits for another reason goes on waiting."""
        ...

    async def skip_next_slot(
        self, tenant: TenantId, endpoint_id: EndpointId, *, now: datetime
    ) -> None:
        """Pass the next recurring slot over, with a record; nothing to skip changes nothing."""
        ...

    async def get_situation(self, tenant: TenantId, endpoint_id: EndpointId) -> Situation:
        """Return everything that the governor weighs. Raises ``NotFound``, ``UnreadableRow``."""
        ...

    async def get_situations(
        self, tenant: TenantId, endpoint_ids: Sequence[EndpointId]
    ) -> Sequence[Situation]:
        """
        Return what the governor weighs about those endpoints that can be read, in the order given.
        """
        ...

    async def list_situations(
        self,
        tenant: TenantId,
        job_id: JobId | None = None,
        *,
        limit: int = 100,
        after: EndpointId | None = None,
        archived: bool = True,
    ) -> Sequence[Situation]:
        """Return what the governor weighs about the endpoints that ``list_endpoints`` returns."""
        ...

    async def get_states(
        self, tenant: TenantId, endpoint_ids: Sequence[EndpointId]
    ) -> Sequence[tuple[EndpointId, EndpointState]]:
        """Return the states of those endpoints that exist, in the order of the ids given."""
        ...
