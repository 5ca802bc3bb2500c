"""Things to test with, whole from the start, so that a test says only what matters to it."""

from datetime import datetime, timedelta

from cronicorn_domain.identity import (
    DEFAULT_TENANT,
    AlertId,
    EndpointId,
    HintId,
    JobId,
    PersonId,
    SignInId,
    TenantId,
    Token,
    TriggerId,
    new_uuid,
)
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.alert import (
    OCCASIONS,
    THRESHOLD_USUAL,
    Alert,
    Occasion,
    Way,
    Webhook,
)
from cronicorn_domain.model.api_key import Scope, digest_of
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    Heeds,
    HttpRequest,
    Misfire,
    Retry,
)
from cronicorn_domain.model.hint import (
    DEFAULT_LIFE,
    TRIGGER_LIFE,
    Author,
    IntervalHint,
    OneShotHint,
    Trigger,
    TriggerKind,
)
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.person import Person
from cronicorn_domain.model.planning import NO_PLANNING, Planning
from cronicorn_domain.model.rules import NO_RULES, RuleSet
from cronicorn_domain.model.rulings import NO_RULING, Ruling
from cronicorn_domain.model.run import (
    Body,
    BodyKind,
    Failed,
    FailureKind,
    Outcome,
    Response,
    Succeeded,
)
from cronicorn_domain.model.sign_in import SIGN_IN_LASTS, SignIn, SignInKind
from cronicorn_domain.model.signing import Signing, SigningKey, TenantKeys, signing_key_of
from cronicorn_domain.model.trace import Trace
from cronicorn_domain.ports.endpoint_queue import Settlement
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule

EPOCH = datetime.fromisoformat("2025-01-01T12:00:00+00:00")
"""When every test begins, unless it says otherwise: a Wednesday at noon."""

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def at(time: str, *, day: int = 1) -> datetime:
    """Return the instant of a wall time in UTC, such as ``12:00:15``, on a day of January 2025."""
    return datetime.fromisoformat(f"2025-01-01T{time}+00:00") + (day - 1) * DAY


def every(length: timedelta) -> IntervalSchedule:
    """Return an interval schedule."""
    return IntervalSchedule(every=length)


def cron(expression: str, *, timezone: str = "UTC") -> CronSchedule:
    """Return a cron schedule."""
    return CronSchedule(expression=CronExpression.parse(expression), timezone=timezone)


def once(instant: datetime) -> OnceSchedule:
    """Return the schedule of a single instant."""
    return OnceSchedule(at=instant)


def a_job(
    name: str = "shop",
    *,
    tenant: TenantId = DEFAULT_TENANT,
    created_at: datetime = EPOCH,
    external_key: str | None = None,
) -> Job:
    """Return an active job."""
    return Job(
        id=JobId(new_uuid()),
        tenant=tenant,
        name=name,
        created_at=created_at,
        updated_at=created_at,
        external_key=external_key,
    )


def an_endpoint(
    job: Job,
    name: str = "health",
    *,
    schedule: Schedule = IntervalSchedule(every=MINUTE),
    created_at: datetime = EPOCH,
    request: HttpRequest = HttpRequest(url="http://shop.example/health"),
    guardrails: Guardrails = Guardrails(),
    bounds: Bounds = Bounds(),
    jitter: timedelta = NO_TIME,
    misfire: Misfire = Misfire(),
    retry: Retry = Retry(),
    delivery: Delivery = Delivery.AT_LEAST_ONCE,
    heeds: Heeds = Heeds(),
    signing: Signing = Signing.WHEN_KEYED,
    rules: RuleSet = NO_RULES,
    planning: Planning = NO_PLANNING,
    success_when: str | None = None,
    external_key: str | None = None,
) -> Endpoint:
    """Return an endpoint of the job, which runs every minute from its creation on."""
    return Endpoint(
        id=EndpointId(new_uuid()),
        tenant=job.tenant,
        job_id=job.id,
        name=name,
        request=request,
        schedule=schedule,
        anchor=bounds.starts_at or created_at,
        created_at=created_at,
        updated_at=created_at,
        guardrails=guardrails,
        bounds=bounds,
        jitter=jitter,
        misfire=misfire,
        retry=retry,
        delivery=delivery,
        heeds=heeds,
        signing=signing,
        rules=rules,
        planning=planning,
        success_when=success_when,
        external_key=external_key,
    )


def an_alert(
    name: str = "alert",
    *,
    tenant: TenantId = DEFAULT_TENANT,
    way: Way = Webhook("http://pager.example/"),
    occasions: frozenset[Occasion] = OCCASIONS,
    threshold: int = THRESHOLD_USUAL,
    job_id: JobId | None = None,
    enabled: bool = True,
) -> Alert:
    """Return an alert of everything, by webhook."""
    return Alert(
        id=AlertId(new_uuid()),
        tenant=tenant,
        name=name,
        way=way,
        occasions=occasions,
        threshold=threshold,
        job_id=job_id,
        enabled=enabled,
        created_at=EPOCH,
        updated_at=EPOCH,
    )


def a_signing_key(number: int = 1) -> SigningKey:
    """Return the key of a number."""
    return signing_key_of(bytes([number]) * 32)


def signing_keys(
    *, tenant: TenantId = DEFAULT_TENANT, number: int = 1, created_at: datetime = EPOCH
) -> TenantKeys:
    """Return what a tenant signs with: the key of a number."""
    return TenantKeys(tenant=tenant, current=a_signing_key(number), created_at=created_at)


def an_interval_hint(
    length: timedelta = 10 * SECOND,
    *,
    created_at: datetime = EPOCH,
    life: timedelta = DEFAULT_LIFE,
    author: Author = Author.AI,
    reason: str | None = None,
) -> IntervalHint:
    """Return a hint that proposes another interval."""
    return IntervalHint(
        id=HintId(new_uuid()),
        author=author,
        every=length,
        created_at=created_at,
        expires_at=created_at + life,
        reason=reason,
    )


def a_oneshot(
    instant: datetime,
    *,
    created_at: datetime = EPOCH,
    life: timedelta = DEFAULT_LIFE,
    author: Author = Author.AI,
    reason: str | None = None,
) -> OneShotHint:
    """Return a hint that asks for one run; its life counts from the instant."""
    return OneShotHint(
        id=HintId(new_uuid()),
        author=author,
        at=instant,
        created_at=created_at,
        expires_at=instant + life,
        reason=reason,
    )


def a_trigger(
    instant: datetime = EPOCH,
    *,
    kind: TriggerKind = TriggerKind.MANUAL,
    trace: Trace | None = None,
) -> Trigger:
    """Return a request to run now, by hand unless another kind is given."""
    return Trigger(
        id=TriggerId(new_uuid()),
        kind=kind,
        at=instant,
        expires_at=instant + TRIGGER_LIFE,
        trace=trace,
    )


def succeeded(text: str = "", *, kind: BodyKind = BodyKind.TEXT) -> Succeeded:
    """Return the outcome of a 200; its body is the text, or none."""
    body = Body(kind=kind, text=text) if text else Body()
    return Succeeded(response=Response(status_code=200, body=body))


def answered(status_code: int, **headers: str) -> Outcome:
    """Return the outcome of an answer with headers; an underscore in a name is a hyphen there."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    response = Response(status_code=status_code, headers=named)
    if status_code < 300:
        return Succeeded(response=response)
    message = f"answered {status_code}"
    return Failed(kind=FailureKind.HTTP_STATUS, message=message, response=response)


def failed(
    kind: FailureKind = FailureKind.HTTP_STATUS, *, message: str = "the target answered 500"
) -> Failed:
    """Return the outcome of a run that did not succeed."""
    response = Response(status_code=500) if kind is FailureKind.HTTP_STATUS else None
    return Failed(kind=kind, message=message, response=response)


def a_settlement(
    token: Token,
    *,
    started_at: datetime = EPOCH,
    ended_at: datetime | None = None,
    outcome: Outcome | None = None,
    ruling: Ruling = NO_RULING,
) -> Settlement:
    """Return the result of a run: a success of one second, unless it says otherwise."""
    return Settlement(
        token=token,
        started_at=started_at,
        ended_at=started_at + SECOND if ended_at is None else ended_at,
        outcome=succeeded() if outcome is None else outcome,
        ruling=ruling,
    )


def a_person(
    email: str = "ada@example.org", *, tenant: TenantId = DEFAULT_TENANT, owner: bool = False
) -> Person:
    """Return a person who may read and write; no password is behind what is kept of theirs."""
    return Person(
        id=PersonId(new_uuid()),
        tenant=tenant,
        email=email,
        name="Ada",
        password="hashed",  # noqa: S106  it opens nothing
        scopes=frozenset({Scope.READ, Scope.WRITE}),
        created_at=EPOCH,
        owner=owner,
    )


def a_sign_in(person: Person, token: str, *, created_at: datetime = EPOCH) -> SignIn:
    """Return a sign-in of a person in a browser, proven by a token."""
    return SignIn(
        id=SignInId(new_uuid()),
        tenant=person.tenant,
        person=person.id,
        kind=SignInKind.BROWSER,
        label="a browser",
        digest=digest_of(token),
        scopes=person.scopes,
        created_at=created_at,
        expires_at=created_at + SIGN_IN_LASTS,
    )
