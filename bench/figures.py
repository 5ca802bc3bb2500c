"""Brings the rounds of one trial together: the median, with the least and the most."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.measurement import Measurement

Read = Callable[[Measurement], float | None]
NOTHING: Final = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value over several rounds."""

    median: float
    least: float
    most: float

    def text(self, digits: int = 0) -> str:
        """Write the median, and the range in brackets if there was more than one round."""
        middle = f"{self.median:,.{digits}f}"
        if self.least == self.most:
            return middle
        return f"{middle} ({self.least:,.{digits}f} to {self.most:,.{digits}f})"


def figure(measurements: Iterable[Measurement], read: Read) -> Figure | None:
    """Return the figure of what can be read from rounds that did not fail; None if nothing can."""
    values = [
        value for each in measurements if not each.failed and (value := read(each)) is not None
    ]
    if not values:
        return None
    return Figure(median=median(values), least=min(values), most=max(values))


def cell(measurements: Sequence[Measurement], read: Read, digits: int = 0) -> str:
    """Write a figure for a table; a dash if there is none."""
    found = figure(measurements, read)
    return NOTHING if found is None else found.text(digits)


def total(measurements: Iterable[Measurement], read: Callable[[Measurement], int]) -> str:
    """Write the sum over all rounds."""
    return f"{sum(read(each) for each in measurements if not each.failed):,}"


def late(part: str) -> Read:
    """Return a reader of a percentile of lateness, by its field's name."""

    def read(measurement: Measurement) -> float | None:
        lateness = measurement.lateness
        return None if lateness is None else float(getattr(lateness, part))

    return read


def cpu(part: str) -> Read:
    """Return a reader of the processor time that a part used, in percent of one processor."""
    return lambda measurement: measurement.cpu.get(part)


def memory(part: str) -> Read:
    """Return a reader of the memory that a part held, in MiB."""
    return lambda measurement: measurement.memory.get(part)
