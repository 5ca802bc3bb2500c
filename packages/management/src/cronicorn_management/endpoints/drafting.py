"""Preview what is only typed so far: when an endpoint would fire, were it saved as it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from cronicorn_domain.identity import EndpointId, JobId, new_uuid
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.editing import edited
from cronicorn_domain.policies.previewing import preview
from cronicorn_domain.policies.replanning import plan_edited, plan_first
from cronicorn_domain.schedules.describing import ChangeDay, change_days

from cronicorn_management.desk import Changing
from cronicorn_management.endpoints.judging import judge_of
from cronicorn_management.endpoints.previewing import PREVIEW_USUAL
from cronicorn_management.settings import EndpointSettings

CHANGES_AHEAD = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """
    What would be, and when it would fire.

    Attributes:
        changes: The days of the coming year on which its zone's clock is set.
    """

    endpoint: Endpoint
    fires: Sequence[Decision]
    changes: Sequence[ChangeDay]


async def preview_draft(
    work: Changing,
    settings: EndpointSettings,
    *,
    endpoint_id: EndpointId | None = None,
    count: int = PREVIEW_USUAL,
) -> Draft:
    """
    Return what would be if these settings were saved: new, or in place of an endpoint's.

    Nothing is kept, and no name is taken. Raises ``InvalidInput``, ``NotFound``.
    """
    situation = await _planned(work, settings, endpoint_id)
    now = work.now
    return Draft(
        endpoint=situation.endpoint,
        fires=preview(situation, count=count, now=now),
        changes=change_days(situation.endpoint.schedule, now, now + CHANGES_AHEAD),
    )


async def _planned(
    work: Changing, settings: EndpointSettings, endpoint_id: EndpointId | None
) -> Situation:
    judge = judge_of(work)
    if endpoint_id is None:
        new = judge.configuration(settings).created(
            tenant=work.tenant, job_id=JobId(new_uuid()), now=work.now
        )
        fresh = Situation(
            job_state=JobState.ACTIVE,
            endpoint=new,
            state=EndpointState(),
            floor=work.allowance.floor,
        )
        return replace(fresh, state=plan_first(fresh, work.now).state)
    before = await work.catalog.get_situation(work.tenant, endpoint_id)
    meant = judge.configuration(settings, stored=before.endpoint.request.headers)
    endpoint = edited(before.endpoint, meant.set_on(before.endpoint), work.now)
    # A pause or a run under way says nothing about the schedule that is being typed.
    asked = replace(before, lease=None, endpoint=replace(before.endpoint, pause=None))
    after = replace(asked, endpoint=replace(endpoint, pause=None))
    if after.endpoint == asked.endpoint:
        return after
    return replace(after, state=plan_edited(asked, after, work.now).state)
