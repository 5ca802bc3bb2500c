"""Runs, their bodies, and their rows."""

from typing import Final

import orjson
from cronicorn_domain.identity import EndpointId, RunId, TenantId, WorkerId
from cronicorn_domain.model.decision import Decision, Kind, Source
from cronicorn_domain.model.run import (
    Body,
    BodyKind,
    FailureKind,
    OutcomeClass,
    Response,
    Run,
    RunStatus,
    Timing,
)

from cronicorn_adapter_sql.lengths import from_microseconds, to_microseconds
from cronicorn_adapter_sql.mapping_jobs import Columns, Values
from cronicorn_adapter_sql.mapping_plans import text_of_trail, trail_from

_NO_BODY: Final = Body()


def values_of_claimed(run: Run) -> Values:
    """Return the values of a run's row as the claim writes it."""
    decision = run.decision
    return {
        "id": run.id,
        "slot": decision.slot,
        "endpoint_id": run.endpoint_id,
        "tenant": run.tenant,
        "attempt": run.attempt,
        "kind": run.kind.value,
        "source": decision.source.value,
        "due_at": decision.due_at,
        "trail": text_of_trail(decision.trail),
        "worker": run.worker,
        "claimed_at": run.claimed_at,
        "status": run.status.value,
    }


def values_of_ended(run: Run) -> Values:
    """Return what the end of a run changes in its row; the keys of its row are not among it."""
    kind, judged = run.failure_kind, run.outcome_class
    return {
        "status": run.status.value,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "outcome_class": None if judged is None else judged.value,
        "failure_kind": None if kind is None else kind.value,
        "message": run.message,
        "status_code": None if run.response is None else run.response.status_code,
        "connected": to_microseconds(run.timing.connected),
        "first_byte": to_microseconds(run.timing.first_byte),
        "complete": to_microseconds(run.timing.complete),
    }


def values_of_body(run: Run) -> Values | None:
    """Return the values of the row that holds what was answered; None: a status at most."""
    if run.response is None or not (run.response.headers or run.response.body != _NO_BODY):
        return None
    body = run.response.body
    return {
        "run_id": run.id,
        "slot": run.slot,
        "tenant": run.tenant,
        "headers": orjson.dumps(run.response.headers).decode(),
        "kind": body.kind.value,
        "text": body.text,
        "truncated": body.truncated,
    }


def run_from(row: Columns, answered: Columns | None = None) -> Run:
    """Return the run of a row; ``answered`` is its body's row, where that was read."""
    judged, kind, code = row["outcome_class"], row["failure_kind"], row["status_code"]
    return Run(
        id=RunId(row["id"]),
        endpoint_id=EndpointId(row["endpoint_id"]),
        tenant=TenantId(row["tenant"]),
        decision=Decision(
            slot=row["slot"],
            due_at=row["due_at"],
            source=Source(row["source"]),
            trail=trail_from(row["trail"]),
        ),
        kind=Kind(row["kind"]),
        attempt=row["attempt"],
        worker=WorkerId(row["worker"]),
        claimed_at=row["claimed_at"],
        status=RunStatus(row["status"]),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        outcome_class=None if judged is None else OutcomeClass(judged),
        failure_kind=None if kind is None else FailureKind(kind),
        message=row["message"],
        response=None if code is None else _response(code, answered),
        timing=Timing(
            connected=from_microseconds(row["connected"]),
            first_byte=from_microseconds(row["first_byte"]),
            complete=from_microseconds(row["complete"]),
        ),
    )


def _response(status_code: int, answered: Columns | None) -> Response:
    if answered is None:
        return Response(status_code=status_code)
    headers = tuple((name, value) for name, value in orjson.loads(answered["headers"]))
    body = Body(
        kind=BodyKind(answered["kind"]), text=answered["text"], truncated=answered["truncated"]
    )
    return Response(status_code=status_code, headers=headers, body=body)
