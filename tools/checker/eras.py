"""
The order in which slots had to come.

Within an era, from one beginning of the rhythm to the next, slots rise. Behind an edit of schedule,
zone or bounds, or a restore, they are counted anew.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime

from tools.checker.chain import Link
from tools.checker.next_slot import Past, next_slot
from tools.checker.standing import Cause, Claim, Epoch, with_failures
from tools.checker.timeline import Timeline


class Eras:
    """The beginnings of a life's rhythm; each ends an era, and the next begins."""

    def __init__(self, timeline: Timeline, claims: Sequence[Claim]) -> None:
        self._timeline = timeline
        epochs = timeline.epochs
        self._places = [place for place, it in enumerate(epochs) if it.cause is Cause.AFRESH]
        self._instants = [epochs[place].at for place in self._places]
        self._beginnings = [epochs[place] for place in self._places]
        self._given_back: dict[datetime, int] = {}
        for claim in claims:
            if claim.undone:
                self._given_back.setdefault(claim.run.slot, claim.epochs)

    def sort(self, links: list[Link]) -> None:
        """Say of each link which era it is of, and sort them by era and slot."""
        for link in links if self._places else ():
            link.era = bisect_left(self._places, self._planned_before(link))
        links.sort(key=lambda link: (link.era, link.first))

    def remembered_until(self, before: Link, link: Link) -> datetime:
        """Return the last slot of a link, as the beginnings between it and another left it."""
        last_slot = before.last
        for epoch in self._beginnings[before.era : link.era]:
            last_slot = remembered(epoch, last_slot)
        return last_slot

    def _planned_before(self, link: Link) -> int:
        """
        Return the epoch before which a link's slot was planned.

        A record that a restart made is of the time before it. One that tells of a slot given back
        is of the time of its claim.
        """
        if link.claim is not None:
            return link.planned_behind
        given_back = self._given_back.get(link.first)
        if given_back is not None:
            return given_back
        if (place := self._timeline.skip_behind(link)) is not None:
            return place
        era = bisect_left(self._instants, link.at)
        return self._places[era] if era < len(self._places) else len(self._timeline.epochs)


def remembered(epoch: Epoch, last_slot: datetime) -> datetime:
    """
    Return the last slot as a restart leaves it: one passed over ahead of its time is forgotten.

    It is remembered where the slots stay as they are, as behind a restore, and where it would be
    the very next one again: what a record calls skipped is not to run.
    """
    if last_slot <= epoch.at or epoch.before is None:
        return last_slot
    old, new = epoch.before.endpoint, epoch.setting.endpoint
    if (old.schedule, old.anchor) == (new.schedule, new.anchor):
        return last_slot
    past = Past(last_slot=epoch.at, last_end=epoch.last_end, after=epoch.at, now=epoch.at)
    following = next_slot(with_failures(epoch.setting, 0), past)
    return last_slot if following is not None and following.slot == last_slot else epoch.at
