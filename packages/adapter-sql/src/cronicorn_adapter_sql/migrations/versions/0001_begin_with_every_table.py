"""
Begin with every table.

What changes: all tables of the engine are made, on PostgreSQL runs and their bodies partitioned by
slot, with a partition for what no other takes.
Why: this is the first revision.
Can code of the previous version still run on it: there is none.

Revision: 0001
Follows: nothing
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

_PLAIN_TEXT: Final = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_TABLES: Final = (
    "tenants",
    "jobs",
    "endpoints",
    "endpoint_state",
    "due",
    "leases",
    "runs",
    "run_bodies",
    "slot_records",
    "roll_ups",
    "job_roll_ups",
    "endpoint_days",
    "job_days",
    "endpoint_totals",
    "midnights",
    "tenant_spreads",
    "closings",
    "hints",
    "triggers",
    "audit_entries",
    "breakers",
    "api_keys",
    "people",
    "sign_ins",
    "device_grants",
    "setup_links",
    "usage_totals",
    "usage_entries",
    "quota_holds",
    "quota_paces",
    "signing_keys",
    "alerts",
    "alert_streaks",
    "notices",
    "kept_answers",
    "analyses",
    "sessions",
    "suggestions",
    "rate_limits",
    "workers",
)


def upgrade() -> None:
    """Apply it."""
    _make_tenants()
    _make_jobs()
    _make_endpoints()
    _make_endpoint_state()
    _make_due()
    _make_leases()
    _make_runs()
    _make_run_bodies()
    _make_slot_records()
    _make_roll_ups()
    _make_job_roll_ups()
    _make_endpoint_days()
    _make_job_days()
    _make_endpoint_totals()
    _make_tenant_spreads()
    _make_closings()
    _make_hints()
    _make_triggers()
    _make_audit_entries()
    _make_breakers()
    _make_api_keys()
    _make_people()
    _make_sign_ins()
    _make_device_grants()
    _make_setup_links()
    _make_usage()
    _make_quotas()
    _make_signing_keys()
    _make_alerts()
    _make_kept_answers()
    _make_sessions()
    _make_rate_limits()
    _make_workers()
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE TABLE runs_default PARTITION OF runs DEFAULT WITH (fillfactor = 50)")
        op.execute("CREATE TABLE run_bodies_default PARTITION OF run_bodies DEFAULT")


def downgrade() -> None:
    """Undo it; indexes and partitions go with their tables."""
    for name in reversed(_TABLES):
        op.drop_table(name)


def _make_tenants() -> None:
    """Whose jobs there are: a row to lock."""
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
    )


def _make_jobs() -> None:
    """Groups of endpoints."""
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("external_key", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(state = 'archived') = (archived_at IS NOT NULL)",
            name=op.f("ck_jobs_archived_has_its_instant"),
        ),
        sa.CheckConstraint("name <> ''", name=op.f("ck_jobs_name_filled")),
        sa.CheckConstraint(
            "state IN ('active', 'paused', 'archived')", name=op.f("ck_jobs_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_tenant_id", "jobs", ["tenant", "id"])
    op.create_index(
        "uq_jobs_tenant_name",
        "jobs",
        ["tenant", "name"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
        sqlite_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "uq_jobs_tenant_external_key",
        "jobs",
        ["tenant", "external_key"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL AND external_key IS NOT NULL"),
        sqlite_where=sa.text("archived_at IS NULL AND external_key IS NOT NULL"),
    )


def _make_endpoints() -> None:
    """Configuration, written at human pace."""
    op.create_table(
        "endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("name", _PLAIN_TEXT, nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("headers", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("schedule_kind", sa.String(), nullable=False),
        sa.Column("cron", sa.String(), nullable=True),
        sa.Column("timezone", sa.String(), nullable=True),
        sa.Column("gap", sa.String(), nullable=True),
        sa.Column("repeat", sa.String(), nullable=True),
        sa.Column("every", sa.BigInteger(), nullable=True),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("anchor", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shortest", sa.BigInteger(), nullable=True),
        sa.Column("longest", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("max_runs", sa.BigInteger(), nullable=True),
        sa.Column("jitter", sa.BigInteger(), nullable=False),
        sa.Column("misfire_policy", sa.String(), nullable=False),
        sa.Column("misfire_grace", sa.BigInteger(), nullable=False),
        sa.Column("catch_up_limit", sa.Integer(), nullable=False),
        sa.Column("retry_attempts", sa.Integer(), nullable=False),
        sa.Column("retry_backoff", sa.BigInteger(), nullable=False),
        sa.Column("retry_backoff_most", sa.BigInteger(), nullable=False),
        sa.Column("delivery", sa.String(), nullable=False),
        sa.Column("timeout", sa.BigInteger(), nullable=False),
        sa.Column("execution", sa.BigInteger(), nullable=True),
        sa.Column("response_size", sa.Integer(), nullable=False),
        sa.Column("redirects", sa.Integer(), nullable=False),
        sa.Column("heeds_hints", sa.Boolean(), nullable=False),
        sa.Column("heeds_gone", sa.Boolean(), nullable=False),
        sa.Column("signing", sa.String(), nullable=False),
        sa.Column("rules", sa.String(), nullable=True),
        sa.Column("ai_mode", sa.String(), nullable=False),
        sa.Column("ai_model", sa.String(), nullable=True),
        sa.Column("success_when", sa.String(), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("external_key", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(schedule_kind = 'cron' AND cron IS NOT NULL AND timezone IS NOT NULL"
            " AND every IS NULL AND run_at IS NULL)"
            " OR (schedule_kind = 'interval' AND every IS NOT NULL AND every > 0"
            " AND cron IS NULL AND run_at IS NULL)"
            " OR (schedule_kind = 'once' AND run_at IS NOT NULL AND cron IS NULL"
            " AND every IS NULL)",
            name=op.f("ck_endpoints_one_schedule"),
        ),
        sa.CheckConstraint(
            "delivery IN ('at_least_once', 'at_most_once')",
            name=op.f("ck_endpoints_delivery_known"),
        ),
        sa.CheckConstraint(
            "signing IN ('when_keyed', 'off', 'standard', 'older', 'both')",
            name=op.f("ck_endpoints_signing_known"),
        ),
        sa.CheckConstraint(
            "misfire_policy IN ('run_once', 'skip', 'catch_up')",
            name=op.f("ck_endpoints_misfire_policy_known"),
        ),
        sa.CheckConstraint(
            "ai_mode IN ('off', 'suggest', 'auto')", name=op.f("ck_endpoints_ai_mode_known")
        ),
        sa.CheckConstraint("name <> ''", name=op.f("ck_endpoints_name_filled")),
        sa.CheckConstraint(
            "jitter >= 0 AND misfire_grace >= 0 AND retry_backoff >= 0 AND redirects >= 0",
            name=op.f("ck_endpoints_nothing_below_zero"),
        ),
        sa.CheckConstraint(
            "retry_backoff <= retry_backoff_most",
            name=op.f("ck_endpoints_backoff_at_most_its_most"),
        ),
        sa.CheckConstraint("max_runs >= 1", name=op.f("ck_endpoints_max_runs_allows_one")),
        sa.CheckConstraint(
            "retry_attempts >= 1 AND catch_up_limit >= 1", name=op.f("ck_endpoints_counts_from_one")
        ),
        sa.CheckConstraint(
            "shortest <= longest", name=op.f("ck_endpoints_shortest_at_most_longest")
        ),
        sa.CheckConstraint("starts_at <= ends_at", name=op.f("ck_endpoints_starts_before_it_ends")),
        sa.CheckConstraint(
            "timeout > 0 AND execution > 0 AND response_size > 0",
            name=op.f("ck_endpoints_limits_above_zero"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_endpoints_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoints")),
    )
    op.create_index("ix_endpoints_job_id_id", "endpoints", ["job_id", "id"])
    op.create_index(
        "ix_endpoints_planned",
        "endpoints",
        ["id"],
        postgresql_where=sa.text("ai_mode <> 'off' AND archived_at IS NULL"),
        sqlite_where=sa.text("ai_mode <> 'off' AND archived_at IS NULL"),
    )
    op.create_index("ix_endpoints_tenant_id", "endpoints", ["tenant", "id"])
    op.create_index(
        "ix_endpoints_tenant_name",
        "endpoints",
        ["tenant", sa.text("lower(name)"), "id"],
        postgresql_where=sa.text("archived_at IS NULL"),
        sqlite_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "ix_endpoints_tenant_job_id",
        "endpoints",
        ["tenant", "job_id"],
        postgresql_where=sa.text("archived_at IS NULL"),
        sqlite_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "ix_endpoints_tenant_paused_until",
        "endpoints",
        ["tenant", "paused_until"],
        postgresql_where=sa.text("paused_until IS NOT NULL"),
        sqlite_where=sa.text("paused_until IS NOT NULL"),
    )
    op.create_index(
        "uq_endpoints_job_id_name",
        "endpoints",
        ["job_id", "name"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
        sqlite_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "uq_endpoints_job_id_external_key",
        "endpoints",
        ["job_id", "external_key"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL AND external_key IS NOT NULL"),
        sqlite_where=sa.text("archived_at IS NULL AND external_key IS NOT NULL"),
    )


def _make_endpoint_state() -> None:
    """What runs leave behind: one update per run, of no indexed column; pages keep room for it."""
    op.create_table(
        "endpoint_state",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_count", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before_reason", sa.String(), nullable=True),
        sa.Column("plan", sa.String(), nullable=True),
        sa.Column("urgent", sa.String(), nullable=True),
        sa.Column("noted", sa.String(), nullable=True),
        sa.Column("latest_slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("latest_attempt", sa.Integer(), nullable=False),
        sa.Column("rhythm_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("skipped", sa.Boolean(), nullable=False),
        sa.Column("resting", sa.String(), nullable=True),
        sa.Column("quarantine", sa.String(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "failures >= 0 AND run_count >= 0 AND latest_attempt >= 0",
            name=op.f("ck_endpoint_state_no_count_below_zero"),
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoints.id"],
            name=op.f("fk_endpoint_state_endpoint_id"),
            ondelete="CASCADE",
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_endpoint_state_endpoint_id", "endpoint_state", ["endpoint_id"])
    op.create_index(
        "ix_endpoint_state_quarantined",
        "endpoint_state",
        ["endpoint_id"],
        postgresql_where=sa.text("quarantine IS NOT NULL"),
        sqlite_where=sa.text("quarantine IS NOT NULL"),
    )
    op.create_index(
        "ix_endpoint_state_failing",
        "endpoint_state",
        ["tenant", "failures"],
        postgresql_where=sa.text("failures > 0"),
        sqlite_where=sa.text("failures > 0"),
    )
    op.create_index(
        "ix_endpoint_state_put_off",
        "endpoint_state",
        ["tenant", "not_before"],
        postgresql_where=sa.text("not_before IS NOT NULL"),
        sqlite_where=sa.text("not_before IS NOT NULL"),
    )


def _make_due() -> None:
    """What is claimable: one insert and one delete per run."""
    op.create_table(
        "due",
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("state_at", sa.String(), nullable=True),
        sa.Column("lane", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("due_at", "endpoint_id", name=op.f("pk_due")),
    )
    op.create_index("ix_due_tenant_due_at", "due", ["tenant", "due_at"])
    op.create_index(
        "ix_due_lane_slot",
        "due",
        ["lane", "slot"],
        postgresql_where=sa.text("lane IS NOT NULL"),
        sqlite_where=sa.text("lane IS NOT NULL"),
    )


def _make_leases() -> None:
    """Who holds what: the token is the fence."""
    op.create_table(
        "leases",
        sa.Column(
            "token",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_leases")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_leases_endpoint_id", "leases", ["endpoint_id"])
    op.create_index("ix_leases_until", "leases", ["until"])


def _make_runs() -> None:
    """History, partitioned by the slot on PostgreSQL."""
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trail", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome_class", sa.String(), nullable=True),
        sa.Column("failure_kind", sa.String(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("connected", sa.BigInteger(), nullable=True),
        sa.Column("first_byte", sa.BigInteger(), nullable=True),
        sa.Column("complete", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(status = 'failed') = (failure_kind IS NOT NULL)",
            name=op.f("ck_runs_failed_has_its_kind"),
        ),
        sa.CheckConstraint(
            "(status = 'running') = (finished_at IS NULL)",
            name=op.f("ck_runs_finished_has_its_instant"),
        ),
        sa.CheckConstraint(
            "(status = 'running') = (outcome_class IS NULL)",
            name=op.f("ck_runs_finished_is_judged"),
        ),
        sa.CheckConstraint(
            "(status = 'success') = (outcome_class = 'success')",
            name=op.f("ck_runs_judged_as_it_ended"),
        ),
        sa.CheckConstraint(
            "kind IN ('recurring', 'oneshot', 'trigger', 'manual', 'test')",
            name=op.f("ck_runs_kind_known"),
        ),
        sa.CheckConstraint(
            "outcome_class IN ('success', 'target', 'ours', 'not_attempted')",
            name=op.f("ck_runs_outcome_class_known"),
        ),
        sa.CheckConstraint(
            "status IN ('running', 'success', 'failed', 'canceled')",
            name=op.f("ck_runs_status_known"),
        ),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_runs_attempts_from_one")),
        sa.PrimaryKeyConstraint("id", "slot", name=op.f("pk_runs")),
        sa.UniqueConstraint(
            "endpoint_id", "slot", "attempt", name=op.f("uq_runs_endpoint_id_slot_attempt")
        ),
        postgresql_partition_by="RANGE (slot)",
    )
    op.create_index("ix_runs_tenant_slot", "runs", ["tenant", "slot"])
    op.create_index("ix_runs_slot", "runs", ["slot"], postgresql_using="brin")


def _make_run_bodies() -> None:
    """What targets answered, apart from the runs."""
    op.create_table(
        "run_bodies",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("headers", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('none', 'json', 'text', 'binary')", name=op.f("ck_run_bodies_kind_known")
        ),
        sa.PrimaryKeyConstraint("run_id", "slot", name=op.f("pk_run_bodies")),
        postgresql_partition_by="RANGE (slot)",
    )


def _make_slot_records() -> None:
    """What was not run, and why."""
    op.create_table(
        "slot_records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("fate", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("first", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prolonged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "fate IN ('skipped', 'coalesced', 'deferred', 'blocked', 'canceled')",
            name=op.f("ck_slot_records_fate_known"),
        ),
        sa.CheckConstraint(
            "first <= last AND count >= 1", name=op.f("ck_slot_records_span_has_slots")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_records")),
    )
    op.create_index("ix_slot_records_endpoint_id_last", "slot_records", ["endpoint_id", "last"])
    op.create_index("ix_slot_records_last", "slot_records", ["last"])
    op.create_index("ix_slot_records_tenant_last", "slot_records", ["tenant", "last"])


def _make_roll_ups() -> None:
    """Statistics, added to when runs settle."""
    op.create_table(
        "roll_ups",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.String(), nullable=False),
        sa.Column("outcome_class", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("duration_step", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("timed_runs", sa.BigInteger(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.Column("lateness", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "outcome_class IN ('success', 'target', 'ours', 'not_attempted')",
            name=op.f("ck_roll_ups_outcome_class_known"),
        ),
        sa.CheckConstraint(
            "runs >= 1 AND timed_runs BETWEEN 0 AND runs", name=op.f("ck_roll_ups_counts_runs")
        ),
        sa.CheckConstraint(
            "size IN ('minute', 'late', 'hour', 'day')", name=op.f("ck_roll_ups_size_known")
        ),
        sa.CheckConstraint("duration_step >= 0", name=op.f("ck_roll_ups_steps_from_zero")),
        sa.PrimaryKeyConstraint(
            "endpoint_id",
            "begins_at",
            "size",
            "outcome_class",
            "source",
            "duration_step",
            name=op.f("pk_roll_ups"),
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_roll_ups_size_begins_at", "roll_ups", ["size", "begins_at"])
    op.create_index(
        "ix_roll_ups_tenant_size_begins_at", "roll_ups", ["tenant", "size", "begins_at"]
    )


def _make_job_roll_ups() -> None:
    """Statistics of jobs, added to when an hour is closed."""
    op.create_table(
        "job_roll_ups",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.String(), nullable=False),
        sa.Column("outcome_class", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("timed_runs", sa.BigInteger(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("size IN ('hour', 'day')", name=op.f("ck_job_roll_ups_size_known")),
        sa.CheckConstraint(
            "outcome_class IN ('success', 'target', 'ours', 'not_attempted')",
            name=op.f("ck_job_roll_ups_outcome_class_known"),
        ),
        sa.CheckConstraint(
            "runs >= 1 AND timed_runs BETWEEN 0 AND runs", name=op.f("ck_job_roll_ups_counts_runs")
        ),
        sa.PrimaryKeyConstraint(
            "job_id",
            "begins_at",
            "size",
            "outcome_class",
            "source",
            name=op.f("pk_job_roll_ups"),
        ),
    )
    op.create_index("ix_job_roll_ups_tenant_begins_at", "job_roll_ups", ["tenant", "begins_at"])
    op.create_index("ix_job_roll_ups_size_begins_at", "job_roll_ups", ["size", "begins_at"])


def _make_endpoint_days() -> None:
    """Statistics of endpoints by whole days, added to when an hour is closed."""
    op.create_table(
        "endpoint_days",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome_class", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("timed_runs", sa.BigInteger(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "outcome_class IN ('success', 'target', 'ours', 'not_attempted')",
            name=op.f("ck_endpoint_days_outcome_class_known"),
        ),
        sa.CheckConstraint(
            "runs >= 1 AND timed_runs BETWEEN 0 AND runs",
            name=op.f("ck_endpoint_days_counts_runs"),
        ),
        sa.PrimaryKeyConstraint(
            "endpoint_id",
            "begins_at",
            "outcome_class",
            "source",
            name=op.f("pk_endpoint_days"),
        ),
    )
    op.create_index("ix_endpoint_days_tenant_begins_at", "endpoint_days", ["tenant", "begins_at"])
    op.create_index("ix_endpoint_days_begins_at", "endpoint_days", ["begins_at"])


def _make_job_days() -> None:
    """Statistics of jobs by whole days, added to when an hour is closed."""
    op.create_table(
        "job_days",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome_class", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("timed_runs", sa.BigInteger(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "outcome_class IN ('success', 'target', 'ours', 'not_attempted')",
            name=op.f("ck_job_days_outcome_class_known"),
        ),
        sa.CheckConstraint(
            "runs >= 1 AND timed_runs BETWEEN 0 AND runs", name=op.f("ck_job_days_counts_runs")
        ),
        sa.PrimaryKeyConstraint(
            "job_id", "begins_at", "outcome_class", "source", name=op.f("pk_job_days")
        ),
    )
    op.create_index("ix_job_days_tenant_begins_at", "job_days", ["tenant", "begins_at"])
    op.create_index("ix_job_days_begins_at", "job_days", ["begins_at"])


def _make_endpoint_totals() -> None:
    """How many runs endpoints have had of a month at midnights, and which midnights these are."""
    op.create_table(
        "endpoint_totals",
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("runs >= 1", name=op.f("ck_endpoint_totals_counts_runs")),
        sa.PrimaryKeyConstraint("tenant", "at", "endpoint_id", name=op.f("pk_endpoint_totals")),
    )
    op.create_index("ix_endpoint_totals_at", "endpoint_totals", ["at"], postgresql_using="brin")
    op.create_table(
        "midnights",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("at", name=op.f("pk_midnights")),
    )


def _make_tenant_spreads() -> None:
    """How long runs lasted and how late they were, added to when an hour is closed."""
    op.create_table(
        "tenant_spreads",
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("duration_step", sa.Integer(), nullable=False),
        sa.Column("lateness_step", sa.Integer(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("size IN ('hour', 'day')", name=op.f("ck_tenant_spreads_size_known")),
        sa.CheckConstraint("runs >= 1", name=op.f("ck_tenant_spreads_counts_runs")),
        sa.CheckConstraint(
            "duration_step >= 0 AND lateness_step >= 0",
            name=op.f("ck_tenant_spreads_steps_from_zero"),
        ),
        sa.PrimaryKeyConstraint(
            "tenant",
            "begins_at",
            "size",
            "source",
            "duration_step",
            "lateness_step",
            name=op.f("pk_tenant_spreads"),
        ),
    )
    op.create_index("ix_tenant_spreads_size_begins_at", "tenant_spreads", ["size", "begins_at"])


def _make_closings() -> None:
    """Until when hours are closed."""
    op.create_table(
        "closings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_closings_there_is_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closings")),
    )


def _make_hints() -> None:
    """What was proposed."""
    op.create_table(
        "hints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("every", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("end", sa.String(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(kind = 'interval' AND every IS NOT NULL AND every > 0 AND at IS NULL)"
            " OR (kind = 'oneshot' AND at IS NOT NULL AND every IS NULL)",
            name=op.f("ck_hints_one_proposal"),
        ),
        sa.CheckConstraint(
            "author IN ('api', 'rule', 'ai', 'response')", name=op.f("ck_hints_author_known")
        ),
        sa.CheckConstraint(
            "\"end\" IS NULL OR \"end\" IN ('expired', 'cleared', 'consumed')",
            name=op.f("ck_hints_end_known"),
        ),
        sa.CheckConstraint(
            '("end" IS NULL) = (ended_at IS NULL)', name=op.f("ck_hints_ended_has_its_instant")
        ),
        sa.CheckConstraint(
            '(run_id IS NOT NULL) = ("end" IS NOT NULL AND "end" = \'consumed\')',
            name=op.f("ck_hints_consumed_by_a_run"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hints")),
    )
    op.create_index("ix_hints_endpoint_id_created_at", "hints", ["endpoint_id", "created_at"])
    op.create_index(
        "ix_hints_endpoint_id_expires_at",
        "hints",
        ["endpoint_id", "expires_at"],
        postgresql_where=sa.text('"end" IS NULL'),
        sqlite_where=sa.text('"end" IS NULL'),
    )
    op.create_index(
        "ix_hints_run_id",
        "hints",
        ["run_id"],
        postgresql_where=sa.text("run_id IS NOT NULL"),
        sqlite_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_index("ix_hints_created_at", "hints", ["created_at"])


def _make_triggers() -> None:
    """What was asked for once."""
    op.create_table(
        "triggers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("trace", sa.String(), nullable=True),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind IN ('manual', 'sibling')", name=op.f("ck_triggers_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggers")),
    )
    op.create_index(
        "ix_triggers_endpoint_id_expires_at",
        "triggers",
        ["endpoint_id", "expires_at"],
        postgresql_where=sa.text("run_id IS NULL"),
        sqlite_where=sa.text("run_id IS NULL"),
    )
    op.create_index(
        "ix_triggers_run_id",
        "triggers",
        ["run_id"],
        postgresql_where=sa.text("run_id IS NOT NULL"),
        sqlite_where=sa.text("run_id IS NOT NULL"),
    )
    op.create_index("ix_triggers_expires_at", "triggers", ["expires_at"])


def _make_audit_entries() -> None:
    """Who did what."""
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("subject_name", sa.String(), nullable=False),
        sa.Column("changes", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.CheckConstraint(
            "actor <> '' AND action <> ''", name=op.f("ck_audit_entries_deed_is_whole")
        ),
        sa.CheckConstraint(
            "subject_kind IN ('job', 'endpoint', 'api_key', 'person', 'sign_in',"
            " 'device', 'signing_key', 'alert')",
            name=op.f("ck_audit_entries_subject_kind_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_tenant_at", "audit_entries", ["tenant", "at", "id"])
    op.create_index(
        "ix_audit_entries_tenant_subject_at", "audit_entries", ["tenant", "subject", "at", "id"]
    )


def _make_breakers() -> None:
    """Which hosts fail: asked by every claim, and written only while something fails."""
    op.create_table(
        "breakers",
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("failures >= 1", name=op.f("ck_breakers_something_failed")),
        sa.PrimaryKeyConstraint("tenant", "host", name=op.f("pk_breakers")),
    )
    op.create_index("ix_breakers_failures", "breakers", ["failures"])


def _make_api_keys() -> None:
    """By what programs prove themselves."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("name <> '' AND scopes <> ''", name=op.f("ck_api_keys_key_is_whole")),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_api_keys_sha256_is_whole")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    op.create_index("ix_api_keys_prefix", "api_keys", ["prefix"])
    op.create_index("ix_api_keys_tenant_id", "api_keys", ["tenant", "id"])
    op.create_index(
        "ix_api_keys_issued_by",
        "api_keys",
        ["issued_by"],
        postgresql_where=sa.text("issued_by IS NOT NULL"),
        sqlite_where=sa.text("issued_by IS NOT NULL"),
    )


def _make_people() -> None:
    """Who may sign in."""
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("owner", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "email <> '' AND name <> '' AND password <> '' AND scopes <> ''",
            name=op.f("ck_people_person_is_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("email", name=op.f("uq_people_email")),
    )
    op.create_index(
        "uq_people_owner",
        "people",
        ["owner"],
        unique=True,
        postgresql_where=sa.text("owner"),
        sqlite_where=sa.text("owner"),
    )
    op.create_index("ix_people_tenant_id", "people", ["tenant", "id"])


def _make_sign_ins() -> None:
    """Who is signed in, and where."""
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("person", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('browser', 'device')", name=op.f("ck_sign_ins_kind_known")),
        sa.CheckConstraint(
            "label <> '' AND scopes <> ''", name=op.f("ck_sign_ins_sign_in_is_whole")
        ),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_sign_ins_sha256_is_whole")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("sha256", name=op.f("uq_sign_ins_sha256")),
    )
    op.create_index("ix_sign_ins_prefix", "sign_ins", ["prefix"])
    op.create_index("ix_sign_ins_tenant_id", "sign_ins", ["tenant", "id"])
    op.create_index("ix_sign_ins_person", "sign_ins", ["person"])
    op.create_index("ix_sign_ins_expires_at", "sign_ins", ["expires_at"])


def _make_device_grants() -> None:
    """Which devices wait for somebody to let them in."""
    op.create_table(
        "device_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("user_code", sa.String(), nullable=False),
        sa.Column("client", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=True),
        sa.Column("person", sa.Uuid(), nullable=True),
        sa.Column("interval", sa.BigInteger(), nullable=False),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "standing IN ('pending', 'approved', 'denied')",
            name=op.f("ck_device_grants_standing_known"),
        ),
        sa.CheckConstraint(
            "(standing = 'approved') = (person IS NOT NULL AND tenant IS NOT NULL)",
            name=op.f("ck_device_grants_approved_by_a_person"),
        ),
        sa.CheckConstraint(
            "client <> '' AND scopes <> ''", name=op.f("ck_device_grants_grant_is_whole")
        ),
        sa.CheckConstraint(
            "length(sha256) = 64 AND length(user_code) = 64",
            name=op.f("ck_device_grants_hashes_are_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_grants")),
        sa.UniqueConstraint("sha256", name=op.f("uq_device_grants_sha256")),
        sa.UniqueConstraint("user_code", name=op.f("uq_device_grants_user_code")),
    )
    op.create_index("ix_device_grants_prefix", "device_grants", ["prefix"])
    op.create_index("ix_device_grants_expires_at", "device_grants", ["expires_at"])


def _make_setup_links() -> None:
    """By which links the installation may get its owner."""
    op.create_table(
        "setup_links",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(sha256) = 64", name=op.f("ck_setup_links_sha256_is_whole")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_setup_links")),
    )
    op.create_index("ix_setup_links_prefix", "setup_links", ["prefix"])


def _make_usage() -> None:
    """What tenants have used: a line for each use, and what the lines of a month add up to."""
    op.create_table(
        "usage_totals",
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("month", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("meter IN ('tokens', 'runs')", name=op.f("ck_usage_totals_meter_known")),
        sa.CheckConstraint("used >= 0", name=op.f("ck_usage_totals_used_is_no_debt")),
        sa.PrimaryKeyConstraint("tenant", "meter", "month", name=op.f("pk_usage_totals")),
        postgresql_with={"fillfactor": 70},
    )
    op.create_table(
        "usage_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("month", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "meter IN ('tokens', 'runs')", name=op.f("ck_usage_entries_meter_known")
        ),
        sa.CheckConstraint("amount >= 1", name=op.f("ck_usage_entries_something_was_used")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_entries")),
    )
    op.create_index(
        "ix_usage_entries_tenant_meter_month_at",
        "usage_entries",
        ["tenant", "meter", "month", "at", "id"],
    )


def _make_quotas() -> None:
    """What is reserved, and how fast tenants ask; written where there is a quota."""
    op.create_table(
        "quota_holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("month", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("meter IN ('tokens', 'runs')", name=op.f("ck_quota_holds_meter_known")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_quota_holds_amount_is_no_debt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_holds")),
    )
    op.create_index(
        "ix_quota_holds_tenant_meter_expires_at",
        "quota_holds",
        ["tenant", "meter", "expires_at"],
    )
    op.create_table(
        "quota_paces",
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("meter IN ('tokens', 'runs')", name=op.f("ck_quota_paces_meter_known")),
        sa.PrimaryKeyConstraint("tenant", "meter", name=op.f("pk_quota_paces")),
        postgresql_with={"fillfactor": 70},
    )


def _make_alerts() -> None:
    """Of what people want to be told, the streaks they were told of, and what is still to tell."""
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("occasions", sa.String(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "name <> '' AND target <> '' AND occasions <> ''", name=op.f("ck_alerts_alert_is_whole")
        ),
        sa.CheckConstraint("threshold >= 1", name=op.f("ck_alerts_threshold_counts")),
        sa.CheckConstraint("way IN ('webhook', 'email')", name=op.f("ck_alerts_way_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index("ix_alerts_tenant_id", "alerts", ["tenant", "id"])
    op.create_table(
        "alert_streaks",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["alerts.id"],
            name=op.f("fk_alert_streaks_alert_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("endpoint_id", "alert_id", name=op.f("pk_alert_streaks")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("occasion", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(next_at IS NULL) = (ended_at IS NOT NULL)",
            name=op.f("ck_notices_waits_or_has_ended"),
        ),
        sa.CheckConstraint(
            "failures >= 0 AND tries >= 0", name=op.f("ck_notices_no_count_below_zero")
        ),
        sa.CheckConstraint(
            "occasion IN ('failing', 'recovered', 'quarantined', 'deferred', 'rule', 'budget',"
            " 'test')",
            name=op.f("ck_notices_occasion_known"),
        ),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["alerts.id"],
            name=op.f("fk_notices_alert_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(
        "ix_notices_next_at",
        "notices",
        ["next_at"],
        postgresql_where=sa.text("next_at IS NOT NULL"),
        sqlite_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index("ix_notices_alert_id", "notices", ["alert_id"])
    op.create_index("ix_notices_ended_at", "notices", ["ended_at"])


def _make_signing_keys() -> None:
    """What requests are signed with."""
    op.create_table(
        "signing_keys",
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("current", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("previous", sa.String(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "prefix <> '' AND current <> ''", name=op.f("ck_signing_keys_key_is_whole")
        ),
        sa.CheckConstraint(
            "(previous IS NULL) = (previous_until IS NULL)",
            name=op.f("ck_signing_keys_previous_has_its_end"),
        ),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_signing_keys")),
    )


def _make_sessions() -> None:
    """What the AI planner looks at, what it has made of it, and what waits for a person."""
    op.create_table(
        "analyses",
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_analyses_no_count_below_zero")),
        sa.CheckConstraint(
            "(lease IS NULL) = (worker IS NULL) AND (lease IS NULL) = (leased_until IS NULL)"
            " AND (lease IS NULL) = (taken_at IS NULL)",
            name=op.f("ck_analyses_lease_is_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoints.id"],
            name=op.f("fk_analyses_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("endpoint_id", name=op.f("pk_analyses")),
    )
    op.create_index("ix_analyses_next_at", "analyses", ["next_at"])
    op.create_index("ix_analyses_job_id", "analyses", ["job_id"])
    op.create_index("ix_analyses_tenant_looked_at", "analyses", ["tenant", "looked_at"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ending", sa.String(), nullable=False),
        sa.Column("next_analysis_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reasoning", sa.String(), nullable=False),
        sa.Column("tokens_in", sa.BigInteger(), nullable=False),
        sa.Column("tokens_out", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("document", sa.String(), nullable=False),
        sa.CheckConstraint(
            "ending IN ('done', 'failed', 'bounded', 'denied', 'hindered', 'stopped')",
            name=op.f("ck_sessions_ending_known"),
        ),
        sa.CheckConstraint(
            "tokens_in >= 0 AND tokens_out >= 0", name=op.f("ck_sessions_no_count_below_zero")
        ),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["endpoints.id"],
            name=op.f("fk_sessions_endpoint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_endpoint_id_id", "sessions", ["endpoint_id", "id"])
    op.create_index("ix_sessions_tenant_started_at", "sessions", ["tenant", "started_at"])
    op.create_index("ix_sessions_started_at", "sessions", ["started_at"])
    op.create_table(
        "suggestions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("proposal", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'approved', 'refused')", name=op.f("ck_suggestions_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'waiting') = (decided_at IS NULL)",
            name=op.f("ck_suggestions_decided_has_its_instant"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_suggestions_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestions")),
    )
    op.create_index(
        "ix_suggestions_waiting",
        "suggestions",
        ["tenant", "id"],
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_suggestions_session_id", "suggestions", ["session_id"])


def _make_kept_answers() -> None:
    """What was answered to requests that bear a key."""
    op.create_table(
        "kept_answers",
        sa.Column("tenant", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("attempt", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.String(), nullable=True),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.CheckConstraint(
            "length(key) = 64 AND length(fingerprint) = 64",
            name=op.f("ck_kept_answers_digests_are_whole"),
        ),
        sa.CheckConstraint(
            "(status IS NULL) = (media_type IS NULL)"
            " AND (status IS NOT NULL OR (body IS NULL AND NOT secret))"
            " AND (status IS NULL OR body IS NOT NULL OR secret)",
            name=op.f("ck_kept_answers_answered_is_whole"),
        ),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_kept_answers")),
    )
    op.create_index("ix_kept_answers_until", "kept_answers", ["until"])


def _make_rate_limits() -> None:
    """How often something was asked, for all processes."""
    op.create_table(
        "rate_limits",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("subject <> ''", name=op.f("ck_rate_limits_subject_filled")),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_rate_limits")),
    )
    op.create_index("ix_rate_limits_full_at", "rate_limits", ["full_at"])


def _make_workers() -> None:
    """Who is at work; for people."""
    op.create_table(
        "workers",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("zone_data", sa.String(), nullable=False),
        sa.Column("clock_skew", sa.BigInteger(), nullable=False),
        sa.Column("floor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("concurrency >= 1", name=op.f("ck_workers_concurrency_allows_one")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_workers_name_filled")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
