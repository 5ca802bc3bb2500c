"""
Takes permissions from a bucket of which nothing is known but when it is full.

This is the generic cell rate algorithm (ITU-T I.371): one instant stands for the whole bucket, so
that nothing has to be refilled, and an instant that has come says as much as none.
"""

from datetime import datetime

from cronicorn_domain.model.rate import Rate, Taken


def take(full_at: datetime, rate: Rate, *, wanted: int, now: datetime) -> Taken:
    """
    Take as many permissions as there are, at most ``wanted``, from a bucket full at an instant.

    A bucket that is full later than an empty one could be was taken from at another rate, or by a
    clock that is ahead: it is empty from now on, and its instant is to be kept also when nothing is
    granted.
    """
    emptied = now + rate.whole
    stands = min(max(full_at, now), emptied)
    granted = min(wanted, (emptied - stands) // rate.step)
    full = stands + granted * rate.step
    return Taken(
        granted=granted,
        left=(emptied - full) // rate.step,
        full_at=full,
        next_at=max(now, full + rate.step - rate.whole),
    )
