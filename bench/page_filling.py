# ruff: noqa: S608  names of our own tables and columns only
"""Makes the endpoints of a filled tenant stand as they would: due, failing, paused, put off."""

from datetime import datetime, timedelta
from typing import Final

import psycopg

AHEAD: Final = timedelta(hours=2)
"""So far ahead the next slots of all endpoints are spread."""
RUNS_EVERY: Final = 0.5
"""So many seconds lie between the runs that end while tabs look; every tenth fails."""


def spread(url: str, tenant: str, *, now: datetime) -> None:
    """Have each endpoint of a tenant be due, and some of them stand otherwise."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _STATEMENTS:
            connection.execute(statement, {"tenant": tenant, "now": now, "ahead": AHEAD})


def one_of_each(url: str, tenant: str) -> dict[str, str]:
    """Return the ids of a job, an endpoint, a run and a run that failed."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(_ONE_OF_EACH, {"tenant": tenant}).fetchone()
    assert row is not None
    return dict(zip(("job", "endpoint", "run", "failed"), map(str, row), strict=True))


def end_a_run(connection: psycopg.Connection, tenant: str, endpoint: str, *, failed: bool) -> None:
    """Write a run that has just ended, as a worker would have."""
    connection.execute(_ENDED, {"tenant": tenant, "endpoint": endpoint, "failed": failed})


_SET_APART: Final = "(hashtext(endpoint_id::text) & 65535)"
_STANDING: Final = (
    "UPDATE endpoint_state SET due_at = date_trunc('milliseconds', %(now)s::timestamptz"
    f" + %(ahead)s * ({_SET_APART} / 65536.0) + interval '1 minute'),"
    f" failures = CASE WHEN {_SET_APART} %% 100 = 0 THEN 1 + {_SET_APART} %% 7 ELSE 0 END,"
    f" not_before = CASE WHEN {_SET_APART} %% 500 = 1 THEN %(now)s::timestamptz + %(ahead)s END,"
    f" not_before_reason = CASE WHEN {_SET_APART} %% 500 = 1 THEN 'response' END"
    " WHERE tenant = %(tenant)s"
)
_DUE: Final = (
    "INSERT INTO due (due_at, endpoint_id, tenant, slot, host, revision)"
    " SELECT s.due_at, s.endpoint_id, s.tenant, s.due_at, '93.184.216.34', 0"
    " FROM endpoint_state AS s WHERE s.tenant = %(tenant)s"
)
_PAUSED: Final = (
    "UPDATE endpoints SET paused_until = %(now)s::timestamptz + interval '1 day'"
    " WHERE tenant = %(tenant)s AND (hashtext(id::text) & 65535) %% 200 = 3"
)
_STATEMENTS: Final = (
    "DELETE FROM due WHERE tenant = %(tenant)s",
    _STANDING,
    _DUE,
    _PAUSED,
    "VACUUM ANALYZE endpoint_state",
    "VACUUM ANALYZE endpoints",
    "VACUUM ANALYZE due",
)
_ONE_OF_EACH: Final = (
    "SELECT e.job_id, e.id,"
    " (SELECT id FROM runs WHERE endpoint_id = e.id ORDER BY slot DESC LIMIT 1),"
    " (SELECT id FROM runs WHERE endpoint_id = e.id AND status = 'failed'"
    "  ORDER BY slot DESC LIMIT 1)"
    " FROM endpoints AS e WHERE e.tenant = %(tenant)s AND e.name = 'endpoint 7' LIMIT 1"
)
_ENDED: Final = (
    "INSERT INTO runs (id, slot, endpoint_id, tenant, attempt, kind, source, due_at, trail, worker,"
    " claimed_at, status, started_at, finished_at, outcome_class, failure_kind, status_code)"
    " SELECT gen_random_uuid(), date_trunc('milliseconds', clock_timestamp()), %(endpoint)s,"
    " %(tenant)s, 1, 'recurring', 'baseline-interval', clock_timestamp(), '[]', 'bench',"
    " clock_timestamp(), CASE WHEN %(failed)s THEN 'failed' ELSE 'success' END, clock_timestamp(),"
    " clock_timestamp(), CASE WHEN %(failed)s THEN 'target' ELSE 'success' END,"
    " CASE WHEN %(failed)s THEN 'http_status' END, CASE WHEN %(failed)s THEN 500 ELSE 200 END"
)
