"""Change an endpoint."""

from datetime import datetime

from cronicorn_domain.errors import ChangedMeanwhile
from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.endpoint import Endpoint

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.configuration import Configuration
from cronicorn_management.endpoints.finding import endpoint_to_change
from cronicorn_management.endpoints.judging import judge_of
from cronicorn_management.noting import Deed, note_change
from cronicorn_management.settings import (
    EndpointChanges,
    EndpointSettings,
    changed,
    settings_of,
)


async def change_endpoint(
    work: Changing,
    endpoint_id: EndpointId,
    changes: EndpointChanges,
    *,
    job_id: JobId | None = None,
    seen: datetime | None = None,
) -> Endpoint:
    """
    Change some members of an endpoint; every rule holds for the result.

    ``seen`` is the ``updated_at`` that the caller saw: if it is another by now nothing is changed.

    Raises:
        InvalidInput: the result cannot be; ``issues`` are all its faults.
        NotFound: the tenant, or the job if one is given, has no such endpoint.
        ForbiddenTransition: it is archived.
        NameTaken: another unarchived endpoint of the job has the name.
        ChangedMeanwhile: somebody was faster.
    """
    before = await endpoint_to_change(work, endpoint_id, job_id=job_id)
    if seen is not None and seen != before.updated_at:
        raise ChangedMeanwhile("endpoint", endpoint_id)
    return await set_endpoint(work, before, changed(settings_of(before), changes))


async def set_endpoint(work: Changing, before: Endpoint, settings: EndpointSettings) -> Endpoint:
    """Make an endpoint that is held what the settings say; the same again changes nothing."""
    meant = judge_of(work).configuration(settings, stored=before.request.headers)
    return await configure_endpoint(work, before, meant)


async def configure_endpoint(work: Changing, before: Endpoint, meant: Configuration) -> Endpoint:
    """Give an endpoint that is held a configuration; the same again changes nothing."""
    if not await work.catalog.change_endpoint(meant.set_on(before), now=work.now):
        return before
    after = await work.catalog.get_endpoint(work.tenant, before.id)
    await note_change(work, Deed.CHANGE, before, after)
    return after
