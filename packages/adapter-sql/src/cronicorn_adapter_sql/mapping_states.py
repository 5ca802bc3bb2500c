"""Endpoint states, leases, hints, triggers and slot records, and their rows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar, assert_never

from cronicorn_domain.identity import (
    EndpointId,
    HintId,
    RunId,
    TenantId,
    Token,
    TriggerId,
    WorkerId,
    new_uuid,
)
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import (
    Author,
    Hint,
    IntervalHint,
    OneShotHint,
    Trigger,
    TriggerKind,
)
from cronicorn_domain.model.lease import Lease
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.model.state import EndpointState
from cronicorn_domain.model.trace import Trace

from cronicorn_adapter_sql.lengths import from_microseconds, to_microseconds
from cronicorn_adapter_sql.mapping_jobs import Columns, Values
from cronicorn_adapter_sql.mapping_plans import (
    instants_from,
    plan_from,
    text_of_instants,
    text_of_plan,
)
from cronicorn_adapter_sql.mapping_rules import rests_from, text_of_rests

Item = TypeVar("Item")


def values_of_state(state: EndpointState) -> Values:
    """Return the values of a state's row, but for its identity, due pointer and revision."""
    return {
        "failures": state.failures,
        "last_slot": state.last_slot,
        "last_start": state.last_start,
        "last_end": state.last_end,
        "run_count": state.run_count,
        "not_before": state.not_before,
        "not_before_reason": state.not_before_reason,
        "plan": text_of_plan(state.plan),
        "urgent": text_of_plan(state.urgent),
        "noted": text_of_instants(state.noted),
        "latest_slot": state.latest_slot,
        "latest_attempt": state.latest_attempt,
        "rhythm_from": state.rhythm_from,
        "skipped": state.skipped,
        "resting": text_of_rests(state.resting),
        "quarantine": state.quarantine,
    }


def state_from(row: Columns) -> EndpointState:
    """Return the state of a row."""
    return replace(
        state_without_plans(row),
        plan=plan_from(row["plan"]),
        urgent=plan_from(row["urgent"]),
        noted=instants_from(row["noted"]),
    )


def state_without_plans(row: Columns) -> EndpointState:
    """Return what is left of a state whose plans cannot be read."""
    return EndpointState(
        failures=row["failures"],
        last_slot=row["last_slot"],
        last_start=row["last_start"],
        last_end=row["last_end"],
        run_count=row["run_count"],
        not_before=row["not_before"],
        not_before_reason=row["not_before_reason"],
        latest_slot=row["latest_slot"],
        latest_attempt=row["latest_attempt"],
        rhythm_from=row["rhythm_from"],
        skipped=row["skipped"],
        resting=rests_from(row["resting"]),
        quarantine=row["quarantine"],
    )


def lease_from(row: Columns) -> Lease:
    """Return the lease of a row."""
    return Lease(
        token=Token(row["token"]),
        endpoint_id=EndpointId(row["endpoint_id"]),
        tenant=TenantId(row["tenant"]),
        run_id=RunId(row["run_id"]),
        worker=WorkerId(row["worker"]),
        until=row["until"],
        started_at=row["started_at"],
        urgent=row["urgent"],
    )


def values_of_hint(tenant: TenantId, endpoint_id: EndpointId, hint: Hint) -> Values:
    """Return the values of an active hint's row."""
    common: Values = {
        "id": hint.id,
        "endpoint_id": endpoint_id,
        "tenant": tenant,
        "author": hint.author.value,
        "created_at": hint.created_at,
        "expires_at": hint.expires_at,
        "reason": hint.reason,
    }
    match hint:
        case IntervalHint(every=every):
            return common | {"kind": "interval", "every": to_microseconds(every), "at": None}
        case OneShotHint(at=at):
            return common | {"kind": "oneshot", "every": None, "at": at}
        case _:
            assert_never(hint)


def hint_from(row: Columns) -> Hint:
    """Return the hint of a row."""
    identity, author = HintId(row["id"]), Author(row["author"])
    if row["kind"] == "interval":
        return IntervalHint(
            id=identity,
            author=author,
            every=from_microseconds(row["every"]),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            reason=row["reason"],
        )
    return OneShotHint(
        id=identity,
        author=author,
        at=row["at"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        reason=row["reason"],
    )


def meant(mapping: Callable[[Columns], Item], row: Columns) -> Sequence[Item]:
    """Return what a row means; one that means nothing has no effect, and harms only itself."""
    try:
        return [mapping(row)]
    except Exception:  # noqa: BLE001  whatever is odd about it
        return []


def values_of_trigger(tenant: TenantId, endpoint_id: EndpointId, trigger: Trigger) -> Values:
    """Return the values of a pending trigger's row."""
    return {
        "id": trigger.id,
        "endpoint_id": endpoint_id,
        "tenant": tenant,
        "kind": trigger.kind.value,
        "at": trigger.at,
        "expires_at": trigger.expires_at,
        "reason": trigger.reason,
        "trace": None if trigger.trace is None else str(trigger.trace),
        "run_id": None,
    }


def trigger_from(row: Columns) -> Trigger:
    """Return the trigger of a row."""
    return Trigger(
        id=TriggerId(row["id"]),
        kind=TriggerKind(row["kind"]),
        at=row["at"],
        expires_at=row["expires_at"],
        reason=row["reason"],
        trace=Trace.parse(row["trace"]),
    )


def values_of_record(endpoint: Endpoint, record: SlotRecord) -> Values:
    """Return the values of a slot record's row."""
    return {
        "id": new_uuid(),
        "endpoint_id": endpoint.id,
        "tenant": endpoint.tenant,
        "fate": record.fate.value,
        "reason": record.reason,
        "first": record.first,
        "last": record.last,
        "count": record.count,
        "recorded_at": record.recorded_at,
        "prolonged_at": record.prolonged_at,
    }


def record_from(row: Columns) -> SlotRecord:
    """Return the slot record of a row."""
    return SlotRecord(
        fate=Fate(row["fate"]),
        reason=row["reason"],
        first=row["first"],
        last=row["last"],
        count=row["count"],
        recorded_at=row["recorded_at"],
        prolonged_at=row["prolonged_at"],
    )
