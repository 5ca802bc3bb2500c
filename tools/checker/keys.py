"""
A fire time has one ``Idempotency-Key``, and a key one fire time (SEMANTICS §5, §6).

Whoever receives a repeat knows it by its key: with another one it is done twice, and what bears the
key of something else is not done at all.
"""

from collections.abc import Iterator
from datetime import datetime

from cronicorn_domain.identity import EndpointId

from tools.checker.finding import Fault, Finding, stamp
from tools.checker.history import History, Request

FireTime = tuple[EndpointId, datetime]


def check_keys(history: History) -> Iterator[Finding]:
    """Judge the requests whose keys were seen, all endpoints' together."""
    first_of: dict[FireTime, Request] = {}
    first_by: dict[str, Request] = {}
    for request in history.requests:
        if request.key is None:
            continue
        before = first_of.setdefault((request.endpoint_id, request.slot), request)
        if before.key != request.key:
            yield _found(request, f"its key is {request.key}, and before it was {before.key}")
        other = first_by.setdefault(request.key, request)
        if (other.endpoint_id, other.slot) != (request.endpoint_id, request.slot):
            whose = f"{stamp(other.slot)} of {other.endpoint_id}"
            yield _found(request, f"its key {request.key} is that of {whose}")


def _found(request: Request, sentence: str) -> Finding:
    return Finding(
        fault=Fault.KEY_BROKEN,
        endpoint_id=request.endpoint_id,
        slot=request.slot,
        run_id=request.run_id,
        sentence=f"request of {stamp(request.slot)}, attempt {request.attempt}: {sentence}",
    )
