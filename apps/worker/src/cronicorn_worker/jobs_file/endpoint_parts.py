"""
An endpoint's entry, turned into the domain's values part by part.

Each part is tried on its own, so that one fault does not hide another.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import DEFAULT_TENANT, JobId, new_uuid
from cronicorn_domain.model.endpoint import (
    Bounds,
    Guardrails,
    Header,
    Heeds,
    HttpRequest,
    Limits,
    Misfire,
    Retry,
)
from cronicorn_domain.ports.egress_rules import EgressRules
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from pydantic import JsonValue

from cronicorn_worker.jobs_file.desired import DesiredEndpoint
from cronicorn_worker.jobs_file.problems import Path
from cronicorn_worker.jobs_file.schema import (
    CRON_ONLY,
    RECURRING_ONLY,
    SCHEDULES,
    EndpointEntry,
    MisfireEntry,
    RetryEntry,
)

_PartT = TypeVar("_PartT")
_MOVED: Mapping[str, Path] = {
    "misfire_grace": ("misfire", "grace"),
    "catch_up_limit": ("misfire", "catch_up_limit"),
}
"""Where the file keeps what the domain names otherwise."""
# Stand in for parts at fault, so that the rest can be judged.
_ANY_REQUEST = HttpRequest(url="http://unknown.invalid/")
_ANY_SCHEDULE = IntervalSchedule(every=timedelta(hours=1))
_ANY_EXPRESSION = CronExpression.parse("@daily")
_ANY_INSTANT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fault:
    """What the domain refuses in one entry; ``path`` begins at the entry."""

    path: Path
    message: str
    remedy: str


@dataclass(slots=True)
class _Attempts:
    """
    Tries the parts of one entry and keeps what the domain refuses.

    ``unusable`` are the members that are already known to be wrong; what needs them is not tried.
    """

    unusable: frozenset[str]
    faults: list[Fault] = field(default_factory=list)

    def attempt(self, needs: tuple[str, ...], make: Callable[[], _PartT]) -> _PartT | None:
        """Make one part of the members it needs; None when that cannot be."""
        if not self.unusable.isdisjoint(needs):
            return None
        try:
            return make()
        except InvalidInput as error:
            self.faults.append(Fault(_path_of(error), str(error), error.remedy or ""))
            return None

    def refuse(self, path: Path, message: str, remedy: str) -> None:
        """Keep a fault of our own."""
        self.faults.append(Fault(path, message, remedy))


def desired_endpoint(
    entry: EndpointEntry, rules: EgressRules, unusable: frozenset[str] = frozenset()
) -> tuple[DesiredEndpoint | None, list[Fault]]:
    """
    Turn an entry into what it asks for, and tell everything that the domain refuses.

    With unusable members nothing is desired, but the others are judged all the same.
    """
    tried = _Attempts(unusable)
    tried.attempt(("url",), lambda: rules.check(entry.url))
    _judge_schedule_members(entry, tried)
    request = tried.attempt(("url", "method", "headers", "body"), lambda: _request(entry))
    schedule = _schedule(entry, tried)
    guardrails = tried.attempt(
        RECURRING_ONLY, lambda: Guardrails(shortest=entry.min, longest=entry.max)
    )
    bounds = tried.attempt(("starts_at", "ends_at", "max_runs"), lambda: _bounds(entry))
    misfire = tried.attempt(("misfire",), lambda: _misfire(entry.misfire))
    retry = tried.attempt(("retry",), lambda: _retry(entry.retry))
    limits = tried.attempt(("timeout", "max_response_size", "redirects"), lambda: _limits(entry))
    whole = tried.attempt(
        ("name", "description", "jitter"),
        lambda: _judged_whole(
            DesiredEndpoint(
                name=entry.name,
                description=entry.description,
                request=request or _ANY_REQUEST,
                schedule=schedule or _ANY_SCHEDULE,
                guardrails=guardrails or Guardrails(),
                bounds=bounds or Bounds(),
                jitter=entry.jitter,
                misfire=misfire or Misfire(),
                retry=retry or Retry(),
                delivery=entry.delivery,
                limits=limits or Limits(),
                heeds=Heeds(hints=entry.response_hints, gone=entry.pause_when_gone),
                paused=entry.paused,
            )
        ),
    )
    return (None if tried.faults or unusable else whole), tried.faults


def _judge_schedule_members(entry: EndpointEntry, tried: _Attempts) -> None:
    """Refuse no schedule, several, and members that belong to another kind of schedule."""
    given = [
        name for name in SCHEDULES if name in tried.unusable or getattr(entry, name) is not None
    ]
    if not given:
        tried.refuse((), "there is no schedule", "Give one of every, cron and at.")
    for name in given[1:]:
        tried.refuse((name,), f"there is {given[0]} as well", "Keep one of every, cron and at.")
    if given and "cron" not in given:
        for name in _present(entry, CRON_ONLY):
            tried.refuse((name,), "only a cron expression has it", "Remove it.")
    if given == ["at"]:
        for name in _present(entry, RECURRING_ONLY):
            tried.refuse((name,), "a single instant has no interval", f"Remove {name}.")


def _present(entry: EndpointEntry, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if getattr(entry, name) is not None]


def _request(entry: EndpointEntry) -> HttpRequest:
    headers = [
        Header(name=name, value=each.value, secret=each.secret)
        for name, each in entry.headers.items()
    ]
    body = entry.body
    if body is not None and not isinstance(body, str):
        body = _json(body)
        if not any(each.name.lower() == "content-type" for each in headers):
            headers.append(Header(name="Content-Type", value="application/json"))
    return HttpRequest(url=entry.url, method=entry.method, headers=tuple(headers), body=body)


def _json(value: JsonValue) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError as error:
        raise InvalidInput(
            "JSON has no way to write this number", field="body", remedy="Write it as a text."
        ) from error


def _schedule(entry: EndpointEntry, tried: _Attempts) -> Schedule | None:
    """Try every schedule that is given; which of several is taken does not matter."""
    every, cron, at = entry.every, entry.cron, entry.at
    found: list[Schedule | None] = []
    if every is not None:
        found.append(tried.attempt(("every",), lambda: IntervalSchedule(every=every)))
    if cron is not None:
        expression = tried.attempt(("cron",), lambda: CronExpression.parse(cron))
        clock = expression or _ANY_EXPRESSION
        found.append(tried.attempt(CRON_ONLY, lambda: _by_clock(entry, clock)))
    if at is not None:
        found.append(tried.attempt(("at",), lambda: OnceSchedule(at=at)))
    return next((each for each in found if each is not None), None)


def _by_clock(entry: EndpointEntry, expression: CronExpression) -> CronSchedule:
    zone = "UTC" if entry.timezone is None else entry.timezone
    return CronSchedule(expression=expression, timezone=zone, gap=entry.gap, repeat=entry.repeat)


def _bounds(entry: EndpointEntry) -> Bounds:
    return Bounds(starts_at=entry.starts_at, ends_at=entry.ends_at, max_runs=entry.max_runs)


def _misfire(entry: MisfireEntry) -> Misfire:
    return Misfire(policy=entry.policy, grace=entry.grace, catch_up_limit=entry.catch_up_limit)


def _retry(entry: RetryEntry) -> Retry:
    return Retry(attempts=entry.attempts, backoff=entry.backoff, backoff_most=entry.backoff_most)


def _limits(entry: EndpointEntry) -> Limits:
    return Limits(
        timeout=entry.timeout,
        response_size=entry.max_response_size,
        redirects=entry.redirects,
    )


def _judged_whole(desired: DesiredEndpoint) -> DesiredEndpoint:
    """Let the domain judge the parts together; any identity will do for that."""
    desired.created(tenant=DEFAULT_TENANT, job_id=JobId(new_uuid()), now=_ANY_INSTANT)
    return desired


def _path_of(error: InvalidInput) -> Path:
    if error.field is None:
        return ()
    # A header's name may hold dots itself.
    first, _, rest = error.field.partition(".")
    return _MOVED.get(error.field) or ((first, rest) if rest else (first,))
