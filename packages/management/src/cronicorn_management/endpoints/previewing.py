"""Preview when an endpoint will fire."""

from collections.abc import Sequence

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.policies.previewing import PREVIEW_MOST, Assumption, preview

from cronicorn_management.desk import Reading

PREVIEW_USUAL = 10


async def preview_endpoint(
    work: Reading,
    endpoint_id: EndpointId,
    *,
    count: int = PREVIEW_USUAL,
    assume: Assumption = Assumption.SUCCESS,
) -> Sequence[Decision]:
    """Return the next decisions, if every run ends as assumed. Raises ``InvalidInput``."""
    if not 1 <= count <= PREVIEW_MOST:
        raise InvalidInput(
            f"{count} fire times are not possible",
            field="count",
            remedy=f"give 1 to {PREVIEW_MOST}",
        )
    situation = await work.catalog.get_situation(work.tenant, endpoint_id)
    return preview(situation, count=count, now=work.now, assume=assume)
