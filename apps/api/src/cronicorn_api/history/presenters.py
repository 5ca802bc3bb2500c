"""Shows the history."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, assert_never

from cronicorn_domain.model.audit import AuditEntry
from cronicorn_domain.model.run import Body, BodyKind, OutcomeClass, Run
from cronicorn_domain.ports.run_log import Health
from cronicorn_management.history.health import WINDOWS
from cronicorn_management.history.runs import RunDetails
from cronicorn_management.history.slots import SlotOutcome
from cronicorn_management.masking import shown_response_headers
from cronicorn_management.pages import Page

from cronicorn_api.endpoints.presenters import decision_body
from cronicorn_api.history.schemas import (
    AttemptBody,
    ChangeBody,
    DeedBody,
    DeedList,
    EndpointOfRun,
    HealthBody,
    LastRunBody,
    RunBody,
    RunList,
    RunSummaryBody,
    SlotBody,
    SlotList,
    SubjectBody,
    TimingBody,
    WindowBody,
)
from cronicorn_api.wire.values import in_milliseconds, in_milliseconds_if_any

_HOUR = timedelta(hours=1)
_UNKNOWN_NAME = ""


def run_body(details: RunDetails) -> RunBody:
    """Show a run with everything that is known of it."""
    run, response = details.run, details.run.response
    return RunBody(
        id=str(run.id),
        endpoint_id=str(run.endpoint_id),
        status=run.status,
        started_at=begun(run),
        finished_at=run.finished_at,
        duration_ms=duration_of(run),
        error_message=run.message,
        source=run.decision.source,
        attempt=run.attempt,
        response_body=None if response is None else content(response.body),
        status_code=None if response is None else response.status_code,
        endpoint=_endpoint(details),
        scheduled_for=run.slot,
        failure_kind=run.failure_kind,
        truncated=response is not None and response.body.truncated,
        response_headers=_headers(run),
        decision=decision_body(run.decision),
        worker_id=run.worker,
        outcome_class=None if run.outcome_class is OutcomeClass.SUCCESS else run.outcome_class,
        timing=TimingBody(
            due_at=run.decision.due_at,
            started_at=begun(run),
            connected_ms=in_milliseconds_if_any(run.timing.connected),
            first_byte_ms=in_milliseconds_if_any(run.timing.first_byte),
            body_ms=in_milliseconds_if_any(run.timing.complete),
        ),
        attempts=[_attempt(each) for each in details.attempts],
    )


def run_list(page: Page[Run], total: int) -> RunList:
    """Show runs."""
    runs = [_summary(each) for each in page.items]
    return RunList(runs=runs, total=total, next_cursor=runs[-1].run_id if page.more else None)


def health_body(asked: Health, windows: Mapping[timedelta, Health]) -> HealthBody:
    """Show what came of the runs of the window that was asked for, and of the usual ones."""
    last = asked.last_run
    return HealthBody(
        **dict(_window(asked)),
        last_run=None if last is None else LastRunBody(status=last.status, at=begun(last)),
        failure_streak=asked.failure_streak,
        windows={f"{each // _HOUR}h": _window(windows[each]) for each in WINDOWS},
    )


def slot_list(page: Page[SlotOutcome]) -> SlotList:
    """Show what became of slots."""
    slots = [_slot(each) for each in page.items]
    return SlotList(slots=slots, next_cursor=slots[-1].last if page.more else None)


def deed_list(page: Page[AuditEntry]) -> DeedList:
    """Show who did what."""
    entries = [_deed(each) for each in page.items]
    return DeedList(entries=entries, next_cursor=entries[-1].id if page.more else None)


def _summary(run: Run) -> RunSummaryBody:
    return RunSummaryBody(
        run_id=str(run.id),
        endpoint_id=str(run.endpoint_id),
        started_at=begun(run),
        status=run.status,
        duration_ms=duration_of(run),
        source=run.decision.source,
        scheduled_for=run.slot,
        attempt=run.attempt,
        failure_kind=run.failure_kind,
        status_code=None if run.response is None else run.response.status_code,
    )


def begun(run: Run) -> datetime:
    """Return when it started; of one that never did, when it was claimed."""
    return run.claimed_at if run.started_at is None else run.started_at


def duration_of(run: Run) -> int | None:
    """Return how long its request took, in milliseconds; None when it has none that ended."""
    if run.finished_at is None or run.started_at is None:
        return None
    return in_milliseconds(run.finished_at - run.started_at)


def content(body: Body) -> Any:
    """Return what was answered as JSON has it: a value, a text, or nothing."""
    match body.kind:
        case BodyKind.NONE:
            return None
        case BodyKind.JSON:
            return json.loads(body.text)
        case BodyKind.TEXT | BodyKind.BINARY:
            return body.text
        case _:
            assert_never(body.kind)


def _headers(run: Run) -> dict[str, str] | None:
    if run.response is None:
        return None
    return dict(shown_response_headers(run.response.headers)) or None


def _endpoint(details: RunDetails) -> EndpointOfRun:
    endpoint = details.endpoint
    if endpoint is None:
        return EndpointOfRun(id=str(details.run.endpoint_id), name=_UNKNOWN_NAME)
    return EndpointOfRun(
        id=str(endpoint.id),
        name=endpoint.name,
        url=endpoint.request.url,
        method=endpoint.request.method,
    )


def _attempt(run: Run) -> AttemptBody:
    return AttemptBody(
        run_id=str(run.id),
        attempt=run.attempt,
        status=run.status,
        started_at=begun(run),
        failure_kind=run.failure_kind,
        status_code=None if run.response is None else run.response.status_code,
    )


def _window(health: Health) -> WindowBody:
    return WindowBody(
        success_count=health.success_count,
        failure_count=health.target_failure_count,
        avg_duration_ms=in_milliseconds_if_any(health.mean_duration),
        p50_ms=in_milliseconds_if_any(health.median_duration),
        p95_ms=in_milliseconds_if_any(health.p95_duration),
    )


def _slot(outcome: SlotOutcome) -> SlotBody:
    return SlotBody(
        first=outcome.first,
        last=outcome.last,
        count=outcome.count,
        outcome=outcome.outcome.value,
        reason=outcome.reason,
        source=outcome.source,
        run_id=None if outcome.run_id is None else str(outcome.run_id),
        attempts=outcome.attempts,
    )


def _deed(entry: AuditEntry) -> DeedBody:
    subject = entry.subject
    return DeedBody(
        id=str(entry.id),
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=SubjectBody(kind=subject.kind, id=str(subject.id), name=subject.name),
        changes=[
            ChangeBody(field=each.field, before=each.before, after=each.after)
            for each in entry.changes
        ],
    )
