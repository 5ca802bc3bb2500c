# ruff: noqa: S608  names of our own tables and columns only
"""
The statements that write months of work, in the words of PostgreSQL alone.

Those of a window are given ``since`` and ``until``, whose runs they write, ``folded``, before which
statistics are by hours, and ``closed``, before which they are in sums of jobs and days.
"""

from typing import Final

from cronicorn_adapter_sql.roll_ups import LATENESS_STEP

# Not `(jsonb_populate_record(…)).*`, which would be called again for each column.
_COPIED_JOBS: Final = (
    "INSERT INTO jobs SELECT copy.* FROM jobs AS j, generate_series(1, %(jobs)s) AS n,"
    " LATERAL jsonb_populate_record(j, jsonb_build_object("
    " 'id', gen_random_uuid(), 'name', 'job ' || n)) AS copy"
    " WHERE j.id = (SELECT job_id FROM endpoints WHERE id = %(endpoint)s::uuid)"
)
_COPIED_ENDPOINTS: Final = (
    "INSERT INTO endpoints SELECT copy.* FROM endpoints AS e, jobs AS j,"
    " generate_series(1, %(endpoints)s) AS n,"
    " LATERAL jsonb_populate_record(e, jsonb_build_object("
    " 'id', gen_random_uuid(), 'job_id', j.id, 'name', 'endpoint ' || n)) AS copy"
    " WHERE e.id = %(endpoint)s::uuid AND j.tenant = e.tenant AND j.id <> e.job_id"
)
_COPIED_STATES: Final = (
    "INSERT INTO endpoint_state SELECT copy.* FROM endpoint_state AS s, endpoints AS e,"
    " LATERAL jsonb_populate_record(s,"
    " jsonb_build_object('endpoint_id', e.id, 'due_at', NULL)) AS copy"
    " WHERE s.endpoint_id = %(endpoint)s::uuid AND e.tenant = s.tenant AND e.id <> s.endpoint_id"
)
COPIES: Final = (_COPIED_JOBS, _COPIED_ENDPOINTS, _COPIED_STATES)

_OF_TENANT: Final = "(SELECT tenant FROM endpoints WHERE id = %(endpoint)s::uuid)"
_IN_WINDOW: Final = (
    f"r.tenant = {_OF_TENANT} AND r.slot >= %(since)s::timestamptz AND r.slot < %(until)s"
)
# A version 7 UUID, which begins with the slot: so rows come in the order of the index, as in life.
_ID: Final = (
    "(lpad(to_hex(slot_us / 1000), 12, '0') || '7' || substr(noise, 1, 3) || '8'"
    " || substr(noise, 4, 15))::uuid"
)
# Each endpoint has a grid of its own, moved against the others' by what its id makes of it.
_SLOTS: Final = (
    "SELECT e.id, e.tenant, slot_us, number,"
    " date_trunc('milliseconds', to_timestamp(0) + interval '1 microsecond' * slot_us) AS slot,"
    " md5(e.id::text || number) AS noise, number %% 20 = 0 AS failed,"
    " interval '1 ms' * (50 + number * 37 %% 200) AS took, interval '1 ms' * (number %% 23) AS late"
    " FROM endpoints AS e"
    " CROSS JOIN LATERAL (SELECT (hashtext(e.id::text) & 65535) * %(apart)s / 65536 AS moved) AS m"
    " CROSS JOIN LATERAL generate_series("
    "  ceil((%(since_us)s - moved)::numeric / %(apart)s)::bigint,"
    "  ceil((%(until_us)s - moved)::numeric / %(apart)s)::bigint - 1) AS number"
    " CROSS JOIN LATERAL (SELECT number * %(apart)s + moved AS slot_us) AS s"
    f" WHERE e.tenant = {_OF_TENANT} AND e.id <> %(endpoint)s::uuid"
)
RUNS: Final = (
    "INSERT INTO runs (id, slot, endpoint_id, tenant, attempt, kind, source, due_at, trail, worker,"
    " claimed_at, status, started_at, finished_at, outcome_class, failure_kind, status_code,"
    " connected, first_byte, complete)"
    f" SELECT {_ID}, slot, id, tenant, 1, 'recurring', 'baseline-interval', slot,"
    "  (SELECT (plan::jsonb -> 'trail')::text FROM endpoint_state"
    "   WHERE endpoint_id = %(endpoint)s::uuid),"
    "  'bench', slot + late, CASE WHEN failed THEN 'failed' ELSE 'success' END, slot + late,"
    "  slot + late + took, CASE WHEN failed THEN 'target' ELSE 'success' END,"
    "  CASE WHEN failed THEN 'http_status' END, CASE WHEN failed THEN 500 ELSE 200 END,"
    "  1000, 40000, 45000"
    f" FROM ({_SLOTS}) AS made ORDER BY slot"
)
BODIES: Final = (
    "INSERT INTO run_bodies (run_id, slot, tenant, headers, kind, text, truncated)"
    " SELECT id, slot, tenant, '[[\"content-type\",\"application/json\"]]', 'json',"
    "  '{\"queue\":{\"depth\":' || extract(minute FROM slot)::integer || '}}', false"
    f" FROM runs AS r WHERE {_IN_WINDOW}"
)
SLOTS_NOT_RUN: Final = (
    "INSERT INTO slot_records (id, endpoint_id, tenant, fate, reason, first, last, count,"
    " recorded_at)"
    " SELECT gen_random_uuid(), endpoint_id, tenant, 'coalesced', 'a run lasted over it',"
    "  slot + interval '1 second', slot + interval '1 second', 1, slot + interval '2 seconds'"
    f" FROM runs AS r WHERE {_IN_WINDOW} AND hashtext(id::text) %% 200 = 0"
)
_STEP: Final = "ceil(ln(extract(epoch FROM finished_at - started_at) * 1000) / ln(1.2))::integer"
ROLL_UPS: Final = (
    "INSERT INTO roll_ups (endpoint_id, begins_at, size, outcome_class, source, duration_step,"
    " tenant, runs, timed_runs, duration, lateness)"
    " SELECT endpoint_id, date_trunc(size, slot, 'UTC'), size, outcome_class, source, step, tenant,"
    " count(*), count(*), sum(took), sum(late)"
    f" FROM (SELECT *, {_STEP} AS step,"
    "  (extract(epoch FROM finished_at - started_at) * 1000000)::bigint AS took,"
    "  (extract(epoch FROM started_at - due_at) * 1000000)::bigint AS late,"
    "  CASE WHEN slot < %(folded)s::timestamptz THEN 'hour' ELSE 'minute' END AS size"
    f"  FROM runs AS r WHERE {_IN_WINDOW}) AS each"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 2"
)
_ADDED: Final = "count(*), count(*), sum(extract(epoch FROM finished_at - started_at) * 1000000)"
JOB_ROLL_UPS: Final = (
    "INSERT INTO job_roll_ups (job_id, begins_at, size, outcome_class, source, tenant, runs,"
    " timed_runs, duration)"
    " SELECT e.job_id, date_trunc('hour', slot, 'UTC'), 'hour', outcome_class, source, r.tenant,"
    f" {_ADDED} FROM runs AS r JOIN endpoints AS e ON e.id = r.endpoint_id"
    f" WHERE {_IN_WINDOW} AND r.slot < %(closed)s::timestamptz"
    " GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 2"
)
ENDPOINT_DAYS: Final = (
    "INSERT INTO endpoint_days (endpoint_id, begins_at, outcome_class, source, tenant, runs,"
    " timed_runs, duration)"
    " SELECT endpoint_id, date_trunc('day', slot, 'UTC'), outcome_class, source, tenant,"
    f" {_ADDED} FROM runs AS r WHERE {_IN_WINDOW} AND r.slot < %(closed)s::timestamptz"
    " GROUP BY 1, 2, 3, 4, 5 ORDER BY 2"
)
JOB_DAYS: Final = (
    "INSERT INTO job_days (job_id, begins_at, outcome_class, source, tenant, runs, timed_runs,"
    " duration)"
    " SELECT e.job_id, date_trunc('day', slot, 'UTC'), outcome_class, source, r.tenant,"
    f" {_ADDED} FROM runs AS r JOIN endpoints AS e ON e.id = r.endpoint_id"
    f" WHERE {_IN_WINDOW} AND r.slot < %(closed)s::timestamptz"
    " GROUP BY 1, 2, 3, 4, 5 ORDER BY 2"
)
TENANT_SPREADS: Final = (
    "INSERT INTO tenant_spreads (tenant, begins_at, size, source, duration_step, lateness_step,"
    " runs)"
    f" SELECT tenant, begins_at, 'hour', source, step, {LATENESS_STEP}, count(*)"
    " FROM (SELECT tenant, source, date_trunc('hour', slot, 'UTC') AS begins_at,"
    f"  {_STEP} AS step, 1 AS timed_runs,"
    "  (extract(epoch FROM started_at - due_at) * 1000000)::bigint AS lateness"
    f"  FROM runs AS r WHERE {_IN_WINDOW} AND r.slot < %(closed)s::timestamptz) AS each"
    " GROUP BY 1, 2, 3, 4, 5, 6"
)
OF_A_WINDOW: Final = (
    RUNS,
    BODIES,
    SLOTS_NOT_RUN,
    ROLL_UPS,
    JOB_ROLL_UPS,
    ENDPOINT_DAYS,
    JOB_DAYS,
    TENANT_SPREADS,
)
CLOSED: Final = "INSERT INTO closings (id, until) VALUES (1, %(closed)s)"
FIRST_MIDNIGHT: Final = "INSERT INTO midnights (at) SELECT min(begins_at) FROM endpoint_days"
NEWEST: Final = f"SELECT max(slot) FROM runs WHERE tenant = {_OF_TENANT}"
FILLED: Final = (
    "SELECT e.tenant, e.job_id, e.id,"
    " (SELECT count(*) - 1 FROM jobs WHERE tenant = e.tenant),"
    " (SELECT count(*) - 1 FROM endpoints WHERE tenant = e.tenant) AS endpoints,"
    " (SELECT sum(run_count) FROM endpoint_state WHERE tenant = e.tenant)"
    " FROM endpoints AS e WHERE e.name = 'first' ORDER BY endpoints DESC"
)
STATES: Final = (
    "UPDATE endpoint_state AS s SET last_slot = r.slot, last_start = r.started_at,"
    " last_end = r.finished_at, latest_slot = r.slot, latest_attempt = 1,"
    " run_count = run_count + %(each)s"
    " FROM (SELECT DISTINCT ON (endpoint_id) endpoint_id, slot, started_at, finished_at"
    f"  FROM runs AS r WHERE {_IN_WINDOW} ORDER BY endpoint_id, slot DESC) AS r"
    " WHERE r.endpoint_id = s.endpoint_id"
)
