"""Hypothesis strategies for what a person may configure and anyone may propose."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from cronicorn_domain.identity import EndpointId, HintId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    Heeds,
    HttpRequest,
    Limits,
    Misfire,
    MisfirePolicy,
    Pause,
    Retry,
)
from cronicorn_domain.model.hint import Author, Hint, IntervalHint, OneShotHint
from cronicorn_domain.model.job import Job
from cronicorn_domain.model.planning import AiMode, Planning
from cronicorn_domain.model.rules import (
    NO_RULES,
    Analyze,
    ClearHints,
    EndpointRule,
    Every,
    Notify,
    PauseFor,
    RuleSet,
    RunIn,
    TriggerSibling,
)
from cronicorn_domain.model.rulings import NO_RULING, Ruling
from cronicorn_domain.model.run import Blocked, BodyKind, FailureKind, Outcome
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from cronicorn_domain.testing.builders import (
    SECOND,
    an_endpoint,
    answered,
    failed,
    succeeded,
)

EXPRESSIONS = (
    "* * * * *",
    "*/5 * * * *",
    "30 * * * *",
    "0 2 * * *",
    "*/10 * * * * *",
    "15,45 1-3 * * *",
)
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe")


def lengths(most: int) -> st.SearchStrategy[timedelta]:
    """Draw whole seconds, from one to ``most``."""
    return st.integers(1, most).map(lambda seconds: timedelta(seconds=seconds))


@st.composite
def schedules(draw: st.DrawFn, now: datetime) -> Schedule:
    """Draw an interval of up to two hours, a cron expression, or an instant soon after ``now``."""
    kind = draw(st.sampled_from(["interval", "cron", "once"]))
    if kind == "interval":
        return IntervalSchedule(every=draw(lengths(7200)))
    if kind == "once":
        return OnceSchedule(at=now + draw(lengths(7200)))
    text, zone = draw(st.sampled_from(EXPRESSIONS)), draw(st.sampled_from(ZONES))
    return CronSchedule(expression=CronExpression.parse(text), timezone=zone)


@st.composite
def guardrails(draw: st.DrawFn) -> Guardrails:
    """Draw a shortest, a longest, both or none."""
    shortest = draw(st.none() | lengths(600))
    longest = draw(st.none() | lengths(3600))
    if shortest and longest and shortest > longest:
        shortest, longest = longest, shortest
    return Guardrails(shortest=shortest, longest=longest)


@st.composite
def bounds(draw: st.DrawFn, now: datetime, max_runs: int | None) -> Bounds:
    """Draw a start and an end that lie ahead, if any; the run count is given."""
    starts_at = draw(st.none() | lengths(7200).map(lambda length: now + length))
    ends_at = draw(st.none() | lengths(20000).map(lambda length: (starts_at or now) + length))
    return Bounds(starts_at=starts_at, ends_at=ends_at, max_runs=max_runs)


def misfires() -> st.SearchStrategy[Misfire]:
    """Draw a misfire policy with a grace of up to a minute."""
    return st.builds(
        Misfire,
        policy=st.sampled_from(list(MisfirePolicy)),
        grace=st.sampled_from([timedelta(), 5 * SECOND, 60 * SECOND]),
        catch_up_limit=st.integers(1, 4),
    )


RULES = (
    EndpointRule(when="a", then=(Every(30 * SECOND),), life=300 * SECOND),
    EndpointRule(when="b", then=(RunIn(20 * SECOND),), life=60 * SECOND, cooldown=90 * SECOND),
    EndpointRule(when="c", then=(Every(1000 * SECOND), ClearHints())),
    EndpointRule(when="d", then=(PauseFor(100 * SECOND),), cooldown=1000 * SECOND),
    EndpointRule(when="f", then=(Notify(), Analyze()), life=200 * SECOND),
    EndpointRule(when="e", then=(TriggerSibling("e0"), TriggerSibling("e1"))),
)
"""What answers may make of an endpoint; their conditions are names and nothing else."""


def rule_sets() -> st.SearchStrategy[RuleSet]:
    """Draw no rules, or all of them, in earnest or in the shadow."""
    return st.sampled_from([NO_RULES, RuleSet(rules=RULES), RuleSet(rules=RULES, shadow=True)])


def rulings() -> st.SearchStrategy[Ruling]:
    """Draw which of those rules hold after a run, mostly none, and what is to be remarked."""
    held = st.lists(st.sampled_from(RULES), unique=True, max_size=3).map(
        lambda each: Ruling(held=tuple(each), remarks=("a remark",))
    )
    return st.just(NO_RULING) | held


OUTCOMES: tuple[Outcome, ...] = (
    succeeded("well"),
    succeeded('{"left": 3}', kind=BodyKind.JSON),
    succeeded("not storable: \x00"),
    failed(),
    failed(FailureKind.TIMEOUT, message="no answer in time"),
    failed(FailureKind.CONNECTION, message="refused"),
    failed(FailureKind.ASSERTION, message="not what was asked for"),
    failed(FailureKind.SIGNING, message="there is no key"),
    Blocked(message="the egress rules forbid it"),
    answered(503, retry_after="90"),
    answered(429, retry_after="nonsense"),
    answered(200, cronicorn_next_run_in="45s"),
    answered(200, cronicorn_pause_until="2025-01-01T13:00:00Z"),
    answered(410),
)
"""What can become of a run: each kind of success and failure, and what answers ask for."""


def outcomes() -> st.SearchStrategy[Outcome]:
    """Draw what becomes of a run, plain answers as often as all the others."""
    return st.sampled_from([OUTCOMES[0], OUTCOMES[3]]) | st.sampled_from(OUTCOMES)


HOSTS = ("shop.example", "bank.example")


def requests() -> st.SearchStrategy[HttpRequest]:
    """Draw where an endpoint goes: to one of two hosts."""
    return st.sampled_from([HttpRequest(url=f"http://{host}/health") for host in HOSTS])


def sides(now: datetime) -> Mapping[str, st.SearchStrategy[Any]]:
    """Return what may be edited of an endpoint, each with what it may become."""
    return {
        "schedule": schedules(now),
        "guardrails": guardrails(),
        "bounds": bounds(now, None),
        "misfire": misfires(),
        "jitter": st.sampled_from([timedelta(), 30 * SECOND]),
        "rules": rule_sets(),
        "description": st.sampled_from([None, "new"]),
        "request": requests(),
        "retry": st.builds(Retry, attempts=st.integers(1, 3)),
        "delivery": st.sampled_from(list(Delivery)),
        "heeds": st.builds(Heeds, hints=st.booleans(), gone=st.booleans()),
        "limits": st.builds(Limits, redirects=st.integers(0, 2)),
        "planning": st.builds(Planning, mode=st.sampled_from(list(AiMode))),
        "success_when": st.sampled_from([None, "status == 200"]),
    }


@st.composite
def endpoints(draw: st.DrawFn, job: Job, name: str, *, number: int, now: datetime) -> Endpoint:
    """Draw an endpoint of a job, created now; its id, and so its jitter, is ``number``."""
    drawn = an_endpoint(
        job,
        name,
        created_at=now,
        schedule=draw(schedules(now)),
        guardrails=draw(guardrails()),
        jitter=draw(st.sampled_from([timedelta(), 5 * SECOND, 300 * SECOND])),
        misfire=draw(misfires()),
        retry=Retry(attempts=draw(st.integers(1, 3))),
        delivery=draw(st.sampled_from(list(Delivery))),
        bounds=draw(bounds(now, draw(st.none() | st.integers(1, 6)))),
        rules=draw(rule_sets()),
        request=draw(requests()),
        heeds=Heeds(hints=draw(st.booleans()), gone=draw(st.booleans())),
        planning=Planning(mode=draw(st.sampled_from(list(AiMode)))),
    )
    return replace(drawn, id=EndpointId(UUID(int=number)))


def authors() -> st.SearchStrategy[Author]:
    """Draw who proposes."""
    return st.sampled_from(list(Author))


@st.composite
def hints(draw: st.DrawFn, *, number: int, now: datetime) -> Hint:
    """Draw an interval hint or a one-shot, written now; ``number`` is its id."""
    hint_id, author = HintId(UUID(int=number)), draw(authors())
    if draw(st.booleans()):
        return IntervalHint(
            id=hint_id,
            author=author,
            every=draw(lengths(4000)),
            created_at=now,
            expires_at=now + draw(lengths(6000)),
        )
    at = now + draw(st.integers(0, 3000)) * SECOND
    return OneShotHint(
        id=hint_id, author=author, at=at, created_at=now, expires_at=at + draw(lengths(3000))
    )


def pauses(now: datetime) -> st.SearchStrategy[Pause]:
    """Draw a pause: open-ended, for a while, or over already."""
    ends = st.just(OPEN_ENDED) | st.integers(0, 3000).map(lambda each: now + each * SECOND)
    return st.builds(Pause, until=ends)
