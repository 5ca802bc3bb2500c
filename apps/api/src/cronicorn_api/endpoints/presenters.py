"""Shows endpoints: configuration, plan and hints together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.endpoint import Endpoint, Retry
from cronicorn_domain.model.hint import Hint, OneShotHint
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.explaining import Explanation, condition_of
from cronicorn_domain.policies.interval_hints import ranked_hints
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from cronicorn_management.masking import shown_headers
from cronicorn_management.pages import Page

from cronicorn_api.endpoints.schemas import (
    DecisionBody,
    EndpointBody,
    EndpointList,
    EndpointStatus,
    ExplanationBody,
    PreviewBody,
    RetryBody,
    WeighedBody,
)
from cronicorn_api.hints.presenters import hint_body
from cronicorn_api.rules.presenters import rule_bodies
from cronicorn_api.wire.values import in_milliseconds, in_milliseconds_if_any, read_json

_KIBIBYTE: Final = 1024
_NO_RETRY: Final = Retry()


def endpoint_body(situation: Situation, now: datetime) -> EndpointBody:
    """Show an endpoint as it stands."""
    endpoint, state = situation.endpoint, situation.state
    plan = state.next_plan
    return EndpointBody(
        id=str(endpoint.id),
        job_id=str(endpoint.job_id),
        name=endpoint.name,
        description=endpoint.description,
        url=endpoint.request.url,
        method=endpoint.request.method,
        headers_json=dict(shown_headers(endpoint.request.headers)) or None,
        body_json=_body(endpoint.request.body),
        **_schedule(endpoint.schedule),
        min_interval_ms=in_milliseconds_if_any(endpoint.guardrails.shortest),
        max_interval_ms=in_milliseconds_if_any(endpoint.guardrails.longest),
        timeout_ms=in_milliseconds(endpoint.limits.timeout),
        max_execution_time_ms=in_milliseconds_if_any(endpoint.limits.execution),
        max_response_size_kb=-(-endpoint.limits.response_size // _KIBIBYTE),
        next_run_at=_last_planned(situation) if plan is None else plan.decision.due_at,
        last_run_at=state.last_start,
        failure_count=state.failures,
        paused_until=_paused_until(endpoint, now),
        archived_at=endpoint.archived_at,
        **_hinted(situation, now),
        jitter_ms=None if endpoint.jitter == NO_TIME else in_milliseconds(endpoint.jitter),
        misfire_policy=endpoint.misfire.policy,
        misfire_grace_ms=in_milliseconds(endpoint.misfire.grace),
        catch_up_limit=endpoint.misfire.catch_up_limit,
        starts_at=endpoint.bounds.starts_at,
        ends_at=endpoint.bounds.ends_at,
        max_runs=endpoint.bounds.max_runs,
        retry=_retry(endpoint.retry),
        delivery=endpoint.delivery,
        response_hints=endpoint.heeds.hints or None,
        pause_when_gone=endpoint.heeds.gone or None,
        signing=endpoint.signing,
        success_when=endpoint.success_when,
        rules=rule_bodies(endpoint.rules),
        shadow_rules=endpoint.rules.shadow or None,
        ai_mode=endpoint.planning.mode,
        ai_model=endpoint.planning.model,
        hints=[hint_body(each) for each in _active(situation, now)],
        next_run_source=None if plan is None else plan.decision.source,
        state=_state(situation, now),
    )


def endpoint_list(page: Page[Situation], now: datetime) -> EndpointList:
    """Show some endpoints."""
    bodies = [endpoint_body(each, now) for each in page.items]
    return EndpointList(endpoints=bodies, next_cursor=bodies[-1].id if page.more else None)


def decision_body(decision: Decision) -> DecisionBody:
    """Show when, which rule won, and what was weighed."""
    return DecisionBody(
        slot=decision.slot,
        due_at=decision.due_at,
        source=decision.source,
        trail=[
            WeighedBody(rule=each.rule, instant=each.instant, detail=each.detail or None)
            for each in decision.trail
        ],
    )


def explanation_body(explanation: Explanation) -> ExplanationBody:
    """Show the decision that stands, and the sentence that tells it."""
    decision = explanation.decision
    return ExplanationBody(
        state=_status(explanation.condition),
        running=explanation.condition is Condition.RUNNING,
        decision=None if decision is None else decision_body(decision),
        sentence=explanation.sentence,
    )


def preview_body(decisions: Sequence[Decision]) -> PreviewBody:
    """Show the next fire times."""
    return PreviewBody(fire_times=[decision_body(each) for each in decisions])


def _status(condition: Condition) -> EndpointStatus:
    if condition is Condition.RUNNING:
        return EndpointStatus.ACTIVE
    return EndpointStatus(condition.value)


def _state(situation: Situation, now: datetime) -> EndpointStatus:
    """Tell where an endpoint stands; also a paused one may have a run under way."""
    condition = condition_of(situation, now)
    paused = situation.endpoint.paused_at(now) or situation.job_state is JobState.PAUSED
    return _status(Condition.PAUSED if condition is Condition.RUNNING and paused else condition)


def _last_planned(situation: Situation) -> datetime:
    """Return the last instant that a finished endpoint was planned for."""
    state = situation.state
    return state.latest_slot or state.last_slot or situation.endpoint.anchor


def _paused_until(endpoint: Endpoint, now: datetime) -> datetime | None:
    if endpoint.pause is None or not endpoint.paused_at(now):
        return None
    return endpoint.pause.until


def _body(text: str | None) -> Any:
    """Show a body as the JSON that it is, else as text."""
    if text is None:
        return None
    return read_json(text)


def _schedule(schedule: Schedule) -> dict[str, Any]:
    match schedule:
        case CronSchedule(expression=expression, timezone=timezone):
            return {"baseline_cron": expression.text, "timezone": timezone}
        case IntervalSchedule(every=every):
            return {"baseline_interval_ms": in_milliseconds(every)}
        case OnceSchedule(at=at):
            return {"run_at": at}


def _retry(retry: Retry) -> RetryBody | None:
    if retry == _NO_RETRY:
        return None
    return RetryBody(
        attempts=retry.attempts,
        backoff_ms=in_milliseconds(retry.backoff),
        backoff_most_ms=in_milliseconds(retry.backoff_most),
    )


def _active(situation: Situation, now: datetime) -> list[Hint]:
    return [each for each in situation.hints if each.expires_at > now]


def _hinted(situation: Situation, now: datetime) -> dict[str, Any]:
    """Tell the hint that holds as clients know it, whoever gave it: one interval, one instant."""
    ranked = ranked_hints(situation, now)
    oneshots = [each for each in _active(situation, now) if isinstance(each, OneShotHint)]
    interval = ranked[0] if ranked else None
    oneshot = min(oneshots, key=lambda each: (each.at, each.id), default=None)
    telling = interval or oneshot
    if telling is None:
        return {}
    return {
        "ai_hint_interval_ms": None if interval is None else in_milliseconds(interval.every),
        "ai_hint_next_run_at": None if oneshot is None else oneshot.at,
        "ai_hint_expires_at": telling.expires_at,
        "ai_hint_reason": telling.reason,
    }
