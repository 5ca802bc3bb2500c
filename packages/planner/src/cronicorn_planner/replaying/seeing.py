"""What calls at some instants see, and what they miss."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from cronicorn_domain.model.replay import Call, Course, Turn, Unseen


def course_of(
    calls: Sequence[Call],
    turns: Sequence[tuple[datetime, Turn]],
    *,
    begins_at: datetime,
    ends_at: datetime,
) -> Course:
    """
    Return what calls within a window saw of the target's turns.

    Each turn comes with the instant of the answer before it: it happened between the two. A turn
    that no call has seen by the end of the window stayed unseen until then.
    """
    instants = [each.at for each in calls]
    gap, begun = longest_gap(instants, begins_at=begins_at, ends_at=ends_at)
    return Course(
        calls=tuple(calls),
        longest_gap=gap,
        gap_begins_at=begun,
        unseen=tuple(
            _unseen(instants, before=before, at=turn.at, ends_at=ends_at) for before, turn in turns
        ),
    )


def longest_gap(
    instants: Sequence[datetime], *, begins_at: datetime, ends_at: datetime
) -> tuple[timedelta, datetime]:
    """Return the longest time between two instants or an edge of the window, and its beginning."""
    edges = [begins_at, *instants, ends_at]
    gaps = [(later - earlier, earlier) for earlier, later in pairwise(edges)]
    return max(gaps, key=lambda gap: gap[0])


def _unseen(
    instants: Sequence[datetime], *, before: datetime, at: datetime, ends_at: datetime
) -> Unseen:
    seen = bisect_left(instants, at)
    seen_at = instants[seen] if seen < len(instants) else ends_at
    looked = [each for each in instants[bisect_left(instants, before) : seen] if each > before]
    edges = [before, *looked, seen_at]
    most = max(later - earlier for earlier, later in pairwise(edges))
    return Unseen(least=seen_at - at, most=max(most, seen_at - at))
