"""
Sets of small numbers as one integer: number n is in the set when bit n is one.

A cron expression is a handful of such sets. As integers they are small, compare and copy
for free, and the next, the last and the count of members are each a few machine operations.
"""

from collections.abc import Iterable


def bits_of(numbers: Iterable[int]) -> int:
    """Make the set of these numbers, none of them negative."""
    bits = 0
    for number in numbers:
        bits |= 1 << number
    return bits


def lowest(bits: int) -> int:
    """Give the smallest member of a set that is not empty."""
    # A number and its negative share exactly their lowest one.
    return (bits & -bits).bit_length() - 1


def highest(bits: int) -> int:
    """Give the largest member of a set that is not empty."""
    return bits.bit_length() - 1


def first_from(bits: int, number: int) -> int | None:
    """Give the smallest member at or above ``number``; None when there is none."""
    rest = bits >> number
    return number + lowest(rest) if rest else None


def last_before(bits: int, number: int) -> int | None:
    """Give the largest member below ``number``; None when there is none."""
    rest = bits & ((1 << number) - 1)
    return highest(rest) if rest else None


def count_before(bits: int, number: int) -> int:
    """Count the members below ``number``."""
    return (bits & ((1 << number) - 1)).bit_count()
