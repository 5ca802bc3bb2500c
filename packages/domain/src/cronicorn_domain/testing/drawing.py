"""Hypothesis strategies for what a person may configure and anyone may propose."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import strategies as st

from cronicorn_domain.identity import EndpointId, HintId
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    Misfire,
    MisfirePolicy,
    Pause,
    Retry,
)
from cronicorn_domain.model.hint import Author, Hint, IntervalHint, OneShotHint
from cronicorn_domain.model.job import Job
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
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from cronicorn_domain.testing.builders import SECOND, an_endpoint

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
