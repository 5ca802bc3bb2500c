"""The dashboard on the wire."""

from datetime import date
from enum import StrEnum
from typing import Literal

from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import RunStatus
from cronicorn_domain.model.session import Ending
from cronicorn_management.dashboard.stats import Trend
from pydantic import Field

from cronicorn_api.wire.values import Instant, Maybe, Wire


class JobCounts(Wire):
    """How many unarchived jobs there are."""

    total: int


class EndpointCounts(Wire):
    """How many unarchived endpoints unarchived jobs have; those of a paused job are paused."""

    total: int
    active: int
    paused: int


class SuccessRateBody(Wire):
    """Of a hundred runs that the target answers for, how many succeeded."""

    overall: float = Field(ge=0, le=100)
    trend: Trend = Field(description="The window's later half against its earlier one")


class RecentActivityBody(Wire):
    """What was settled in the last 24 hours."""

    runs24h: int = Field(alias="runs24h")
    success24h: int = Field(alias="success24h")
    failure24h: int = Field(alias="failure24h")


class JobHealthBody(Wire):
    """What came of a job's runs."""

    job_id: str
    job_name: str
    success_count: int
    failure_count: int


class MetricsBody(Wire):
    """
    What came of all runs that were asked for; failures are the target's.

    Percentiles are read from steps: durations are a tenth more or less, lateness is told as the
    next of 1, 1.5, 2, 3, 5, 7.5 ms and so on.
    """

    total_runs: int
    success_count: int
    failure_count: int
    avg_duration_ms: int | None
    p50_duration_ms: int | None
    p95_duration_ms: int | None
    p99_duration_ms: int | None
    p50_lateness_ms: int | None
    p95_lateness_ms: int | None
    p99_lateness_ms: int | None


class SourceBody(Wire):
    """How many runs a rule planned."""

    source: Source
    count: int


class DayBody(Wire):
    """What came of the runs of a day."""

    date: date
    success: int
    failure: int


class EndpointDayBody(DayBody):
    """What came of an endpoint's runs on a day."""

    endpoint_id: str
    endpoint_name: str
    total_duration_ms: int


class SessionDayBody(Wire):
    """The planner's sessions about an endpoint on a day."""

    date: date
    endpoint_id: str
    endpoint_name: str
    session_count: int
    total_tokens: int


class TopEndpointBody(Wire):
    """An endpoint with many runs."""

    id: str
    name: str
    job_name: str
    success_rate: float = Field(ge=0, le=100)
    last_run_at: Instant | None
    run_count: int


class RecentRunBody(Wire):
    """A run, and what it belongs to."""

    id: str
    endpoint_id: str
    endpoint_name: str
    job_name: str
    status: RunStatus
    started_at: Instant
    duration_ms: int | None
    source: Source | None


class StatsBody(Wire):
    """A tenant at a glance. Sums count settled runs, pruned ones too, and no test runs."""

    jobs: JobCounts
    endpoints: EndpointCounts
    success_rate: SuccessRateBody
    recent_activity: RecentActivityBody
    job_health: list[JobHealthBody]
    filtered_metrics: MetricsBody
    source_distribution: list[SourceBody]
    run_time_series: list[DayBody]
    endpoint_time_series: list[EndpointDayBody]
    endpoint_time_series_max_stacked: int = Field(
        description="The most runs that the endpoints of the series had on one day together"
    )
    ai_session_time_series: list[SessionDayBody]
    ai_session_time_series_max_stacked: int = Field(
        description="The most sessions that the endpoints of the series had on one day together"
    )
    top_endpoints: list[TopEndpointBody]
    recent_runs: list[RecentRunBody]


class EventType(StrEnum):
    """Which events are asked for."""

    ALL = "all"
    RUNS = "runs"
    SESSIONS = "sessions"


class RunEventBody(Wire):
    """A run that happened; ``timestamp`` is its start, or its claim before that."""

    type: Literal["run"] = "run"
    id: str
    endpoint_id: str
    endpoint_name: str
    job_name: str
    timestamp: Instant
    status: RunStatus
    duration_ms: Maybe[int] = None
    source: Source
    status_code: Maybe[int] = None


class SessionEventBody(Wire):
    """A session of the AI planner that happened; ``timestamp`` is its beginning."""

    type: Literal["session"] = "session"
    id: str
    endpoint_id: str
    endpoint_name: str
    timestamp: Instant
    ending: Ending
    model: str
    reasoning: str
    token_usage: int
    duration_ms: int


class ActivitySummaryBody(Wire):
    """What was settled in the whole window, pruned runs included and test runs not."""

    runs_count: int
    sessions_count: int
    success_rate: float = Field(ge=0, le=100)


class ActivityBody(Wire):
    """Events, the newest first, how many are kept in all, and the sum of the whole window."""

    events: list[RunEventBody | SessionEventBody]
    total: int = Field(description="Test runs and runs under way are among them")
    summary: ActivitySummaryBody
    next_cursor: Maybe[str] = None
