"""The scenarios: what happens to a target, and the ways in which it is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from random import Random
from typing import Final

from cronicorn_domain.model.rules import (
    ClearHints,
    EndpointRule,
    Every,
    RunIn,
    TriggerSibling,
)
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.cron_expression import CronExpression
from cronicorn_domain.schedules.schedule import IntervalSchedule

from tools.adaptation import minds
from tools.adaptation.thinking import Mind
from tools.adaptation.world import Answer, Called, Plan, World

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
BEGINS: Final = datetime(2026, 3, 2, tzinfo=UTC)
Calls = Mapping[str, Sequence[Called]]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to the target; whoever is called at or after it knows of it."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """
    A scenario.

    Attributes:
        name: The name of its plot.
        title: As a heading.
        told: What happens, in sentences.
        world: What it is played in.
        events: What somebody has to react to.
        reacts: The endpoint whose call is the reaction.
        adapted: The way with rules.
        mind: What the scripted model of the way with a model thinks; it looks at ``watched``.
        reacts_planned: Whose call is the reaction with a model; None: as with rules.
        fixed_every: The interval that teams have today.
        measured: What the plot's curve shows, by a member of the body of the watched endpoint.
    """

    name: str
    title: str
    told: str
    world: World
    events: tuple[Event, ...]
    watched: str
    reacts: str
    adapted: tuple[Plan, ...]
    fixed_every: timedelta
    measured: tuple[str, str]
    mind: Mind
    others: tuple[Plan, ...] = ()
    reacts_planned: str | None = None

    @property
    def planned(self) -> tuple[Plan, ...]:
        """The way with a model: as with rules, but without them."""
        return tuple(
            replace(each, rules=(), planned=each.name == self.watched) for each in self.adapted
        )

    def fixed(self, every: timedelta) -> tuple[Plan, ...]:
        """Return the way without rules: the watched endpoint on an interval, and the others."""
        schedule = IntervalSchedule(every=every)
        # A cron entry knows no backoff; a longest guardrail of the interval takes ours away.
        watched = Plan(name=self.watched, schedule=schedule, longest=every)
        return (watched, *self.others)


def every_story() -> tuple[Story, ...]:
    """Return all of them."""
    return (flash_sale(), batch(), flapping(), daily_report(), month_end())


def flash_sale() -> Story:
    """A shop's queue, which a sale floods at an hour that is announced."""
    opens, peak, closes = (BEGINS + 18 * HOUR + each * SECOND for each in (203, 917, 2351))
    drained = closes + 17 * MINUTE
    announced = opens - 20 * MINUTE

    def depth(at: datetime) -> int:
        if opens <= at < peak:
            return 40 + int((at - opens) / (peak - opens) * 900)
        if peak <= at < closes:
            return 940
        if closes <= at < drained:
            return 12 + int((drained - at) / (drained - closes) * 900)
        return 7

    def target(_: str, at: datetime, __: Calls) -> Answer:
        body = {"depth": depth(at), "saleSoon": announced <= at < opens}
        return Answer(body=body)

    rules = (
        EndpointRule(
            when="body.saleSoon || body.depth > 30",
            then=(Every(15 * SECOND),),
            life=20 * MINUTE,
            reason="a sale is on, or about to be",
        ),
        EndpointRule(when="!body.saleSoon && body.depth < 10", then=(ClearHints(),)),
    )
    return Story(
        name="flash-sale",
        title="A flash sale",
        told="A shop's queue is quiet all day. At 18:03 a sale opens, which the shop's answer"
        " announces twenty minutes before; 12 minutes later the queue is full, at 18:39 the sale"
        " closes, and 17 minutes after that the queue is empty again. Whoever scales the shop has"
        " to see all four.",
        world=World(begins_at=BEGINS, lasts=DAY, target=target),
        events=(
            Event(opens, "the sale opens"),
            Event(peak, "the queue is full"),
            Event(closes, "the sale closes"),
            Event(drained, "the queue is empty"),
        ),
        watched="queue",
        reacts="queue",
        adapted=(Plan(name="queue", schedule=IntervalSchedule(every=15 * MINUTE), rules=rules),),
        fixed_every=5 * MINUTE,
        measured=("orders that wait", "depth"),
        mind=minds.of_flash_sale,
    )


def batch() -> Story:
    """A nightly export of no certain length, and a load that needs it."""
    days = 7
    chance = Random(11)  # noqa: S311  it guards nothing
    starts = [BEGINS + n * DAY + 2 * HOUR for n in range(days)]
    lengths = [timedelta(seconds=chance.randrange(22 * 60, 95 * 60)) for _ in starts]
    ready = [start + length for start, length in zip(starts, lengths, strict=True)]

    def target(name: str, at: datetime, _: Calls) -> Answer:
        if name == "load":
            return Answer(status=202, body={"loading": True})
        running = [(s, r) for s, r in zip(starts, ready, strict=True) if s <= at < r]
        if running:
            begun, done = running[0]
            return Answer(
                body={"state": "running", "percent": int(100 * (at - begun) / (done - begun))}
            )
        return Answer(body={"state": "done", "percent": 100})

    rules = (
        EndpointRule(
            when="body.state == 'running'",
            then=(RunIn(MINUTE),),
            reason="the export is under way",
        ),
        EndpointRule(
            when="body.state == 'done' && previous.body.state == 'running'",
            then=(TriggerSibling("load"),),
            reason="the export is done",
        ),
    )
    nightly = CronSchedule(expression=CronExpression.parse("1 2 * * *"))
    load = Plan(name="load", schedule=IntervalSchedule(every=30 * DAY), paused=True)
    return Story(
        name="batch",
        title="A batch, and what depends on it",
        told="An export begins at 02:00 and takes 22 to 95 minutes; a load has to follow it. With"
        " rules the export is first asked for at 02:01, then each minute while it runs, and the"
        " load is triggered when it is done. Without them it is asked for at an interval, all day"
        " long, and whoever asks begins the load.",
        world=World(begins_at=BEGINS, lasts=days * DAY, target=target),
        events=tuple(Event(each, "the export is done") for each in ready),
        watched="export",
        reacts="export",
        adapted=(Plan(name="export", schedule=nightly, rules=rules), load),
        fixed_every=MINUTE,
        measured=("percent done", "percent"),
        mind=minds.of_batch,
        reacts_planned="load",
    )


def flapping() -> Story:
    """A target that slows down, and then fails and recovers, again and again."""
    chance = Random(5)  # noqa: S311  it guards nothing
    episodes = [BEGINS + each * HOUR for each in (5.15, 13.4, 20.7)]
    changes: list[tuple[datetime, bool]] = []
    for begun in episodes:
        at = begun
        for _ in range(4):
            changes.append((at, False))
            at += timedelta(seconds=chance.randrange(100, 260))
            changes.append((at, True))
            at += timedelta(seconds=chance.randrange(100, 260))
    slow = [(each - 12 * MINUTE, each + 40 * MINUTE) for each in episodes]

    def target(_: str, at: datetime, __: Calls) -> Answer:
        well = next((up for when, up in reversed(changes) if when <= at), True)
        labors = any(begun <= at < ends for begun, ends in slow)
        takes = timedelta(milliseconds=1400 if labors else 90)
        body = {"ok": well, "load": 97 if labors else 20}
        return Answer(status=200 if well else 503, body=body, takes=takes)

    rules = (
        EndpointRule(
            when="durationMs > 1000 || failures > 0",
            then=(Every(15 * SECOND),),
            life=10 * MINUTE,
            reason="it labors, or fails",
        ),
    )
    return Story(
        name="flapping",
        title="A target that flaps",
        told="Three times a day a service labors for twelve minutes, and then fails and recovers"
        " four times within half an hour. Each of the 24 changes is to be seen. The rule goes by"
        " how long an answer takes, and by failures.",
        world=World(begins_at=BEGINS, lasts=DAY, target=target),
        events=tuple(Event(at, "it is back" if well else "it fails") for at, well in changes),
        watched="service",
        reacts="service",
        adapted=(
            Plan(
                name="service",
                schedule=IntervalSchedule(every=5 * MINUTE),
                rules=rules,
                longest=5 * MINUTE,
            ),
        ),
        fixed_every=2 * MINUTE,
        measured=("load, percent", "load"),
        mind=minds.of_flapping,
    )


def daily_report() -> Story:
    """A slow daily job that needs a sibling, which fails on some mornings."""
    days = 14
    bad = {2: 95, 6: 160, 11: 40}

    def healed(day: int) -> datetime:
        return BEGINS + day * DAY + 6 * HOUR + timedelta(minutes=bad[day], seconds=37)

    def feed_fails(at: datetime) -> bool:
        day = (at - BEGINS) // DAY
        return day in bad and BEGINS + day * DAY + 4 * HOUR <= at < healed(day)

    def target(name: str, at: datetime, calls: Calls) -> Answer:
        if name == "feed":
            return Answer(
                status=503 if feed_fails(at) else 200, body={"rows": 0 if feed_fails(at) else 900}
            )
        today = [each for each in calls["feed"] if each.at.date() == at.date() and each.at < at]
        whole = any(each.answer.status == 200 for each in today)  # noqa: PLR2004
        return Answer(body={"complete": whole, "rows": 900 if whole else 0}, takes=40 * SECOND)

    rules = (
        EndpointRule(
            when="!body.complete",
            then=(RunIn(10 * MINUTE), TriggerSibling("feed")),
            reason="the feed is not there yet",
        ),
    )
    daily = CronSchedule(expression=CronExpression.parse("0 6 * * *"))
    early = CronSchedule(expression=CronExpression.parse("0 5 * * *"))
    feed = Plan(name="feed", schedule=early, longest=DAY)
    hourly = Plan(name="feed", schedule=IntervalSchedule(every=4 * HOUR), longest=4 * HOUR)
    return Story(
        name="daily-report",
        title="A slow daily job with a sibling that fails",
        told="A report of forty seconds runs at 06:00 and needs a feed, which is fetched at 05:00"
        " and fails on three mornings of fourteen, until 40 to 160 minutes past six. With rules a"
        " report that is not complete runs again in ten minutes, and has the feed fetched. Without"
        " them both are run at an interval of a few hours, so as not to wait for the next day.",
        world=World(begins_at=BEGINS, lasts=days * DAY, target=target),
        events=tuple(Event(healed(day), "the feed is back") for day in bad),
        watched="report",
        reacts="report",
        adapted=(Plan(name="report", schedule=daily, rules=rules, longest=DAY), feed),
        fixed_every=4 * HOUR,
        measured=("rows reported", "rows"),
        mind=minds.of_daily_report,
        others=(hourly,),
    )


def month_end() -> Story:
    """A quota of runs that is about to be used up before its month is over."""
    begins = datetime(2026, 3, 30, tzinfo=UTC)
    busy = [
        (begins + each * HOUR, begins + (each + 1) * HOUR) for each in (9.21, 15.13, 33.31, 42.42)
    ]

    def target(_: str, at: datetime, __: Calls) -> Answer:
        waits = next(
            (ceil((ends - at) / HOUR * 25) for begun, ends in busy if begun <= at < ends), 0
        )
        soon = any(begun - 35 * MINUTE <= at < begun for begun, _ in busy)
        return Answer(body={"pending": waits, "announced": soon})

    rules = (
        EndpointRule(
            when="body.pending > 0 && body.pending <= 3",
            then=(Every(MINUTE),),
            life=10 * MINUTE,
            reason="the work is nearly done",
        ),
        EndpointRule(
            when="body.announced",
            then=(Every(2 * MINUTE),),
            life=10 * MINUTE,
            reason="work is announced",
        ),
        EndpointRule(
            when="body.pending > 3",
            then=(Every(5 * MINUTE),),
            life=10 * MINUTE,
            reason="there is work",
        ),
        EndpointRule(when="body.pending == 0 && !body.announced", then=(ClearHints(),)),
    )
    return Story(
        name="month-end",
        title="A quota that runs out at the month's end",
        told="Of the month's runs 280 are left for its last two days. Every five minutes would take"
        " 576. Work comes in four times, for an hour each, is announced 35 minutes before, and is"
        " to be seen when it comes and when it is done. A tenant that has used its runs up is put"
        " off until the month is over, and sees nothing any more.",
        world=World(begins_at=begins, lasts=2 * DAY, target=target, runs_left=280),
        events=tuple(
            Event(at, what)
            for begun, ends in busy
            for at, what in ((begun, "work comes"), (ends, "it is done"))
        ),
        watched="inbox",
        reacts="inbox",
        adapted=(Plan(name="inbox", schedule=IntervalSchedule(every=30 * MINUTE), rules=rules),),
        fixed_every=5 * MINUTE,
        measured=("messages that wait", "pending"),
        mind=minds.of_month_end,
    )
