"""An endpoint on the wire."""

from enum import StrEnum
from typing import Annotated, Any

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import HEADERS_MOST, Delivery, Method, MisfirePolicy
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.rules import RULES_MOST
from cronicorn_domain.model.signing import Signing
from pydantic import Field, JsonValue

from cronicorn_api.hints.schemas import HintBody
from cronicorn_api.rules.schemas import RuleBody, RuleGiven
from cronicorn_api.wire.values import (
    GivenInstant,
    Instant,
    Maybe,
    Milliseconds,
    PlannedInstant,
    Wire,
)

COUNT_MOST = 2**53 - 1
"""No client counts further without losing count."""
Count = Annotated[int, Field(ge=0, le=COUNT_MOST, strict=True)]


class EndpointStatus(StrEnum):
    """Where an endpoint stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    DEFERRED = "deferred"
    QUARANTINED = "quarantined"
    FINISHED = "finished"
    ARCHIVED = "archived"


class RetryGiven(Wire):
    """How often one fire time is tried, and how long it waits in between."""

    attempts: Count | None = None
    backoff_ms: Milliseconds | None = None
    backoff_most_ms: Milliseconds | None = None


class RetryBody(Wire):
    """How often one fire time is tried, and how long it waits in between."""

    attempts: int
    backoff_ms: int
    backoff_most_ms: int


class EndpointMembers(Wire):
    """What can be said of an endpoint besides name and URL."""

    description: str | None = None
    method: Method | None = None
    headers_json: Annotated[dict[str, str], Field(max_length=HEADERS_MOST)] | None = None
    body_json: JsonValue = None
    baseline_cron: str | None = None
    baseline_interval_ms: Milliseconds | None = None
    run_at: PlannedInstant | None = None
    timezone: str | None = None
    min_interval_ms: Milliseconds | None = None
    max_interval_ms: Milliseconds | None = None
    starts_at: GivenInstant | None = None
    ends_at: GivenInstant | None = None
    max_runs: Count | None = None
    jitter_ms: Milliseconds | None = None
    misfire_policy: MisfirePolicy | None = None
    misfire_grace_ms: Milliseconds | None = None
    catch_up_limit: Count | None = None
    retry: RetryGiven | None = None
    delivery: Delivery | None = None
    timeout_ms: Milliseconds | None = None
    max_execution_time_ms: Milliseconds | None = Field(
        default=None, description="As timeoutMs, 100 to 1800000: the shorter of both holds"
    )
    max_response_size_kb: Count | None = None
    response_hints: bool | None = None
    pause_when_gone: bool | None = None
    signing: Signing | None = None
    success_when: str | None = None
    rules: Annotated[list[RuleGiven], Field(max_length=RULES_MOST)] | None = None
    shadow_rules: bool | None = None
    ai_mode: AiMode | None = None
    ai_model: str | None = None


class NewEndpoint(EndpointMembers):
    """An endpoint that is to be created, or what it is to become; exactly one schedule."""

    name: str
    url: str


class EndpointPatch(EndpointMembers):
    """
    Some members of an endpoint: one that is absent stays, null clears.

    Setting one schedule replaces the other; every rule holds for the result.
    """

    name: str | None = None
    url: str | None = None


class EndpointBody(Wire):
    """An endpoint; secret header values are masked."""

    id: str
    job_id: str
    name: str
    description: Maybe[str] = None
    url: str
    method: Method
    headers_json: Maybe[dict[str, str]] = None
    body_json: Maybe[Any] = None
    baseline_cron: Maybe[str] = None
    baseline_interval_ms: Maybe[int] = None
    run_at: Maybe[Instant] = None
    timezone: Maybe[str] = None
    min_interval_ms: Maybe[int] = None
    max_interval_ms: Maybe[int] = None
    timeout_ms: int
    max_execution_time_ms: Maybe[int] = None
    max_response_size_kb: int
    next_run_at: Instant
    last_run_at: Maybe[Instant] = None
    failure_count: int
    paused_until: Maybe[Instant] = None
    archived_at: Maybe[Instant] = None
    ai_hint_interval_ms: Maybe[int] = None
    ai_hint_next_run_at: Maybe[Instant] = None
    ai_hint_expires_at: Maybe[Instant] = None
    ai_hint_reason: Maybe[str] = None
    jitter_ms: Maybe[int] = None
    misfire_policy: MisfirePolicy
    misfire_grace_ms: int
    catch_up_limit: int
    starts_at: Maybe[Instant] = None
    ends_at: Maybe[Instant] = None
    max_runs: Maybe[int] = None
    retry: Maybe[RetryBody] = None
    response_hints: Maybe[bool] = None
    pause_when_gone: Maybe[bool] = None
    signing: Signing
    success_when: Maybe[str] = None
    rules: list[RuleBody]
    shadow_rules: Maybe[bool] = None
    ai_mode: AiMode
    ai_model: Maybe[str] = None
    delivery: Delivery
    hints: list[HintBody]
    next_run_source: Maybe[Source] = None
    state: EndpointStatus


class EndpointList(Wire):
    """Endpoints, and where the list goes on if it does."""

    endpoints: list[EndpointBody]
    next_cursor: Maybe[str] = None


class PauseGiven(Wire):
    """``pausedUntil``: null resumes, absent pauses until it is resumed."""

    paused_until: GivenInstant | None = None
    reason: str | None = None


class WeighedBody(Wire):
    """One line of a trail."""

    rule: str
    instant: Instant
    detail: Maybe[str] = None


class DecisionBody(Wire):
    """When, which rule won, and what was weighed."""

    slot: Instant
    due_at: Instant
    source: Source
    trail: list[WeighedBody]


class ExplanationBody(Wire):
    """The decision that stands, in data and in one English sentence."""

    state: EndpointStatus
    running: bool
    decision: Maybe[DecisionBody] = None
    sentence: str


class PreviewBody(Wire):
    """The next fire times."""

    fire_times: list[DecisionBody]
