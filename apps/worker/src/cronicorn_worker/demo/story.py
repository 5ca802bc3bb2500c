"""
The demo's story: a small shop lives through a flash sale, again every minute.

The first minute is told early: within twenty seconds the shop is quiet, floods, breaks and comes
back, so that even a short look shows runs, retries, a back-off and a recovery.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Phase(StrEnum):
    """How the shop is."""

    CALM = "calm"
    SURGE = "surge"
    FAILING = "failing"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A phase, how long it lasts, and what a spectator is told when it begins."""

    phase: Phase
    lasts: timedelta
    telling: str


CHAPTERS = (
    Chapter(phase=Phase.CALM, lasts=timedelta(seconds=4), telling="the shop is quiet"),
    Chapter(
        phase=Phase.SURGE,
        lasts=timedelta(seconds=4),
        telling="a flash sale opens; checkout drops every other order",
    ),
    Chapter(
        phase=Phase.FAILING,
        lasts=timedelta(seconds=8),
        telling="the database gives up; what fails backs off",
    ),
    Chapter(
        phase=Phase.RECOVERY,
        lasts=timedelta(seconds=12),
        telling="the shop is back; one success restores a rhythm",
    ),
    Chapter(phase=Phase.CALM, lasts=timedelta(seconds=32), telling="the rush is over"),
)
WHOLE = sum((chapter.lasts for chapter in CHAPTERS), timedelta())
SALE_OPENS_AFTER = CHAPTERS[0].lasts


def chapter_at(elapsed: timedelta) -> tuple[Chapter, timedelta]:
    """Return the chapter that is being told, and how much of it is left; equal is the next one."""
    rest = elapsed % WHOLE
    for chapter in CHAPTERS:
        if rest < chapter.lasts:
            return chapter, chapter.lasts - rest
        rest -= chapter.lasts
    raise AssertionError("the chapters fill the whole story")
