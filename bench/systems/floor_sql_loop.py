"""The loop of `FloorSql`: the tables by temperature and the two statements, as lean as they get."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn
from uuid import UUID

import psycopg
from cronicorn_domain.identity import new_uuid

from bench.peers.ready import say_ready

_LIMIT: Final = 200
_FAR: Final = timedelta(days=300)
_BODY: Final = '{"status":"ok","items":[1,2,3]}'
_TABLES: Final = """
CREATE TABLE endpoints (id uuid PRIMARY KEY, url text NOT NULL, every interval NOT NULL);
CREATE TABLE endpoint_state (
    endpoint_id uuid PRIMARY KEY, failures int NOT NULL, last_slot timestamptz, runs bigint NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE due (due_at timestamptz, endpoint_id uuid, PRIMARY KEY (due_at, endpoint_id));
CREATE TABLE leases (
    token bigserial PRIMARY KEY, endpoint_id uuid NOT NULL UNIQUE, slot timestamptz NOT NULL,
    until timestamptz NOT NULL
);
CREATE TABLE runs (
    slot timestamptz, token bigint, endpoint_id uuid NOT NULL, ended_at timestamptz NOT NULL,
    body jsonb NOT NULL, PRIMARY KEY (slot, token), UNIQUE (endpoint_id, slot)
);
"""
_CLAIM: Final = b"""
WITH picked AS (
    SELECT due_at, endpoint_id FROM due
    WHERE due_at >= %(floor)b AND due_at <= %(now)b
    ORDER BY due_at, endpoint_id LIMIT %(limit)b
    FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM due USING picked
    WHERE due.due_at = picked.due_at AND due.endpoint_id = picked.endpoint_id
    RETURNING due.due_at, due.endpoint_id
), leased AS (
    INSERT INTO leases (endpoint_id, slot, until)
    SELECT endpoint_id, due_at, %(now)b + interval '10 s' FROM taken
    RETURNING token, endpoint_id, slot
)
SELECT leased.token, leased.endpoint_id, leased.slot, url, every, failures, last_slot
FROM leased
JOIN endpoints ON endpoints.id = leased.endpoint_id
JOIN endpoint_state ON endpoint_state.endpoint_id = leased.endpoint_id
"""
_SETTLE: Final = b"""
WITH results AS (
    SELECT * FROM unnest(
        %(tokens)b::bigint[], %(ended)b::timestamptz[], %(next)b::timestamptz[], %(bodies)b::text[]
    ) AS result (token, ended_at, next_slot, body)
), ended AS (
    DELETE FROM leases USING results WHERE leases.token = results.token
    RETURNING leases.token, endpoint_id, slot, ended_at, next_slot, body
), kept AS (
    INSERT INTO runs (slot, token, endpoint_id, ended_at, body)
    SELECT slot, token, endpoint_id, ended_at, body::jsonb FROM ended
), states AS (
    UPDATE endpoint_state SET failures = 0, last_slot = ended.slot, runs = runs + 1
    FROM ended WHERE endpoint_state.endpoint_id = ended.endpoint_id
)
INSERT INTO due (due_at, endpoint_id) SELECT next_slot, endpoint_id FROM ended
"""
_PINNED: Final = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off"


def store(connection: psycopg.Connection, endpoints: int, parked: int) -> None:
    """Make the tables; a third each of the parked are due far ahead, and in no due row at all."""
    connection.execute(_TABLES)
    now = datetime.fromtimestamp(time.time(), UTC)
    ids = [new_uuid() for _ in range(endpoints + parked)]
    far = ids[endpoints::3]
    with connection.cursor() as cursor:
        with cursor.copy("COPY endpoints FROM STDIN") as rows:
            for each in ids:
                rows.write_row((each, "http://127.0.0.1/", timedelta(seconds=1)))
        with cursor.copy("COPY endpoint_state FROM STDIN") as rows:
            for each in ids:
                rows.write_row((each, 0, None, 0))
        with cursor.copy("COPY due FROM STDIN") as rows:
            for each in ids[:endpoints]:
                rows.write_row((now, each))
            for each in far:
                rows.write_row((now + _FAR, each))
    connection.execute("VACUUM (ANALYZE)")
    connection.execute("CHECKPOINT")  # as for our own: what was stored is stored long ago


def work_flat_out(connection: psycopg.Connection) -> NoReturn:
    """Claim and settle for ever; what was settled is due again at once."""
    floor = datetime.fromtimestamp(0, UTC)
    with connection.cursor(binary=True) as cursor:
        while True:
            now = datetime.fromtimestamp(time.time(), UTC)
            cursor.execute(_CLAIM, {"floor": floor, "now": now, "limit": _LIMIT}, prepare=True)
            claimed: Sequence[tuple[int, UUID, datetime]] = cursor.fetchall()
            if not claimed:
                continue
            floor = min(slot for _, _, slot, *_ in claimed)
            _settle(cursor, [token for token, *_ in claimed])


def _settle(cursor: psycopg.Cursor, tokens: list[int]) -> None:
    now = datetime.fromtimestamp(time.time(), UTC)
    values = {
        "tokens": tokens,
        "ended": [now] * len(tokens),
        "next": [now] * len(tokens),
        "bodies": [_BODY] * len(tokens),
    }
    cursor.execute(_SETTLE, values, prepare=True)


def main(database: str, endpoints: int, parked: int) -> NoReturn:
    """Store the work and do it until killed."""
    with psycopg.connect(database, autocommit=True, options=_PINNED) as connection:
        began = time.perf_counter()
        store(connection, endpoints, parked)
        say_ready(time.perf_counter() - began)
        work_flat_out(connection)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
