"""Who a jobs file is, to those who are asked."""

from cronicorn_domain.identity import DEFAULT_TENANT
from cronicorn_management.caller import EVERY_SCOPE, Caller, CallerKind


def file_caller(name: str) -> Caller:
    """Return the caller that a file is: whoever may start a worker may do everything."""
    return Caller(tenant=DEFAULT_TENANT, kind=CallerKind.FILE, name=name, scopes=EVERY_SCOPE)
