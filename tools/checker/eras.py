"""
The order in which slots had to come.

Within an era, from one beginning of the rhythm to the next, slots rise. Behind an edit of schedule,
zone or bounds, or a restore, they are counted anew.
"""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime

from tools.checker.chain import Link
from tools.checker.standing import Cause, Claim, Epoch
from tools.checker.timeline import Timeline


class Eras:
    """The beginnings of a life's rhythm; each ends an era, and the next begins."""

    def __init__(self, timeline: Timeline, claims: Sequence[Claim]) -> None:
        self._timeline = timeline
        epochs = timeline.epochs
        self._places = [place for place, it in enumerate(epochs) if it.cause is Cause.AFRESH]
        self._instants = [epochs[place].at for place in self._places]
        self._forgetting = [forgets(epochs[place]) for place in self._places]
        self._given_back: dict[datetime, int] = {}
        for claim in claims:
            if claim.undone:
                self._given_back.setdefault(claim.run.slot, claim.epochs)

    def sort(self, links: list[Link]) -> None:
        """Say of each link which era it is of, and sort them by era and slot."""
        for link in links if self._places else ():
            link.era = bisect_left(self._places, self._planned_before(link))
        links.sort(key=lambda link: (link.era, link.first))

    def forgotten_between(self, before: Link, link: Link) -> bool:
        """Say whether a beginning between two links forgot the slots before it."""
        return any(self._forgetting[before.era : link.era])

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


def forgets(epoch: Epoch) -> bool:
    """
    Say whether a restart forgets a slot that was passed over ahead of its time.

    It does unless the slots stay where they are, as behind a restore: what a record calls skipped
    is not to run.
    """
    if epoch.before is None:
        return False
    old, new = epoch.before.endpoint, epoch.setting.endpoint
    return (old.schedule, old.anchor) != (new.schedule, new.anchor)
