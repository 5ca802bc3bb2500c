# ruff: noqa: S608  names of our own tables and columns only
"""
Fills a database as months of work would leave it, without a run: by statements of PostgreSQL alone.

A job and an endpoint that the API made are copied, and their runs are written to the past.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from cronicorn_adapter_sql.database_url import parse_database_url
from cronicorn_adapter_sql.engine import open_engine
from cronicorn_adapter_sql.history_room import SqlHistoryRoom

DAYS: Final = 30
"""So many days the runs are spread over, up to the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """How much there is to be: of jobs with so many endpoints each, and of runs of all of them."""

    jobs: int
    endpoints: int
    runs: int


def make_room(url: str, *, now: datetime) -> None:
    """Make the partitions of the days that are to be filled."""
    asyncio.run(_make_room(url, now))


def fill(url: str, endpoint_id: str, filling: Filling, *, now: datetime) -> None:
    """
    Copy an endpoint and its job, and give each copy its share of the runs.

    Slots are spread evenly; every twentieth run failed. Statistics are by minutes for two days and
    by hours before, as a worker's pruning leaves them.
    """
    given = {
        "endpoint": endpoint_id,
        "jobs": filling.jobs,
        "endpoints": filling.endpoints,
        "runs": filling.runs,
        "each": filling.runs // (filling.jobs * filling.endpoints),
        "since": now - timedelta(days=DAYS),
        "until": now,
        "apart": timedelta(days=DAYS) * filling.jobs * filling.endpoints / filling.runs,
        "recent": (now - timedelta(days=2)).replace(minute=0, second=0, microsecond=0),
    }
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _STATEMENTS:
            connection.execute(statement, given)


def settle_down(url: str) -> None:
    """Do what autovacuum would have done by then."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


async def _make_room(url: str, now: datetime) -> None:
    async with open_engine(parse_database_url(url)) as engine:
        await SqlHistoryRoom(engine).prepare(
            until=now.astimezone(UTC) + timedelta(days=1), now=now - timedelta(days=DAYS)
        )


_COPIED_JOBS: Final = (
    "INSERT INTO jobs SELECT (jsonb_populate_record(j, jsonb_build_object("
    " 'id', gen_random_uuid(), 'name', 'job ' || n))).*"
    " FROM jobs AS j, generate_series(1, %(jobs)s) AS n"
    " WHERE j.id = (SELECT job_id FROM endpoints WHERE id = %(endpoint)s::uuid)"
)
_COPIED_ENDPOINTS: Final = (
    "INSERT INTO endpoints SELECT (jsonb_populate_record(e, jsonb_build_object("
    " 'id', gen_random_uuid(), 'job_id', j.id, 'name', 'endpoint ' || n))).*"
    " FROM endpoints AS e, jobs AS j, generate_series(1, %(endpoints)s) AS n"
    " WHERE e.id = %(endpoint)s::uuid AND j.tenant = e.tenant AND j.id <> e.job_id"
)
_COPIED_STATES: Final = (
    "INSERT INTO endpoint_state SELECT (jsonb_populate_record(s,"
    " jsonb_build_object('endpoint_id', e.id, 'due_at', NULL))).*"
    " FROM endpoint_state AS s, endpoints AS e"
    " WHERE s.endpoint_id = %(endpoint)s::uuid AND e.tenant = s.tenant AND e.id <> s.endpoint_id"
)
_RUNS: Final = (
    "INSERT INTO runs (id, slot, endpoint_id, tenant, attempt, kind, source, due_at, trail, worker,"
    " claimed_at, status, started_at, finished_at, outcome_class, failure_kind, status_code)"
    " SELECT gen_random_uuid(), slot, id, tenant, 1, 'recurring', 'baseline-interval', slot, '[]',"
    " 'w', slot, CASE WHEN failed THEN 'failed' ELSE 'success' END, slot, slot + took,"
    " CASE WHEN failed THEN 'target' ELSE 'success' END,"
    " CASE WHEN failed THEN 'http_status' END, CASE WHEN failed THEN 500 ELSE 200 END"
    " FROM (SELECT e.id, e.tenant, date_trunc('milliseconds',"
    "  %(until)s::timestamptz - %(apart)s * (n + (hashtext(e.id::text) & 1023) / 1024.0)) AS slot,"
    "  n %% 20 = 0 AS failed, interval '1 ms' * (50 + n * 37 %% 200) AS took"
    " FROM endpoints AS e, generate_series(0, %(each)s - 1) AS n"
    " WHERE e.tenant = (SELECT tenant FROM endpoints WHERE id = %(endpoint)s::uuid)"
    " AND e.id <> %(endpoint)s::uuid) AS made ORDER BY slot"
)
_STEP: Final = "ceil(ln(extract(epoch FROM finished_at - started_at) * 1000) / ln(1.2))::integer"
_ROLL_UPS: Final = (
    "INSERT INTO roll_ups (endpoint_id, begins_at, size, outcome_class, source, duration_step,"
    " tenant, runs, timed_runs, duration, lateness)"
    " SELECT endpoint_id, date_trunc(size, slot), size, outcome_class, source, step, tenant,"
    " count(*), count(*), sum(took), 0"
    f" FROM (SELECT *, {_STEP} AS step,"
    "  (extract(epoch FROM finished_at - started_at) * 1000000)::bigint AS took,"
    "  CASE WHEN slot < %(recent)s THEN 'hour' ELSE 'minute' END AS size FROM runs"
    "  WHERE tenant = (SELECT tenant FROM endpoints WHERE id = %(endpoint)s::uuid)) AS each"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 2"
)
_FOLDED: Final = "size = 'hour' AND r.tenant = e.tenant AND r.endpoint_id = e.id"
_JOB_ROLL_UPS: Final = (
    "INSERT INTO job_roll_ups (job_id, begins_at, size, outcome_class, source, tenant, runs,"
    " timed_runs, duration) SELECT e.job_id, begins_at, size, outcome_class, source, r.tenant,"
    " sum(runs), sum(timed_runs), sum(duration)"
    f" FROM roll_ups AS r JOIN endpoints AS e ON {_FOLDED}"
    " WHERE r.tenant = (SELECT tenant FROM endpoints WHERE id = %(endpoint)s::uuid)"
    " GROUP BY 1, 2, 3, 4, 5, 6"
)
_ENDPOINT_DAYS: Final = (
    "INSERT INTO endpoint_days (endpoint_id, begins_at, outcome_class, source, tenant, runs,"
    " timed_runs, duration) SELECT endpoint_id, date_trunc('day', begins_at, 'UTC'), outcome_class,"
    " source, tenant, sum(runs), sum(timed_runs), sum(duration) FROM roll_ups"
    " WHERE size = 'hour'"
    " AND tenant = (SELECT tenant FROM endpoints WHERE id = %(endpoint)s::uuid)"
    " GROUP BY 1, 2, 3, 4, 5"
)
_STATEMENTS: Final = (
    _COPIED_JOBS,
    _COPIED_ENDPOINTS,
    _COPIED_STATES,
    _RUNS,
    _ROLL_UPS,
    _JOB_ROLL_UPS,
    _ENDPOINT_DAYS,
)
