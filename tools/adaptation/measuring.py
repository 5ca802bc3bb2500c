"""Measures what ways to schedule need, and how soon they react."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil
from statistics import mean, median

from tools.adaptation.stories import Story
from tools.adaptation.world import Called, Plan, Played, play

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """
    How one way has fared.

    Attributes:
        name: As the table calls it.
        calls: When each endpoint was called.
        count: All calls.
        reactions: From each event to the first call after it; to the end, if there was none.
        longest_gap: Of the watched endpoint.
        looks: Sessions of a model.
        tokens: What they read and wrote.
    """

    name: str
    calls: Mapping[str, Sequence[Called]]
    count: int
    reactions: tuple[timedelta, ...]
    longest_gap: timedelta
    looks: int = 0
    tokens: int = 0

    @property
    def worst(self) -> timedelta:
        """The slowest reaction."""
        return max(self.reactions)

    @property
    def middle(self) -> timedelta:
        """The median of the reactions."""
        return timedelta(seconds=median(each.total_seconds() for each in self.reactions))

    @property
    def average(self) -> timedelta:
        """Their mean."""
        return timedelta(seconds=mean(each.total_seconds() for each in self.reactions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A way that adapts, beside an interval of as many calls and one that reacts as soon."""

    adapted: Way
    same_calls: Way
    same_reaction: Way

    @property
    def sooner(self) -> float:
        """How many times sooner it reacts than an interval of as many calls, in the mean."""
        return self.same_calls.average / max(self.adapted.average, SECOND / 1000)

    @property
    def fewer(self) -> float:
        """How many times more calls an interval needs that reacts as soon in the mean."""
        return self.same_reaction.count / self.adapted.count

    @property
    def reached(self) -> bool:
        """Whether it keeps what was aimed at."""
        return self.sooner >= 5 or self.fewer >= 2  # noqa: PLR2004


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A story, played as teams do it, with rules, and with a model in their place."""

    story: Story
    usual: Way
    ruled: Compared
    planned: Compared

    @property
    def reached(self) -> bool:
        """Whether both keep what was aimed at."""
        return self.ruled.reached and self.planned.reached


def measure(story: Story) -> Measured:
    """Play a story in all its ways."""
    return Measured(
        story=story,
        usual=_way(story, f"every {_shown(story.fixed_every)}", story.fixed(story.fixed_every)),
        ruled=_compared(story, _way(story, "with rules", story.adapted)),
        planned=_compared(story, _planned(story)),
    )


def _compared(story: Story, adapted: Way) -> Compared:
    """
    Play two fixed ways to compare with.

    One is given an interval that makes no fewer calls than the way that adapts, the other the
    longest that reacts, in the mean, no later.
    """
    per_round = 1 + sum(not each.paused for each in story.others)
    every = _whole(story.world.lasts * per_round / adapted.count)
    same_calls = _way(story, f"every {_shown(every)}: as many calls", _both(story, every))
    soon = _whole(max(2 * adapted.average, SECOND))
    same_reaction = _way(story, f"every {_shown(soon)}: as soon", _both(story, soon))
    return Compared(adapted=adapted, same_calls=same_calls, same_reaction=same_reaction)


def _both(story: Story, every: timedelta) -> tuple[Plan, ...]:
    """Return the fixed way with one interval for all of its endpoints."""
    watched, *others = story.fixed(every)
    return (
        watched,
        *(Plan(name=each.name, schedule=watched.schedule, longest=every) for each in others),
    )


def _planned(story: Story) -> Way:
    played = play(story.world, story.planned, story.mind)
    return _told(story, "with a model", played, story.reacts_planned or story.reacts)


def _way(story: Story, name: str, plans: Sequence[Plan]) -> Way:
    return _told(story, name, play(story.world, plans), story.reacts)


def _told(story: Story, name: str, played: Played, reacts: str) -> Way:
    calls = played.calls
    instants = [each.at for each in calls[reacts]]
    begins_at, ends_at = story.world.begins_at, story.world.begins_at + story.world.lasts
    watched = [begins_at, *(each.at for each in calls[story.watched]), ends_at]
    return Way(
        name=name,
        calls=calls,
        count=sum(map(len, calls.values())),
        reactions=tuple(_reaction(instants, each.at, ends_at) for each in story.events),
        longest_gap=max(later - earlier for earlier, later in pairwise(watched)),
        looks=played.looks,
        tokens=played.tokens,
    )


def _reaction(instants: Sequence[datetime], at: datetime, ends_at: datetime) -> timedelta:
    place = bisect_left(instants, at)
    return (instants[place] if place < len(instants) else ends_at) - at


def _whole(length: timedelta) -> timedelta:
    """Round down to whole seconds: who compares is given a call too many, and none too few."""
    return max(SECOND, timedelta(seconds=int(length.total_seconds())))


def _shown(length: timedelta) -> str:
    minutes, seconds = divmod(ceil(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [
        f"{hours} h" if hours else "",
        f"{minutes} min" if minutes else "",
        f"{seconds} s" if seconds else "",
    ]
    return " ".join(filter(None, parts))
