"""Places in the queue and leases that belong to nobody, as an endpoint was deleted by hand."""

from functools import cache

from sqlalchemy import Delete, delete, exists

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.tables import due, endpoint_state, leases


@cache
def places_unknown(dialect: str) -> Delete:
    """Take those places of the endpoints ``ids`` out of the queue that none of them knows of."""
    known = exists().where(
        endpoint_state.c.endpoint_id == due.c.endpoint_id,
        endpoint_state.c.due_at == due.c.due_at,
    )
    return delete(due).where(among(due.c.endpoint_id, "ids", dialect=dialect), ~known)


@cache
def leases_of_nobody(dialect: str) -> Delete:
    """Take those leases of ``tokens`` away whose endpoint is not there."""
    there = exists().where(endpoint_state.c.endpoint_id == leases.c.endpoint_id)
    return delete(leases).where(among(leases.c.token, "tokens", dialect=dialect), ~there)
