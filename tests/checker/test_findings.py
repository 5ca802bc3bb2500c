"""
For each kind of finding a history that has it, and its twin that has not.

A twin is what a story of the pure rules leaves. The other is the same, with one thing made wrong:
a checker that never finds anything fails, and one that always does.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cronicorn_domain.identity import EndpointId, RunId, Token, WorkerId, new_uuid
from cronicorn_domain.instants import OPEN_ENDED
from cronicorn_domain.model.breaker import Breaker
from cronicorn_domain.model.caps import Caps
from cronicorn_domain.model.decision import Decision, Rule, Source
from cronicorn_domain.model.endpoint import Bounds, Guardrails, Heeds, Misfire, MisfirePolicy
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.quota import Meter, Quota, Quotas
from cronicorn_domain.model.run import (
    Failed,
    FailureKind,
    OutcomeClass,
    Response,
    Run,
    RunStatus,
    Succeeded,
)
from cronicorn_domain.testing.builders import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_job,
    a_oneshot,
    an_endpoint,
    an_interval_hint,
    cron,
    every,
)
from cronicorn_domain.testing.story import FAILURE

from tools.checker.check import examine
from tools.checker.finding import Fault
from tools.checker.history import (
    Attendance,
    Created,
    Entry,
    HintOffered,
    History,
    JobMoved,
    Keeping,
    LeaseLife,
    Paused,
    Request,
)
from tools.histories.recorded_story import RecordedStory

Spoil = Callable[[History], History]


def told(**fields: object) -> RecordedStory:
    """Begin the story of an endpoint that runs every minute, unless told otherwise."""
    return RecordedStory.of(an_endpoint(a_job(), **fields))  # type: ignore[arg-type]


def faults(history: History) -> set[Fault]:
    return {finding.fault for finding in examine(history).findings}


def with_run(history: History, number: int, **changes: object) -> History:
    runs = list(history.runs)
    runs[number] = replace(runs[number], **changes)  # type: ignore[arg-type]
    return replace(history, runs=tuple(runs))


def with_decision(history: History, number: int, **changes: object) -> History:
    decision: Decision = replace(history.runs[number].decision, **changes)  # type: ignore[arg-type]
    return with_run(history, number, decision=decision)


def without_run(history: History, number: int) -> History:
    gone = history.runs[number]
    return replace(
        history,
        runs=tuple(run for run in history.runs if run is not gone),
        leases=tuple(lease for lease in history.leases if lease.run_id != gone.id),
    )


def with_lease(history: History, number: int, **changes: object) -> History:
    leases = list(history.leases)
    leases[number] = replace(leases[number], **changes)  # type: ignore[arg-type]
    return replace(history, leases=tuple(leases))


def again(history: History, number: int, **changes: object) -> History:
    """Run one of the runs once more at the end, by another lease."""
    run, lease = history.runs[number], history.leases[number]
    other: Run = replace(
        run,
        **{"id": RunId(new_uuid()), "claimed_at": history.ends_at} | changes,  # type: ignore[arg-type]
        started_at=history.ends_at,
        finished_at=history.ends_at,
    )
    last = max(each.end_order or 0 for each in history.leases)
    granted = replace(
        lease,
        token=Token(10_000),
        run_id=other.id,
        order=last + 1,
        end_order=last + 2,
        granted_at=history.ends_at,
        ended_at=history.ends_at,
        promised=((history.ends_at, history.ends_at + 10 * SECOND),),
    )
    return replace(history, runs=(*history.runs, other), leases=(*history.leases, granted))


def three_runs(**fields: object) -> History:
    story = told(**fields)
    for _ in range(3):
        story.run()
    return story.history(lateness_allowed=SECOND)


def as_request(run: Run, sent_at: datetime, ended_at: datetime | None = None) -> Request:
    return Request(
        run_id=run.id,
        endpoint_id=run.endpoint_id,
        slot=run.slot,
        attempt=run.attempt,
        sent_at=sent_at,
        ended_at=ended_at,
    )


def requested(history: History) -> History:
    sent = [as_request(run, run.claimed_at, run.finished_at) for run in history.runs]
    return replace(history, requests=tuple(sent))


def sent_sooner(by: timedelta) -> History:
    """Let a target have seen a request so much before its slot, as clocks are ahead by as much."""
    history = requested(three_runs())
    first, *others = history.requests
    early = replace(first, sent_at=history.runs[0].slot - by)
    return replace(history, requests=(early, *others), clocks_ahead=by)


def a_jittered_run() -> History:
    return three_runs(schedule=every(HOUR), jitter=10 * MINUTE)


def a_retried_run() -> History:
    story = told(retry=replace(an_endpoint(a_job()).retry, attempts=2), schedule=every(HOUR))
    story.run(FAILURE)
    story.run()
    return story.history()


def a_lost_run() -> History:
    story = told(schedule=every(HOUR))
    story.claim_when_due()
    story.start()
    story.after(11 * SECOND).reap()
    story.run()
    return story.history()


def a_hinted_run() -> History:
    """An hourly endpoint that a hint of ten minutes quickened once, before it was cleared."""
    story = told(schedule=every(HOUR))
    story.run()
    story.offer(an_interval_hint(10 * MINUTE, created_at=story.now))
    story.run()
    story.clear_hints()
    story.run()
    return story.history()


def a_oneshot_run() -> History:
    story = told(schedule=every(HOUR), jitter=10 * MINUTE)
    story.offer(a_oneshot(EPOCH + 5 * MINUTE))
    story.run()
    story.run()
    return story.history()


def a_misfire(policy: MisfirePolicy = MisfirePolicy.RUN_ONCE) -> History:
    story = told(misfire=Misfire(policy=policy), jitter=30 * SECOND)
    story.after(10 * MINUTE)
    story.run()
    story.run()
    return story.history()


def a_paused_run() -> History:
    story = told()
    story.run()
    story.pause(OPEN_ENDED)
    story.after(SECOND).resume()
    story.run()
    return story.history()


def a_failing_run() -> History:
    story = told()
    story.run(FAILURE)
    story.run()
    return story.history()


def a_long_run() -> History:
    """Its run lasts over two slots, which are coalesced."""
    story = told()
    story.run(lasts=150 * SECOND)
    story.run()
    return story.history()


def an_edited_life() -> History:
    story = told(schedule=every(DAY))
    story.after(HOUR).edit(schedule=cron("*/10 * * * *"))
    story.run()
    story.run()
    return story.history()


Header = tuple[str, str]
NEXT_RUN: Header = ("Cronicorn-Next-Run-In", "600")
PAUSE: Header = ("Cronicorn-Pause-Until", (EPOCH + 3 * HOUR).isoformat())
HEEDED = Heeds(hints=True, gone=True)


def asked(status: int, *headers: Header, heeds: Heeds = HEEDED) -> History:
    """Its target's answer asks for something, and the endpoint heeds all of it unless told so."""
    answer = Response(status_code=status, headers=headers)
    failure = Failed(kind=FailureKind.HTTP_STATUS, message="not well", response=answer)
    story = told(schedule=every(HOUR), heeds=heeds)
    story.run(Succeeded(response=answer) if status < 300 else failure)
    story.after(SECOND)
    return story.history()


def heeded_otherwise(**changes: object) -> Spoil:
    """Let what an answer has asked for have been granted otherwise, or not at all."""

    def spoil(history: History) -> History:
        entries: list[Entry] = []
        for entry in history.entries:
            deed = entry.deed
            if isinstance(deed, HintOffered):
                deed = replace(deed, hint=replace(deed.hint, **changes))  # type: ignore[arg-type]
            elif isinstance(deed, Paused):
                deed = replace(deed, pause=replace(deed.pause, **changes))  # type: ignore[arg-type]
            if changes or deed is history.entries[0].deed:
                entries.append(replace(entry, deed=deed))
        return replace(history, entries=entries)

    return spoil


def answered_with(code: int) -> Spoil:
    return lambda h: with_run(h, 0, response=Response(status_code=code))


def added_to_a_job_that_is(state: JobState) -> History:
    """A second endpoint is added behind a move of the job."""
    first, second = told(), told()
    history = first.history()
    job_id = first.story.situation.endpoint.job_id
    (born,) = second.entries
    assert isinstance(born.deed, Created)
    newcomer = replace(born.deed.endpoint, job_id=job_id)
    moved = Entry(
        order=2,
        at=history.ends_at,
        endpoint_id=first.story.situation.endpoint.id,
        deed=JobMoved(state=state),
    )
    born = replace(born, order=3, deed=Created(endpoint=newcomer))
    return replace(history, entries=(*history.entries, moved, born))


def keyed(history: History) -> History:
    """Let the target have seen the requests, and their keys: one for each slot."""
    sent = [
        replace(as_request(run, run.claimed_at, run.finished_at), key=f"key of {run.slot}")
        for run in history.runs
    ]
    return replace(history, requests=tuple(sent))


def with_key(history: History, number: int, key: str | None) -> History:
    requests = list(history.requests)
    requests[number] = replace(requests[number], key=key)
    return replace(history, requests=tuple(requests))


def told_to_wait(status: int = 429, retry_after: str = "600", **fields: object) -> History:
    """Its target asks to wait for longer than until the next slot, and a person for a run."""
    answer = Response(status_code=status, headers=(("Retry-After", retry_after),))
    told_off = Failed(kind=FailureKind.HTTP_STATUS, message="not now", response=answer)
    story = told(**fields)
    story.run(told_off)
    story.trigger()
    story.run()
    story.run()
    return story.history()


def started_sooner(history: History) -> History:
    """Let the second run start a millisecond before it was due."""
    due_at = history.runs[1].decision.due_at
    return with_run(history, 1, started_at=due_at - timedelta(milliseconds=1))


def under_breaker(history: History, opens_after: int) -> History:
    """Judge it by a breaker that opens after so many failures, and probes once an hour."""
    breaker = Breaker(opens_after=opens_after, probe_every=HOUR)
    return replace(history, breaker=breaker)


def three_failures() -> History:
    """Its host fails, while its slots are minutes apart: no breaker was there."""
    story = told()
    for _ in range(3):
        story.run(FAILURE)
    return story.history()


def a_blocked_slot() -> History:
    """Its host has failed, and the breaker has the slot that follows recorded."""
    story = told()
    story.run(FAILURE)
    story.run(FAILURE)
    story.hold_back(2, Breaker(opens_after=2))
    story.run()
    return under_breaker(story.history(), 2)


def a_slot_given_back() -> History:
    """It was given back before it started, without a word of a quota, and ran a moment later."""
    story = told()
    story.claim_when_due()
    story.release()
    story.run()
    return story.history()


def put_off(history: History, until: datetime) -> History:
    """Let the first run have been put off by a quota."""
    message = f"deferred to {until:%Y-%m-%d %H:%M:%S} UTC, since its tenant's runs are used up"
    return with_run(history, 0, message=message)


def under_quota(history: History, limit: int) -> History:
    """So many runs of each tenant may start in a month."""
    return replace(history, quotas=Quotas(every={Meter.RUNS: Quota(limit=limit)}))


def under_cap(history: History) -> History:
    """One run at a time may be under way to its host, and one of its tenant."""
    return replace(history, caps=Caps(per_tenant=1, per_host=1))


def two_of_a_tenant(history: History) -> History:
    """Let another endpoint's run be under way during the second."""
    other = EndpointId(new_uuid())
    endpoint = history.entries[0].deed.endpoint  # type: ignore[union-attr]
    created = replace(history.entries[0], endpoint_id=other, deed=Created(endpoint=endpoint))
    run = replace(history.runs[1], id=RunId(new_uuid()), endpoint_id=other)
    lease = replace(
        history.leases[1], token=Token(10_000), endpoint_id=other, run_id=run.id, end_order=99
    )
    return replace(
        history,
        entries=(*history.entries, created),
        runs=(*history.runs, run),
        leases=(*history.leases, lease),
    )


STORY = WorkerId("story")
OTHER = WorkerId("other")


def kept(history: History, **changes: object) -> History:
    """Judge how its worker kept its leases, which was at work all the time; another was, too."""
    whole = Attendance(shifts=((history.begins_at, history.ends_at),))
    keeping = Keeping(
        renewed_within=6 * SECOND,
        reaped_within=2 * SECOND,
        reaps_after=6 * SECOND,
        concurrency=1,
        attendances={STORY: whole, OTHER: whole},
    )
    return replace(history, keeping=replace(keeping, **changes))  # type: ignore[arg-type]


def with_attendance(history: History, **changes: object) -> History:
    """Let its worker have been at work otherwise."""
    assert history.keeping is not None
    attendances = dict(history.keeping.attendances)
    attendances[STORY] = replace(attendances[STORY], **changes)  # type: ignore[arg-type]
    return replace(history, keeping=replace(history.keeping, attendances=attendances))


def renewed(lease: LeaseLife, *, times: int) -> LeaseLife:
    """Let a lease have been renewed so many times, every three seconds."""
    said = [lease.granted_at + 3 * SECOND * n for n in range(times + 1)]
    return replace(lease, promised=tuple((at, at + 10 * SECOND) for at in said))


def kept_runs() -> History:
    """Three runs of 25 seconds, whose leases are renewed as long as they last."""
    story = told(schedule=every(HOUR))
    for _ in range(3):
        story.run(lasts=25 * SECOND)
    history = story.history()
    return kept(replace(history, leases=tuple(renewed(each, times=8) for each in history.leases)))


def renewed_so_often(times: int) -> Spoil:
    return lambda h: replace(
        h, leases=(h.leases[0], renewed(h.leases[1], times=times), h.leases[2])
    )


def a_kept_loss() -> History:
    """Its worker is gone two seconds behind its start, and the lease is taken a second late."""
    history = requested(a_lost_run())
    history = replace(history, ends_at=history.ends_at + MINUTE)
    lost = history.leases[0]
    gone = history.runs[0].claimed_at + 2 * SECOND
    history = with_lease(history, 0, ended_seen_at=lost.ended_at)
    history = with_lease(history, 1, worker=OTHER)
    history = replace(
        history, requests=(replace(history.requests[0], ended_at=gone), history.requests[1])
    )
    return with_attendance(
        kept(history, concurrency=5), shifts=((history.begins_at, gone),), gone_at=gone
    )


def at_work_again(history: History) -> History:
    """Let the request of the lost lease go on for as long as it lasts, and its worker as well."""
    first, second = history.requests
    history = replace(history, requests=(replace(first, ended_at=history.ends_at), second))
    taken_at = history.leases[0].ended_at
    assert taken_at is not None
    return with_attendance(history, gone_at=None, shifts=((taken_at, history.ends_at),))


def kept_late(history: History) -> History:
    """Let the lost lease have been taken away three seconds behind its end."""
    ran_out = history.leases[0].promised[-1][1]
    late = ran_out + 3 * SECOND
    return with_lease(history, 0, ended_at=late, ended_seen_at=late)


def without_leases(history: History) -> History:
    """Return what a live database tells."""
    return replace(history, leases=())


def without_records(history: History) -> History:
    return replace(history, records={})


def moved(history: History, number: int, length: timedelta) -> History:
    """Let one of the runs happen at another time, slot and all."""
    run = history.runs[number]
    at = run.claimed_at + length
    history = with_decision(history, number, slot=run.slot + length, due_at=at)
    history = with_run(history, number, claimed_at=at, started_at=at, finished_at=at + SECOND)
    history = with_lease(
        history,
        number,
        granted_at=at,
        ended_at=at + SECOND,
        promised=((at, at + 10 * SECOND),),
    )
    return replace(history, ends_at=max(history.ends_at, at + SECOND))


def jittered(history: History, number: int, more: timedelta) -> History:
    """Let jitter put one of the runs off a little more or less than its hash says."""
    decision = history.runs[number].decision
    assert any(line.rule is Rule.JITTER for line in decision.trail)
    trail = tuple(
        replace(line, instant=line.instant + more) if line.rule is Rule.JITTER else line
        for line in decision.trail
    )
    return with_decision(history, number, trail=trail, due_at=decision.due_at + more)


CASES: list[tuple[Fault, Callable[[], History], Spoil]] = [
    # lost
    (Fault.LOST, three_runs, lambda h: without_run(h, 1)),
    (Fault.LOST, three_runs, lambda h: replace(h, ends_at=h.ends_at + HOUR)),
    (Fault.LOST, a_long_run, without_records),
    (Fault.LOST, a_misfire, without_records),
    (Fault.LOST, an_edited_life, lambda h: moved(h, 1, 10 * MINUTE)),
    (Fault.LOST, a_hinted_run, lambda h: moved(h, 2, HOUR)),
    (Fault.LOST, a_failing_run, lambda h: moved(h, 1, MINUTE)),
    (Fault.LOST, a_paused_run, lambda h: moved(h, 1, MINUTE)),
    # doubled
    (Fault.DOUBLED, three_runs, lambda h: again(h, 2)),
    (Fault.DOUBLED, three_runs, lambda h: again(h, 2, attempt=2)),
    (Fault.DOUBLED, a_retried_run, lambda h: again(h, 1, attempt=3)),
    (Fault.DOUBLED, a_lost_run, lambda h: again(h, 1, attempt=3)),
    (Fault.DOUBLED, a_oneshot_run, lambda h: again(h, 0)),
    (
        Fault.DOUBLED,
        lambda: requested(three_runs()),
        lambda h: replace(h, requests=(*h.requests, h.requests[0])),
    ),
    (
        Fault.DOUBLED,
        lambda: requested(three_runs()),
        lambda h: replace(
            h, requests=(replace(h.requests[0], ended_at=h.ends_at), *h.requests[1:])
        ),
    ),
    # early
    (Fault.EARLY, three_runs, lambda h: with_run(h, 1, started_at=h.runs[1].slot - SECOND)),
    (Fault.EARLY, three_runs, lambda h: with_lease(h, 1, granted_at=h.runs[1].slot - SECOND)),
    (
        Fault.EARLY,
        three_runs,
        lambda h: with_decision(h, 1, due_at=h.runs[1].slot - timedelta(milliseconds=1)),
    ),
    (
        Fault.EARLY,
        lambda: requested(three_runs()),
        lambda h: replace(
            h, requests=(replace(h.requests[0], sent_at=h.runs[0].slot - SECOND), *h.requests[1:])
        ),
    ),
    (
        Fault.EARLY,
        lambda: sent_sooner(timedelta(milliseconds=100)),
        lambda h: replace(h, clocks_ahead=timedelta(milliseconds=50)),
    ),
    # late
    (
        Fault.LATE,
        three_runs,
        lambda h: with_lease(h, 2, granted_at=h.runs[2].slot + 2 * SECOND),
    ),
    (Fault.LATE, three_runs, lambda h: with_decision(h, 2, due_at=h.runs[2].slot + SECOND)),
    (
        Fault.LATE,
        a_oneshot_run,
        lambda h: with_decision(h, 0, due_at=h.runs[0].slot + SECOND),
    ),
    # unexplained
    (Fault.UNEXPLAINED, three_runs, lambda h: moved(h, 2, -10 * SECOND)),
    (Fault.UNEXPLAINED, a_failing_run, lambda h: moved(h, 1, -MINUTE)),
    (
        Fault.UNEXPLAINED,
        a_paused_run,
        lambda h: replace(h, entries=h.entries[:-1]),
    ),
    (
        Fault.UNEXPLAINED,
        lambda: three_runs(bounds=Bounds(max_runs=3)),
        lambda h: replace(h, entries=_with_endpoint(h, bounds=Bounds(max_runs=2))),
    ),
    (
        Fault.UNEXPLAINED,
        a_oneshot_run,
        lambda h: replace(h, entries=h.entries[:1]),
    ),
    (
        Fault.UNEXPLAINED,
        a_misfire,
        lambda h: replace(h, entries=_with_endpoint(h, misfire=Misfire(grace=HOUR))),
    ),
    (
        Fault.UNEXPLAINED,
        lambda: a_misfire(MisfirePolicy.SKIP),
        lambda h: replace(h, entries=_with_endpoint(h, misfire=Misfire())),
    ),
    (
        Fault.UNEXPLAINED,
        a_long_run,
        lambda h: replace(
            h,
            records={
                key: [replace(each, count=each.count + 1) for each in records]
                for key, records in h.records.items()
            },
        ),
    ),
    (Fault.UNEXPLAINED, a_jittered_run, lambda h: jittered(h, 1, timedelta(milliseconds=1))),
    # two leases
    (Fault.TWO_LEASES, three_runs, lambda h: with_lease(h, 0, end_order=h.leases[1].order + 1)),
    (Fault.TWO_LEASES, three_runs, lambda h: with_lease(h, 1, token=h.leases[0].token)),
    # stale write
    (
        Fault.STALE_WRITE,
        a_lost_run,
        lambda h: with_run(
            h, 0, status=RunStatus.SUCCESS, outcome_class=OutcomeClass.SUCCESS, failure_kind=None
        ),
    ),
    (
        Fault.STALE_WRITE,
        three_runs,
        lambda h: replace(h, settled_orders={h.runs[0].id: 99}),
    ),
    (
        Fault.STALE_WRITE,
        a_lost_run,
        lambda h: with_lease(h, 0, promised=((h.runs[0].slot, h.ends_at + HOUR),)),
    ),
    (
        Fault.STALE_WRITE,
        three_runs,
        lambda h: with_lease(h, 0, promised=((h.runs[0].slot, h.runs[0].slot),)),
    ),
    # guardrail and floor
    (
        Fault.GUARDRAIL_BROKEN,
        lambda: three_runs(guardrails=Guardrails(shortest=MINUTE)),
        lambda h: with_run(h, 1, started_at=h.runs[2].slot - 50 * SECOND),
    ),
    (
        Fault.FLOOR_BROKEN,
        three_runs,
        lambda h: with_run(h, 1, started_at=h.runs[2].slot - timedelta(milliseconds=500)),
    ),
    # hint after its life
    (
        Fault.HINT_AFTER_LIFE,
        a_hinted_run,
        lambda h: replace(
            h,
            entries=(
                *h.entries[:2],
                replace(h.entries[2], order=h.entries[1].order, at=h.entries[1].at),
            ),
        ),
    ),
    # wrong source
    (
        Fault.WRONG_SOURCE,
        three_runs,
        lambda h: with_decision(h, 1, source=Source.CLAMPED_MIN),
    ),
    (Fault.WRONG_SOURCE, three_runs, lambda h: with_decision(h, 1, source=Source.RETRY)),
    (
        Fault.WRONG_SOURCE,
        a_retried_run,
        lambda h: with_decision(h, 1, source=Source.BASELINE_INTERVAL),
    ),
    # a target's wait, a host's breaker, caps
    (Fault.WAIT_BROKEN, told_to_wait, started_sooner),
    (Fault.WAIT_BROKEN, lambda: told_to_wait(302), started_sooner),
    (
        Fault.WAIT_BROKEN,
        lambda: told_to_wait(503, (EPOCH + HOUR / 2).strftime("%a, %d %b %Y %H:%M:%S GMT")),
        started_sooner,
    ),
    (Fault.WAIT_BROKEN, lambda: told_to_wait(429, "999999999999"), started_sooner),
    (
        Fault.WAIT_BROKEN,
        lambda: told_to_wait(guardrails=Guardrails(longest=3 * MINUTE)),
        started_sooner,
    ),
    (Fault.WAIT_BROKEN, a_slot_given_back, lambda h: put_off(h, h.runs[1].claimed_at + MINUTE)),
    (Fault.QUOTA_BROKEN, lambda: under_quota(three_runs(), 3), lambda h: under_quota(h, 2)),
    (Fault.BREAKER_BROKEN, a_blocked_slot, lambda h: under_breaker(h, 3)),
    (
        Fault.BREAKER_BROKEN,
        a_blocked_slot,
        lambda h: with_run(
            h, 1, status=RunStatus.SUCCESS, outcome_class=OutcomeClass.SUCCESS, failure_kind=None
        ),
    ),
    (
        Fault.BREAKER_BROKEN,
        lambda: under_breaker(three_failures(), 3),
        lambda h: under_breaker(h, 1),
    ),
    (Fault.CAP_BROKEN, lambda: under_cap(three_runs()), two_of_a_tenant),
    (
        Fault.CAP_BROKEN,
        lambda: without_leases(under_cap(three_runs())),
        lambda h: without_leases(two_of_a_tenant(under_cap(three_runs()))),
    ),
    # what an answer asks for
    (Fault.HEEDING_BROKEN, lambda: asked(200, NEXT_RUN), heeded_otherwise()),
    (Fault.HEEDING_BROKEN, lambda: asked(500, NEXT_RUN), heeded_otherwise()),
    (Fault.HEEDING_BROKEN, lambda: asked(200, NEXT_RUN), heeded_otherwise(at=EPOCH + 2 * HOUR)),
    (Fault.HEEDING_BROKEN, lambda: asked(200, NEXT_RUN), heeded_otherwise(expires_at=EPOCH + DAY)),
    (Fault.HEEDING_BROKEN, lambda: asked(200, NEXT_RUN), answered_with(200)),
    (Fault.HEEDING_BROKEN, lambda: asked(200, PAUSE), heeded_otherwise()),
    (Fault.HEEDING_BROKEN, lambda: asked(200, PAUSE), heeded_otherwise(until=EPOCH + 4 * HOUR)),
    (Fault.HEEDING_BROKEN, lambda: asked(410), heeded_otherwise()),
    (Fault.HEEDING_BROKEN, lambda: asked(410), heeded_otherwise(until=EPOCH + 4 * HOUR)),
    # who answers for what, keys, and archived jobs
    (
        Fault.WRONG_CLASS,
        a_failing_run,
        lambda h: with_run(h, 0, outcome_class=OutcomeClass.OURS),
    ),
    (
        Fault.WRONG_CLASS,
        a_lost_run,
        lambda h: with_run(h, 0, outcome_class=OutcomeClass.TARGET),
    ),
    (
        Fault.WRONG_CLASS,
        a_slot_given_back,
        lambda h: with_run(h, 0, outcome_class=OutcomeClass.TARGET),
    ),
    (Fault.WRONG_CLASS, three_runs, answered_with(500)),
    (Fault.WRONG_CLASS, lambda: asked(500), answered_with(204)),
    (Fault.KEY_BROKEN, lambda: keyed(a_retried_run()), lambda h: with_key(h, 1, "another")),
    (
        Fault.KEY_BROKEN,
        lambda: keyed(three_runs()),
        lambda h: with_key(h, 2, h.requests[0].key),
    ),
    (
        Fault.UNEXPLAINED,
        lambda: added_to_a_job_that_is(JobState.PAUSED),
        lambda _: added_to_a_job_that_is(JobState.ARCHIVED),
    ),
    # how leases are kept
    (Fault.KEEPING_BROKEN, kept_runs, renewed_so_often(0)),
    (Fault.KEEPING_BROKEN, kept_runs, renewed_so_often(5)),
    (
        Fault.KEEPING_BROKEN,
        kept_runs,
        lambda h: with_attendance(h, stops_at=h.runs[1].claimed_at - MINUTE),
    ),
    (
        Fault.KEEPING_BROKEN,
        kept_runs,
        lambda h: with_attendance(h, gone_at=h.runs[2].claimed_at + 12 * SECOND),
    ),
    (
        Fault.KEEPING_BROKEN,
        kept_runs,
        lambda h: with_run(h, 1, started_at=h.runs[1].claimed_at + 7 * SECOND),
    ),
    (Fault.KEEPING_BROKEN, lambda: kept(three_runs()), two_of_a_tenant),
    (Fault.KEEPING_BROKEN, a_kept_loss, at_work_again),
    (Fault.LATE, a_kept_loss, kept_late),
    (
        Fault.STALE_WRITE,
        a_kept_loss,
        lambda h: with_lease(h, 0, ended_seen_at=h.runs[0].claimed_at + 9 * SECOND),
    ),
    (
        Fault.STALE_WRITE,
        three_runs,
        lambda h: with_lease(h, 0, renewed=(h.leases[1].order + 1,)),
    ),
    (
        Fault.TWO_LEASES,
        three_runs,
        lambda h: with_lease(two_of_a_tenant(h), 3, token=h.leases[0].token),
    ),
]


def _with_endpoint(history: History, **changes: object) -> list[Entry]:
    """Let the endpoint have been created otherwise."""
    first, *others = history.entries
    assert isinstance(first.deed, Created)
    endpoint = replace(first.deed.endpoint, **changes)  # type: ignore[arg-type]
    return [replace(first, deed=Created(endpoint=endpoint)), *others]


@pytest.mark.parametrize(("fault", "sound", "spoil"), CASES)
def test_a_fault_is_found_and_its_twin_is_not(
    fault: Fault, sound: Callable[[], History], spoil: Spoil
) -> None:
    """One thing made wrong is found as what it is; the history as it was has no fault."""
    history = sound()

    assert faults(history) == set()
    assert fault in faults(spoil(history))


@pytest.mark.parametrize(("status", "header"), [(410, ()), (200, NEXT_RUN), (200, PAUSE)])
def test_what_nobody_heeds_is_nobodys_fault(status: int, header: tuple[str, ...]) -> None:
    """An answer asks in vain where the endpoint does not want to hear it."""
    headers = [(header[0], header[1])] if header else []

    assert faults(asked(status, *headers, heeds=Heeds())) == set()


def test_what_stopped_is_lost_also_where_claims_may_be_as_late_as_they_like() -> None:
    """How long something may stay unserved is not how late a claim may be: a crash excuses one."""
    stopped = three_runs()
    stopped = replace(stopped, lateness_allowed=None, ends_at=stopped.ends_at + HOUR)

    assert not examine(replace(stopped, patience=2 * HOUR)).findings
    assert {each.fault for each in examine(replace(stopped, patience=MINUTE)).findings} == {
        Fault.LOST
    }


def test_every_fault_has_a_history_that_has_it() -> None:
    """No kind of finding is without a case here."""
    assert {fault for fault, _, _ in CASES} == set(Fault)
