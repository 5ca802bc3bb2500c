"""What the page of an endpoint shows, in the words in which it shows it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.policies.explaining import explain, reason_of
from cronicorn_domain.ports.run_log import Health
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.describing import change_days
from cronicorn_domain.schedules.zones import zone as zone_named
from cronicorn_management.history.timeline import Outlook

from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.outcomes import OUTCOMES, Outcome
from cronicorn_api.pages.frame.shapes import exact, length, percent
from cronicorn_api.pages.timeline.sources import source_words
from cronicorn_api.pages.timeline.why import Why, why_of

_HIDDEN: Final = "<hidden>"
_RUNNABLE: Final = frozenset({Condition.ACTIVE, Condition.DEFERRED, Condition.FINISHED})
_CONDITIONS: Final[Mapping[Condition, str]] = {
    Condition.ACTIVE: "active",
    Condition.RUNNING: "running",
    Condition.PAUSED: "paused",
    Condition.DEFERRED: "deferred",
    Condition.QUARANTINED: "quarantined",
    Condition.FINISHED: "finished",
    Condition.ARCHIVED: "archived",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthRow:
    """What came of the runs of a window."""

    window: str
    runs: str
    rate: str
    failed: str
    ours: str
    median: str
    p95: str
    late: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """
    A run that is to come.

    ``change`` says what becomes of its slot on a day on which the clock is set; empty: it is none.
    """

    due: Moment
    slot: Moment | None
    source: str
    why: str
    change: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """
    How an endpoint stands, as its page tells it.

    Attributes:
        curl: The request as a command.
        zone: Its own zone, or that in which times are shown: of it are times of the clock that are
            typed on its page.
        outcome: The mark of its state, and ``condition`` the words beside it.
        sentence: What it does next, and why.
        can_run: Whether it can be run by hand now.
        active_hints: How many hints it has.
        next: The next run; None: nothing is planned, or it is under way.
        why: How that was chosen, and ``why_instants`` the instants of its steps by their places.
        way_out: What leads on where nothing runs by itself; None: something does.
        started: Whether it has ever run.
    """

    id: str
    name: str
    job_id: str
    description: str | None
    url: str
    method: str
    curl: str
    zone: str
    outcome: Outcome
    condition: str
    sentence: str
    failures: int
    can_run: bool
    is_paused: bool
    is_archived: bool
    active_hints: int
    next: Upcoming | None
    why: Why | None
    why_instants: Mapping[int, Moment]
    health: Sequence[HealthRow]
    upcoming: Sequence[Upcoming]
    way_out: str | None
    started: bool


def endpoint_view(outlook: Outlook, zones: Zones) -> EndpointView:
    """Say how an endpoint stands."""
    situation, now = outlook.situation, outlook.now
    endpoint, state = situation.endpoint, situation.state
    zone = zone_of(endpoint)
    explanation = explain(situation, now, at=zones.writer(zone))
    condition, decision = explanation.condition, explanation.decision
    is_planned = condition in {Condition.ACTIVE, Condition.DEFERRED}
    planned = decision if is_planned else None
    why = None if planned is None else _why_next(planned, outlook, zones)
    upcoming = _all_upcoming(outlook, zones)
    name = _CONDITIONS[condition]
    if name == "active" and state.failures:
        name = "target_failure"
    return EndpointView(
        id=str(endpoint.id),
        name=endpoint.name,
        job_id=str(endpoint.job_id),
        description=endpoint.description,
        url=endpoint.request.url,
        method=endpoint.request.method.value,
        curl=curl_of(endpoint),
        zone=zone or zones.shown(),
        outcome=OUTCOMES[name],
        condition=_condition_words(name, state.failures),
        sentence=explanation.sentence,
        failures=state.failures,
        can_run=condition in _RUNNABLE,
        is_paused=endpoint.paused_at(now),
        is_archived=condition is Condition.ARCHIVED,
        active_hints=sum(each.expires_at > now for each in situation.hints),
        next=None if planned is None else _upcoming(planned, endpoint, zones, ""),
        why=why,
        why_instants=moments_of(why, zones, zone),
        health=[_health_row(window, health) for window, health in outlook.healths.items()],
        upcoming=upcoming,
        way_out=_way_out(condition, outlook),
        started=state.latest_slot is not None or state.last_slot is not None,
    )


def zone_of(endpoint: Endpoint) -> str | None:
    """Return the zone that an endpoint has of its own: its schedule's."""
    return endpoint.schedule.timezone if isinstance(endpoint.schedule, CronSchedule) else None


def moments_of(why: Why | None, zones: Zones, zone: str | None) -> Mapping[int, Moment]:
    """Write the instants of the steps, by their places in the table."""
    steps = () if why is None else why.steps
    return {
        place: zones.moment(step.instant, zone)
        for place, step in enumerate(steps)
        if step.instant is not None
    }


def curl_of(endpoint: Endpoint) -> str:
    """Write the request as a command; secrets are left for whoever runs it."""
    request = endpoint.request
    words = ["curl", "-X", request.method.value]
    for header in request.headers:
        value = _HIDDEN if header.secret else header.value
        words += ["-H", f"{header.name}: {value}"]
    if request.body is not None:
        words += ["--data-raw", request.body]
    return shlex.join([*words, request.url])


def _condition_words(name: str, failures: int) -> str:
    if name == "target_failure":
        return f"{exact(failures)} failed in a row" if failures > 1 else "the last run failed"
    return OUTCOMES[name].word


def _why_next(decision: Decision, outlook: Outlook, zones: Zones) -> Why:
    endpoint = outlook.situation.endpoint
    since = outlook.situation.state.last_slot or endpoint.created_at
    return why_of(decision, since=since, endpoint=endpoint, at=zones.writer(zone_of(endpoint)))


def _all_upcoming(outlook: Outlook, zones: Zones) -> Sequence[Upcoming]:
    """Tell what comes next, and what becomes of slots on days on which the clock is set."""
    endpoint, decisions = outlook.situation.endpoint, outlook.upcoming
    if not decisions:
        return ()
    own = zone_of(endpoint)
    day = timedelta(days=1)
    changes = change_days(endpoint.schedule, decisions[0].slot - day, decisions[-1].slot + day)
    clock = zone_named(own or zones.shown())
    told = {each.at.astimezone(clock).date(): each.sentence for each in changes}
    return [
        _upcoming(each, endpoint, zones, told.get(each.slot.astimezone(clock).date(), ""))
        for each in decisions
    ]


def _upcoming(decision: Decision, endpoint: Endpoint, zones: Zones, change: str) -> Upcoming:
    zone = zone_of(endpoint)
    return Upcoming(
        due=zones.moment(decision.due_at, zone),
        slot=zones.moment(decision.slot, zone) if decision.slot != decision.due_at else None,
        source=source_words(decision.source),
        why=reason_of(decision, endpoint, at=zones.writer(zone)),
        change=change,
    )


def _health_row(window: timedelta, health: Health) -> HealthRow:
    judged = health.success_count + health.target_failure_count
    return HealthRow(
        window=f"{window // timedelta(hours=1)} h",
        runs=exact(judged + health.our_failure_count),
        rate=percent(health.success_count, judged),
        failed=exact(health.target_failure_count),
        ours=exact(health.our_failure_count),
        median=length(health.median_duration),
        p95=length(health.p95_duration),
        late=length(health.mean_lateness),
    )


def _way_out(condition: Condition, outlook: Outlook) -> str | None:
    """Say what leads on where nothing runs by itself."""
    pause = outlook.situation.endpoint.pause
    match condition:
        case Condition.PAUSED if pause is None:
            return "Resume its job, and it runs again."
        case Condition.PAUSED if pause is not None and pause.until >= OPEN_ENDED:
            return "Resume it, and it runs again."
        case Condition.PAUSED:
            return "It goes on by itself, or at once if you resume it."
        case Condition.FINISHED:
            return "Give it another schedule, or later bounds, and it runs again."
        case Condition.QUARANTINED:
            return "Edit its schedule: with the next valid one it runs again."
        case Condition.ARCHIVED:
            return "Restore it, and it runs again."
        case _:
            return None
