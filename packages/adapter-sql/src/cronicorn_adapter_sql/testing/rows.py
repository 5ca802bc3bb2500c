"""A good row of each table, for tests of the schema: what differs from it is what is tried."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from cronicorn_adapter_sql.column_types import metadata

NOON: Final = datetime.fromisoformat("2025-01-01T12:00:00+00:00")
LATER: Final = NOON + timedelta(hours=1)
TENANT, OTHER = UUID(int=1), UUID(int=2)
JOB, ENDPOINT, RUN = UUID(int=10), UUID(int=20), UUID(int=30)

GOOD: Final[Mapping[str, Mapping[str, Any]]] = {
    "tenants": {"id": TENANT},
    "jobs": {
        "id": JOB,
        "tenant": TENANT,
        "name": "shop",
        "external_key": "shop-1",
        "state": "active",
        "created_at": NOON,
        "updated_at": NOON,
    },
    "endpoints": {
        "id": ENDPOINT,
        "tenant": TENANT,
        "job_id": JOB,
        "name": "health",
        "external_key": "health-1",
        "url": "http://shop.example/",
        "method": "GET",
        "headers": [],
        "schedule_kind": "interval",
        "every": 1,
        "anchor": NOON,
        "jitter": 0,
        "misfire_policy": "skip",
        "misfire_grace": 0,
        "catch_up_limit": 1,
        "retry_attempts": 1,
        "retry_backoff": 0,
        "retry_backoff_most": 0,
        "delivery": "at_least_once",
        "timeout": 1,
        "response_size": 1,
        "redirects": 0,
        "heeds_hints": False,
        "heeds_gone": False,
        "signing": "off",
        "created_at": NOON,
        "updated_at": NOON,
    },
    "endpoint_state": {
        "endpoint_id": ENDPOINT,
        "tenant": TENANT,
        "failures": 0,
        "run_count": 0,
        "latest_attempt": 0,
        "skipped": False,
        "revision": 0,
        "edition": 0,
    },
    "due": {
        "due_at": NOON,
        "endpoint_id": ENDPOINT,
        "tenant": TENANT,
        "slot": NOON,
        "host": "shop.example",
        "revision": 0,
    },
    "leases": {
        "token": 1,
        "endpoint_id": ENDPOINT,
        "tenant": TENANT,
        "host": "shop.example",
        "run_id": RUN,
        "slot": NOON,
        "worker": "a",
        "until": LATER,
        "urgent": False,
    },
    "runs": {
        "id": RUN,
        "slot": NOON,
        "endpoint_id": ENDPOINT,
        "tenant": TENANT,
        "attempt": 1,
        "kind": "recurring",
        "source": "interval",
        "due_at": NOON,
        "trail": "[]",
        "worker": "a",
        "claimed_at": NOON,
        "status": "running",
    },
    "run_bodies": {
        "run_id": RUN,
        "slot": NOON,
        "tenant": TENANT,
        "headers": "[]",
        "kind": "text",
        "text": "fine",
        "truncated": False,
    },
    "slot_records": {
        "id": UUID(int=40),
        "endpoint_id": ENDPOINT,
        "tenant": TENANT,
        "fate": "skipped",
        "reason": "late",
        "first": NOON,
        "last": NOON,
        "count": 1,
        "recorded_at": NOON,
        "prolonged_at": None,
    },
    "roll_ups": {
        "endpoint_id": ENDPOINT,
        "begins_at": NOON,
        "size": "minute",
        "outcome_class": "success",
        "source": "baseline-interval",
        "duration_step": 0,
        "tenant": TENANT,
        "runs": 1,
        "timed_runs": 1,
        "duration": 1,
        "lateness": 0,
    },
    "job_roll_ups": {
        "job_id": JOB,
        "begins_at": NOON,
        "size": "hour",
        "outcome_class": "success",
        "source": "baseline-interval",
        "tenant": TENANT,
        "runs": 1,
        "timed_runs": 1,
        "duration": 1,
    },
    "endpoint_days": {
        "endpoint_id": ENDPOINT,
        "begins_at": NOON,
        "outcome_class": "success",
        "source": "baseline-interval",
        "tenant": TENANT,
        "runs": 1,
        "timed_runs": 1,
        "duration": 1,
    },
    "hints": {
        "id": UUID(int=50),
        "endpoint_id": ENDPOINT,
        "tenant": TENANT,
        "kind": "interval",
        "every": 1,
        "author": "ai",
        "created_at": NOON,
        "expires_at": LATER,
    },
    "triggers": {
        "id": UUID(int=60),
        "endpoint_id": ENDPOINT,
        "tenant": TENANT,
        "kind": "manual",
        "at": NOON,
        "expires_at": LATER,
    },
    "audit_entries": {
        "id": UUID(int=70),
        "tenant": TENANT,
        "at": NOON,
        "actor": "person:ada",
        "action": "pause",
        "subject_kind": "endpoint",
        "subject": ENDPOINT,
        "subject_name": "health",
        "changes": [],
    },
    "breakers": {
        "tenant": TENANT,
        "host": "shop.example",
        "failures": 1,
        "failed_at": NOON,
        "probe_at": None,
    },
    "api_keys": {
        "id": UUID(int=80),
        "tenant": TENANT,
        "name": "deploy",
        "prefix": "cron_abc",
        "sha256": "0" * 64,
        "scopes": "read write",
        "created_at": NOON,
    },
    "people": {
        "id": UUID(int=90),
        "tenant": TENANT,
        "email": "ada@example.org",
        "name": "Ada",
        "password": "hashed",
        "scopes": "read write",
        "owner": True,
        "created_at": NOON,
    },
    "sign_ins": {
        "id": UUID(int=100),
        "tenant": TENANT,
        "person": UUID(int=90),
        "kind": "browser",
        "label": "a browser",
        "prefix": "cs_abcde",
        "sha256": "0" * 64,
        "scopes": "read write",
        "created_at": NOON,
        "expires_at": LATER,
    },
    "device_grants": {
        "id": UUID(int=110),
        "prefix": "dc_abcde",
        "sha256": "0" * 64,
        "user_code": "1" * 64,
        "client": "a command line",
        "scopes": "read write",
        "created_at": NOON,
        "expires_at": LATER,
        "standing": "pending",
        "interval": 5_000_000,
    },
    "setup_links": {"sha256": "0" * 64, "prefix": "su_abcde", "expires_at": LATER},
    "usage_totals": {"tenant": TENANT, "meter": "tokens", "month": NOON, "used": 1},
    "usage_entries": {
        "id": UUID(int=90),
        "tenant": TENANT,
        "meter": "tokens",
        "month": NOON,
        "amount": 1,
        "at": NOON,
    },
    "quota_holds": {
        "id": UUID(int=100),
        "tenant": TENANT,
        "meter": "runs",
        "month": NOON,
        "amount": 1,
        "expires_at": LATER,
    },
    "quota_paces": {"tenant": TENANT, "meter": "tokens", "begun": NOON},
    "alerts": {
        "id": UUID(int=200),
        "tenant": TENANT,
        "name": "pager",
        "way": "webhook",
        "target": "http://pager.example/",
        "occasions": "failing recovered",
        "threshold": 3,
        "enabled": True,
        "created_at": NOON,
        "updated_at": NOON,
    },
    "alert_streaks": {"endpoint_id": ENDPOINT, "alert_id": UUID(int=200), "at": NOON},
    "notices": {
        "id": UUID(int=210),
        "alert_id": UUID(int=200),
        "tenant": TENANT,
        "occasion": "failing",
        "at": NOON,
        "endpoint_id": ENDPOINT,
        "failures": 3,
        "tries": 0,
        "next_at": NOON,
    },
    "signing_keys": {
        "tenant": TENANT,
        "prefix": "whsec_abcd",
        "current": "sealed",
        "created_at": NOON,
        "previous": "sealed before",
        "previous_until": LATER,
    },
    "kept_answers": {
        "tenant": TENANT,
        "key": "0" * 64,
        "fingerprint": "0" * 64,
        "attempt": UUID(int=90),
        "until": LATER,
        "secret": False,
    },
    "rate_limits": {"subject": "ada", "full_at": NOON},
    "workers": {
        "name": "a",
        "started_at": NOON,
        "seen_at": NOON,
        "concurrency": 1,
        "version": "1",
        "zone_data": "2026a",
        "clock_skew": 0,
    },
}
"""A row of each table, in an order in which they can be written."""


async def write(engine: AsyncEngine, *rows: tuple[str, Mapping[str, Any]]) -> None:
    """Write rows."""
    async with engine.begin() as connection:
        for name, values in rows:
            given = {key: value for key, value in values.items() if value is not None}
            await connection.execute(insert(metadata.tables[name]).values(given))


def good(name: str) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Return a good row, behind those that it needs."""
    return tuple((each, GOOD[each]) for each in dict.fromkeys((*_prerequisites(name), name)))


def _prerequisites(name: str) -> Iterator[str]:
    """Name the tables that must have a row before this one can."""
    for key in metadata.tables[name].foreign_key_constraints:
        yield from _prerequisites(key.referred_table.name)
        yield key.referred_table.name
