"""Draws from a chance, each part of a scenario from one of its own."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import TypeVar

T = TypeVar("T")

MILLISECOND = timedelta(milliseconds=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def chance_of(seed: int, what: str) -> Random:
    """Return the chance that decides about one part: what other parts draw does not change it."""
    return Random(f"{seed}|{what}")  # noqa: S311  a simulation guards nothing


def a_moment(chance: Random, within: timedelta) -> timedelta:
    """
    Draw a moment: often on a whole minute or second, or a millisecond beside it, where rules meet.
    """
    moment = within * chance.random()
    unit = chance.choice([MILLISECOND, MILLISECOND, SECOND, SECOND, 5 * SECOND, MINUTE])
    whole = moment // unit * unit
    return max(whole + chance.choice([0, 0, 0, 1, -1]) * MILLISECOND, timedelta())


def sometimes(chance: Random, share: float) -> bool:
    """Say yes in so large a share of cases."""
    return chance.random() < share


def one_of(chance: Random, *choices: T) -> T:
    """Draw one of a few."""
    return chance.choice(choices)


def weighted(chance: Random, choices: Sequence[tuple[T, int]]) -> T:
    """Draw one of a few, each as often as its weight says."""
    return chance.choices([each for each, _ in choices], [weight for _, weight in choices])[0]


def up_to(chance: Random, bounds: tuple[int, int]) -> int:
    """Draw a whole number, both bounds included."""
    return chance.randint(*bounds)


def seconds(*lengths: float) -> tuple[timedelta, ...]:
    """Write lengths in seconds."""
    return tuple(timedelta(seconds=each) for each in lengths)
