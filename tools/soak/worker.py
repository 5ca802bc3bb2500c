"""
The worker in a process of its own, with what its command does not offer.

``python -m tools.soak.worker LEASE SHIFT [OPTION...]``: leases live ``LEASE`` seconds, and the wall
clock of this process alone is wrong by ``SHIFT`` seconds. The options are those of the worker.
"""

import sys
import time
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Self

import cronicorn_adapter_sql.clock
import cronicorn_worker.composition
from cronicorn_scheduler.settings import SchedulerSettings
from cronicorn_worker.command import app

_RIGHT_TIME = time.time


def _shift_clock(seconds: float) -> None:
    """Turn the wall clock; nothing turns the monotonic one, as when an administrator sets it."""

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(_RIGHT_TIME() + seconds, tz)

    time.time = lambda: _RIGHT_TIME() + seconds
    setattr(cronicorn_adapter_sql.clock, "datetime", Shifted)  # noqa: B010  of its imports


def _lease_for(seconds: float) -> None:
    """Scale what hangs on the length of a lease with it; ten seconds are the default."""
    part = seconds / 10
    scaled = partial(
        SchedulerSettings,
        lease=timedelta(seconds=seconds),
        renew_every=timedelta(seconds=3 * part),
        reap_every=timedelta(seconds=1.75 * part),
        reap_reprieve=timedelta(seconds=3 * part),
    )
    setattr(cronicorn_worker.composition, "SchedulerSettings", scaled)  # noqa: B010  of its imports


if __name__ == "__main__":
    _lease_for(float(sys.argv[1]))
    if shift := float(sys.argv[2]):
        _shift_clock(shift)
    app(sys.argv[3:], prog_name="cronicorn-worker")
