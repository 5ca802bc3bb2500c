"""An endpoint in a list: where it stands, its rhythm, its latest runs, in words and marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Final

from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.condition import Condition
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.run import OutcomeClass
from cronicorn_domain.policies.severity import Severity, severity_of
from cronicorn_domain.ports.board import LatestRun, Standing
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.describing import schedule_in_words
from cronicorn_domain.schedules.schedule import OnceSchedule

from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.outcomes import OUTCOMES, Outcome
from cronicorn_api.pages.frame.shapes import interval, length

MARKS_MOST: Final = 30
_STEP: Final = 4
"""So wide is a mark and the gap behind it."""
_AUTHORS: Final[Mapping[str, str]] = {
    "ai": "AI",
    "rule": "rule",
    "api": "person",
    "response": "response",
}
_TALL: Final = 18
_HEIGHTS: Final[Mapping[OutcomeClass | None, int]] = {
    OutcomeClass.SUCCESS: 8,
    OutcomeClass.TARGET: _TALL,
    OutcomeClass.OURS: _TALL,
    OutcomeClass.NOT_ATTEMPTED: 4,
    None: 12,
}
_SHOWN: Final[Mapping[OutcomeClass | None, Outcome]] = {
    OutcomeClass.SUCCESS: OUTCOMES["success"],
    OutcomeClass.TARGET: OUTCOMES["target_failure"],
    OutcomeClass.OURS: OUTCOMES["our_failure"],
    OutcomeClass.NOT_ATTEMPTED: OUTCOMES["not_run"],
    None: OUTCOMES["running"],
}


@dataclass(frozen=True, slots=True)
class Bar:
    """A run as a bar: its class, where it stands, and how tall it is."""

    css: str
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spark:
    """The latest runs as a row of bars, the newest on the right, and what it says in words."""

    bars: Sequence[Bar]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    A line of a list.

    Attributes:
        state: The mark of where it stands, in ``state_words``.
        why: What more there is to say of it; empty: nothing.
        schedule: Its schedule in words.
        adapted: What holds instead, and by whom; empty: the schedule itself does.
        last: What came of the latest run that has ended; None: there is none.
        next: When it fires next; None where ``why_not`` says why it does not.
    """

    id: str
    name: str
    href: str
    job: str
    job_href: str
    state: Outcome
    state_words: str
    why: str
    schedule: str
    zone: str
    adapted: str
    spark: Spark
    last: Outcome | None
    last_words: str
    last_at: Moment | None
    next: Moment | None
    why_not: str
    needs: bool
    is_paused: bool


def row_of(standing: Standing, runs: Sequence[LatestRun], zones: Zones) -> Row:
    """Tell of an endpoint in a list."""
    state, words = _state(standing, zones.now)
    ended = next((each for each in runs if each.outcome_class is not None), None)
    zone = _zone(standing)
    plan = standing.state.next_plan
    why_not = _why_not(standing)
    due_at = None if plan is None else max(plan.decision.due_at, zones.now)
    return Row(
        id=str(standing.id),
        name=standing.name,
        href=f"/endpoints/{standing.id}",
        job=standing.job_name,
        job_href=f"/jobs/{standing.job_id}",
        state=state,
        state_words=words,
        why=_why(standing, zones),
        schedule=_schedule(standing),
        zone=zone or "",
        adapted=_adapted(standing),
        spark=spark_of(runs),
        last=None if ended is None else _SHOWN[ended.outcome_class],
        last_words=_last(ended),
        last_at=zones.moment_if_any(None if ended is None else _when(ended), zone),
        next=None if why_not else zones.moment_if_any(due_at, zone),
        why_not=why_not,
        needs=severity_of(standing, zones.now) is not Severity.NONE,
        is_paused=standing.condition is Condition.PAUSED,
    )


def failing_since(standing: Standing, runs: Sequence[LatestRun], zones: Zones) -> str:
    """Say since when it fails, and how: ``since 13:41:00, HTTP 503``; empty: it does not."""
    ended = [each for each in runs if each.outcome_class is not None]
    judged = takewhile(lambda each: each.outcome_class is not OutcomeClass.SUCCESS, ended)
    failed = [each for each in judged if each.outcome_class is OutcomeClass.TARGET]
    if not standing.state.failures or not failed:
        return ""
    first = zones.moment(_when(failed[-1]), _zone(standing)).clock
    began = first if len(failed) < len(ended) else f"before {first}"
    status = failed[0].status_code
    return f"since {began}{'' if status is None else f', HTTP {status}'}"


def spark_of(runs: Sequence[LatestRun]) -> Spark:
    """Draw the latest runs; they are given the newest first."""
    shown = list(reversed(runs[:MARKS_MOST]))
    start = (MARKS_MOST - len(shown)) * _STEP
    bars = [
        Bar(
            css=_SHOWN[each.outcome_class].css,
            x=start + number * _STEP,
            y=_TALL + 1 - _HEIGHTS[each.outcome_class],
            height=_HEIGHTS[each.outcome_class],
        )
        for number, each in enumerate(shown)
    ]
    if not shown:
        return Spark(bars=bars, words="never run")
    counted = {
        outcome.word: sum(each.outcome_class is judged for each in shown)
        for judged, outcome in _SHOWN.items()
    }
    parts = [f"{count} {word}" for word, count in counted.items() if count]
    return Spark(bars=bars, words=f"last {len(shown)} runs: {', '.join(parts)}")


def _state(standing: Standing, now: datetime) -> tuple[Outcome, str]:
    failures, late = standing.state.failures, standing.late_by(now)
    match standing.condition:
        case Condition.QUARANTINED | Condition.PAUSED | Condition.FINISHED | Condition.ARCHIVED:
            known = OUTCOMES[standing.condition.value]
            return known, "set aside" if standing.state.quarantine else known.word
        case _ if failures:
            return OUTCOMES["target_failure"], f"{failures} failed"
        case _ if late is not None:
            return OUTCOMES["late"], f"{length(late)} late"
        case Condition.RUNNING | Condition.DEFERRED | Condition.ACTIVE:
            known = OUTCOMES[standing.condition.value]
            return known, known.word
        case _:
            raise AssertionError(f"no words for {standing.condition}")


def _why(standing: Standing, zones: Zones) -> str:
    state = standing.state
    if state.quarantine is not None:
        return state.quarantine
    if standing.condition is Condition.PAUSED:
        own = standing.pause
        return (own.reason or "") if own is not None and own.until > zones.now else "its job is"
    if standing.waits:
        return "waits for room under a cap"
    if standing.condition is Condition.DEFERRED:
        return state.not_before_reason or ""
    return ""


def _why_not(standing: Standing) -> str:
    match standing.condition:
        case Condition.PAUSED if standing.job_paused:
            return "its job is paused"
        case Condition.PAUSED if standing.pause is None or standing.pause.until >= OPEN_ENDED:
            return "until resumed"
        case Condition.RUNNING:
            return "running"
        case Condition.QUARANTINED:
            return "mend its schedule"
        case Condition.FINISHED:
            return "finished"
        case _:
            return ""


def _schedule(standing: Standing) -> str:
    if standing.schedule is None:
        return "cannot be read"
    if isinstance(standing.schedule, OnceSchedule):
        return "once"
    return schedule_in_words(standing.schedule)


def _zone(standing: Standing) -> str | None:
    return standing.schedule.timezone if isinstance(standing.schedule, CronSchedule) else None


def _adapted(standing: Standing) -> str:
    plan, last = standing.state.next_plan, standing.state.last_slot
    if plan is None:
        return ""
    source = plan.decision.source
    author, _, kind = source.value.partition("-")
    if kind == "interval" and author in _AUTHORS:
        gap = "" if last is None else f"{interval(plan.slot - last)}, "
        return f"now {gap}{_AUTHORS[author]}"
    if kind == "oneshot" and author in _AUTHORS:
        return f"once, {_AUTHORS[author]}"
    match source:
        case Source.CLAMPED_MIN:
            return "held by the shortest"
        case Source.CLAMPED_MAX:
            return "pulled in by the longest"
        case Source.MANUAL | Source.TRIGGER | Source.RETRY | Source.CATCH_UP:
            return source.value.replace("-", " ")
        case _:
            return "backs off" if standing.state.failures and not _is_cron(standing) else ""


def _is_cron(standing: Standing) -> bool:
    return isinstance(standing.schedule, CronSchedule)


def _last(run: LatestRun | None) -> str:
    if run is None:
        return "never run"
    if run.status_code is not None:
        return str(run.status_code)
    return _SHOWN[run.outcome_class].word


def _when(run: LatestRun) -> datetime:
    return run.finished_at or run.started_at or run.slot
