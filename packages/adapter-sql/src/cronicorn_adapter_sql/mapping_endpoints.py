"""Endpoints and their rows; secret header values are sealed on the way in."""

from collections.abc import Mapping
from typing import Any, assert_never

from cronicorn_domain.errors import InvalidInput, UnreadableRow
from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    Header,
    Heeds,
    HttpRequest,
    Limits,
    Method,
    Misfire,
    MisfirePolicy,
    Pause,
    Retry,
)
from cronicorn_domain.model.planning import AiMode, Planning
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.schedules.cron import CronSchedule, GapPolicy, RepeatPolicy
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule

from cronicorn_adapter_sql.lengths import from_microseconds, to_microseconds
from cronicorn_adapter_sql.mapping_jobs import Columns, Values
from cronicorn_adapter_sql.mapping_rules import rules_from, text_of_rules
from cronicorn_adapter_sql.vault import Vault


def values_of_endpoint(endpoint: Endpoint, vault: Vault) -> Values:
    """
    Return the values of an endpoint's row.

    Raises:
        SecretsUnavailable: a secret header cannot be sealed.
    """
    request = endpoint.request
    return {
        "id": endpoint.id,
        "tenant": endpoint.tenant,
        "job_id": endpoint.job_id,
        "name": endpoint.name,
        "description": endpoint.description,
        "url": request.url,
        "method": request.method.value,
        "headers": [_sealed(endpoint, header, vault) for header in request.headers],
        "body": request.body,
        **_values_of_schedule(endpoint.schedule),
        "anchor": endpoint.anchor,
        **_values_of_rules(endpoint),
        **values_of_standing(endpoint),
        "created_at": endpoint.created_at,
        "external_key": endpoint.external_key,
    }


def values_of_standing(endpoint: Endpoint) -> Values:
    """Return the values of a row that pause, resume, archive and restore may change."""
    pause = endpoint.pause
    return {
        "paused_until": None if pause is None else pause.until,
        "pause_reason": None if pause is None else pause.reason,
        "updated_at": endpoint.updated_at,
        "archived_at": endpoint.archived_at,
    }


def endpoint_from(row: Columns, vault: Vault | None) -> Endpoint:
    """
    Return the endpoint of a row; without a vault the values of its secret headers stay sealed.

    Raises:
        UnreadableRow: a column, such as the stored cron expression, no longer means anything.
        SecretsUnavailable: a secret header cannot be opened.
    """
    try:
        return _endpoint_from(row, vault)
    except (InvalidInput, ValueError, KeyError, TypeError) as error:
        raise UnreadableRow(f"endpoint {row['id']}", str(error)) from error


def _endpoint_from(row: Columns, vault: Vault | None) -> Endpoint:
    tenant, endpoint_id = TenantId(row["tenant"]), EndpointId(row["id"])
    until = row["paused_until"]
    return Endpoint(
        id=endpoint_id,
        tenant=tenant,
        job_id=JobId(row["job_id"]),
        name=row["name"],
        description=row["description"],
        request=_request_from(tenant, endpoint_id, row, vault),
        schedule=schedule_from(row),
        anchor=row["anchor"],
        guardrails=Guardrails(
            shortest=from_microseconds(row["shortest"]), longest=from_microseconds(row["longest"])
        ),
        bounds=Bounds(starts_at=row["starts_at"], ends_at=row["ends_at"], max_runs=row["max_runs"]),
        jitter=from_microseconds(row["jitter"]),
        misfire=Misfire(
            policy=MisfirePolicy(row["misfire_policy"]),
            grace=from_microseconds(row["misfire_grace"]),
            catch_up_limit=row["catch_up_limit"],
        ),
        retry=Retry(
            attempts=row["retry_attempts"],
            backoff=from_microseconds(row["retry_backoff"]),
            backoff_most=from_microseconds(row["retry_backoff_most"]),
        ),
        delivery=Delivery(row["delivery"]),
        limits=Limits(
            timeout=from_microseconds(row["timeout"]),
            execution=from_microseconds(row["execution"]),
            response_size=row["response_size"],
            redirects=row["redirects"],
        ),
        heeds=Heeds(hints=row["heeds_hints"], gone=row["heeds_gone"]),
        signing=Signing(row["signing"]),
        rules=rules_from(row["rules"]),
        planning=Planning(mode=AiMode(row["ai_mode"]), model=row["ai_model"]),
        success_when=row["success_when"],
        pause=None if until is None else Pause(until=until, reason=row["pause_reason"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        archived_at=row["archived_at"],
        external_key=row["external_key"],
    )


def _request_from(
    tenant: TenantId, endpoint_id: EndpointId, row: Columns, vault: Vault | None
) -> HttpRequest:
    return HttpRequest(
        url=row["url"],
        method=Method(row["method"]),
        headers=tuple(_opened(tenant, endpoint_id, each, vault) for each in row["headers"]),
        body=row["body"],
    )


def _values_of_schedule(schedule: Schedule) -> Values:
    empty: Values = dict.fromkeys(("cron", "timezone", "gap", "repeat", "every", "run_at"))
    match schedule:
        case CronSchedule(expression=expression, timezone=timezone, gap=gap, repeat=repeat):
            return empty | {
                "schedule_kind": "cron",
                "cron": expression.text,
                "timezone": timezone,
                "gap": None if gap is None else gap.value,
                "repeat": None if repeat is None else repeat.value,
            }
        case IntervalSchedule(every=every):
            return empty | {"schedule_kind": "interval", "every": to_microseconds(every)}
        case OnceSchedule(at=at):
            return empty | {"schedule_kind": "once", "run_at": at}
        case _:
            assert_never(schedule)


def schedule_from(row: Columns) -> Schedule:
    """Return the schedule of a row. Raises ``InvalidInput``, ``ValueError``."""
    match row["schedule_kind"]:
        case "cron":
            gap, repeat = row["gap"], row["repeat"]
            return CronSchedule(
                expression=CronExpression.parse(row["cron"]),
                timezone=row["timezone"],
                gap=None if gap is None else GapPolicy(gap),
                repeat=None if repeat is None else RepeatPolicy(repeat),
            )
        case "interval":
            return IntervalSchedule(every=from_microseconds(row["every"]))
        case "once":
            return OnceSchedule(at=row["run_at"])
        case other:
            raise ValueError(f"{other!r} is no kind of schedule")


def _values_of_rules(endpoint: Endpoint) -> Values:
    guardrails, bounds, limits = endpoint.guardrails, endpoint.bounds, endpoint.limits
    misfire, retry = endpoint.misfire, endpoint.retry
    return {
        "shortest": to_microseconds(guardrails.shortest),
        "longest": to_microseconds(guardrails.longest),
        "starts_at": bounds.starts_at,
        "ends_at": bounds.ends_at,
        "max_runs": bounds.max_runs,
        "jitter": to_microseconds(endpoint.jitter),
        "misfire_policy": misfire.policy.value,
        "misfire_grace": to_microseconds(misfire.grace),
        "catch_up_limit": misfire.catch_up_limit,
        "retry_attempts": retry.attempts,
        "retry_backoff": to_microseconds(retry.backoff),
        "retry_backoff_most": to_microseconds(retry.backoff_most),
        "delivery": endpoint.delivery.value,
        "timeout": to_microseconds(limits.timeout),
        "execution": to_microseconds(limits.execution),
        "response_size": limits.response_size,
        "redirects": limits.redirects,
        "heeds_hints": endpoint.heeds.hints,
        "heeds_gone": endpoint.heeds.gone,
        "signing": endpoint.signing.value,
        "rules": text_of_rules(endpoint.rules),
        "ai_mode": endpoint.planning.mode.value,
        "ai_model": endpoint.planning.model,
        "success_when": endpoint.success_when,
    }


def _sealed(endpoint: Endpoint, header: Header, vault: Vault) -> dict[str, object]:
    value = header.value
    if header.secret:
        value = vault.seal(endpoint.tenant, endpoint.id, header.name, value)
    return {"name": header.name, "value": value, "secret": header.secret}


def _opened(
    tenant: TenantId, endpoint_id: EndpointId, stored: Mapping[str, Any], vault: Vault | None
) -> Header:
    name, value, secret = stored["name"], stored["value"], stored["secret"]
    if secret and vault is not None:
        value = vault.open(tenant, endpoint_id, name, value)
    return Header(name=name, value=value, secret=secret)
