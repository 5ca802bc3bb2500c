"""An endpoint: an HTTP request with a schedule, and everything a person has said about both."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.instants import LATEST, NO_TIME, ceil_millisecond
from cronicorn_domain.model.hosts import host_of
from cronicorn_domain.model.job import (
    check_description,
    check_external_key,
    check_name,
    check_text,
)
from cronicorn_domain.model.planning import NO_PLANNING, Planning
from cronicorn_domain.model.rules import NO_RULES, RuleSet
from cronicorn_domain.model.signing import Signing
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.grid import Grid
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Rhythm, Schedule
from cronicorn_domain.wording import length_in_words

HEADERS_MOST = 64
HEADERS_SIZE = 16 * 1024
BODY_SIZE = 1024 * 1024
URL_LENGTH = 2048
CATCH_UP_MOST = 1000
ATTEMPTS_MOST = 20
REDIRECTS_MOST = 10
TIMEOUT_LEAST = timedelta(milliseconds=100)
TIMEOUT_MOST = timedelta(minutes=30)
RESPONSE_SIZE_LEAST = 1024
RESPONSE_SIZE_MOST = 10 * 1024 * 1024
ALWAYS_SECRET = frozenset({"authorization", "cookie", "x-api-key", "proxy-authorization"})
OURS = frozenset(
    {
        "host",
        "content-length",
        "connection",
        "transfer-encoding",
        "user-agent",
        "idempotency-key",
        "x-cronicorn-run-id",
        "x-cronicorn-scheduled-for",
        "x-cronicorn-attempt",
        "x-cronicorn-signature",
        "x-cronicorn-timestamp",
        "traceparent",
    }
)
OURS_BEGIN = "webhook-"
"""Header names that a user's own header cannot replace, and how others of them begin."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\ud7ff\ue000-\U0010ffff]*")


class Method(StrEnum):
    """What may be sent."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    HEAD = "HEAD"
    OPTIONS = "OPTIONS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """
    A header to send; a secret one is encrypted at rest and masked on read.

    ``authorization``, ``cookie`` and their like are secret whatever was said.
    """

    name: str
    value: str = field(repr=False)
    secret: bool = False

    def __post_init__(self) -> None:
        """Refuse what RFC 9110 has no place for, and names that are ours to send."""
        where = f"headers.{self.name[:64]}"
        if not _TOKEN.fullmatch(self.name):
            raise InvalidInput(
                f"{self.name[:64]!r} is not a header name",
                field=where,
                remedy="use letters, digits and hyphens",
            )
        if self.name.lower() in OURS or self.name.lower().startswith(OURS_BEGIN):
            raise InvalidInput(
                f"{self.name} is set by Cronicorn itself", field=where, remedy="leave it out"
            )
        if not _FIELD_VALUE.fullmatch(self.value) or self.value != self.value.strip():
            raise InvalidInput(
                f"the value of {self.name} cannot be sent",
                field=where,
                remedy="remove line breaks, control characters and outer blanks",
            )
        if self.name.lower() in ALWAYS_SECRET and not self.secret:
            object.__setattr__(self, "secret", True)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """What is sent at each fire time. The URL's shape and reach are judged by the egress rules."""

    url: str
    method: Method = Method.GET
    headers: tuple[Header, ...] = ()
    body: str | None = None

    def __post_init__(self) -> None:
        """Refuse requests too large to keep, and two headers of one name."""
        check_text(self.url, field="url")
        check_text(self.body or "", field="body")
        if not self.url or len(self.url) > URL_LENGTH:
            raise InvalidInput(
                f"the URL has {len(self.url)} characters",
                field="url",
                remedy=f"give 1 to {URL_LENGTH}",
            )
        length = len((self.body or "").encode("utf-8", "replace"))
        if length > BODY_SIZE:
            raise InvalidInput(
                f"the body has {length} bytes", field="body", remedy=f"keep it to {BODY_SIZE}"
            )
        size = sum(len(each.name) + len(each.value) for each in self.headers)
        if len(self.headers) > HEADERS_MOST or size > HEADERS_SIZE:
            raise InvalidInput(
                f"there are {len(self.headers)} headers of {size} characters in all",
                field="headers",
                remedy=f"keep to {HEADERS_MOST} headers and {HEADERS_SIZE} characters",
            )
        names = [each.name.lower() for each in self.headers]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InvalidInput(
                f"{twice} is there twice", field=f"headers.{twice}", remedy="keep one of them"
            )

    @property
    def host(self) -> str:
        """Where it goes: the host in small letters, with its port unless that is the usual one."""
        return host_of(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrails:
    """The shortest and the longest interval between slots, whatever is proposed."""

    shortest: timedelta | None = None
    longest: timedelta | None = None

    def __post_init__(self) -> None:
        """Refuse lengths that are none, and a shortest above the longest."""
        for value, name in ((self.shortest, "min"), (self.longest, "max")):
            if value is not None and not timedelta(seconds=1) <= value <= timedelta(days=3660):
                raise InvalidInput(
                    f"{name} of {length_in_words(value)} is not possible",
                    field=name,
                    remedy="give a length from 1s to 3660d",
                )
        if self.shortest and self.longest and self.shortest > self.longest:
            raise InvalidInput(
                f"min ({length_in_words(self.shortest)})"
                f" is above max ({length_in_words(self.longest)})",
                field="min",
                remedy="make min at most max",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """When a schedule begins and when it is over. Both ends are within."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    max_runs: int | None = None

    def __post_init__(self) -> None:
        """Refuse an end before the start, and a count that allows nothing."""
        for instant, name in ((self.starts_at, "starts_at"), (self.ends_at, "ends_at")):
            if instant is not None and instant >= LATEST:
                raise InvalidInput(
                    f"{name} is too far ahead", field=name, remedy="give one before the year 9000"
                )
        if self.starts_at is not None:
            object.__setattr__(self, "starts_at", ceil_millisecond(self.starts_at))
        if self.starts_at and self.ends_at and self.ends_at < self.starts_at:
            raise InvalidInput(
                "the end lies before the start",
                field="ends_at",
                remedy="give an ends_at after starts_at",
            )
        if self.max_runs is not None and self.max_runs < 1:
            raise InvalidInput(
                f"max_runs of {self.max_runs} allows nothing",
                field="max_runs",
                remedy="give 1 or more, or leave it out",
            )


class MisfirePolicy(StrEnum):
    """What becomes of slots that were missed by more than the grace."""

    RUN_ONCE = "run_once"
    SKIP = "skip"
    CATCH_UP = "catch_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfire:
    """How late is too late for a recurring slot, and what then."""

    policy: MisfirePolicy = MisfirePolicy.RUN_ONCE
    grace: timedelta = timedelta(seconds=60)
    catch_up_limit: int = 10

    def __post_init__(self) -> None:
        """Refuse a grace below zero and a limit that is none."""
        if not NO_TIME <= self.grace <= timedelta(days=366):
            raise InvalidInput(
                f"a misfire grace of {length_in_words(self.grace)} is not possible",
                field="misfire_grace",
                remedy="give a length from 0s to 366d",
            )
        if not 1 <= self.catch_up_limit <= CATCH_UP_MOST:
            raise InvalidInput(
                f"a catch-up limit of {self.catch_up_limit} is not possible",
                field="catch_up_limit",
                remedy=f"give 1 to {CATCH_UP_MOST}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """
    How often one fire time is tried: ``attempts`` in all, apart by backoff with full jitter.

    The n-th wait is drawn from zero to ``min(backoff * 2**(n - 1), backoff_most)``.
    """

    attempts: int = 1
    backoff: timedelta = timedelta(seconds=1)
    backoff_most: timedelta = timedelta(minutes=1)

    def __post_init__(self) -> None:
        """Refuse endless tries and waits below zero."""
        if not 1 <= self.attempts <= ATTEMPTS_MOST:
            raise InvalidInput(
                f"{self.attempts} attempts are not possible",
                field="retry.attempts",
                remedy=f"give 1 to {ATTEMPTS_MOST}",
            )
        if not NO_TIME <= self.backoff <= self.backoff_most <= timedelta(hours=1):
            raise InvalidInput(
                "the retry waits are not possible",
                field="retry.backoff",
                remedy="keep 0s <= backoff <= backoff_most <= 1h",
            )


class Delivery(StrEnum):
    """What becomes of a slot whose started run was lost with its worker."""

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    What one run may cost: one deadline over everything, a cap on the body, redirects followed.

    ``execution`` is how long it may take in all, where that is said besides the ``timeout`` of its
    request: there is nothing to it but the request, so that the shorter of both is the deadline.
    """

    timeout: timedelta = timedelta(seconds=30)
    execution: timedelta | None = None
    response_size: int = 100 * 1024
    redirects: int = 0

    def __post_init__(self) -> None:
        """Refuse limits beyond what a worker can hold."""
        for value, name in ((self.timeout, "timeout"), (self.execution, "max_execution_time")):
            if value is not None and not TIMEOUT_LEAST <= value <= TIMEOUT_MOST:
                raise InvalidInput(
                    f"a {name} of {length_in_words(value)} is not possible",
                    field=name,
                    remedy="give a length from 100ms to 30m",
                )
        if not RESPONSE_SIZE_LEAST <= self.response_size <= RESPONSE_SIZE_MOST:
            raise InvalidInput(
                f"a response size of {self.response_size} bytes is not possible",
                field="max_response_size",
                remedy="give 1 KiB to 10 MiB",
            )
        if not 0 <= self.redirects <= REDIRECTS_MOST:
            raise InvalidInput(
                f"{self.redirects} redirects are not possible",
                field="redirects",
                remedy=f"give 0 to {REDIRECTS_MOST}",
            )

    @property
    def deadline(self) -> timedelta:
        """So long after it began the request is given up."""
        return self.timeout if self.execution is None else min(self.timeout, self.execution)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heeds:
    """
    What of its target's answers an endpoint acts on, by its owner's choice.

    ``Retry-After`` is always heeded.

    Attributes:
        hints: ``Cronicorn-Next-Run-In`` and ``Cronicorn-Pause-Until``.
        gone: ``410 Gone`` pauses it until someone resumes it.
    """

    hints: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Not to be run until an instant; `OPEN_ENDED` means until someone resumes it."""

    until: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """
    The schedulable HTTP request: configuration alone, which a run never touches.

    ``anchor`` is the origin of an interval's grid: the creation, or ``bounds.starts_at``; only an
    edit that changes the interval or ``starts_at`` moves it. ``rhythm`` is derived: the schedule's
    own recurring slots, an interval's as close as the longest guardrail asks; None for a single
    instant. ``success_when`` is a condition that decides whether a run succeeded, instead of the
    status. ``external_key`` is what another system calls it, given once, when it is created.
    """

    id: EndpointId
    tenant: TenantId
    job_id: JobId
    name: str
    request: HttpRequest
    schedule: Schedule
    anchor: datetime
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    guardrails: Guardrails = Guardrails()
    bounds: Bounds = Bounds()
    jitter: timedelta = NO_TIME
    misfire: Misfire = Misfire()
    retry: Retry = Retry()
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    limits: Limits = Limits()
    heeds: Heeds = Heeds()
    signing: Signing = Signing.WHEN_KEYED
    rules: RuleSet = NO_RULES
    planning: Planning = NO_PLANNING
    success_when: str | None = None
    pause: Pause | None = None
    archived_at: datetime | None = None
    external_key: str | None = None
    rhythm: Rhythm | None = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a name nobody could find again and a jitter below zero."""
        check_name(self.name)
        check_description(self.description)
        check_external_key(self.external_key)
        if not NO_TIME <= self.jitter <= timedelta(days=1):
            raise InvalidInput(
                f"a jitter of {length_in_words(self.jitter)} is not possible",
                field="jitter",
                remedy="give a length from 0s to 1d",
            )
        object.__setattr__(self, "rhythm", self._rhythm())

    def paused_at(self, now: datetime) -> bool:
        """Say whether a pause holds; one that ends now has ended."""
        return self.pause is not None and self.pause.until > now

    def _rhythm(self) -> Rhythm | None:
        match self.schedule:
            case CronSchedule() as cron:
                return cron
            case IntervalSchedule(every=every):
                longest = self.guardrails.longest
                return Grid(self.anchor, every if longest is None else min(every, longest))
            case OnceSchedule():
                return None
