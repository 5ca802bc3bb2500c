"""Chooses endpoints: the filter of lists and of what is done to many."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from cronicorn_domain.identity import EndpointId, JobId
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.explaining import condition_of

from cronicorn_management.caller import Caller
from cronicorn_management.desk import Desk, Reading
from cronicorn_management.endpoints.listing import list_endpoints

_READ_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointFilter:
    """
    Which endpoints are meant: those that meet all that is said. Archived ones are never.

    Attributes:
        ids: They are among these.
        job_id: They are of this job.
        text: Their name or URL holds it, in capitals or not.
        conditions: They stand under one of these.
        failing: Their last run failed, or did not.
    """

    ids: frozenset[EndpointId] | None = None
    job_id: JobId | None = None
    text: str | None = None
    conditions: frozenset[Condition] | None = None
    failing: bool | None = None


async def chosen(desk: Desk, caller: Caller, wanted: EndpointFilter) -> Sequence[EndpointId]:
    """
    Return the endpoints that are meant, in the order of their ids.

    Raises ``NotFound`` when the tenant has no such job.
    """
    async with desk.reading(caller) as work:
        return [
            situation.endpoint.id
            async for situation in _all(work, wanted.job_id)
            if _is_meant(situation, wanted, work)
        ]


async def _all(work: Reading, job_id: JobId | None) -> AsyncIterator[Situation]:
    after: EndpointId | None = None
    more = True
    while more:
        page = await list_endpoints(work, job_id=job_id, limit=_READ_AT_ONCE, after=after)
        for situation in page.items:
            yield situation
            after = situation.endpoint.id
        more = page.more


def _is_meant(situation: Situation, wanted: EndpointFilter, work: Reading) -> bool:
    endpoint = situation.endpoint
    return (
        (wanted.ids is None or endpoint.id in wanted.ids)
        and (wanted.text is None or _holds(situation, wanted.text))
        and (wanted.failing is None or wanted.failing == (situation.state.failures > 0))
        and (wanted.conditions is None or condition_of(situation, work.now) in wanted.conditions)
    )


def _holds(situation: Situation, text: str) -> bool:
    endpoint, part = situation.endpoint, text.casefold()
    return part in endpoint.name.casefold() or part in endpoint.request.url.casefold()
