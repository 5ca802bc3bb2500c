"""Shows the dashboard."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from cronicorn_domain.model.session import NamedSession
from cronicorn_domain.ports.overview import EndpointTally, Holdings, JobTally, NamedRun, Tally
from cronicorn_management.dashboard.events import Event, Events
from cronicorn_management.dashboard.speed import Speed
from cronicorn_management.dashboard.stats import EndpointDay, SessionDay, Stats, success_rate

from cronicorn_api.dashboard.schemas import (
    ActivityBody,
    ActivitySummaryBody,
    DayBody,
    EndpointCounts,
    EndpointDayBody,
    JobCounts,
    JobHealthBody,
    MetricsBody,
    RecentActivityBody,
    RecentRunBody,
    RunEventBody,
    SessionDayBody,
    SessionEventBody,
    SourceBody,
    StatsBody,
    SuccessRateBody,
    TopEndpointBody,
)
from cronicorn_api.history.presenters import begun, duration_of
from cronicorn_api.wire.values import in_milliseconds


def stats_body(stats: Stats) -> StatsBody:
    """Show a tenant at a glance."""
    return StatsBody(
        jobs=JobCounts(total=stats.holdings.jobs),
        endpoints=_endpoint_counts(stats.holdings),
        success_rate=SuccessRateBody(overall=success_rate(stats.whole), trend=stats.trend),
        recent_activity=_recent_activity(stats.last_day),
        job_health=[_job_health(each) for each in stats.jobs],
        filtered_metrics=_metrics(stats.whole, stats.speed),
        source_distribution=[
            SourceBody(source=source, count=count) for source, count in stats.sources
        ],
        run_time_series=[
            DayBody(date=day, success=tally.success, failure=tally.target_failure)
            for day, tally in stats.days
        ],
        endpoint_time_series=[_endpoint_day(each) for each in stats.busiest_days],
        endpoint_time_series_max_stacked=_highest(stats.busiest_days),
        ai_session_time_series=[_session_day(each) for each in stats.sessions],
        ai_session_time_series_max_stacked=_most_sessions(stats.sessions),
        top_endpoints=[_top_endpoint(each) for each in stats.busiest],
        recent_runs=[_recent(each) for each in stats.newest],
    )


def activity_body(found: Events) -> ActivityBody:
    """Show what happened."""
    events = [_happened(each) for each in found.events]
    return ActivityBody(
        events=events,
        total=found.total,
        summary=ActivitySummaryBody(
            runs_count=found.summary.runs,
            sessions_count=found.sessions,
            success_rate=success_rate(found.summary),
        ),
        next_cursor=events[-1].id if found.more else None,
    )


def _happened(event: Event) -> RunEventBody | SessionEventBody:
    return _event(event) if isinstance(event, NamedRun) else _session_event(event)


def _session_event(of: NamedSession) -> SessionEventBody:
    session = of.session
    return SessionEventBody(
        id=str(session.id),
        endpoint_id=str(session.endpoint_id),
        endpoint_name=of.endpoint_name,
        timestamp=session.started_at,
        ending=session.ending,
        model=session.model,
        reasoning=session.reasoning,
        token_usage=session.tokens,
        duration_ms=in_milliseconds(session.ended_at - session.started_at),
    )


def _session_day(of: SessionDay) -> SessionDayBody:
    return SessionDayBody(
        date=of.day,
        endpoint_id=str(of.endpoint_id),
        endpoint_name=of.endpoint_name,
        session_count=of.sessions,
        total_tokens=of.tokens,
    )


def _most_sessions(days: Sequence[SessionDay]) -> int:
    stacked: Counter[date] = Counter()
    for each in days:
        stacked[each.day] += each.sessions
    return max(stacked.values(), default=0)


def _endpoint_counts(holdings: Holdings) -> EndpointCounts:
    return EndpointCounts(
        total=holdings.endpoints,
        active=holdings.endpoints - holdings.paused,
        paused=holdings.paused,
    )


def _recent_activity(last_day: Tally) -> RecentActivityBody:
    return RecentActivityBody(
        runs24h=last_day.runs, success24h=last_day.success, failure24h=last_day.target_failure
    )


def _job_health(of: JobTally) -> JobHealthBody:
    return JobHealthBody(
        job_id=str(of.job_id),
        job_name=of.name,
        success_count=of.tally.success,
        failure_count=of.tally.target_failure,
    )


def _top_endpoint(of: EndpointTally) -> TopEndpointBody:
    return TopEndpointBody(
        id=str(of.endpoint_id),
        name=of.name,
        job_name=of.job_name,
        success_rate=success_rate(of.tally),
        last_run_at=of.last_start,
        run_count=of.tally.runs,
    )


def _metrics(tally: Tally, speed: Speed) -> MetricsBody:
    took, late = speed.duration, speed.lateness
    mean = in_milliseconds(tally.duration / tally.timed) if tally.timed else None
    return MetricsBody(
        total_runs=tally.runs,
        success_count=tally.success,
        failure_count=tally.target_failure,
        avg_duration_ms=mean,
        p50_duration_ms=None if took is None else in_milliseconds(took.p50),
        p95_duration_ms=None if took is None else in_milliseconds(took.p95),
        p99_duration_ms=None if took is None else in_milliseconds(took.p99),
        p50_lateness_ms=None if late is None else in_milliseconds(late.p50),
        p95_lateness_ms=None if late is None else in_milliseconds(late.p95),
        p99_lateness_ms=None if late is None else in_milliseconds(late.p99),
    )


def _endpoint_day(of: EndpointDay) -> EndpointDayBody:
    return EndpointDayBody(
        date=of.day,
        endpoint_id=str(of.endpoint.endpoint_id),
        endpoint_name=of.endpoint.name,
        success=of.tally.success,
        failure=of.tally.target_failure,
        total_duration_ms=in_milliseconds(of.tally.duration),
    )


def _highest(days: Sequence[EndpointDay]) -> int:
    stacked: Counter[date] = Counter()
    for each in days:
        stacked[each.day] += each.tally.success + each.tally.target_failure
    return max(stacked.values(), default=0)


def _recent(of: NamedRun) -> RecentRunBody:
    run = of.run
    return RecentRunBody(
        id=str(run.id),
        endpoint_id=str(run.endpoint_id),
        endpoint_name=of.endpoint_name,
        job_name=of.job_name,
        status=run.status,
        started_at=begun(run),
        duration_ms=duration_of(run),
        source=run.decision.source,
    )


def _event(of: NamedRun) -> RunEventBody:
    run = of.run
    return RunEventBody(
        id=str(run.id),
        endpoint_id=str(run.endpoint_id),
        endpoint_name=of.endpoint_name,
        job_name=of.job_name,
        timestamp=begun(run),
        status=run.status,
        duration_ms=duration_of(run),
        source=run.decision.source,
        status_code=None if run.response is None else run.response.status_code,
    )
