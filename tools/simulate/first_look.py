"""What can be seen of a history without any reading of the rules."""

from collections import Counter
from collections.abc import Iterator

from tools.checker.finding import Fault, Finding
from tools.checker.history import History


def first_look(history: History) -> Iterator[Finding]:
    """Find requests that were early or sent twice, and runs that are doubled."""
    runs = {run.id: run for run in history.runs}
    sent = Counter(request.run_id for request in history.requests)
    for request in history.requests:
        due_at = runs[request.run_id].decision.due_at
        if request.sent_at < due_at:
            yield Finding(
                fault=Fault.EARLY,
                endpoint_id=request.endpoint_id,
                slot=request.slot,
                run_id=request.run_id,
                sentence=f"a request was sent at {request.sent_at}, and was due at {due_at}",
            )
        if sent[request.run_id] > 1:
            yield Finding(
                fault=Fault.DOUBLED,
                endpoint_id=request.endpoint_id,
                slot=request.slot,
                run_id=request.run_id,
                sentence=f"a run sent {sent[request.run_id]} requests",
            )
    claims = Counter((run.endpoint_id, run.slot, run.attempt) for run in history.runs)
    for (endpoint_id, slot, attempt), count in claims.items():
        if count > 1:
            yield Finding(
                fault=Fault.DOUBLED,
                endpoint_id=endpoint_id,
                slot=slot,
                sentence=f"attempt {attempt} of {slot} was claimed {count} times",
            )
