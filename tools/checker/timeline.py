"""The commits of one life, and which of them lie between two of its slots."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import accumulate

from tools.checker.chain import Link
from tools.checker.standing import Cause, Epoch, Setting


class Timeline:
    """
    The epochs of a life in the order of their commits.

    A claim knows its place among them. A record carries only an instant; where several commits
    share that, each of its places is a possible one.
    """

    def __init__(self, epochs: Sequence[Epoch]) -> None:
        self.epochs = epochs
        # What a worker does as of an instant long past comes behind what was committed before it.
        self._instants = list(accumulate((epoch.at for epoch in epochs), max))

    def at(self, instant: datetime) -> Sequence[Epoch]:
        """Return the commits of an instant."""
        first, behind = bisect_left(self._instants, instant), bisect_right(self._instants, instant)
        return self.epochs[first:behind]

    def between(self, begin: datetime, end: datetime) -> Sequence[datetime]:
        """Return the instants of the commits from ``begin`` to ``end``."""
        return [epoch.at for epoch in self.epochs if begin <= epoch.at <= end]

    def latest(self, instant: datetime) -> Epoch:
        """Return the last commit at or before an instant; the first of all if there is none."""
        return self.epochs[max(bisect_right(self._instants, instant) - 1, 0)]

    def behind_which(self, skip: Epoch) -> Iterator[datetime]:
        """Return the instants behind which the slot may lie that is skipped."""
        yield skip.at
        if skip.leased is not None:
            yield skip.leased
        for epoch in reversed(self.epochs[: self.epochs.index(skip)]):
            if epoch.cause is Cause.RECURRING_END:
                return
            if epoch.claim is not None and not epoch.claim.recurs:
                yield epoch.claim.run.slot
                return

    def start(self, before: Link | None) -> int:
        """Return the epoch from which on what follows ``before`` was planned."""
        if before is None:
            return 0
        if before.last_claim is not None:
            end = before.last_claim.end_epoch
            return before.last_claim.epochs if end is None else end
        if (place := self.skip_behind(before)) is not None:
            return place
        place = bisect_left(self._instants, before.until)
        if place < len(self._instants) and self._instants[place] == before.until:
            return place
        return max(place - 1, 0)

    def starts(self, before: Link | None) -> Iterator[int]:
        """Return every epoch from which on what follows ``before`` may have been planned."""
        start = self.start(before)
        yield start
        if before is None or before.record is None or self.skip_behind(before) is not None:
            return
        first = bisect_left(self._instants, before.until)
        for place in range(max(first - 1, 0), bisect_right(self._instants, before.until)):
            if place != start:
                yield place

    def stops(self, link: Link) -> Iterator[int]:
        """Return how many epochs there may have been before a link was accounted for."""
        if link.claim is not None:
            yield link.claim.epochs
            return
        first, behind = bisect_left(self._instants, link.at), bisect_right(self._instants, link.at)
        for place in range(first, behind):
            if self.epochs[place].cause is not Cause.WRITE:
                yield place
        yield behind
        # A run's end by a clock ahead may come before a skip, and is as of an instant behind it.
        skipped = self.skip_behind(link)
        if skipped is not None and not first <= skipped <= behind:
            yield skipped

    def skip_behind(self, link: Link) -> int | None:
        """Return the epoch in which a person passed over a slot that had not come."""
        if link.first <= link.at:
            return None
        for place in range(bisect_left(self._instants, link.at), len(self.epochs)):
            epoch = self.epochs[place]
            if epoch.at == link.at and epoch.cause is Cause.SKIP:
                return place
        return None

    def settings(self, before: Link | None, link: Link) -> Sequence[Setting]:
        """Return every setting under which the slots between two links may have passed."""
        start = self._settings_start(before, link)
        found: list[Setting] = []
        for number in range(start, len(self.epochs)):
            epoch = self.epochs[number]
            if number > start and epoch.at > link.until:
                break
            for setting in (epoch.before, epoch.setting):
                if setting is not None and setting not in found:
                    found.append(setting)
        return found

    def _settings_start(self, before: Link | None, link: Link) -> int:
        if before is None or before.caught_up or link.caught_up:
            return 0  # a slot that is caught up was noted at some earlier claim
        if before.claim is not None:
            return max(before.planned_behind - 1, 0)
        return max(bisect_left(self._instants, min(before.at, link.at)) - 1, 0)
