# ruff: noqa: S608  constants only
"""The questions of a doctor, each over a batch or a stretch of history."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cronicorn_domain.ports.examination import Summed
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    TextualSelect,
    bindparam,
    case,
    column,
    exists,
    func,
    select,
    text,
)

from cronicorn_adapter_sql.among import among
from cronicorn_adapter_sql.analyses import is_planned
from cronicorn_adapter_sql.column_types import UtcDateTime
from cronicorn_adapter_sql.tables import (
    analyses,
    due,
    endpoint_state,
    endpoints,
    jobs,
    leases,
    runs,
    workers,
)

_BEFORE: Final = bindparam("before", type_=UtcDateTime())


def _without_lease(*conditions: ColumnElement[bool], order: ColumnElement[datetime]) -> Select[Any]:
    """Find places in the queue with what their endpoints have planned, but none under a lease."""
    return (
        select(
            due.c.endpoint_id,
            endpoints.c.name,
            due.c.due_at,
            due.c.slot,
            due.c.lane,
            endpoints.c.paused_until,
            endpoint_state.c.plan,
            endpoint_state.c.urgent,
        )
        .join(endpoints, endpoints.c.id == due.c.endpoint_id)
        .outerjoin(endpoint_state, endpoint_state.c.endpoint_id == due.c.endpoint_id)
        .outerjoin(leases, leases.c.endpoint_id == due.c.endpoint_id)
        .where(*conditions, leases.c.token.is_(None))
        .order_by(order, due.c.endpoint_id)
        .limit(bindparam("limit"))
    )


OVERDUE: Final = (
    _without_lease(due.c.due_at <= _BEFORE, order=due.c.due_at),
    _without_lease(due.c.lane.is_not(None), due.c.slot <= _BEFORE, order=due.c.slot),
)
"""What is due since long, and what waits for room since long: no run is due before its slot."""

LEASES: Final = (
    select(leases.c.token, leases.c.endpoint_id, leases.c.worker, leases.c.until, workers.c.seen_at)
    .outerjoin(workers, workers.c.name == leases.c.worker)
    .order_by(leases.c.until)
    .limit(bindparam("limit"))
)

_NOW: Final = bindparam("now", type_=UtcDateTime())

OVERDUE_ANALYSES: Final = (
    select(endpoints.c.id, endpoints.c.name, analyses.c.next_at, analyses.c.leased_until)
    .join(endpoints, endpoints.c.id == analyses.c.endpoint_id)
    .join(jobs, jobs.c.id == endpoints.c.job_id)
    .where(
        is_planned(),  # what is not keeps its analysis until a planner takes it away
        analyses.c.next_at <= _BEFORE,
        analyses.c.leased_until.is_(None) | (analyses.c.leased_until <= _BEFORE),
    )
    .order_by(analyses.c.next_at, endpoints.c.id)
    .limit(bindparam("limit"))
)

HELD_ANALYSES: Final = (
    select(
        endpoints.c.id,
        endpoints.c.name,
        analyses.c.worker,
        analyses.c.leased_until,
        workers.c.seen_at,
    )
    .join(endpoints, endpoints.c.id == analyses.c.endpoint_id)
    .outerjoin(workers, workers.c.name == analyses.c.worker)
    .where(analyses.c.leased_until > _NOW)
    .order_by(analyses.c.leased_until, endpoints.c.id)
    .limit(bindparam("limit"))
)

_SINCE: Final = bindparam("since", type_=UtcDateTime())
_UNTIL: Final = bindparam("until", type_=UtcDateTime())

LEFT_OPEN: Final = (
    select(runs.c.id, runs.c.endpoint_id, runs.c.slot)
    .outerjoin(leases, leases.c.run_id == runs.c.id)
    .where(
        runs.c.slot >= _SINCE,
        runs.c.slot < _UNTIL,
        runs.c.status == "running",
        leases.c.token.is_(None),
    )
    .order_by(runs.c.slot)
    .limit(bindparam("limit"))
)

_MINUTE: Final = {
    "sqlite": "substr(slot, 1, 16) || '\\:00.000000'",
    "postgresql": "date_trunc('minute', slot)",
}
_KEY: Final = "endpoint_id, minute, outcome_class, source"


def miscounts(dialect: str) -> TextualSelect:
    """Compare the rows of a stretch of minutes, added up from the runs and as they are kept."""
    from_runs = (
        f"SELECT endpoint_id, {_MINUTE[dialect]} AS minute, outcome_class, source,"
        " count(*) AS ended, 0 AS counted FROM runs"
        " WHERE slot >= :since AND slot < :until AND kind <> 'test' AND outcome_class IS NOT NULL"
        " GROUP BY 1, 2, 3, 4"
    )
    kept = (
        "SELECT endpoint_id, begins_at AS minute, outcome_class, source, 0 AS ended,"
        " runs AS counted FROM roll_ups"
        " WHERE size IN ('minute', 'late') AND begins_at >= :since AND begins_at < :until"
    )
    statement = text(
        "SELECT endpoint_id, minute, sum(ended) AS ended, sum(counted) AS counted"
        f" FROM ({from_runs} UNION ALL {kept}) AS compared GROUP BY {_KEY}"
        " HAVING sum(ended) <> sum(counted) ORDER BY minute LIMIT :limit"
    ).bindparams(_SINCE, _UNTIL)
    return statement.columns(
        endpoints.c.id.label("endpoint_id"),
        column("minute", UtcDateTime()),
        column("ended", Integer()),
        column("counted", Integer()),
    )


def _wrong_sums(kept: str, parts: str) -> TextualSelect:
    """Compare sums of jobs that are kept for a stretch with what their parts in it come to."""
    statement = text(
        "SELECT job_id, sum(kept) AS kept, sum(parts) AS parts FROM ("
        f"SELECT job_id, outcome_class, source, runs AS kept, 0 AS parts FROM {kept}"
        f" UNION ALL SELECT job_id, outcome_class, source, 0, runs FROM {parts}"
        ") AS compared GROUP BY job_id, outcome_class, source"
        " HAVING sum(kept) <> sum(parts) ORDER BY job_id LIMIT :limit"
    ).bindparams(_SINCE, _UNTIL)
    return statement.columns(
        jobs.c.id.label("job_id"), column("kept", Integer()), column("parts", Integer())
    )


_WITHIN: Final = "begins_at >= :since AND begins_at < :until"
_OF_ENDPOINTS: Final = (
    "(SELECT e.job_id, r.* FROM {} AS r JOIN endpoints AS e ON e.id = r.endpoint_id)"
    " AS of_endpoints"
)
_OF_JOBS_BY_HOURS: Final = f"job_roll_ups WHERE size IN ('hour', 'day') AND {_WITHIN}"

HOURS_OF_JOBS: Final[Mapping[Summed, TextualSelect]] = {
    Summed.HOUR_WITH_MINUTES: _wrong_sums(
        f"job_roll_ups WHERE size = 'hour' AND {_WITHIN}",
        f"{_OF_ENDPOINTS.format('roll_ups')} WHERE size IN ('minute', 'hour') AND {_WITHIN}"
        " AND begins_at < (SELECT until FROM closings)",
    )
}
"""
What each hour of a job is compared with.

An hour that was closed has its minutes, which become an hour of their endpoint when they are old;
so does what was late, and is added to the sums then.
"""

DAYS_OF_JOBS: Final[Mapping[Summed, TextualSelect]] = {
    Summed.DAY_WITH_HOURS: _wrong_sums(f"job_days WHERE {_WITHIN}", _OF_JOBS_BY_HOURS),
    Summed.DAY_WITH_ENDPOINTS: _wrong_sums(
        f"job_days WHERE {_WITHIN}", f"{_OF_ENDPOINTS.format('endpoint_days')} WHERE {_WITHIN}"
    ),
}
"""What each day of a job is compared with: all of these grow by an hour in the same transaction."""


def next_ids(after: object) -> Select[Any]:
    """Find the next endpoints that are not archived, in the order of their ids."""
    found = select(endpoints.c.id).where(endpoints.c.archived_at.is_(None))
    if after is not None:
        found = found.where(endpoints.c.id > bindparam("after", type_=endpoints.c.id.type))
    return found.order_by(endpoints.c.id).limit(bindparam("limit"))


def queued(dialect: str) -> Select[Any]:
    """Find the places that the queue has for endpoints, by what they themselves know of it."""
    return (
        select(
            due.c.endpoint_id,
            due.c.due_at,
            due.c.slot,
            due.c.host,
            due.c.lane,
            (due.c.revision == endpoint_state.c.revision).label("up_to_date"),
        )
        .join(
            endpoint_state,
            (endpoint_state.c.endpoint_id == due.c.endpoint_id)
            & (endpoint_state.c.due_at == due.c.due_at),
        )
        .where(among(endpoint_state.c.endpoint_id, "ids", dialect=dialect))
    )


def histories(dialect: str) -> Select[Any]:
    """Count the occurrences of endpoints that have ended since an instant; tests are none."""
    counts = runs.c.kind.in_(("recurring", "oneshot", "trigger")) & (runs.c.status != "canceled")
    return (
        select(
            runs.c.endpoint_id,
            func.count(case((counts, runs.c.slot)).distinct()).label("occurrences"),
            func.max(runs.c.finished_at).label("newest"),
            func.max(case((runs.c.outcome_class == "success", runs.c.finished_at))).label(
                "newest_success"
            ),
        )
        .where(
            among(runs.c.endpoint_id, "ids", dialect=dialect),
            runs.c.slot >= _SINCE,
            runs.c.status != "running",
            runs.c.kind != "test",
        )
        .group_by(runs.c.endpoint_id)
    )


def next_places(after: object) -> Select[Any]:
    """Walk through the queue, with what each endpoint knows of its place there."""
    found = select(
        due.c.due_at,
        due.c.endpoint_id,
        due.c.lane,
        (
            endpoint_state.c.endpoint_id.is_(None)
            | endpoint_state.c.due_at.is_(None)
            | (endpoint_state.c.due_at != due.c.due_at)
            | exists().where(leases.c.endpoint_id == due.c.endpoint_id)
        ).label("stray"),
    ).outerjoin(endpoint_state, endpoint_state.c.endpoint_id == due.c.endpoint_id)
    if after is not None:
        found = found.where(_behind())
    return found.order_by(due.c.due_at, due.c.endpoint_id).limit(bindparam("limit"))


def _behind() -> ColumnElement[bool]:
    at = bindparam("due_at", type_=UtcDateTime())
    endpoint = bindparam("endpoint_id", type_=due.c.endpoint_id.type)
    return (due.c.due_at > at) | ((due.c.due_at == at) & (due.c.endpoint_id > endpoint))


OLD_TRANSACTIONS: Final = text(
    """
    SELECT 'process ' || pid || coalesce(' of ' || nullif(application_name, ''), '') AS process,
        coalesce(state, 'of another role') AS state, clock_timestamp() - xact_start AS age
      FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND backend_type IS DISTINCT FROM 'autovacuum worker'
        AND clock_timestamp() - xact_start >= :age
    UNION ALL
    SELECT 'the prepared transaction ' || gid, 'prepared', clock_timestamp() - prepared
      FROM pg_prepared_xacts
      WHERE database = current_database() AND clock_timestamp() - prepared >= :age
    ORDER BY age DESC
    """
)

LOOKING: Final = (
    text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
    *(
        text(f"SET LOCAL {name} = on")
        for name in ("enable_seqscan", "enable_hashjoin", "enable_bitmapscan")
    ),
)
"""A look sees one instant, and over history other plans are good than those that fire runs."""
