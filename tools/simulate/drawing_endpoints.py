"""Draws jobs and endpoints with the targets they call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from cronicorn_domain.identity import EndpointId, JobId, TenantId
from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.endpoint import (
    Bounds,
    Delivery,
    Endpoint,
    Guardrails,
    HttpRequest,
    Limits,
    Misfire,
    MisfirePolicy,
    Retry,
)
from cronicorn_domain.model.job import Job
from cronicorn_domain.schedules.schedule import Schedule

from tools.simulate.drawing import (
    MINUTE,
    SECOND,
    a_moment,
    chance_of,
    one_of,
    seconds,
    sometimes,
    up_to,
)
from tools.simulate.participants import Newcomer, Target, identity

QUICK = seconds(0, 0.05, 0.2, 1)
SLOW = seconds(0.2, 3, 15, 25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """
    The time of a scenario, and how long its rhythms are.

    ``unit`` is about a second where endpoints fire every few seconds, minutes where every hour.
    """

    begins_at: datetime
    lasts: timedelta
    unit: timedelta
    schedule: Callable[[Random], Schedule]


def some_jobs(seed: int, begins_at: datetime, most: int) -> tuple[Job, ...]:
    """Draw up to so many jobs, of one or two tenants."""
    chance = chance_of(seed, "jobs")
    tenants = up_to(chance, (1, 2))
    return tuple(
        Job(
            id=JobId(identity(seed, f"job {n}")),
            tenant=TenantId(identity(seed, f"tenant {n % tenants}")),
            name=f"job-{n}",
            created_at=begins_at,
            updated_at=begins_at,
        )
        for n in range(1, up_to(chance, (1, most)) + 1)
    )


def some_newcomers(
    seed: int, jobs: Sequence[Job], times: Times, count: int, *, plain: bool = False
) -> tuple[Newcomer, ...]:
    """Draw endpoints; plain ones have a schedule and nothing else."""
    return tuple(_newcomer(seed, f"e{n}", jobs, times, plain=plain) for n in range(1, count + 1))


def _newcomer(seed: int, name: str, jobs: Sequence[Job], times: Times, *, plain: bool) -> Newcomer:
    chance = chance_of(seed, name)
    late = a_moment(chance, times.lasts / 3) if sometimes(chance, 0.5) else NO_TIME
    if plain:
        late = MINUTE * chance.randrange(30)
    schedule = times.schedule(chance)
    target = Target(
        seed=chance.getrandbits(32),
        failing=0.0 if plain else one_of(chance, 0.0, 0.1, 0.5, 1.0),
        lengths=QUICK if plain else one_of(chance, QUICK, QUICK, SLOW),
    )
    job = chance.choice(jobs)
    endpoint = Endpoint(
        id=EndpointId(identity(seed, name)),
        tenant=job.tenant,
        job_id=job.id,
        name=name,
        request=HttpRequest(url=f"http://{name}.example/"),
        schedule=schedule,
        anchor=times.begins_at,
        created_at=times.begins_at,
        updated_at=times.begins_at,
    )
    if not plain:
        endpoint = _remarkable(chance, endpoint, times)
    return Newcomer(name=name, after=late, endpoint=endpoint, target=target)


def _remarkable(chance: Random, endpoint: Endpoint, times: Times) -> Endpoint:
    return replace(
        endpoint,
        guardrails=some_guardrails(chance, times.unit),
        bounds=some_bounds(chance, times) if sometimes(chance, 0.2) else Bounds(),
        jitter=some_jitter(chance, times.unit),
        misfire=some_misfire(chance, times.unit),
        retry=some_retry(chance),
        delivery=some_delivery(chance),
        limits=Limits(timeout=one_of(chance, SECOND, 10 * SECOND, 30 * SECOND, 5 * MINUTE)),
    )


def some_guardrails(chance: Random, unit: timedelta) -> Guardrails:
    """Draw none, one or both, shortest below longest."""
    shortest = unit * one_of(chance, 1, 2, 5, 20, 60) if sometimes(chance, 0.25) else None
    longest = unit * one_of(chance, 60, 90, 240) if sometimes(chance, 0.25) else None
    return Guardrails(shortest=shortest, longest=longest)


def some_bounds(chance: Random, times: Times) -> Bounds:
    """Draw a start, an end or a number of runs."""
    starts_at = ends_at = None
    if sometimes(chance, 0.5):
        starts_at = times.begins_at + a_moment(chance, times.lasts / 2)
    if sometimes(chance, 0.5):
        ends_at = (starts_at or times.begins_at) + a_moment(chance, times.lasts)
    max_runs = up_to(chance, (1, 12)) if sometimes(chance, 0.4) else None
    return Bounds(starts_at=starts_at, ends_at=ends_at, max_runs=max_runs)


def some_jitter(chance: Random, unit: timedelta) -> timedelta:
    """Draw none most of the time."""
    return unit * one_of(chance, 2, 10, 45) if sometimes(chance, 0.25) else NO_TIME


def some_misfire(chance: Random, unit: timedelta) -> Misfire:
    """Draw a policy and a grace."""
    return Misfire(
        policy=one_of(chance, *MisfirePolicy),
        grace=unit * one_of(chance, 0, 1, 5, 20, 60),
        catch_up_limit=up_to(chance, (1, 6)),
    )


def some_retry(chance: Random) -> Retry:
    """Draw one try most of the time."""
    if sometimes(chance, 0.7):
        return Retry()
    return Retry(
        attempts=up_to(chance, (2, 4)),
        backoff=one_of(chance, NO_TIME, SECOND, 5 * SECOND),
        backoff_most=one_of(chance, 5 * SECOND, MINUTE),
    )


def some_delivery(chance: Random) -> Delivery:
    """Draw at least once most of the time."""
    return Delivery.AT_MOST_ONCE if sometimes(chance, 0.25) else Delivery.AT_LEAST_ONCE
