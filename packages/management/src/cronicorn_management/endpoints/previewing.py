"""Preview when an endpoint will fire."""

from collections.abc import Sequence

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.run import Failed, Succeeded
from cronicorn_domain.policies.previewing import PREVIEW_MOST, Assumption, assumed

from cronicorn_management.desk import Reading
from cronicorn_management.endpoints.recordings import ended_as

PREVIEW_USUAL = 10
_LOOKED_AT = 50
"""Among so many runs the latest that has ended is looked for."""


async def preview_endpoint(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    count: int = PREVIEW_USUAL,
    assume: Assumption = Assumption.SUCCESS,
) -> Sequence[Decision]:
    """
    Return the next decisions, if every run ends as assumed, and its rules say what they would.

    A success that is assumed is a 200, a failure a 500, both without a body: what rules ask of a
    body is known to the latest answer alone. Raises ``InvalidInput``.
    """
    if not 1 <= count <= PREVIEW_MOST:
        raise InvalidInput(
            f"{count} fire times are not possible",
            field="count",
            remedy=f"give 1 to {PREVIEW_MOST}",
        )
    situation = await work.catalog.get_situation(work.tenant, endpoint_id)
    latest = await _latest(work, endpoint_id) if assume is Assumption.LATEST else None
    outcome = assumed(assume, latest)
    return await work.replays.foresee(situation, outcome, count=count, now=work.now)


async def _latest(work: Reading, endpoint_id: EndpointId) -> Succeeded | Failed | None:
    runs = await work.runs.list_runs(work.tenant, endpoint_id, limit=_LOOKED_AT, tests=False)
    ended = next((each for each in runs if ended_as(each) is not None), None)
    return None if ended is None else ended_as(await work.runs.get(work.tenant, ended.id))
