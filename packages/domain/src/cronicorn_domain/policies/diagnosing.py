"""What a doctor makes of what was seen: pure, so that each judgement can be tried by itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import assert_never

from cronicorn_domain.model.finding import Ailment, Finding, Mending
from cronicorn_domain.model.state import Situation
from cronicorn_domain.model.worker import Worker
from cronicorn_domain.policies.placing import misplaced
from cronicorn_domain.ports.examination import (
    ExaminedEndpoint,
    HeldAnalysis,
    HeldLease,
    Miscount,
    OldTransaction,
    OpenRun,
    OverdueAnalysis,
    OverdueSlot,
    StrayEntry,
    Summed,
    WrongSum,
)
from cronicorn_domain.wording import instant_in_words, length_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """
    How far something may be from what it should be before it is told.

    Attributes:
        overdue: So late a slot may be without a lease: longer than a take-over lasts.
        unseen: So long a worker may not have told of itself; it does so every 6 s.
        lease_over: So long a lease may be over before it is taken away.
        analysis: So late an endpoint may be looked at by the AI planner, whose looks last minutes.
        transaction: So long a transaction may be open.
        skew: So far a worker's clock may be from the shared time.
        look_back: So much history is compared with its statistics.
        room_ahead: For so long ahead there has to be room for history.
    """

    overdue: timedelta = timedelta(minutes=1)
    unseen: timedelta = timedelta(seconds=30)
    lease_over: timedelta = timedelta(seconds=15)
    analysis: timedelta = timedelta(minutes=15)
    transaction: timedelta = timedelta(minutes=5)
    skew: timedelta = timedelta(seconds=5)
    look_back: timedelta = timedelta(days=1)
    room_ahead: timedelta = timedelta(days=1)


def slots_overdue(
    slots: Iterable[OverdueSlot], workers: Sequence[Worker], now: datetime, limits: Thresholds
) -> Iterator[Finding]:
    """Tell slots that nobody takes, and whether there is anybody who could."""
    alive = any(now - worker.seen_at <= limits.unseen for worker in workers)
    for slot in slots:
        because = "nobody has taken it"
        remedy = (
            "A worker is alive: see in its log whether it is full (raise --concurrency, or start"
            " more), or lacks the key to the endpoint's secrets."
        )
        if slot.lane is not None:
            because = f"waits for room under the cap of {slot.lane}"
            remedy = (
                "More comes due there than the cap lets through, or what runs there takes long:"
                " raise the cap (--host-cap, --tenant-cap), or let its endpoints run less often."
            )
        if not alive:
            remedy = "No worker is alive: start one on this database."
        yield Finding(
            ailment=Ailment.SLOT_OVERDUE,
            subject=f"endpoint {slot.name} ({slot.endpoint_id})",
            what=f"has been due for {_length(now - slot.due_at)}, and {because}",
            remedy=remedy,
            endpoint_id=slot.endpoint_id,
        )


def leases_lost(
    leases: Iterable[HeldLease], now: datetime, limits: Thresholds
) -> Iterator[Finding]:
    """Tell leases that are over and still there, and leases whose worker is not."""
    for lease in leases:
        if lease.until + limits.lease_over <= now:
            yield Finding(
                ailment=Ailment.LEASE_PAST_ITS_END,
                subject=f"lease {lease.token} of endpoint {lease.endpoint_id}",
                what=f"ran out {_length(now - lease.until)} ago, and its run is still open",
                remedy="Start a worker, which takes it away within seconds, or use --fix, which"
                " does the same: a run that was started counts as lost, and its slot is repeated.",
                mending=Mending.REAP,
                endpoint_id=lease.endpoint_id,
            )
        elif _is_gone(lease.seen_at, now, limits):
            yield Finding(
                ailment=Ailment.WORKER_GONE,
                subject=f"lease {lease.token} of endpoint {lease.endpoint_id}",
                what=f"is held by worker {lease.worker}, which {_seen(lease.seen_at, now)}",
                remedy=f"Wait until {lease.until:%H:%M:%S} UTC, when it runs out; if it is renewed"
                " after that, the worker lives and cannot announce itself: see its log.",
                endpoint_id=lease.endpoint_id,
            )


def analyses_overdue(
    overdue: Iterable[OverdueAnalysis],
    held: Iterable[HeldAnalysis],
    now: datetime,
    limits: Thresholds,
) -> Iterator[Finding]:
    """Tell endpoints that no planner looks at, and whether one is at work at all."""
    at_work = any(not _is_gone(each.seen_at, now, limits) for each in held)
    remedy = (
        "A planner is at work, and behind: its sessions take long, or there are too few at once"
        " (CRONICORN_AI_SESSIONS); start another worker with a model."
        if at_work
        else "No planner is at work: start a worker that is told a model (CRONICORN_AI_MODEL), or"
        " set the endpoint's ai_mode to off."
    )
    for each in overdue:
        yield Finding(
            ailment=Ailment.ANALYSIS_OVERDUE,
            subject=f"endpoint {each.name} ({each.endpoint_id})",
            what=f"was to be looked at by the AI planner {_length(now - each.due_at)} ago, and"
            " nobody has; it goes by its schedule and rules alone",
            remedy=remedy,
            endpoint_id=each.endpoint_id,
        )


def analyses_lost(
    held: Iterable[HeldAnalysis], now: datetime, limits: Thresholds
) -> Iterator[Finding]:
    """Tell looks whose worker is not there any more."""
    for each in held:
        if _is_gone(each.seen_at, now, limits):
            yield Finding(
                ailment=Ailment.WORKER_GONE,
                subject=f"the AI planner's look at endpoint {each.name} ({each.endpoint_id})",
                what=f"is held by worker {each.worker}, which {_seen(each.seen_at, now)}",
                remedy=f"Wait until {each.until:%H:%M:%S} UTC: then another planner may look.",
                endpoint_id=each.endpoint_id,
            )


def runs_without_end(runs: Iterable[OpenRun]) -> Iterator[Finding]:
    """Tell runs that nobody will end any more."""
    for run in runs:
        yield Finding(
            ailment=Ailment.RUN_LEFT_OPEN,
            subject=f"run {run.run_id} of endpoint {run.endpoint_id}",
            what=f"is open since its slot at {instant_in_words(run.slot)}, and no lease belongs to"
            " it",
            remedy="Nothing will end it: somebody deleted its lease by hand, or restored a part of"
            " a backup. It harms nothing, and goes with its history.",
            endpoint_id=run.endpoint_id,
        )


def counts_that_differ(miscounts: Iterable[Miscount]) -> Iterator[Finding]:
    """Tell statistics that do not say what the runs say."""
    for each in miscounts:
        yield Finding(
            ailment=Ailment.COUNT_DIFFERS,
            subject=f"endpoint {each.endpoint_id}",
            what=f"has {each.ended} ended runs in the minute of {instant_in_words(each.minute)},"
            f" and its statistics count {each.counted}",
            remedy="Health and charts of that time are off; schedules do not go by them. Runs or"
            " statistics were changed by hand, or a part of a backup was restored.",
            endpoint_id=each.endpoint_id,
        )


def sums_that_differ(wrong: Iterable[WrongSum]) -> Iterator[Finding]:
    """Tell sums of jobs that are not what they add up."""
    for each in wrong:
        span, parts = _summed(each.summed)
        yield Finding(
            ailment=Ailment.COUNT_DIFFERS,
            subject=f"job {each.job_id}",
            what=f"has a sum of {each.kept} runs of one outcome and source for the {span} that"
            f" begins at {instant_in_words(each.begins_at)}, and {parts} come to {each.parts}",
            remedy="Charts and figures of that time are off; schedules do not go by them. Sums or"
            " statistics were changed by hand, or a part of a backup was restored.",
        )


def examined(
    endpoint: ExaminedEndpoint, now: datetime, *, floors: Sequence[timedelta] = ()
) -> Iterator[Finding]:
    """
    Tell what is wrong with an endpoint: set aside, planned or queued otherwise, miscounted.

    ``floors`` are those that workers plan by, if they are known: any of them may have planned it.
    """
    situation = endpoint.situation
    subject = f"endpoint {endpoint.endpoint_id}"
    aside = endpoint.unreadable
    if situation is not None:
        subject = f"endpoint {situation.endpoint.name} ({endpoint.endpoint_id})"
        aside = situation.state.quarantine
    if aside is not None:
        yield Finding(
            ailment=Ailment.SET_ASIDE,
            subject=subject,
            what=f"does not run: {aside}",
            remedy="Edit its schedule, or mend what is stored: what is in quarantine and can be"
            " read again is let out when a worker starts, or with --fix; what cannot stays.",
            mending=Mending.HEAL,
            endpoint_id=endpoint.endpoint_id,
        )
    elif situation is not None:
        yield from _placed_otherwise(endpoint, situation, subject, now, floors=floors)
        yield from _miscounted(endpoint, situation, subject)


def queued_in_vain(strays: Iterable[StrayEntry]) -> Iterator[Finding]:
    """Tell places in the queue that nobody can take."""
    for stray in strays:
        where = f"stands in the queue for {instant_in_words(stray.due_at)}"
        if stray.lane is not None:
            where = f"waits for room ({stray.lane})"
        yield Finding(
            ailment=Ailment.QUEUED_IN_VAIN,
            subject=f"endpoint {stray.endpoint_id}",
            what=f"{where}, and does not know of it",
            remedy="Take the place out with --fix, or wait for the claim that meets it.",
            mending=Mending.TAKE_OUT,
            endpoint_id=stray.endpoint_id,
            due_at=stray.due_at,
        )


def transactions_too_old(found: Iterable[OldTransaction]) -> Iterator[Finding]:
    """Tell whoever keeps the store from tidying up."""
    for each in found:
        yield Finding(
            ailment=Ailment.OLD_TRANSACTION,
            subject=each.process,
            what=f"has had a transaction open for {_length(each.age)} ({each.state})",
            remedy="Rows that are gone cannot be cleared away before it ends, and claims become"
            " slower: end it, or its session with pg_terminate_backend.",
        )


def workers_apart(
    workers: Iterable[Worker], zone_data: str, now: datetime, limits: Thresholds
) -> Iterator[Finding]:
    """Tell wrong clocks and old zone data of the workers that are alive, and of this program."""
    alive = [worker for worker in workers if now - worker.seen_at <= limits.unseen]
    for worker in alive:
        if abs(worker.clock_skew) > limits.skew:
            way = "ahead of" if worker.clock_skew > timedelta() else "behind"
            yield Finding(
                ailment=Ailment.CLOCK_SKEW,
                subject=f"worker {worker.name}",
                what=f"has a clock {_length(abs(worker.clock_skew))} {way} the database's",
                remedy="Let its machine keep its time (NTP). Schedules go by the database's clock"
                " alone; logs and certificates do not.",
            )
    newest = max([zone_data, *(worker.zone_data for worker in alive)])
    for worker in alive:
        if worker.zone_data < newest:
            yield _old_zones(f"worker {worker.name}", worker.zone_data, f"{newest} is in use")
    if newest[:4].isdigit() and int(newest[:4]) < now.year - 1:
        yield _old_zones("this installation", newest, "no rule of the last year is in it")


def room_missing(days: Sequence[date]) -> Iterator[Finding]:
    """Tell the days for which history has no room of its own."""
    for day in days:
        yield Finding(
            ailment=Ailment.PARTITION_MISSING,
            subject=f"the partitions of {day}",
            what="are not there; its runs would go to the default one, to be deleted row by row",
            remedy="A worker makes them each hour: see in its log why it could not (its role has"
            " to own the tables), or use --fix.",
            mending=Mending.MAKE_ROOM,
        )


def schema_differs(differences: Iterable[str]) -> Iterator[Finding]:
    """Tell where tables are not as they were made."""
    return (
        Finding(
            ailment=Ailment.SCHEMA_DIFFERS,
            subject="the database:",
            what=difference,
            remedy="Somebody changed it by hand: undo that; `cronicorn-db check` finds the same.",
        )
        for difference in differences
    )


def _placed_otherwise(
    endpoint: ExaminedEndpoint,
    situation: Situation,
    subject: str,
    now: datetime,
    *,
    floors: Sequence[timedelta],
) -> Iterator[Finding]:
    """Ask the governor again, as each who may have planned it would; one has to agree."""
    if situation.lease is not None:
        return
    weighed = [replace(situation, floor=floor) for floor in floors] or [situation]
    clauses = [misplaced(each, endpoint.place, now) for each in weighed]
    what = clauses[0]
    if what is None or None in clauses:
        return
    ailment = Ailment.PLAN_DIFFERS
    if endpoint.place is None:
        ailment = Ailment.NOT_QUEUED
    elif _hint_is_over(situation, now):
        ailment, what = Ailment.HINT_PAST_ITS_LIFE, f"goes by a hint that is over: it {what}"
    yield Finding(
        ailment=ailment,
        subject=subject,
        what=what,
        remedy="Plan it anew with --fix, or by any edit of its schedule.",
        mending=Mending.REPLAN,
        endpoint_id=endpoint.endpoint_id,
    )


def _summed(summed: Summed) -> tuple[str, str]:
    match summed:
        case Summed.HOUR_WITH_MINUTES:
            return "hour", "the statistics of its endpoints"
        case Summed.DAY_WITH_HOURS:
            return "day", "its hours"
        case Summed.DAY_WITH_ENDPOINTS:
            return "day", "the days of its endpoints"
        case _:
            assert_never(summed)


def _is_gone(seen_at: datetime | None, now: datetime, limits: Thresholds) -> bool:
    return seen_at is None or now - seen_at > limits.unseen


def _seen(seen_at: datetime | None, now: datetime) -> str:
    if seen_at is None:
        return "is not known"
    return f"was last seen {_length(now - seen_at)} ago"


def _hint_is_over(situation: Situation, now: datetime) -> bool:
    plan = situation.state.plan
    if plan is None or plan.origin is None:
        return False
    return any(hint.id == plan.origin and hint.expires_at <= now for hint in situation.hints)


def _miscounted(
    endpoint: ExaminedEndpoint, situation: Situation, subject: str
) -> Iterator[Finding]:
    state = situation.state
    remedy = "Its runs or its state were changed by hand, or a part of a backup was restored."
    if state.failures and endpoint.succeeded_last and situation.lease is None:
        yield Finding(
            ailment=Ailment.COUNT_DIFFERS,
            subject=subject,
            what=f"counts {state.failures} failures in a row, and its newest run succeeded",
            remedy=f"{remedy} Reset its failures, or wait for the next success.",
            endpoint_id=endpoint.endpoint_id,
        )
    if state.run_count < endpoint.occurrences:
        yield Finding(
            ailment=Ailment.COUNT_DIFFERS,
            subject=subject,
            what=f"counts {state.run_count} runs since its beginning, and its history has"
            f" {endpoint.occurrences}",
            remedy=f"{remedy} A limit of runs (max_runs) would be reached late.",
            endpoint_id=endpoint.endpoint_id,
        )


def _old_zones(subject: str, release: str, why: str) -> Finding:
    return Finding(
        ailment=Ailment.ZONE_DATA_OLD,
        subject=subject,
        what=f"goes by the zone data {release}, and {why}",
        remedy="Update the package tzdata and start it anew: cron in zones whose rules have"
        " changed would fire an hour off.",
    )


def _length(length: timedelta) -> str:
    return length_in_words(timedelta(seconds=round(length.total_seconds())))
