"""Each thing that the judgement of a soak counts is found where it is, and only there."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from cronicorn_domain.identity import RunId, new_uuid
from cronicorn_domain.model.run import FailureKind, OutcomeClass, RunStatus
from cronicorn_domain.model.slot_record import Fate, SlotRecord
from cronicorn_domain.testing.builders import EPOCH, MINUTE, SECOND, a_job, an_endpoint

from bench.work import Work
from tools.checker.history import History
from tools.histories.recorded_story import RecordedStory
from tools.soak.judging import judge
from tools.soak.result import Judged
from tools.soak.target import Call

MILLISECOND = 1000
WORK = Work(
    endpoints=1,
    step=60_000,
    begins_at=round((EPOCH + MINUTE).timestamp() * 1000),
    target="http://shop.example",
)
LEASE = timedelta(seconds=10)
Seen = tuple[History, Sequence[Call]]


def broken(judged: Judged) -> set[str]:
    """Name what was found wrong."""
    names = ("lost", "doubled", "two_leases", "unexplained")
    return {name for name in names if getattr(judged, name)}


def seen() -> Seen:
    """Return three runs of a minute each, and the calls that they made."""
    story = RecordedStory.of(an_endpoint(a_job(), "e0"))
    for _ in range(3):
        story.run()
    history = replace(story.history(), leases=(), requests=())
    calls = [
        Call(
            endpoint=0,
            slot=(slot := round(run.slot.timestamp() * 1_000_000)),
            attempt=run.attempt,
            key=number,
            arrived_at=slot + (number + 1) * MILLISECOND,
        )
        for number, run in enumerate(history.runs)
    ]
    return history, calls


def without_a_run(history: History, calls: Sequence[Call]) -> Seen:
    return replace(history, runs=(history.runs[0], history.runs[2])), (calls[0], calls[2])


def called_twice(history: History, calls: Sequence[Call]) -> Seen:
    return history, (*calls, calls[1])


def never_called(history: History, calls: Sequence[Call]) -> Seen:
    return history, calls[:2]


def called_early(history: History, calls: Sequence[Call]) -> Seen:
    early = calls[1]._replace(arrived_at=calls[1].slot - MILLISECOND)
    return history, (calls[0], early, calls[2])


def called_by_nobody(history: History, calls: Sequence[Call]) -> Seen:
    return history, (*calls, calls[2]._replace(attempt=7))


def ended_late(history: History, calls: Sequence[Call]) -> Seen:
    first, second, third = history.runs
    late = replace(first, finished_at=second.claimed_at + SECOND)
    return replace(history, runs=(late, second, third)), calls


def taken_alive(history: History, calls: Sequence[Call]) -> Seen:
    return _abandoned(history, calls, after=LEASE - SECOND)


def taken_in_time(history: History, calls: Sequence[Call]) -> Seen:
    return _abandoned(history, calls, after=LEASE)


def _abandoned(history: History, calls: Sequence[Call], *, after: timedelta) -> Seen:
    """Have the second run taken away, and repeated by another worker at once."""
    first, second, third = history.runs
    taken_at = second.claimed_at + after
    taken = replace(
        second,
        status=RunStatus.FAILED,
        outcome_class=OutcomeClass.OURS,
        failure_kind=FailureKind.ABANDONED,
        finished_at=taken_at,
    )
    again = replace(second, id=RunId(new_uuid()), attempt=2, claimed_at=taken_at)
    repeat = replace(again, finished_at=taken_at + SECOND)
    call = calls[1]._replace(attempt=2, arrived_at=calls[1].arrived_at + 10_500 * MILLISECOND)
    return replace(history, runs=(first, taken, repeat, third)), (*calls, call)


def test_sound_runs_are_sound() -> None:
    """What went as it should leaves nothing to be found, and its lateness is told."""
    history, calls = seen()

    judged = judge(history, calls, WORK, lease=LEASE)

    assert broken(judged) == set(), judged.findings
    assert (judged.slots, judged.runs, judged.told, judged.repeated) == (3, 3, 0, 0)
    assert judged.lateness is not None
    assert (judged.lateness.p50, judged.lateness.most) == (2.0, 3.0)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (without_a_run, "lost"),
        (called_twice, "doubled"),
        (never_called, "unexplained"),
        (called_early, "unexplained"),
        (called_by_nobody, "unexplained"),
        (ended_late, "two_leases"),
        (taken_alive, "doubled"),
    ],
)
def test_what_is_wrong_is_counted(
    spoil: Callable[[History, Sequence[Call]], Seen], named: str
) -> None:
    """One thing made wrong in sound runs is found, and counted under its name."""
    judged = judge(*spoil(*seen()), WORK, lease=LEASE)

    assert named in broken(judged)
    assert judged.findings


def test_a_run_whose_lease_ran_out_may_be_repeated() -> None:
    """What is taken away at the end of its lease is repeated, and not doubled."""
    judged = judge(*taken_in_time(*seen()), WORK, lease=LEASE)

    assert judged.doubled == 0, judged.findings
    assert judged.repeated == 1


def test_a_slot_that_was_run_is_not_on_record_as_not_run() -> None:
    """Too much is as wrong as too little: a slot is either run or recorded, and once."""
    history, calls = seen()
    (endpoint,) = {run.endpoint_id for run in history.runs}
    again = SlotRecord(
        fate=Fate.COALESCED,
        reason="late",
        first=history.runs[1].slot,
        last=history.runs[1].slot,
        count=1,
        recorded_at=history.runs[2].slot,
    )

    judged = judge(replace(history, records={endpoint: (again,)}), calls, WORK, lease=LEASE)

    assert judged.lost == 0
    assert "e0 has 3 slots, of which 3 were run and 1 recorded as not run" in judged.findings


def test_an_endpoint_that_stops_while_others_go_on_is_found() -> None:
    """Its grid is accounted for up to its last run; that it has none behind is what is wrong."""
    job = a_job()
    stories = [RecordedStory.of(an_endpoint(job, name)) for name in ("e0", "e1")]
    for story, runs in zip(stories, (3, 12), strict=True):
        for _ in range(runs):
            story.run()
    stopped, other = [story.history() for story in stories]
    both = replace(
        other,
        entries=(*stopped.entries, *other.entries),
        runs=(*stopped.runs, *other.runs),
        records={**stopped.records, **other.records},
        leases=(),
    )

    judged = judge(both, (), replace(WORK, endpoints=2, burst=True), lease=LEASE)

    assert judged.lost == 1


def test_an_endpoint_that_made_up_for_long_is_not_one_that_stops() -> None:
    """A machine that starts workers late runs old slots: what counts is when, not which."""
    job = a_job()
    stories = [RecordedStory.of(an_endpoint(job, name)) for name in ("e0", "e1")]
    for story, runs in zip(stories, (3, 12), strict=True):
        for _ in range(runs):
            story.run()
    behind, ahead = [story.history() for story in stories]
    late = replace(behind.runs[-1], claimed_at=ahead.runs[-1].claimed_at)
    both = replace(
        ahead,
        entries=(*behind.entries, *ahead.entries),
        runs=(*behind.runs[:-1], replace(late, finished_at=late.claimed_at + SECOND), *ahead.runs),
        records={**behind.records, **ahead.records},
        leases=(),
    )

    judged = judge(both, (), replace(WORK, endpoints=2, burst=True), lease=LEASE)

    assert not any("has not run since" in sentence for sentence in judged.findings)
    assert judged.lost == 0


def test_a_repeat_has_the_key_of_the_first() -> None:
    """Trap T07: a repeat that a receiver could not recognise by its key is found."""
    history, calls = seen()
    calls = (*calls, calls[1]._replace(attempt=2, key=99))

    judged = judge(history, calls, WORK, lease=LEASE)

    assert any("another key" in sentence for sentence in judged.findings)
