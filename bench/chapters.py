"""The chapters of the report: what each scenario is, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A heading, and what stands before the figures."""

    heading: str
    telling: str


CHAPTERS: Final[Mapping[str, Chapter]] = {
    "throughput": Chapter(
        heading="Fires a second at saturation",
        telling="Endpoints of one second each, more and more of them, until a system falls behind."
        " The row is the trial in which it fired most. *Kept up with* is the highest rate at which"
        " at most one slot in a hundred was missed, and as many calls came as slots but for one in"
        " a hundred; *then* tells how late it was at that rate. The floors work flat out.",
    ),
    "lateness": Chapter(
        heading="Lateness",
        telling="Arrival at the target against the slot, slots spread evenly over the second."
        " *Missed* are slots that no call was for, whether a system lost, skipped or coalesced"
        " them; missed, doubled and early are sums over all rounds. A rate that a system was seen"
        " not to reach in the table before is left out: it would be later with each second.",
    ),
    "burst": Chapter(
        heading="A burst",
        telling="All endpoints are due at the same instant, every five seconds.",
    ),
    "stored": Chapter(
        heading="The same work beside more stored endpoints",
        telling="What is stored besides is not due: a third each paused, archived and far in the"
        " future, or all of it far in the future where a system knows no other. It was vacuumed and"
        " is on disk when the work begins, as what was stored long ago. The floor works"
        " flat out. What a system would store for longer than the run allows is left out.",
    ),
    "old transaction": Chapter(
        heading="An old transaction elsewhere",
        telling="A transaction is opened when the work begins and stays open, so that vacuum can"
        " remove nothing that the work leaves behind. How old it was, and how much was dead by"
        " then, is in the table; claims feel what is dead, and not hours. The last row of a system"
        " is beside all that is stored, too.",
    ),
    "idle": Chapter(
        heading="Idle",
        telling="Nothing is due for months. Queries are those that PostgreSQL counted.",
    ),
    "load": Chapter(
        heading="Storing endpoints",
        telling="Through each system's own interface, as many at once as it takes; fewer where one"
        " takes long.",
    ),
}
