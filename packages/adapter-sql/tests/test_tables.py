"""The schema refuses what must not be, whoever writes it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pytest
from cronicorn_adapter_sql.column_types import metadata
from cronicorn_adapter_sql.errors import translated
from cronicorn_adapter_sql.testing.rows import GOOD, LATER, NOON, OTHER, good, write
from cronicorn_domain.errors import CronicornError, StoreRefused
from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.ext.asyncio import AsyncEngine

FINISHED: Final[Mapping[str, Any]] = {
    "status": "success",
    "finished_at": NOON,
    "outcome_class": "success",
}

CANCELED: Final[Mapping[str, Any]] = {
    "status": "canceled",
    "finished_at": NOON,
    "outcome_class": "not_attempted",
}

METERED: Final = ("usage_totals", "usage_entries", "quota_holds", "quota_paces")

REFUSED: Final[tuple[tuple[str, str, Mapping[str, Any]], ...]] = (
    ("ck_jobs_state_known", "jobs", {"state": "sleeping"}),
    ("ck_jobs_archived_has_its_instant", "jobs", {"state": "archived"}),
    ("ck_jobs_archived_has_its_instant", "jobs", {"archived_at": NOON}),
    ("ck_jobs_name_filled", "jobs", {"name": ""}),
    ("ck_endpoints_one_schedule", "endpoints", {"schedule_kind": "moon"}),
    ("ck_endpoints_one_schedule", "endpoints", {"every": None}),
    ("ck_endpoints_one_schedule", "endpoints", {"every": 0}),
    ("ck_endpoints_one_schedule", "endpoints", {"cron": "* * * * *"}),
    ("ck_endpoints_one_schedule", "endpoints", {"run_at": NOON}),
    ("ck_endpoints_one_schedule", "endpoints", {"schedule_kind": "once", "every": None}),
    ("ck_endpoints_one_schedule", "endpoints", {"schedule_kind": "once", "run_at": NOON}),
    (
        "ck_endpoints_one_schedule",
        "endpoints",
        {"schedule_kind": "cron", "every": None, "cron": "* * * * *"},
    ),
    (
        "ck_endpoints_one_schedule",
        "endpoints",
        {"schedule_kind": "cron", "every": None, "timezone": "UTC"},
    ),
    ("ck_endpoints_shortest_at_most_longest", "endpoints", {"shortest": 2, "longest": 1}),
    ("ck_endpoints_starts_before_it_ends", "endpoints", {"starts_at": LATER, "ends_at": NOON}),
    ("ck_endpoints_max_runs_allows_one", "endpoints", {"max_runs": 0}),
    ("ck_endpoints_nothing_below_zero", "endpoints", {"jitter": -1}),
    ("ck_endpoints_nothing_below_zero", "endpoints", {"misfire_grace": -1}),
    ("ck_endpoints_nothing_below_zero", "endpoints", {"retry_backoff": -1}),
    ("ck_endpoints_nothing_below_zero", "endpoints", {"redirects": -1}),
    ("ck_endpoints_backoff_at_most_its_most", "endpoints", {"retry_backoff": 1}),
    ("ck_endpoints_counts_from_one", "endpoints", {"retry_attempts": 0}),
    ("ck_endpoints_counts_from_one", "endpoints", {"catch_up_limit": 0}),
    ("ck_endpoints_limits_above_zero", "endpoints", {"timeout": 0}),
    ("ck_endpoints_limits_above_zero", "endpoints", {"execution": 0}),
    ("ck_endpoints_limits_above_zero", "endpoints", {"response_size": 0}),
    ("ck_endpoints_misfire_policy_known", "endpoints", {"misfire_policy": "panic"}),
    ("ck_endpoints_delivery_known", "endpoints", {"delivery": "exactly_once"}),
    ("ck_endpoints_signing_known", "endpoints", {"signing": "sometimes"}),
    ("ck_endpoints_name_filled", "endpoints", {"name": ""}),
    ("ck_endpoint_state_no_count_below_zero", "endpoint_state", {"failures": -1}),
    ("ck_endpoint_state_no_count_below_zero", "endpoint_state", {"run_count": -1}),
    ("ck_endpoint_state_no_count_below_zero", "endpoint_state", {"latest_attempt": -1}),
    ("ck_runs_status_known", "runs", {**CANCELED, "status": "lost"}),
    ("ck_runs_finished_has_its_instant", "runs", {"finished_at": NOON}),
    ("ck_runs_finished_has_its_instant", "runs", {**FINISHED, "finished_at": None}),
    ("ck_runs_finished_is_judged", "runs", {"outcome_class": "not_attempted"}),
    ("ck_runs_finished_is_judged", "runs", {**FINISHED, "outcome_class": None}),
    ("ck_runs_failed_has_its_kind", "runs", {**CANCELED, "status": "failed"}),
    ("ck_runs_failed_has_its_kind", "runs", {**FINISHED, "failure_kind": "timeout"}),
    ("ck_runs_attempts_from_one", "runs", {"attempt": 0}),
    ("ck_runs_kind_known", "runs", {"kind": "nightly"}),
    ("ck_runs_judged_as_it_ended", "runs", {**FINISHED, "outcome_class": "ours"}),
    ("ck_runs_judged_as_it_ended", "runs", {**CANCELED, "status": "success"}),
    ("ck_runs_outcome_class_known", "runs", {**CANCELED, "outcome_class": "nobody"}),
    ("ck_run_bodies_kind_known", "run_bodies", {"kind": "video"}),
    ("ck_slot_records_fate_known", "slot_records", {"fate": "forgotten"}),
    ("ck_slot_records_span_has_slots", "slot_records", {"first": LATER}),
    ("ck_slot_records_span_has_slots", "slot_records", {"count": 0}),
    ("ck_roll_ups_size_known", "roll_ups", {"size": "week"}),
    ("ck_roll_ups_outcome_class_known", "roll_ups", {"outcome_class": "nobody"}),
    ("ck_roll_ups_counts_runs", "roll_ups", {"runs": 0, "timed_runs": 0}),
    ("ck_roll_ups_counts_runs", "roll_ups", {"timed_runs": 2}),
    ("ck_roll_ups_counts_runs", "roll_ups", {"timed_runs": -1}),
    ("ck_roll_ups_steps_from_zero", "roll_ups", {"duration_step": -1}),
    ("ck_job_roll_ups_size_known", "job_roll_ups", {"size": "minute"}),
    ("ck_job_roll_ups_outcome_class_known", "job_roll_ups", {"outcome_class": "nobody"}),
    ("ck_job_roll_ups_counts_runs", "job_roll_ups", {"runs": 0, "timed_runs": 0}),
    ("ck_endpoint_days_outcome_class_known", "endpoint_days", {"outcome_class": "nobody"}),
    ("ck_endpoint_days_counts_runs", "endpoint_days", {"timed_runs": 2}),
    ("ck_job_days_outcome_class_known", "job_days", {"outcome_class": "nobody"}),
    ("ck_job_days_counts_runs", "job_days", {"timed_runs": 2}),
    ("ck_endpoint_totals_counts_runs", "endpoint_totals", {"runs": 0}),
    ("ck_tenant_spreads_size_known", "tenant_spreads", {"size": "minute"}),
    ("ck_tenant_spreads_counts_runs", "tenant_spreads", {"runs": 0}),
    ("ck_tenant_spreads_steps_from_zero", "tenant_spreads", {"lateness_step": -1}),
    ("ck_closings_there_is_one", "closings", {"id": 2}),
    ("ck_hints_one_proposal", "hints", {"kind": "order"}),
    ("ck_hints_one_proposal", "hints", {"every": None}),
    ("ck_hints_one_proposal", "hints", {"every": 0}),
    ("ck_hints_one_proposal", "hints", {"at": NOON}),
    ("ck_hints_one_proposal", "hints", {"kind": "oneshot", "at": NOON}),
    ("ck_hints_one_proposal", "hints", {"kind": "oneshot", "every": None}),
    ("ck_hints_author_known", "hints", {"author": "cat"}),
    ("ck_hints_ended_has_its_instant", "hints", {"end": "cleared"}),
    ("ck_hints_ended_has_its_instant", "hints", {"ended_at": NOON}),
    ("ck_hints_end_known", "hints", {"end": "eaten", "ended_at": NOON}),
    ("ck_hints_consumed_by_a_run", "hints", {"run_id": OTHER}),
    ("ck_hints_consumed_by_a_run", "hints", {"end": "consumed", "ended_at": NOON}),
    (
        "ck_hints_consumed_by_a_run",
        "hints",
        {"end": "cleared", "ended_at": NOON, "run_id": OTHER},
    ),
    ("ck_triggers_kind_known", "triggers", {"kind": "ghost"}),
    ("ck_audit_entries_subject_kind_known", "audit_entries", {"subject_kind": "moon"}),
    ("ck_audit_entries_deed_is_whole", "audit_entries", {"actor": ""}),
    ("ck_audit_entries_deed_is_whole", "audit_entries", {"action": ""}),
    ("ck_breakers_something_failed", "breakers", {"failures": 0}),
    *((f"ck_{each}_meter_known", each, {"meter": "hours"}) for each in METERED),
    ("ck_usage_totals_used_is_no_debt", "usage_totals", {"used": -1}),
    ("ck_usage_entries_something_was_used", "usage_entries", {"amount": 0}),
    ("ck_quota_holds_amount_is_no_debt", "quota_holds", {"amount": -1}),
    ("ck_api_keys_key_is_whole", "api_keys", {"name": ""}),
    ("ck_api_keys_key_is_whole", "api_keys", {"scopes": ""}),
    ("ck_api_keys_sha256_is_whole", "api_keys", {"sha256": "abc"}),
    ("ck_endpoints_ai_mode_known", "endpoints", {"ai_mode": "always"}),
    ("ck_analyses_no_count_below_zero", "analyses", {"failures": -1}),
    ("ck_analyses_lease_is_whole", "analyses", {"lease": OTHER}),
    ("ck_analyses_lease_is_whole", "analyses", {"worker": "w"}),
    ("ck_analyses_lease_is_whole", "analyses", {"leased_until": NOON}),
    ("ck_sessions_ending_known", "sessions", {"ending": "asleep"}),
    ("ck_sessions_no_count_below_zero", "sessions", {"tokens_in": -1}),
    ("ck_suggestions_state_known", "suggestions", {"state": "asleep", "decided_at": NOON}),
    ("ck_suggestions_decided_has_its_instant", "suggestions", {"decided_at": NOON}),
    ("ck_signing_keys_key_is_whole", "signing_keys", {"prefix": ""}),
    ("ck_signing_keys_key_is_whole", "signing_keys", {"current": ""}),
    ("ck_signing_keys_previous_has_its_end", "signing_keys", {"previous_until": None}),
    ("ck_signing_keys_previous_has_its_end", "signing_keys", {"previous": None}),
    ("ck_alerts_way_known", "alerts", {"way": "pigeon"}),
    ("ck_alerts_alert_is_whole", "alerts", {"name": ""}),
    ("ck_alerts_alert_is_whole", "alerts", {"target": ""}),
    ("ck_alerts_alert_is_whole", "alerts", {"occasions": ""}),
    ("ck_alerts_threshold_counts", "alerts", {"threshold": 0}),
    ("ck_notices_occasion_known", "notices", {"occasion": "birthday"}),
    ("ck_notices_waits_or_has_ended", "notices", {"next_at": None}),
    ("ck_notices_waits_or_has_ended", "notices", {"ended_at": LATER}),
    ("ck_notices_no_count_below_zero", "notices", {"tries": -1}),
    ("ck_notices_no_count_below_zero", "notices", {"failures": -1}),
    ("ck_people_person_is_whole", "people", {"email": ""}),
    ("ck_people_person_is_whole", "people", {"name": ""}),
    ("ck_people_person_is_whole", "people", {"password": ""}),
    ("ck_people_person_is_whole", "people", {"scopes": ""}),
    ("ck_sign_ins_kind_known", "sign_ins", {"kind": "moon"}),
    ("ck_sign_ins_sign_in_is_whole", "sign_ins", {"label": ""}),
    ("ck_sign_ins_sign_in_is_whole", "sign_ins", {"scopes": ""}),
    ("ck_sign_ins_sha256_is_whole", "sign_ins", {"sha256": "abc"}),
    ("ck_device_grants_standing_known", "device_grants", {"standing": "moon"}),
    ("ck_device_grants_approved_by_a_person", "device_grants", {"standing": "approved"}),
    ("ck_device_grants_approved_by_a_person", "device_grants", {"person": OTHER, "tenant": OTHER}),
    ("ck_device_grants_grant_is_whole", "device_grants", {"client": ""}),
    ("ck_device_grants_grant_is_whole", "device_grants", {"scopes": ""}),
    ("ck_device_grants_hashes_are_whole", "device_grants", {"sha256": "abc"}),
    ("ck_device_grants_hashes_are_whole", "device_grants", {"user_code": "abc"}),
    ("ck_setup_links_sha256_is_whole", "setup_links", {"sha256": "abc"}),
    ("ck_kept_answers_digests_are_whole", "kept_answers", {"key": "abc"}),
    ("ck_kept_answers_digests_are_whole", "kept_answers", {"fingerprint": "abc"}),
    ("ck_kept_answers_answered_is_whole", "kept_answers", {"status": 200}),
    ("ck_kept_answers_answered_is_whole", "kept_answers", {"secret": True}),
    ("ck_kept_answers_answered_is_whole", "kept_answers", {"body": "{}"}),
    ("ck_rate_limits_subject_filled", "rate_limits", {"subject": ""}),
    ("ck_workers_name_filled", "workers", {"name": ""}),
    ("ck_workers_concurrency_allows_one", "workers", {"concurrency": 0}),
)
"""The constraint, its table, and what makes a good row one that it refuses."""

CLASHES: Final[tuple[tuple[str, str, Mapping[str, Any]], ...]] = (
    ("pk_tenants", "tenants", {}),
    ("pk_jobs", "jobs", {"name": "other", "external_key": None}),
    ("uq_jobs_tenant_name", "jobs", {"id": OTHER, "external_key": None}),
    ("uq_jobs_tenant_external_key", "jobs", {"id": OTHER, "name": "other"}),
    ("pk_endpoints", "endpoints", {"name": "other", "external_key": None}),
    ("uq_endpoints_job_id_external_key", "endpoints", {"id": OTHER, "name": "other"}),
    ("uq_endpoints_job_id_name", "endpoints", {"id": OTHER, "external_key": None}),
    ("pk_due", "due", {"tenant": OTHER}),
    ("pk_leases", "leases", {"endpoint_id": OTHER}),
    ("pk_runs", "runs", {"attempt": 2}),
    ("uq_runs_endpoint_id_slot_attempt", "runs", {"id": OTHER}),
    ("pk_run_bodies", "run_bodies", {"text": "other"}),
    ("pk_slot_records", "slot_records", {"first": NOON}),
    ("pk_roll_ups", "roll_ups", {"runs": 2}),
    ("pk_job_roll_ups", "job_roll_ups", {}),
    ("pk_endpoint_days", "endpoint_days", {}),
    ("pk_job_days", "job_days", {}),
    ("pk_endpoint_totals", "endpoint_totals", {"runs": 2}),
    ("pk_midnights", "midnights", {}),
    ("pk_tenant_spreads", "tenant_spreads", {"runs": 2}),
    ("pk_closings", "closings", {"until": LATER}),
    ("pk_hints", "hints", {"every": 2}),
    ("pk_triggers", "triggers", {"kind": "sibling"}),
    ("pk_audit_entries", "audit_entries", {"action": "resume"}),
    ("pk_breakers", "breakers", {"failures": 2}),
    ("pk_usage_totals", "usage_totals", {"used": 2}),
    ("pk_usage_entries", "usage_entries", {"amount": 2}),
    ("pk_quota_holds", "quota_holds", {"amount": 2}),
    ("pk_quota_paces", "quota_paces", {"begun": LATER}),
    ("pk_api_keys", "api_keys", {"sha256": "1" * 64}),
    ("uq_api_keys_sha256", "api_keys", {"id": OTHER}),
    ("pk_alerts", "alerts", {"name": "another"}),
    ("pk_alert_streaks", "alert_streaks", {"at": LATER}),
    ("pk_notices", "notices", {"failures": 4}),
    ("pk_analyses", "analyses", {"failures": 1}),
    ("pk_sessions", "sessions", {"model": "another"}),
    ("pk_suggestions", "suggestions", {"tenant": OTHER}),
    ("pk_signing_keys", "signing_keys", {"prefix": "whsec_wxyz"}),
    ("pk_people", "people", {"email": "bob@example.org", "owner": False}),
    ("uq_people_email", "people", {"id": OTHER, "owner": False}),
    ("uq_people_owner", "people", {"id": OTHER, "email": "bob@example.org", "tenant": OTHER}),
    ("pk_sign_ins", "sign_ins", {"sha256": "1" * 64}),
    ("uq_sign_ins_sha256", "sign_ins", {"id": OTHER}),
    ("pk_device_grants", "device_grants", {"sha256": "2" * 64, "user_code": "3" * 64}),
    ("uq_device_grants_sha256", "device_grants", {"id": OTHER, "user_code": "3" * 64}),
    ("uq_device_grants_user_code", "device_grants", {"id": OTHER, "sha256": "2" * 64}),
    ("pk_setup_links", "setup_links", {"prefix": "other"}),
    ("pk_kept_answers", "kept_answers", {"attempt": OTHER}),
    ("pk_rate_limits", "rate_limits", {"full_at": LATER}),
    ("pk_workers", "workers", {"version": "2"}),
)
"""The constraint, its table, and how a second row differs from the first, with which it clashes."""

FREE: Final[tuple[tuple[str, Mapping[str, Any]], ...]] = (
    ("jobs", {"id": OTHER, "state": "archived", "archived_at": NOON}),
    ("jobs", {"id": OTHER, "tenant": OTHER}),
    ("jobs", {"id": OTHER, "name": "other", "external_key": None}),
    ("endpoints", {"id": OTHER, "archived_at": NOON}),
    ("due", {"due_at": LATER}),
    ("leases", {"token": 2, "endpoint_id": OTHER}),
    ("runs", {"id": OTHER, "attempt": 2}),
    ("runs", {"id": OTHER, "slot": LATER}),
    ("run_bodies", {"slot": LATER}),
    ("roll_ups", {"size": "hour"}),
    ("people", {"id": OTHER, "email": "bob@example.org", "owner": False}),
    ("roll_ups", {"source": "manual"}),
)
"""How a second row may differ from the first without a clash."""


PARTS: Final = {
    "pk_runs": "runs_default_pkey",
    "uq_runs_endpoint_id_slot_attempt": "runs_default_endpoint_id_slot_attempt_key",
    "pk_run_bodies": "run_bodies_default_pkey",
}
"""What PostgreSQL calls the part of a constraint that belongs to a partition."""


class RefusedByConstraint(CronicornError):
    """The constraint that was asked about refused the row."""


@pytest.mark.parametrize("name", GOOD)
async def test_a_good_row_is_taken(engine: AsyncEngine, name: str) -> None:
    """The rows that the other tests spoil are good ones."""
    await write(engine, *good(name))


@pytest.mark.parametrize(
    ("constraint", "name", "changes"), REFUSED, ids=[f"{name} {more}" for name, _, more in REFUSED]
)
async def test_impossible_states_are_refused(
    engine: AsyncEngine, constraint: str, name: str, changes: Mapping[str, Any]
) -> None:
    """A row that contradicts itself is refused by the constraint that says so."""
    await write(engine, *good(name)[:-1])

    with (
        pytest.raises(RefusedByConstraint),
        translated({constraint: RefusedByConstraint(constraint)}),
    ):
        await write(engine, (name, {**GOOD[name], **changes}))


@pytest.mark.parametrize(
    ("constraint", "name", "changes"), CLASHES, ids=[row[0] for row in CLASHES]
)
async def test_what_must_be_unique_is(
    engine: AsyncEngine, constraint: str, name: str, changes: Mapping[str, Any]
) -> None:
    """A second row of the same key is refused: trap T05 for leases and runs."""
    await write(engine, *good(name))
    refused = RefusedByConstraint(constraint)
    meant = {constraint: refused, PARTS.get(constraint, constraint): refused}

    with pytest.raises(RefusedByConstraint), translated(meant):
        await write(engine, (name, {**GOOD[name], **changes}))


@pytest.mark.parametrize(("name", "changes"), FREE)
async def test_what_may_be_repeated_is_free(
    engine: AsyncEngine, name: str, changes: Mapping[str, Any]
) -> None:
    """A name is free again once its holder is archived; keys clash as a whole only."""
    await write(engine, *good(name))

    await write(engine, (name, {**GOOD[name], **changes}))


@pytest.mark.parametrize("name", ["endpoints", "endpoint_state"])
async def test_nothing_refers_to_nothing(engine: AsyncEngine, name: str) -> None:
    """An endpoint without its job, and a state without its endpoint, are refused."""
    with pytest.raises(StoreRefused), translated():
        await write(engine, (name, GOOD[name]))


def unique_and_checked(table: Table) -> Iterator[str]:
    """Name the constraints of a table that refuse a row for what it is."""
    kinds = (CheckConstraint, PrimaryKeyConstraint, UniqueConstraint)
    named = (each for each in table.constraints if isinstance(each, kinds))
    # A table without a primary key has one without columns.
    yield from (
        str(each.name) for each in named if each.columns or isinstance(each, CheckConstraint)
    )
    yield from (str(index.name) for index in table.indexes if index.unique)


def test_every_constraint_is_tried() -> None:
    """No check, key or unique constraint is without a row that it refuses."""
    declared = {name for table in metadata.tables.values() for name in unique_and_checked(table)}

    assert declared == {name for name, _, _ in (*REFUSED, *CLASHES)}


def beginning(each: Constraint | Index, table: Table) -> str:
    """Return what the convention begins a name with; of a check or index the rest is its own."""
    match each:
        case PrimaryKeyConstraint():
            return f"pk_{table.name}"
        case CheckConstraint():
            return f"ck_{table.name}_"
        case UniqueConstraint():
            return f"uq_{table.name}_{column_names(each.columns)}"
        case ForeignKeyConstraint():
            return f"fk_{table.name}_{column_names(each.columns)}"
        case Index(unique=True):
            return f"uq_{table.name}_{column_names(each.columns)}"
        case _:
            return f"ix_{table.name}_"


def column_names(columns: Iterable[Column[Any]]) -> str:
    """Join the names of columns."""
    return "_".join(column.name for column in columns)


def test_names_follow_the_convention() -> None:
    """Each constraint and index is named by its kind, its table, and its columns or its rule."""
    for table in metadata.tables.values():
        named: list[Constraint | Index] = [*table.constraints, *table.indexes]
        for each in named:
            assert str(each.name).startswith(beginning(each, table))


@pytest.mark.parametrize(
    "column",
    [column for table in metadata.tables.values() for column in table.columns],
    ids=str,
)
def test_nothing_is_filled_in_behind_our_back(column: Column[Any]) -> None:
    """Columns have no default of the database's: what a row says was written by somebody."""
    assert column.server_default is None
