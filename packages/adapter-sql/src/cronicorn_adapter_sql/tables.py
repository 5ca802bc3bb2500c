"""
The tables, by temperature.

Configuration (`jobs`, `endpoints`) is written at human pace and never by a run. `due` and `leases`
are narrow and see one insert and one delete per run; `endpoint_state` one update, of no indexed
column. History is appended; statistics are added up when a run settles, so that nothing scans runs.

Lengths are whole microseconds. On PostgreSQL runs and their bodies are partitioned by the slot.
"""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from cronicorn_adapter_sql.column_types import JSON_DOCUMENT, PLAIN_TEXT, Row, UtcDateTime, metadata

_Tokens = BigInteger().with_variant(Integer(), "sqlite")  # which counts up no other


class TenantRow(Row, table=True):
    """A tenant; its row is the lock under which its endpoints are counted against a limit."""

    __tablename__ = "tenants"

    id: UUID = Field(primary_key=True)


class JobRow(Row, table=True):
    """A named group of endpoints."""

    __tablename__ = "jobs"
    __table_args__: ClassVar = (
        CheckConstraint("state IN ('active', 'paused', 'archived')", name="state_known"),
        CheckConstraint(
            "(state = 'archived') = (archived_at IS NOT NULL)", name="archived_has_its_instant"
        ),
        CheckConstraint("name <> ''", name="name_filled"),
        Index(
            "uq_jobs_tenant_name",
            "tenant",
            "name",
            unique=True,
            postgresql_where=text("archived_at IS NULL"),
            sqlite_where=text("archived_at IS NULL"),
        ),
        Index(
            "uq_jobs_tenant_external_key",
            "tenant",
            "external_key",
            unique=True,
            postgresql_where=text("archived_at IS NULL AND external_key IS NOT NULL"),
            sqlite_where=text("archived_at IS NULL AND external_key IS NOT NULL"),
        ),
        Index("ix_jobs_tenant_id", "tenant", "id"),
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    name: str
    description: str | None = None
    state: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    archived_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    external_key: str | None = None


class EndpointRow(Row, table=True):
    """What an endpoint is; ``schedule_kind`` says which schedule columns are filled."""

    __tablename__ = "endpoints"
    __table_args__: ClassVar = (
        CheckConstraint(
            "(schedule_kind = 'cron' AND cron IS NOT NULL AND timezone IS NOT NULL"
            " AND every IS NULL AND run_at IS NULL)"
            " OR (schedule_kind = 'interval' AND every IS NOT NULL AND every > 0"
            " AND cron IS NULL AND run_at IS NULL)"
            " OR (schedule_kind = 'once' AND run_at IS NOT NULL AND cron IS NULL"
            " AND every IS NULL)",
            name="one_schedule",
        ),
        CheckConstraint("shortest <= longest", name="shortest_at_most_longest"),
        CheckConstraint("starts_at <= ends_at", name="starts_before_it_ends"),
        CheckConstraint("max_runs >= 1", name="max_runs_allows_one"),
        CheckConstraint(
            "jitter >= 0 AND misfire_grace >= 0 AND retry_backoff >= 0 AND redirects >= 0",
            name="nothing_below_zero",
        ),
        CheckConstraint("retry_backoff <= retry_backoff_most", name="backoff_at_most_its_most"),
        CheckConstraint("retry_attempts >= 1 AND catch_up_limit >= 1", name="counts_from_one"),
        CheckConstraint(
            "timeout > 0 AND execution > 0 AND response_size > 0", name="limits_above_zero"
        ),
        CheckConstraint(
            "misfire_policy IN ('run_once', 'skip', 'catch_up')", name="misfire_policy_known"
        ),
        CheckConstraint("delivery IN ('at_least_once', 'at_most_once')", name="delivery_known"),
        CheckConstraint(
            "signing IN ('when_keyed', 'off', 'standard', 'older', 'both')", name="signing_known"
        ),
        CheckConstraint("ai_mode IN ('off', 'suggest', 'auto')", name="ai_mode_known"),
        CheckConstraint("name <> ''", name="name_filled"),
        Index(
            "uq_endpoints_job_id_name",
            "job_id",
            "name",
            unique=True,
            postgresql_where=text("archived_at IS NULL"),
            sqlite_where=text("archived_at IS NULL"),
        ),
        Index(
            "uq_endpoints_job_id_external_key",
            "job_id",
            "external_key",
            unique=True,
            postgresql_where=text("archived_at IS NULL AND external_key IS NOT NULL"),
            sqlite_where=text("archived_at IS NULL AND external_key IS NOT NULL"),
        ),
        Index("ix_endpoints_tenant_id", "tenant", "id"),
        # Lists are in the order of names, and show how many there are.
        Index(
            "ix_endpoints_tenant_name",
            "tenant",
            text("lower(name)"),
            "id",
            postgresql_where=text("archived_at IS NULL"),
            sqlite_where=text("archived_at IS NULL"),
        ),
        Index(
            "ix_endpoints_tenant_job_id",
            "tenant",
            "job_id",
            postgresql_where=text("archived_at IS NULL"),
            sqlite_where=text("archived_at IS NULL"),
        ),
        Index(
            "ix_endpoints_tenant_paused_until",
            "tenant",
            "paused_until",
            postgresql_where=text("paused_until IS NOT NULL"),
            sqlite_where=text("paused_until IS NOT NULL"),
        ),
        Index("ix_endpoints_job_id_id", "job_id", "id"),
        Index(
            "ix_endpoints_planned",
            "id",
            postgresql_where=text("ai_mode <> 'off' AND archived_at IS NULL"),
            sqlite_where=text("ai_mode <> 'off' AND archived_at IS NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    job_id: UUID = Field(foreign_key="jobs.id")
    name: str = Field(sa_type=PLAIN_TEXT)
    description: str | None = None
    url: str
    method: str
    headers: list[dict[str, object]] = Field(sa_column=Column(JSON_DOCUMENT, nullable=False))
    body: str | None = None
    schedule_kind: str
    cron: str | None = None
    timezone: str | None = None
    gap: str | None = None
    repeat: str | None = None
    every: int | None = Field(default=None, sa_type=BigInteger)
    run_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    anchor: datetime = Field(sa_type=UtcDateTime)
    shortest: int | None = Field(default=None, sa_type=BigInteger)
    longest: int | None = Field(default=None, sa_type=BigInteger)
    starts_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    max_runs: int | None = Field(default=None, sa_type=BigInteger)
    jitter: int = Field(sa_type=BigInteger)
    misfire_policy: str
    misfire_grace: int = Field(sa_type=BigInteger)
    catch_up_limit: int
    retry_attempts: int
    retry_backoff: int = Field(sa_type=BigInteger)
    retry_backoff_most: int = Field(sa_type=BigInteger)
    delivery: str
    timeout: int = Field(sa_type=BigInteger)
    execution: int | None = Field(default=None, sa_type=BigInteger)
    response_size: int
    redirects: int
    heeds_hints: bool
    heeds_gone: bool
    signing: str
    rules: str | None = None
    ai_mode: str
    ai_model: str | None = None
    success_when: str | None = None
    paused_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    pause_reason: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    archived_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    external_key: str | None = None


class EndpointStateRow(Row, table=True):
    """
    What runs leave behind, and the plan.

    Its row is the lock under which an endpoint is planned. ``due_at`` points to the endpoint's row
    in `due`, if it has one, and means nothing while a lease lives. ``revision`` grows with every
    write of anything that the governor weighs: what is known of an endpoint holds as long as that.
    ``edition`` stays where a run has only ended: all but the state itself is as it was.

    An endpoint has one state: it is written in the transaction that keeps the endpoint, whose key
    is unique, and goes with it. No constraint of its own says so, as each run would look through
    all versions of the state since the oldest transaction began.
    """

    __tablename__ = "endpoint_state"
    __mapper_args__: ClassVar = {"primary_key": ["endpoint_id"]}
    __table_args__: ClassVar = (
        CheckConstraint(
            "failures >= 0 AND run_count >= 0 AND latest_attempt >= 0", name="no_count_below_zero"
        ),
        Index("ix_endpoint_state_endpoint_id", "endpoint_id"),
        Index(
            "ix_endpoint_state_quarantined",
            "endpoint_id",
            postgresql_where=text("quarantine IS NOT NULL"),
            sqlite_where=text("quarantine IS NOT NULL"),
        ),
        # What fails or is put off is looked for at every moment. A run that succeeds changes none
        # of these columns.
        Index(
            "ix_endpoint_state_failing",
            "tenant",
            "failures",
            postgresql_where=text("failures > 0"),
            sqlite_where=text("failures > 0"),
        ),
        Index(
            "ix_endpoint_state_put_off",
            "tenant",
            "not_before",
            postgresql_where=text("not_before IS NOT NULL"),
            sqlite_where=text("not_before IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": 70}},
    )

    endpoint_id: UUID = Field(
        sa_column=Column(ForeignKey("endpoints.id", ondelete="CASCADE"), nullable=False)
    )
    tenant: UUID
    failures: int
    last_slot: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_start: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_end: datetime | None = Field(default=None, sa_type=UtcDateTime)
    run_count: int = Field(sa_type=BigInteger)
    not_before: datetime | None = Field(default=None, sa_type=UtcDateTime)
    not_before_reason: str | None = None
    plan: str | None = None
    urgent: str | None = None
    noted: str | None = None
    latest_slot: datetime | None = Field(default=None, sa_type=UtcDateTime)
    latest_attempt: int
    rhythm_from: datetime | None = Field(default=None, sa_type=UtcDateTime)
    skipped: bool
    resting: str | None = None
    quarantine: str | None = None
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revision: int = Field(sa_type=BigInteger)
    edition: int = Field(sa_type=BigInteger)


class DueRow(Row, table=True):
    """
    What is claimable, and from when; one row an endpoint, kept under its state's lock and its own.

    ``slot`` is that of the plan which fires next, ``host`` where its request goes, ``revision``
    that of the endpoint's state: a claim locks this row alone, and looks at no other. ``state_at``
    is where PostgreSQL has put that version of the state (its ctid), for the settle to find it.
    ``lane`` is set while it waits for room; it then has an instant behind all others (see
    ``lanes``).
    """

    __tablename__ = "due"
    __table_args__: ClassVar = (
        Index("ix_due_tenant_due_at", "tenant", "due_at"),
        Index(
            "ix_due_lane_slot",
            "lane",
            "slot",
            postgresql_where=text("lane IS NOT NULL"),
            sqlite_where=text("lane IS NOT NULL"),
        ),
    )

    due_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    endpoint_id: UUID = Field(primary_key=True)
    tenant: UUID
    slot: datetime = Field(sa_type=UtcDateTime)
    host: str
    revision: int = Field(sa_type=BigInteger)
    state_at: str | None = None
    lane: str | None = None


class LeaseRow(Row, table=True):
    """
    A live lease. The token is the fence and never used again, also not after a restore.

    For that claims make it, and do not leave it to the column's own count (see ``lease_writes``).
    An endpoint has one at most: it takes the place of the row in `due`, by the statement that takes
    that away. No constraint says so, as it would look through all leases that the endpoint has had
    since the oldest transaction began. ``slot`` is that of its run. ``tenant`` and ``host`` are
    what caps count.
    """

    __tablename__ = "leases"
    __table_args__: ClassVar = (
        Index("ix_leases_endpoint_id", "endpoint_id"),
        Index("ix_leases_until", "until"),
        {"sqlite_autoincrement": True},
    )

    token: int | None = Field(
        default=None, sa_column=Column(_Tokens, primary_key=True, autoincrement=True)
    )
    endpoint_id: UUID
    tenant: UUID
    host: str
    run_id: UUID
    slot: datetime = Field(sa_type=UtcDateTime)
    worker: str
    until: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    urgent: bool


class RunRow(Row, table=True):
    """One execution. (endpoint, slot, attempt) is unique."""

    __tablename__ = "runs"
    __table_args__: ClassVar = (
        UniqueConstraint("endpoint_id", "slot", "attempt"),
        Index("ix_runs_tenant_slot", "tenant", "slot"),
        Index("ix_runs_slot", "slot", postgresql_using="brin"),  # for pruning
        CheckConstraint(
            "status IN ('running', 'success', 'failed', 'canceled')", name="status_known"
        ),
        CheckConstraint(
            "(status = 'running') = (finished_at IS NULL)", name="finished_has_its_instant"
        ),
        CheckConstraint(
            "(status = 'running') = (outcome_class IS NULL)", name="finished_is_judged"
        ),
        CheckConstraint(
            "(status = 'failed') = (failure_kind IS NOT NULL)", name="failed_has_its_kind"
        ),
        CheckConstraint(
            "(status = 'success') = (outcome_class = 'success')", name="judged_as_it_ended"
        ),
        CheckConstraint(
            "outcome_class IN ('success', 'target', 'ours', 'not_attempted')",
            name="outcome_class_known",
        ),
        CheckConstraint(
            "kind IN ('recurring', 'oneshot', 'trigger', 'manual', 'test')", name="kind_known"
        ),
        CheckConstraint("attempt >= 1", name="attempts_from_one"),
        {"postgresql_partition_by": "RANGE (slot)"},
    )

    id: UUID = Field(primary_key=True)
    slot: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    endpoint_id: UUID
    tenant: UUID
    attempt: int
    kind: str
    source: str
    due_at: datetime = Field(sa_type=UtcDateTime)
    trail: str
    worker: str
    claimed_at: datetime = Field(sa_type=UtcDateTime)
    status: str
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome_class: str | None = None
    failure_kind: str | None = None
    message: str | None = None
    status_code: int | None = None
    connected: int | None = Field(default=None, sa_type=BigInteger)
    first_byte: int | None = Field(default=None, sa_type=BigInteger)
    complete: int | None = Field(default=None, sa_type=BigInteger)


class RunBodyRow(Row, table=True):
    """What a target answered, apart from the run, so that lists stay narrow."""

    __tablename__ = "run_bodies"
    __table_args__: ClassVar = (
        CheckConstraint("kind IN ('none', 'json', 'text', 'binary')", name="kind_known"),
        {"postgresql_partition_by": "RANGE (slot)"},
    )

    run_id: UUID = Field(primary_key=True)
    slot: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    tenant: UUID
    headers: str
    kind: str
    text: str
    truncated: bool


class SlotRecordRow(Row, table=True):
    """Consecutive slots that were not run, and why."""

    __tablename__ = "slot_records"
    __table_args__: ClassVar = (
        CheckConstraint(
            "fate IN ('skipped', 'coalesced', 'deferred', 'blocked', 'canceled')",
            name="fate_known",
        ),
        CheckConstraint("first <= last AND count >= 1", name="span_has_slots"),
        Index("ix_slot_records_endpoint_id_last", "endpoint_id", "last"),
        Index("ix_slot_records_last", "last"),
        Index("ix_slot_records_tenant_last", "tenant", "last"),
    )

    id: UUID = Field(primary_key=True)
    endpoint_id: UUID
    tenant: UUID
    fate: str
    reason: str
    first: datetime = Field(sa_type=UtcDateTime)
    last: datetime = Field(sa_type=UtcDateTime)
    count: int = Field(sa_type=BigInteger)
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    prolonged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RollUpRow(Row, table=True):
    """
    What came of an endpoint's runs in a minute, an hour or a day of their slots.

    Each run is counted in one row: in that of its minute at first, then, as minutes are not kept as
    long as hours, nor hours as days, in that which its minute was added to. ``duration_step`` tells
    how long it took, in the steps of ``cronicorn_domain.model.durations``; 0 without a duration.
    ``late`` is the size of a minute whose hour could have been closed when its runs ended (see
    ``closing``): it is in no sum of jobs or days yet.
    """

    __tablename__ = "roll_ups"
    __table_args__: ClassVar = (
        CheckConstraint("size IN ('minute', 'late', 'hour', 'day')", name="size_known"),
        CheckConstraint(
            "outcome_class IN ('success', 'target', 'ours', 'not_attempted')",
            name="outcome_class_known",
        ),
        CheckConstraint("runs >= 1 AND timed_runs BETWEEN 0 AND runs", name="counts_runs"),
        CheckConstraint("duration_step >= 0", name="steps_from_zero"),
        Index("ix_roll_ups_size_begins_at", "size", "begins_at"),
        Index("ix_roll_ups_tenant_size_begins_at", "tenant", "size", "begins_at"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    endpoint_id: UUID = Field(primary_key=True)
    begins_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    size: str = Field(primary_key=True)
    outcome_class: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    duration_step: int = Field(primary_key=True)
    tenant: UUID
    runs: int = Field(sa_type=BigInteger)
    timed_runs: int = Field(sa_type=BigInteger)
    duration: int = Field(sa_type=BigInteger)
    lateness: int = Field(sa_type=BigInteger)


class JobRollUpRow(Row, table=True):
    """
    What came of the runs of a job's endpoints in an hour or a day of their slots.

    A run is counted here from when its hour was closed: what a tenant's months add up to is read
    from here, and the youngest from the minutes.
    """

    __tablename__ = "job_roll_ups"
    __table_args__: ClassVar = (
        CheckConstraint("size IN ('hour', 'day')", name="size_known"),
        CheckConstraint(
            "outcome_class IN ('success', 'target', 'ours', 'not_attempted')",
            name="outcome_class_known",
        ),
        CheckConstraint("runs >= 1 AND timed_runs BETWEEN 0 AND runs", name="counts_runs"),
        Index("ix_job_roll_ups_tenant_begins_at", "tenant", "begins_at"),
        Index("ix_job_roll_ups_size_begins_at", "size", "begins_at"),
    )

    job_id: UUID = Field(primary_key=True)
    begins_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    size: str = Field(primary_key=True)
    outcome_class: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    tenant: UUID
    runs: int = Field(sa_type=BigInteger)
    timed_runs: int = Field(sa_type=BigInteger)
    duration: int = Field(sa_type=BigInteger)


class EndpointDayRow(Row, table=True):
    """What came of an endpoint's runs in a day of their slots, from when their hour was closed."""

    __tablename__ = "endpoint_days"
    __table_args__: ClassVar = (
        CheckConstraint(
            "outcome_class IN ('success', 'target', 'ours', 'not_attempted')",
            name="outcome_class_known",
        ),
        CheckConstraint("runs >= 1 AND timed_runs BETWEEN 0 AND runs", name="counts_runs"),
        Index("ix_endpoint_days_tenant_begins_at", "tenant", "begins_at"),
        Index("ix_endpoint_days_begins_at", "begins_at"),  # for pruning
    )

    endpoint_id: UUID = Field(primary_key=True)
    begins_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    outcome_class: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    tenant: UUID
    runs: int = Field(sa_type=BigInteger)
    timed_runs: int = Field(sa_type=BigInteger)
    duration: int = Field(sa_type=BigInteger)


class JobDayRow(Row, table=True):
    """
    What came of the runs of a job's endpoints in a day of their slots, as in ``job_roll_ups``.

    Both have each run: a month is read from days, and its ends from hours.
    """

    __tablename__ = "job_days"
    __table_args__: ClassVar = (
        CheckConstraint(
            "outcome_class IN ('success', 'target', 'ours', 'not_attempted')",
            name="outcome_class_known",
        ),
        CheckConstraint("runs >= 1 AND timed_runs BETWEEN 0 AND runs", name="counts_runs"),
        Index("ix_job_days_tenant_begins_at", "tenant", "begins_at"),
        Index("ix_job_days_begins_at", "begins_at"),  # for pruning
    )

    job_id: UUID = Field(primary_key=True)
    begins_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    outcome_class: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    tenant: UUID
    runs: int = Field(sa_type=BigInteger)
    timed_runs: int = Field(sa_type=BigInteger)
    duration: int = Field(sa_type=BigInteger)


class EndpointTotalRow(Row, table=True):
    """
    How many runs of an endpoint are in ``endpoint_days`` of a month, up to a midnight of UTC.

    A month begins at zero, and the midnight that ends it has all of it. There are rows for the
    midnights in ``midnights`` alone, and of endpoints alone that have run by then: so what ran once
    is carried along for a month at most.
    """

    __tablename__ = "endpoint_totals"
    __table_args__: ClassVar = (
        CheckConstraint("runs >= 1", name="counts_runs"),
        Index("ix_endpoint_totals_at", "at", postgresql_using="brin"),  # for making and pruning
    )

    tenant: UUID = Field(primary_key=True)
    at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    endpoint_id: UUID = Field(primary_key=True)
    runs: int = Field(sa_type=BigInteger)


class MidnightRow(Row, table=True):
    """A midnight of UTC that totals are told of; from the first to the last all are there."""

    __tablename__ = "midnights"

    at: datetime = Field(primary_key=True, sa_type=UtcDateTime)


class TenantSpreadRow(Row, table=True):
    """
    How many of a tenant's runs of an hour or a day of their slots lasted and were late so long.

    A run is counted here from when its hour was closed, as in ``job_roll_ups``.
    """

    __tablename__ = "tenant_spreads"
    __table_args__: ClassVar = (
        CheckConstraint("size IN ('hour', 'day')", name="size_known"),
        CheckConstraint("runs >= 1", name="counts_runs"),
        CheckConstraint("duration_step >= 0 AND lateness_step >= 0", name="steps_from_zero"),
        Index("ix_tenant_spreads_size_begins_at", "size", "begins_at"),  # for pruning
    )

    tenant: UUID = Field(primary_key=True)
    begins_at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    size: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    duration_step: int = Field(primary_key=True)
    lateness_step: int = Field(primary_key=True)
    runs: int = Field(sa_type=BigInteger)


class ClosingRow(Row, table=True):
    """
    Until when all hours are closed: minutes before it are added to jobs and days.

    There is one row at most, which is the lock of who closes hours.
    """

    __tablename__ = "closings"
    __table_args__: ClassVar = (CheckConstraint("id = 1", name="there_is_one"),)

    id: int = Field(primary_key=True)
    until: datetime = Field(sa_type=UtcDateTime)


class HintRow(Row, table=True):
    """
    A hint, and how it ended; expiry needs no write.

    ``cleared_at``: a person cleared a one-shot that a claim had consumed; if that claim is undone
    the hint does not come back.
    """

    __tablename__ = "hints"
    __table_args__: ClassVar = (
        CheckConstraint(
            "(kind = 'interval' AND every IS NOT NULL AND every > 0 AND at IS NULL)"
            " OR (kind = 'oneshot' AND at IS NOT NULL AND every IS NULL)",
            name="one_proposal",
        ),
        CheckConstraint("author IN ('api', 'rule', 'ai', 'response')", name="author_known"),
        CheckConstraint('("end" IS NULL) = (ended_at IS NULL)', name="ended_has_its_instant"),
        CheckConstraint(
            "\"end\" IS NULL OR \"end\" IN ('expired', 'cleared', 'consumed')", name="end_known"
        ),
        CheckConstraint(
            '(run_id IS NOT NULL) = ("end" IS NOT NULL AND "end" = \'consumed\')',
            name="consumed_by_a_run",
        ),
        Index("ix_hints_endpoint_id_created_at", "endpoint_id", "created_at"),
        Index("ix_hints_created_at", "created_at"),  # for pruning
        Index(
            "ix_hints_endpoint_id_expires_at",
            "endpoint_id",
            "expires_at",
            postgresql_where=text('"end" IS NULL'),
            sqlite_where=text('"end" IS NULL'),
        ),
        Index(
            "ix_hints_run_id",
            "run_id",
            postgresql_where=text("run_id IS NOT NULL"),
            sqlite_where=text("run_id IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    endpoint_id: UUID
    tenant: UUID
    kind: str
    author: str
    every: int | None = Field(default=None, sa_type=BigInteger)
    at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    reason: str | None = None
    end: str | None = None
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    run_id: UUID | None = None
    cleared_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class TriggerRow(Row, table=True):
    """A request to fire once, in the asker's ``trace``; ``run_id`` is the run that served it."""

    __tablename__ = "triggers"
    __table_args__: ClassVar = (
        CheckConstraint("kind IN ('manual', 'sibling')", name="kind_known"),
        Index("ix_triggers_expires_at", "expires_at"),  # for pruning
        Index(
            "ix_triggers_endpoint_id_expires_at",
            "endpoint_id",
            "expires_at",
            postgresql_where=text("run_id IS NULL"),
            sqlite_where=text("run_id IS NULL"),
        ),
        Index(
            "ix_triggers_run_id",
            "run_id",
            postgresql_where=text("run_id IS NOT NULL"),
            sqlite_where=text("run_id IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    endpoint_id: UUID
    tenant: UUID
    kind: str
    at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    reason: str | None = None
    trace: str | None = None
    run_id: UUID | None = None


class AuditEntryRow(Row, table=True):
    """Who did what, to what, and what changed by it; kept when its subject is gone."""

    __tablename__ = "audit_entries"
    __table_args__: ClassVar = (
        CheckConstraint(
            "subject_kind IN ('job', 'endpoint', 'api_key', 'person', 'sign_in',"
            " 'device', 'signing_key', 'alert')",
            name="subject_kind_known",
        ),
        CheckConstraint("actor <> '' AND action <> ''", name="deed_is_whole"),
        Index("ix_audit_entries_tenant_at", "tenant", "at", "id"),
        Index("ix_audit_entries_tenant_subject_at", "tenant", "subject", "at", "id"),
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str
    action: str
    subject_kind: str
    subject: UUID
    subject_name: str
    changes: list[dict[str, object]] = Field(sa_column=Column(JSON_DOCUMENT, nullable=False))


class BreakerRow(Row, table=True):
    """A host that fails a tenant's calls, and did so last; one that answers has no row."""

    __tablename__ = "breakers"
    __table_args__: ClassVar = (
        CheckConstraint("failures >= 1", name="something_failed"),
        Index("ix_breakers_failures", "failures"),
    )

    tenant: UUID = Field(primary_key=True)
    host: str = Field(primary_key=True)
    failures: int = Field(sa_type=BigInteger)
    failed_at: datetime = Field(sa_type=UtcDateTime)
    probe_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class UsageTotalRow(Row, table=True):
    """
    What a tenant has used in a month of UTC, added up: a limit is checked against this one row.

    Its row is the lock under which reservations are made.
    """

    __tablename__ = "usage_totals"
    __table_args__: ClassVar = (
        CheckConstraint("meter IN ('tokens', 'runs')", name="meter_known"),
        CheckConstraint("used >= 0", name="used_is_no_debt"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    tenant: UUID = Field(primary_key=True)
    meter: str = Field(primary_key=True)
    month: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    used: int = Field(sa_type=BigInteger)


class UsageEntryRow(Row, table=True):
    """
    A line of the ledger: only ever added, and of nothing that anybody can delete.

    ``id`` is that of the reservation it settles, so that none is charged twice.
    """

    __tablename__ = "usage_entries"
    __table_args__: ClassVar = (
        CheckConstraint("meter IN ('tokens', 'runs')", name="meter_known"),
        CheckConstraint("amount >= 1", name="something_was_used"),
        Index("ix_usage_entries_tenant_meter_month_at", "tenant", "meter", "month", "at", "id"),
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    meter: str
    month: datetime = Field(sa_type=UtcDateTime)
    amount: int = Field(sa_type=BigInteger)
    at: datetime = Field(sa_type=UtcDateTime)


class QuotaHoldRow(Row, table=True):
    """What a reservation holds; it goes with the reservation, or is swept out once expired."""

    __tablename__ = "quota_holds"
    __table_args__: ClassVar = (
        CheckConstraint("meter IN ('tokens', 'runs')", name="meter_known"),
        CheckConstraint("amount >= 0", name="amount_is_no_debt"),
        Index("ix_quota_holds_tenant_meter_expires_at", "tenant", "meter", "expires_at"),
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    meter: str
    month: datetime = Field(sa_type=UtcDateTime)
    amount: int = Field(sa_type=BigInteger)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class QuotaPaceRow(Row, table=True):
    """How far a tenant's asks are ahead of its pace: they are worked off at ``begun``."""

    __tablename__ = "quota_paces"
    __table_args__: ClassVar = (
        CheckConstraint("meter IN ('tokens', 'runs')", name="meter_known"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    tenant: UUID = Field(primary_key=True)
    meter: str = Field(primary_key=True)
    begun: datetime = Field(sa_type=UtcDateTime)


class ApiKeyRow(Row, table=True):
    """
    What is kept of an API key: how it begins, to find it, and its SHA-256, to know it.

    ``last_used_at`` is written once a minute at most.
    """

    __tablename__ = "api_keys"
    __table_args__: ClassVar = (
        CheckConstraint("name <> '' AND scopes <> ''", name="key_is_whole"),
        CheckConstraint("length(sha256) = 64", name="sha256_is_whole"),
        UniqueConstraint("sha256"),
        Index("ix_api_keys_prefix", "prefix"),
        Index("ix_api_keys_tenant_id", "tenant", "id"),
        Index(
            "ix_api_keys_issued_by",
            "issued_by",
            postgresql_where=text("issued_by IS NOT NULL"),
            sqlite_where=text("issued_by IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    name: str
    prefix: str
    sha256: str
    scopes: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    issued_by: UUID | None = None


class PersonRow(Row, table=True):
    """Who may sign in; the owner is one at most, in the whole installation."""

    __tablename__ = "people"
    __table_args__: ClassVar = (
        CheckConstraint(
            "email <> '' AND name <> '' AND password <> '' AND scopes <> ''",
            name="person_is_whole",
        ),
        UniqueConstraint("email"),
        Index(
            "uq_people_owner",
            "owner",
            unique=True,
            postgresql_where=text("owner"),
            sqlite_where=text("owner"),
        ),
        Index("ix_people_tenant_id", "tenant", "id"),
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    email: str
    name: str
    password: str
    scopes: str
    owner: bool
    created_at: datetime = Field(sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SignInRow(Row, table=True):
    """
    What is kept of a sign-in's token, as of an API key; one that has ended has no row.

    ``last_used_at`` is written once a minute at most.
    """

    __tablename__ = "sign_ins"
    __table_args__: ClassVar = (
        CheckConstraint("kind IN ('browser', 'device')", name="kind_known"),
        CheckConstraint("label <> '' AND scopes <> ''", name="sign_in_is_whole"),
        CheckConstraint("length(sha256) = 64", name="sha256_is_whole"),
        UniqueConstraint("sha256"),
        Index("ix_sign_ins_prefix", "prefix"),
        Index("ix_sign_ins_tenant_id", "tenant", "id"),
        Index("ix_sign_ins_person", "person"),
        Index("ix_sign_ins_expires_at", "expires_at"),
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    person: UUID
    kind: str
    label: str
    prefix: str
    sha256: str
    scopes: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class DeviceGrantRow(Row, table=True):
    """A device that waits for somebody to let it in; of its codes only what tells them."""

    __tablename__ = "device_grants"
    __table_args__: ClassVar = (
        CheckConstraint("standing IN ('pending', 'approved', 'denied')", name="standing_known"),
        CheckConstraint(
            "(standing = 'approved') = (person IS NOT NULL AND tenant IS NOT NULL)",
            name="approved_by_a_person",
        ),
        CheckConstraint("client <> '' AND scopes <> ''", name="grant_is_whole"),
        CheckConstraint("length(sha256) = 64 AND length(user_code) = 64", name="hashes_are_whole"),
        UniqueConstraint("sha256"),
        UniqueConstraint("user_code"),
        Index("ix_device_grants_prefix", "prefix"),
        Index("ix_device_grants_expires_at", "expires_at"),
    )

    id: UUID = Field(primary_key=True)
    prefix: str
    sha256: str
    user_code: str
    client: str
    scopes: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    standing: str
    tenant: UUID | None = None
    person: UUID | None = None
    interval: int = Field(sa_type=BigInteger)
    polled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SetupLinkRow(Row, table=True):
    """What is kept of a link by which the installation gets its owner."""

    __tablename__ = "setup_links"
    __table_args__: ClassVar = (
        CheckConstraint("length(sha256) = 64", name="sha256_is_whole"),
        Index("ix_setup_links_prefix", "prefix"),
    )

    sha256: str = Field(primary_key=True)
    prefix: str
    expires_at: datetime = Field(sa_type=UtcDateTime)


class SigningKeysRow(Row, table=True):
    """
    The keys that a tenant's requests are signed with, sealed.

    ``prefix`` is how the newest begins. ``previous`` signs beside it until ``previous_until``.
    """

    __tablename__ = "signing_keys"
    __table_args__: ClassVar = (
        CheckConstraint("prefix <> '' AND current <> ''", name="key_is_whole"),
        CheckConstraint(
            "(previous IS NULL) = (previous_until IS NULL)", name="previous_has_its_end"
        ),
    )

    tenant: UUID = Field(primary_key=True)
    prefix: str
    current: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    rotated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    previous: str | None = None
    previous_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class AlertRow(Row, table=True):
    """Of what somebody wants to be told; ``target`` is a URL or an address, as ``way`` says."""

    __tablename__ = "alerts"
    __table_args__: ClassVar = (
        CheckConstraint("way IN ('webhook', 'email')", name="way_known"),
        CheckConstraint("name <> '' AND target <> '' AND occasions <> ''", name="alert_is_whole"),
        CheckConstraint("threshold >= 1", name="threshold_counts"),
        Index("ix_alerts_tenant_id", "tenant", "id"),
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    name: str
    job_id: UUID | None = None
    way: str
    target: str
    occasions: str
    threshold: int
    enabled: bool
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class AlertStreakRow(Row, table=True):
    """A streak of failures that an alert has told of, until its end."""

    __tablename__ = "alert_streaks"

    endpoint_id: UUID = Field(primary_key=True)
    alert_id: UUID = Field(
        sa_column=Column(ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True)
    )
    at: datetime = Field(sa_type=UtcDateTime)


class NoticeRow(Row, table=True):
    """
    What is told by an alert.

    It waits for ``next_at``; once it was told, or given up, there is none, and ``ended_at`` is set.
    """

    __tablename__ = "notices"
    __table_args__: ClassVar = (
        CheckConstraint(
            "occasion IN ('failing', 'recovered', 'quarantined', 'deferred', 'rule', 'budget',"
            " 'test')",
            name="occasion_known",
        ),
        CheckConstraint("(next_at IS NULL) = (ended_at IS NOT NULL)", name="waits_or_has_ended"),
        CheckConstraint("failures >= 0 AND tries >= 0", name="no_count_below_zero"),
        Index(
            "ix_notices_next_at",
            "next_at",
            postgresql_where=text("next_at IS NOT NULL"),
            sqlite_where=text("next_at IS NOT NULL"),
        ),
        Index("ix_notices_alert_id", "alert_id"),
        Index("ix_notices_ended_at", "ended_at"),  # for pruning
    )

    id: UUID = Field(primary_key=True)
    alert_id: UUID = Field(
        sa_column=Column(ForeignKey("alerts.id", ondelete="CASCADE"), nullable=False)
    )
    tenant: UUID
    occasion: str
    at: datetime = Field(sa_type=UtcDateTime)
    endpoint_id: UUID | None = None
    failures: int
    message: str | None = None
    tries: int
    next_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str | None = None


class AnalysisRow(Row, table=True):
    """When the AI planner looks at an endpoint next, and who has it until when."""

    __tablename__ = "analyses"
    __table_args__: ClassVar = (
        CheckConstraint("failures >= 0", name="no_count_below_zero"),
        CheckConstraint(
            "(lease IS NULL) = (worker IS NULL) AND (lease IS NULL) = (leased_until IS NULL)"
            " AND (lease IS NULL) = (taken_at IS NULL)",
            name="lease_is_whole",
        ),
        Index("ix_analyses_next_at", "next_at"),
        Index("ix_analyses_job_id", "job_id"),
        Index("ix_analyses_tenant_looked_at", "tenant", "looked_at"),
    )

    endpoint_id: UUID = Field(
        sa_column=Column(ForeignKey("endpoints.id", ondelete="CASCADE"), primary_key=True)
    )
    tenant: UUID
    job_id: UUID
    next_at: datetime = Field(sa_type=UtcDateTime)
    cause: str
    not_before: datetime = Field(sa_type=UtcDateTime)
    failures: int
    lease: UUID | None = None
    worker: str | None = None
    leased_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    looked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SessionRow(Row, table=True):
    """One look of the AI planner at an endpoint; ``document`` is JSON of what nobody asks for."""

    __tablename__ = "sessions"
    __table_args__: ClassVar = (
        CheckConstraint(
            "ending IN ('done', 'failed', 'bounded', 'denied', 'hindered', 'stopped')",
            name="ending_known",
        ),
        CheckConstraint("tokens_in >= 0 AND tokens_out >= 0", name="no_count_below_zero"),
        Index("ix_sessions_endpoint_id_id", "endpoint_id", "id"),
        Index("ix_sessions_tenant_started_at", "tenant", "started_at"),
        Index("ix_sessions_started_at", "started_at"),  # for pruning
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    endpoint_id: UUID = Field(
        sa_column=Column(ForeignKey("endpoints.id", ondelete="CASCADE"), nullable=False)
    )
    job_id: UUID
    cause: str
    mode: str
    model: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime = Field(sa_type=UtcDateTime)
    ending: str
    next_analysis_at: datetime = Field(sa_type=UtcDateTime)
    reasoning: str
    tokens_in: int = Field(sa_type=BigInteger)
    tokens_out: int = Field(sa_type=BigInteger)
    cost: int | None = Field(default=None, sa_type=BigInteger)
    error: str | None = None
    document: str


class SuggestionRow(Row, table=True):
    """What a session has proposed, as JSON, and what a person has made of it."""

    __tablename__ = "suggestions"
    __table_args__: ClassVar = (
        CheckConstraint("state IN ('waiting', 'approved', 'refused')", name="state_known"),
        CheckConstraint(
            "(state = 'waiting') = (decided_at IS NULL)", name="decided_has_its_instant"
        ),
        Index(
            "ix_suggestions_waiting",
            "tenant",
            "id",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
        Index("ix_suggestions_session_id", "session_id"),
    )

    id: UUID = Field(primary_key=True)
    tenant: UUID
    endpoint_id: UUID
    session_id: UUID = Field(
        sa_column=Column(ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False)
    )
    proposal: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    state: str
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by: str | None = None


class KeptAnswerRow(Row, table=True):
    """
    What is known of a request that bears a key: who does it, then what was answered.

    Key and fingerprint are digests. A secret body is sealed; None: it could not be.
    """

    __tablename__ = "kept_answers"
    __table_args__: ClassVar = (
        CheckConstraint("length(key) = 64 AND length(fingerprint) = 64", name="digests_are_whole"),
        CheckConstraint(
            "(status IS NULL) = (media_type IS NULL)"
            " AND (status IS NOT NULL OR (body IS NULL AND NOT secret))"
            " AND (status IS NULL OR body IS NOT NULL OR secret)",
            name="answered_is_whole",
        ),
        Index("ix_kept_answers_until", "until"),
    )

    tenant: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: str
    attempt: UUID
    until: datetime = Field(sa_type=UtcDateTime)
    status: int | None = None
    media_type: str | None = None
    secret: bool
    body: str | None = None


class RateLimitRow(Row, table=True):
    """Until when a bucket of permissions is not full; a row that is past says nothing."""

    __tablename__ = "rate_limits"
    __table_args__: ClassVar = (
        CheckConstraint("subject <> ''", name="subject_filled"),
        Index("ix_rate_limits_full_at", "full_at"),
    )

    subject: str = Field(primary_key=True)
    full_at: datetime = Field(sa_type=UtcDateTime)


class WorkerRow(Row, table=True):
    """What a worker told of itself last; no lease depends on it."""

    __tablename__ = "workers"
    __table_args__: ClassVar = (
        CheckConstraint("name <> ''", name="name_filled"),
        CheckConstraint("concurrency >= 1", name="concurrency_allows_one"),
    )

    name: str = Field(primary_key=True)
    started_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    concurrency: int
    version: str
    zone_data: str
    clock_skew: int = Field(sa_type=BigInteger)
    floor: int = Field(sa_type=BigInteger)


tenants: Final = metadata.tables["tenants"]
jobs: Final = metadata.tables["jobs"]
endpoints: Final = metadata.tables["endpoints"]
endpoint_state: Final = metadata.tables["endpoint_state"]
due: Final = metadata.tables["due"]
leases: Final = metadata.tables["leases"]
runs: Final = metadata.tables["runs"]
run_bodies: Final = metadata.tables["run_bodies"]
slot_records: Final = metadata.tables["slot_records"]
roll_ups: Final = metadata.tables["roll_ups"]
job_roll_ups: Final = metadata.tables["job_roll_ups"]
endpoint_days: Final = metadata.tables["endpoint_days"]
job_days: Final = metadata.tables["job_days"]
endpoint_totals: Final = metadata.tables["endpoint_totals"]
midnights: Final = metadata.tables["midnights"]
tenant_spreads: Final = metadata.tables["tenant_spreads"]
closings: Final = metadata.tables["closings"]
hints: Final = metadata.tables["hints"]
triggers: Final = metadata.tables["triggers"]
audit_entries: Final = metadata.tables["audit_entries"]
api_keys: Final = metadata.tables["api_keys"]
people: Final = metadata.tables["people"]
sign_ins: Final = metadata.tables["sign_ins"]
device_grants: Final = metadata.tables["device_grants"]
setup_links: Final = metadata.tables["setup_links"]
signing_keys: Final = metadata.tables["signing_keys"]
alerts: Final = metadata.tables["alerts"]
alert_streaks: Final = metadata.tables["alert_streaks"]
notices: Final = metadata.tables["notices"]
kept_answers: Final = metadata.tables["kept_answers"]
analyses: Final = metadata.tables["analyses"]
sessions: Final = metadata.tables["sessions"]
suggestions: Final = metadata.tables["suggestions"]
rate_limits: Final = metadata.tables["rate_limits"]
workers: Final = metadata.tables["workers"]
breakers: Final = metadata.tables["breakers"]
usage_totals: Final = metadata.tables["usage_totals"]
usage_entries: Final = metadata.tables["usage_entries"]
quota_holds: Final = metadata.tables["quota_holds"]
quota_paces: Final = metadata.tables["quota_paces"]
