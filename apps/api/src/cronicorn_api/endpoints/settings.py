"""Reads endpoints from the wire: the members that management calls otherwise."""

import json
from typing import Any, Final

from cronicorn_domain.errors import InvalidInput
from cronicorn_management.settings import EndpointChanges, EndpointSettings, HeaderSetting
from pydantic import JsonValue

from cronicorn_api.endpoints.schemas import EndpointMembers, EndpointPatch, NewEndpoint, RetryGiven
from cronicorn_api.rules.presenters import rules_from
from cronicorn_api.wire.values import length_of

WIRE_NAMES: Final = {
    "every": "baselineIntervalMs",
    "cron": "baselineCron",
    "at": "runAt",
    "min": "minIntervalMs",
    "max": "maxIntervalMs",
    "headers": "headersJson",
    "body": "bodyJson",
    "starts_at": "startsAt",
    "ends_at": "endsAt",
    "max_runs": "maxRuns",
    "jitter": "jitterMs",
    "misfire_grace": "misfireGraceMs",
    "catch_up_limit": "catchUpLimit",
    "retry.backoff": "retry.backoffMs",
    "timeout": "timeoutMs",
    "max_execution_time": "maxExecutionTimeMs",
    "max_response_size": "maxResponseSizeKb",
    "external_key": "externalKey",
    "success_when": "successWhen",
    "paused_until": "pausedUntil",
    "ai_mode": "aiMode",
    "ai_model": "aiModel",
    "count": "count",
}
"""What management calls a member, and what the wire does."""

_LENGTHS: Final = {
    "baseline_interval_ms": "every",
    "min_interval_ms": "min",
    "max_interval_ms": "max",
    "jitter_ms": "jitter",
    "misfire_grace_ms": "misfire_grace",
    "timeout_ms": "timeout",
    "max_execution_time_ms": "max_execution_time",
}
_AS_THEY_ARE: Final = {
    "description": "description",
    "method": "method",
    "baseline_cron": "cron",
    "run_at": "at",
    "timezone": "timezone",
    "starts_at": "starts_at",
    "ends_at": "ends_at",
    "max_runs": "max_runs",
    "misfire_policy": "misfire_policy",
    "catch_up_limit": "catch_up_limit",
    "delivery": "delivery",
    "response_hints": "response_hints",
    "pause_when_gone": "pause_when_gone",
    "signing": "signing",
    "success_when": "success_when",
    "shadow_rules": "shadow_rules",
    "ai_mode": "ai_mode",
    "ai_model": "ai_model",
}
_KIBIBYTE: Final = 1024


def settings_from(given: NewEndpoint) -> EndpointSettings:
    """Read a whole endpoint. Raises ``InvalidInput``."""
    said = {name: value for name, value in _read(given).items() if value is not None}
    return EndpointSettings(name=given.name, url=given.url, **said)


def changes_from(given: EndpointPatch) -> EndpointChanges:
    """Read the members of an edit, null as what clears. Raises ``InvalidInput``."""
    changes: dict[str, Any] = dict(_read(given))
    if "headers" in changes and changes["headers"] is None:
        changes["headers"] = ()
    for name in {"name", "url"} & given.model_fields_set:
        value = getattr(given, name)
        if value is None:
            raise InvalidInput(f"an endpoint has a {name}", field=name, remedy="leave it out")
        changes[name] = value
    made: EndpointChanges = EndpointChanges(**changes)  # type: ignore[typeddict-item]
    return made


def _read(given: EndpointMembers) -> dict[str, Any]:
    """Read the members that are there, null or not."""
    there = given.model_fields_set
    read: dict[str, Any] = {}
    for wire, name in _AS_THEY_ARE.items():
        if wire in there:
            read[name] = getattr(given, wire)
    for wire, name in _LENGTHS.items():
        if wire in there:
            count = getattr(given, wire)
            read[name] = None if count is None else length_of(count)
    if "headers_json" in there:
        read["headers"] = _headers(given.headers_json)
    if "body_json" in there:
        read["body"] = _body(given.body_json)
    if "max_response_size_kb" in there:
        size = given.max_response_size_kb
        read["max_response_size"] = None if size is None else size * _KIBIBYTE
    if "retry" in there:
        read |= _retry(given.retry)
    if "rules" in there:
        read["rules"] = rules_from(given.rules or [])
    return read


def _headers(given: dict[str, str] | None) -> tuple[HeaderSetting, ...] | None:
    if given is None:
        return None
    return tuple(HeaderSetting(name=name, value=value) for name, value in given.items())


def _body(given: JsonValue) -> str | None:
    if given is None:
        return None
    try:
        return json.dumps(given, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        raise InvalidInput(
            "the body holds a number that JSON has no place for",
            field="body",
            remedy="leave out NaN and infinities",
        ) from None


def _retry(given: RetryGiven | None) -> dict[str, Any]:
    """Read retries as a whole: a member that is not said has its default."""
    if given is None:
        return dict.fromkeys(("retry_attempts", "retry_backoff", "retry_backoff_most"))
    backoff, most = given.backoff_ms, given.backoff_most_ms
    return {
        "retry_attempts": given.attempts,
        "retry_backoff": None if backoff is None else length_of(backoff),
        "retry_backoff_most": None if most is None else length_of(most),
    }
