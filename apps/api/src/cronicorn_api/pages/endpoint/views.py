"""What the page of an endpoint shows, in the words in which it shows it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.policies.explaining import describe_schedule, reason_of
from cronicorn_domain.ports.run_log import Health
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_management.history.timeline import Timeline

from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.outcomes import OUTCOMES, Outcome
from cronicorn_api.pages.frame.shapes import exact, length, percent
from cronicorn_api.pages.timeline.drawing import Drawing, Row, drawing_of, hint_words
from cronicorn_api.pages.timeline.flags import Flag
from cronicorn_api.pages.timeline.sources import source_words
from cronicorn_api.pages.timeline.values import DURATION, LATENESS
from cronicorn_api.pages.timeline.why import Why, why_of
from cronicorn_api.pages.timeline.windows import Choice, address_of, choices

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
    """A run that is to come."""

    due: Moment
    slot: Moment | None
    source: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HintLine:
    """A hint in words; ``clear`` is its id, where it can be cleared."""

    flag: Flag
    text: str
    reason: str | None
    standing: str
    clear: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """A row of the table that says the same as the drawing."""

    row: Row
    when: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineView:
    """
    The timeline with its controls.

    Attributes:
        drawing: What is drawn.
        rows: The same as rows.
        table: Whether rows are shown instead.
        windows: The windows that are offered.
        since: Where the window begins, for the fields that ask for another.
        until: Where it ends.
        zone: The zone of both.
        refetch: Where this part is fetched again; it keeps its window.
        chart: The address of the drawing.
        as_table: The address of the rows.
        values: The values that can be drawn: name, word, whether it is the chosen one.
        hints: The hints of the window in words.
        nearest: The address of the window that holds the newest run, where this one is empty.
        zooms: Addresses of the window twice as long and half as long.
    """

    endpoint_id: str
    drawing: Drawing
    rows: Sequence[TableRow]
    table: bool
    windows: Sequence[Choice]
    since: str
    until: str
    zone: str
    refetch: str
    chart: str
    as_table: str
    values: Sequence[tuple[str, str, bool]]
    kept: Mapping[str, str]
    hints: Sequence[HintLine]
    nearest: str | None
    zooms: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """The page of an endpoint."""

    id: str
    name: str
    job_id: str
    description: str | None
    url: str
    method: str
    curl: str
    schedule: str
    zone: str | None
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
    timeline: TimelineView
    health: Sequence[HealthRow]
    upcoming: Sequence[Upcoming]
    way_out: str | None
    started: bool


def endpoint_view(
    timeline: Timeline, zones: Zones, here: ZoneInfo, *, value_of: str, table: bool, narrow: bool
) -> EndpointView:
    """Say what the page of an endpoint shows."""
    situation, explanation = timeline.situation, timeline.explanation
    endpoint, state = situation.endpoint, situation.state
    zone = zone_of(endpoint)
    decision = explanation.decision
    condition = explanation.condition
    why = None
    if decision is not None and condition in {Condition.ACTIVE, Condition.DEFERRED}:
        why = why_of(decision, since=state.last_slot or endpoint.created_at, endpoint=endpoint)
    upcoming = [_upcoming(each, endpoint, zones) for each in timeline.upcoming]
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
        schedule=describe_schedule(endpoint),
        zone=zone,
        outcome=OUTCOMES[name],
        condition=_condition_words(name, state.failures),
        sentence=explanation.sentence,
        failures=state.failures,
        can_run=condition in _RUNNABLE,
        is_paused=endpoint.paused_at(timeline.now),
        is_archived=condition is Condition.ARCHIVED,
        active_hints=sum(each.end is None for each in timeline.hints),
        next=None if why is None or decision is None else _upcoming(decision, endpoint, zones),
        why=why,
        why_instants=moments_of(why, zones, zone),
        timeline=timeline_view(
            timeline, zones, here, value_of=value_of, table=table, narrow=narrow
        ),
        health=[_health_row(window, health) for window, health in timeline.healths.items()],
        upcoming=upcoming,
        way_out=_way_out(condition, timeline),
        started=state.latest_slot is not None or state.last_slot is not None,
    )


def timeline_view(
    timeline: Timeline, zones: Zones, here: ZoneInfo, *, value_of: str, table: bool, narrow: bool
) -> TimelineView:
    """Say what the part with the timeline shows."""
    endpoint = timeline.situation.endpoint
    drawing = drawing_of(timeline, here, value_of=value_of, narrow=narrow)
    follows = drawing.scale.follows
    window = address_of(timeline.since, timeline.until, follows=follows)
    value = {"value": value_of} if value_of != DURATION else {}
    kept = {**value, **({"view": "table"} if table else {})}
    path = f"/endpoints/{endpoint.id}"
    zone = zone_of(endpoint)
    return TimelineView(
        endpoint_id=str(endpoint.id),
        drawing=drawing,
        rows=[
            TableRow(row=row, when=zones.moment(row.when, zone)) for row in drawing.rows if table
        ],
        table=table,
        windows=choices(timeline.until - timeline.since, follows=follows, kept=kept),
        since=f"{timeline.since.astimezone(here):%Y-%m-%dT%H:%M}",
        until=f"{timeline.until.astimezone(here):%Y-%m-%dT%H:%M}",
        zone=here.key,
        refetch=f"/_{path}/timeline?{urlencode({**window, **kept})}",
        chart=f"?{urlencode({**window, **value})}",
        as_table=f"?{urlencode({**window, **value, 'view': 'table'})}",
        values=_values(drawing),
        kept={**window, **({"view": "table"} if table else {})},
        hints=[_hint_line(flag, here, timeline) for flag in reversed(drawing.flags)],
        nearest=_nearest(timeline, kept),
        zooms=_zooms(timeline, kept, follows=follows),
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


def _upcoming(decision: Decision, endpoint: Endpoint, zones: Zones) -> Upcoming:
    zone = zone_of(endpoint)
    return Upcoming(
        due=zones.moment(decision.due_at, zone),
        slot=zones.moment(decision.slot, zone) if decision.slot != decision.due_at else None,
        source=source_words(decision.source),
        why=reason_of(decision, endpoint),
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


def _hint_line(flag: Flag, here: ZoneInfo, timeline: Timeline) -> HintLine:
    active = flag.record.end is None
    return HintLine(
        flag=flag,
        text=hint_words(flag, here, timeline.now),
        reason=flag.hint.reason,
        standing=_standing(flag),
        clear=str(flag.hint.id) if active else None,
    )


def _standing(flag: Flag) -> str:
    if flag.record.end is not None:
        return "ran" if flag.was_consumed else flag.record.end.value
    if flag.is_oneshot:
        return "waiting"
    return "in force" if flag.stretches and flag.stretches[-1].in_force else "outranked"


def _values(drawing: Drawing) -> Sequence[tuple[str, str, bool]]:
    offered = [(DURATION, "duration"), (LATENESS, "lateness")]
    offered += [(path, path) for path in drawing.paths]
    if drawing.value_of not in dict(offered):
        offered.append((drawing.value_of, drawing.value_of))
    return [(name, word, name == drawing.value_of) for name, word in offered]


def _nearest(timeline: Timeline, kept: Mapping[str, str]) -> str | None:
    if timeline.nearest is None:
        return None
    half = (timeline.until - timeline.since) / 2
    window = address_of(timeline.nearest - half, timeline.nearest + half, follows=False)
    return f"?{urlencode({**window, **kept})}"


def _zooms(timeline: Timeline, kept: Mapping[str, str], *, follows: bool) -> Mapping[str, str]:
    length_now = timeline.until - timeline.since
    windows = {}
    for name, factor in (("out", 2.0), ("in", 0.5)):
        wanted = max(length_now * factor, timedelta(minutes=2))
        middle = timeline.since + length_now / 2
        since = timeline.until - wanted if follows else middle - wanted / 2
        until = timeline.until if follows else middle + wanted / 2
        windows[name] = f"?{urlencode({**address_of(since, until, follows=False), **kept})}"
    windows["back"] = f"?{urlencode(kept)}" if kept else "?"
    return windows


def _way_out(condition: Condition, timeline: Timeline) -> str | None:
    """Say what leads on where nothing runs by itself."""
    pause = timeline.situation.endpoint.pause
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


def chart_link(endpoint_id: str, path: str) -> str:
    """Return the address at which a member of the answers is drawn."""
    return f"/endpoints/{endpoint_id}?value={quote(path)}"
