"""Shows replays."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median_high
from typing import Final, TypeVar

from cronicorn_domain.model.replay import ASSUMED, Course, Replay, Unseen

from cronicorn_api.rules.schemas import (
    CallBody,
    CourseBody,
    FiringBody,
    ReplayBody,
    RuleToldBody,
    TurnBody,
    UnseenBody,
)
from cronicorn_api.wire.values import in_milliseconds

PARTS: Final = 120
CALLS_SHOWN: Final = 2000
LIST_MOST: Final = 1000
_ItemT = TypeVar("_ItemT")


def replay_body(replay: Replay) -> ReplayBody:
    """Show a replay; long lists are cut at their ends."""
    turns = list(zip(replay.turns, replay.fixed.unseen, replay.ruled.unseen, strict=True))
    return ReplayBody(
        begins_at=replay.begins_at,
        ends_at=replay.ends_at,
        answers=replay.answers,
        saved=replay.saved,
        recorded=_per_part(replay.recorded, replay),
        fixed=_course_body(replay.fixed, replay),
        ruled=_course_body(replay.ruled, replay),
        turns=[
            TurnBody(
                at=turn.at,
                held=list(turn.held),
                fixed=_unseen_body(fixed),
                ruled=_unseen_body(ruled),
            )
            for turn, fixed, ruled in turns[:LIST_MOST]
        ],
        rules=[
            RuleToldBody(
                number=each.number,
                when=each.when,
                held=each.held,
                acted=each.acted,
                first_acted_at=each.first_acted_at,
                last_acted_at=each.last_acted_at,
                not_there=each.not_there,
                faults=each.faults,
                fault=each.fault,
            )
            for each in replay.rules
        ],
        firings=[
            FiringBody(at=each.at, rule=each.rule, does=list(each.does))
            for each in replay.firings[:LIST_MOST]
        ],
        firings_left_out=_left_out(replay.firings),
        turns_left_out=_left_out(replay.turns),
        cut=replay.cut,
        assumptions=list(ASSUMED),
    )


def _course_body(course: Course, replay: Replay) -> CourseBody:
    worst = [each.most for each in course.unseen]
    shown = len(course.calls) <= CALLS_SHOWN
    return CourseBody(
        count=len(course.calls),
        longest_gap_ms=in_milliseconds(course.longest_gap),
        gap_begins_at=course.gap_begins_at,
        reaction_median_ms=in_milliseconds(median_high(worst)) if worst else None,
        reaction_worst_ms=in_milliseconds(max(worst)) if worst else None,
        per_part=_per_part([each.at for each in course.calls], replay),
        calls=[CallBody(at=each.at, source=each.source) for each in course.calls]
        if shown
        else None,
    )


def _unseen_body(unseen: Unseen) -> UnseenBody:
    return UnseenBody(least_ms=in_milliseconds(unseen.least), most_ms=in_milliseconds(unseen.most))


def _per_part(instants: Sequence[datetime], replay: Replay) -> list[int]:
    """Count instants by equal parts of the window."""
    counts = [0] * PARTS
    length = max(replay.ends_at - replay.begins_at, timedelta(milliseconds=1))
    for each in instants:
        counts[min(PARTS - 1, int((each - replay.begins_at) / length * PARTS))] += 1
    return counts


def _left_out(items: Sequence[_ItemT]) -> int | None:
    return len(items) - LIST_MOST if len(items) > LIST_MOST else None
