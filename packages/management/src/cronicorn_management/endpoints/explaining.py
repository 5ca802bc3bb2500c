"""Explain when an endpoint fires next, and why."""

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.policies.explaining import Explanation, explain

from cronicorn_management.desk import Reading


async def explain_endpoint(work: Reading, endpoint_id: EndpointId) -> Explanation:
    """Return the decision that stands, with its trail, in data and in an English sentence."""
    return explain(await work.catalog.get_situation(work.tenant, endpoint_id), work.now)
