"""What the statistics show: sums of a window, and how they changed, from statistics alone."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from cronicorn_domain.instants import MILLISECOND
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.job import Job
from cronicorn_domain.ports.overview import Tally
from cronicorn_management.dashboard.speed import Percentiles, Speed
from cronicorn_management.dashboard.stats import Stats, Trend
from cronicorn_management.dashboard.windows import Window

from cronicorn_api.pages.frame.moments import Moment, Zones
from cronicorn_api.pages.frame.shapes import NOTHING, count, exact, length, percent
from cronicorn_api.pages.statistics.asked import Asked
from cronicorn_api.pages.timeline.sources import SCHEDULED, source_words

_NEVER: Final = Speed(duration=None, lateness=None)
_SHARES: Final = ("p50", "p95", "p99")
_TRENDS: Final = {Trend.UP: "rising", Trend.DOWN: "falling", Trend.STABLE: "steady"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A part of all runs."""

    name: str
    count: str
    share: str
    width: float
    adapted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    The sums of a day, a job or an endpoint.

    Attributes:
        speed: Of a day: durations of 50, 95 and 99 of a hundred, then lateness of 50, 95 and 99.
    """

    name: str
    href: str | None
    beside: str
    runs: str
    ok: str
    failed: str
    ours: str
    mean: str
    last: Moment | None
    speed: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceView:
    """What can be chosen, and what is; ``sums`` are at an address, ``whole`` is a page of them."""

    days: Sequence[tuple[str, str, bool]]
    jobs: Sequence[tuple[str, str, bool]]
    more_jobs: bool
    since: str
    until: str
    zone: str
    csv: str
    json: str
    sums: str
    whole: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SumsView:
    """What came of everything in a window."""

    sentence: str
    days: Sequence[Line]
    series: str
    jobs: Sequence[Line]
    busiest: Sequence[Line]
    sources: Sequence[Share]
    adapted: str
    figures: Sequence[tuple[str, str, str]]
    empty: bool


def _is_missing(chosen: str, jobs: Sequence[Job]) -> bool:
    return bool(chosen) and all(str(each.id) != chosen for each in jobs)


def choice_view(asked: Asked, jobs: Sequence[Job], *, more: bool) -> ChoiceView:
    """Say which windows and jobs can be chosen."""
    window, chosen = asked.window, "" if asked.job is None else str(asked.job)
    of_job = {"job": chosen} if chosen else {}
    return ChoiceView(
        days=[
            (f"?{urlencode({'days': str(days), **of_job})}", f"{days} d", days == asked.days)
            for days in (1, 7, 30, 90)
        ],
        jobs=[
            ("", "all jobs", not chosen),
            *((str(each.id), each.name, str(each.id) == chosen) for each in jobs),
            *([(chosen, f"job {chosen}", True)] if _is_missing(chosen, jobs) else []),
        ],
        more_jobs=more,
        since=f"{window.day_of(window.since):%Y-%m-%d}",
        until=f"{window.day_of(window.until):%Y-%m-%d}",
        zone=window.zone.key,
        csv=f"/statistics.csv{asked.query}",
        json=f"/statistics.json{asked.query}",
        sums=f"/_/statistics{asked.query}",
        whole=f"/statistics{asked.query}{'&' if asked.query else '?'}whole=true",
    )


def sums_view(stats: Stats, zones: Zones) -> SumsView:
    """Say what the sums of a window show."""
    total = sum(number for _, number in stats.sources)
    adapted = sum(number for source, number in stats.sources if source not in SCHEDULED)
    told = f"{exact(adapted)} adapted against {exact(total - adapted)} scheduled"
    return SumsView(
        sentence=_sentence(stats),
        days=[
            _line(f"{day:%a %Y-%m-%d}", tally, speed=_lengths(stats.speeds.get(day, _NEVER)))
            for day, tally in reversed(stats.days)
        ],
        series=_series(stats),
        jobs=[_line(each.name, each.tally, href=f"/jobs/{each.job_id}") for each in stats.jobs],
        busiest=_busiest(stats, zones),
        sources=_shares(stats.sources, total),
        adapted=f"{told}, {percent(adapted, total)}",
        figures=_figures(stats, adapted, total),
        empty=not stats.whole.runs,
    )


def _figures(stats: Stats, adapted: int, total: int) -> Sequence[tuple[str, str, str]]:
    whole = stats.whole
    judged = whole.success + whole.target_failure
    return (
        ("Runs", exact(whole.runs), f"{exact(stats.last_day.runs)} in the last 24 h"),
        ("Success", percent(whole.success, judged), f"{_TRENDS[stats.trend]} over the window"),
        ("Failed", exact(whole.target_failure), f"by targets; {exact(whole.our_failure)} by us"),
        _most("Half took at most", stats.speed.duration, ""),
        _most("Half started within", stats.speed.lateness, " of being due"),
        ("Adapted", percent(adapted, total), f"{count(adapted)} of {count(total)} runs"),
    )


def _most(of: str, found: Percentiles | None, beside: str) -> tuple[str, str, str]:
    if found is None:
        return of, NOTHING, ""
    return of, length(found.p50), f"p95 {length(found.p95)}, p99 {length(found.p99)}{beside}"


def _lengths(speed: Speed) -> Sequence[str]:
    return [
        NOTHING if found is None else length(found)
        for of in (speed.duration, speed.lateness)
        for found in ((None,) * 3 if of is None else (of.p50, of.p95, of.p99))
    ]


def _busiest(stats: Stats, zones: Zones) -> Sequence[Line]:
    return [
        _line(
            each.name,
            each.tally,
            href=f"/endpoints/{each.endpoint_id}",
            beside=each.job_name,
            last=zones.moment_if_any(each.last_start),
        )
        for each in stats.busiest
    ]


def days_as_csv(stats: Stats) -> str:
    """Write the sums of days as lines, the names of the columns first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=[*_day("", Tally(), _NEVER)])
    writer.writeheader()
    writer.writerows(_days(stats))
    return text.getvalue()


def days_as_json(stats: Stats, window: Window) -> str:
    """Write the sums of days, of sources and of endpoints as one object."""
    told: dict[str, object] = {
        "since": window.since.isoformat(),
        "until": window.until.isoformat(),
        "zone": window.zone.key,
        **_milliseconds(stats.speed),
        "days": _days(stats),
        "sources": {source.value: number for source, number in stats.sources},
        "busiest": [
            {"endpoint_id": str(each.endpoint_id), "name": each.name, **_sums(each.tally)}
            for each in stats.busiest
        ],
    }
    return json.dumps(told, ensure_ascii=False)


def _days(stats: Stats) -> Sequence[dict[str, str | int | None]]:
    return [_day(f"{day}", tally, stats.speeds.get(day, _NEVER)) for day, tally in stats.days]


def _day(day: str, tally: Tally, speed: Speed) -> dict[str, str | int | None]:
    return {"day": day, **_sums(tally), **_milliseconds(speed)}


def _milliseconds(speed: Speed) -> dict[str, int | None]:
    told: dict[str, int | None] = {}
    for name, of in (("duration", speed.duration), ("lateness", speed.lateness)):
        found = (None,) * len(_SHARES) if of is None else (of.p50, of.p95, of.p99)
        for share, each in zip(_SHARES, found, strict=True):
            told[f"{name}_{share}_ms"] = None if each is None else each // MILLISECOND
    return told


def _sums(tally: Tally) -> dict[str, int | None]:
    mean = _mean(tally)
    return {
        "runs": tally.runs,
        "success": tally.success,
        "target_failure": tally.target_failure,
        "our_failure": tally.our_failure,
        "not_attempted": tally.not_attempted,
        "mean_duration_ms": None if mean is None else mean // MILLISECOND,
    }


def _series(stats: Stats) -> str:
    """Give the days to what draws them: seconds since 1970, and a list of each kind."""
    days = [
        datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() for day, _ in stats.days
    ]
    kinds = [
        [tally.success for _, tally in stats.days],
        [tally.target_failure for _, tally in stats.days],
        [tally.our_failure for _, tally in stats.days],
    ]
    speeds = [_milliseconds(stats.speeds.get(day, _NEVER)) for day, _ in stats.days]
    told = {
        name: [days, *([each[f"{name}_{share}_ms"] for each in speeds] for share in _SHARES)]
        for name in ("duration", "lateness")
    }
    return json.dumps({"runs": [days, *kinds], **told})


def _shares(sources: Sequence[tuple[Source, int]], total: int) -> Sequence[Share]:
    most = max((number for _, number in sources), default=1)
    return [
        Share(
            name=_SCHEDULES.get(source) or source_words(source),
            count=exact(number),
            share=percent(number, total),
            width=round(max(number / most * 100, 0.5), 1),
            adapted=source not in SCHEDULED,
        )
        for source, number in sources
    ]


_SCHEDULES: Final = {
    Source.BASELINE_CRON: "schedule, cron",
    Source.BASELINE_INTERVAL: "schedule, interval",
    Source.BASELINE_ONCE: "schedule, once",
}


def _line(
    name: str,
    tally: Tally,
    *,
    href: str | None = None,
    beside: str = "",
    last: Moment | None = None,
    speed: Sequence[str] = (),
) -> Line:
    judged = tally.success + tally.target_failure
    return Line(
        name=name,
        href=href,
        beside=beside,
        runs=exact(tally.runs),
        ok=percent(tally.success, judged),
        failed=exact(tally.target_failure),
        ours=exact(tally.our_failure),
        mean=length(_mean(tally)),
        last=last,
        speed=speed,
    )


def _mean(tally: Tally) -> timedelta | None:
    return tally.duration / tally.timed if tally.timed else None


def _sentence(stats: Stats) -> str:
    whole = stats.whole
    judged = whole.success + whole.target_failure
    if not whole.runs:
        return "No run has ended in this window."
    return (
        f"{exact(whole.runs)} runs, {percent(whole.success, judged)} ok;"
        f" {_many(stats.holdings.endpoints, 'endpoint')} in {_many(stats.holdings.jobs, 'job')},"
        f" {exact(stats.holdings.paused)} paused."
    )


def _many(number: int, what: str) -> str:
    return f"{exact(number)} {what}" if number == 1 else f"{exact(number)} {what}s"
