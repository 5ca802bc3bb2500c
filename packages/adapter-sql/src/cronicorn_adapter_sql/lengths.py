"""Lengths in columns: whole microseconds, which both dialects keep exactly."""

from datetime import timedelta
from typing import overload

_MICROSECOND = timedelta(microseconds=1)


@overload
def to_microseconds(length: timedelta) -> int: ...
@overload
def to_microseconds(length: None) -> None: ...
@overload
def to_microseconds(length: timedelta | None) -> int | None: ...
def to_microseconds(length: timedelta | None) -> int | None:
    """Turn a length into its column's value."""
    return None if length is None else length // _MICROSECOND


@overload
def from_microseconds(value: int) -> timedelta: ...
@overload
def from_microseconds(value: None) -> None: ...
@overload
def from_microseconds(value: int | None) -> timedelta | None: ...
def from_microseconds(value: int | None) -> timedelta | None:
    """Turn a column's value into a length."""
    return None if value is None else timedelta(microseconds=value)
