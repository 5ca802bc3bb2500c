"""An endpoint's entry, turned into what management judges."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cronicorn_domain.errors import InvalidInput
from cronicorn_management.endpoints.judging import Judge
from cronicorn_management.settings import EndpointSettings, HeaderSetting, RuleSetting
from pydantic import JsonValue

from cronicorn_worker.jobs_file.desired import DesiredEndpoint
from cronicorn_worker.jobs_file.problems import Path
from cronicorn_worker.jobs_file.schema import EndpointEntry, RuleEntry

_MOVED: Mapping[str, Path] = {
    "misfire_grace": ("misfire", "grace"),
    "catch_up_limit": ("misfire", "catch_up_limit"),
}
"""Where the file keeps what the domain names otherwise."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is refused in one entry; ``path`` begins at the entry."""

    path: Path
    message: str
    remedy: str


def desired_endpoint(
    entry: EndpointEntry, judge: Judge, unusable: frozenset[str] = frozenset()
) -> tuple[DesiredEndpoint | None, Sequence[Fault]]:
    """
    Turn an entry into what it asks for, and tell everything that is refused.

    With unusable members nothing is desired, but the others are judged all the same.
    """
    faults: list[Fault] = []
    try:
        settings = _settings(entry)
    except InvalidInput as error:
        faults.append(_fault(error))
        settings = _settings(entry.model_copy(update={"body": None}))
    meant, refused = judge.judged(settings, unusable=unusable)
    faults += [_fault(error) for error in refused]
    if meant is None or faults:
        return None, faults
    return DesiredEndpoint(meant=meant, paused=entry.paused), faults


def _settings(entry: EndpointEntry) -> EndpointSettings:
    return EndpointSettings(
        name=entry.name,
        description=entry.description,
        url=entry.url,
        method=entry.method,
        headers=_headers(entry),
        body=entry.body if isinstance(entry.body, str | None) else _json(entry.body),
        every=entry.every,
        cron=entry.cron,
        at=entry.at,
        timezone=entry.timezone,
        gap=entry.gap,
        repeat=entry.repeat,
        min=entry.min,
        max=entry.max,
        starts_at=entry.starts_at,
        ends_at=entry.ends_at,
        max_runs=entry.max_runs,
        jitter=entry.jitter,
        misfire_policy=entry.misfire.policy,
        misfire_grace=entry.misfire.grace,
        catch_up_limit=entry.misfire.catch_up_limit,
        retry_attempts=entry.retry.attempts,
        retry_backoff=entry.retry.backoff,
        retry_backoff_most=entry.retry.backoff_most,
        delivery=entry.delivery,
        timeout=entry.timeout,
        max_response_size=entry.max_response_size,
        redirects=entry.redirects,
        response_hints=entry.response_hints,
        pause_when_gone=entry.pause_when_gone,
        signing=entry.signing,
        success_when=entry.success_when,
        rules=tuple(_rule(each) for each in entry.rules),
        shadow_rules=entry.shadow_rules,
        ai_mode=entry.ai_mode,
        ai_model=entry.ai_model,
    )


def _rule(entry: RuleEntry) -> RuleSetting:
    return RuleSetting(
        when=entry.when,
        every=entry.then.every,
        run_in=entry.then.run_in,
        pause_for=entry.then.pause_for,
        trigger=entry.then.trigger,
        clear=entry.then.clear,
        notify=entry.then.notify,
        analyze=entry.then.analyze,
        life=entry.life,
        cooldown=entry.cooldown,
        reason=entry.reason,
    )


def _headers(entry: EndpointEntry) -> tuple[HeaderSetting, ...]:
    """Return the headers; what is written as anything but a text is sent as JSON."""
    headers = [
        HeaderSetting(name=name, value=each.value, secret=each.secret)
        for name, each in entry.headers.items()
    ]
    is_json = not isinstance(entry.body, str | None)
    if is_json and not any(each.name.lower() == "content-type" for each in headers):
        headers.append(HeaderSetting(name="Content-Type", value="application/json"))
    return tuple(headers)


def _json(value: JsonValue) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise InvalidInput(
            "JSON has no way to write this number", field="body", remedy="Write it as a text."
        ) from error


def _fault(error: InvalidInput) -> Fault:
    return Fault(_path_of(error), str(error), error.remedy or "")


def _path_of(error: InvalidInput) -> Path:
    if error.field is None:
        return ()
    # A header's name may hold dots itself.
    first, _, rest = error.field.partition(".")
    if first == "rules" and rest:
        number, *names = rest.split(".")
        return (first, int(number), *names)
    return _MOVED.get(error.field) or ((first, rest) if rest else (first,))
