"""
The worker in a process of its own, with what its command does not offer.

``python -m tools.soak.worker LEASE SHIFT [OPTION...]``: leases live ``LEASE`` seconds, and the wall
clock of this process alone is wrong by ``SHIFT`` seconds, and by ten minutes more or less with each
SIGUSR1 or SIGUSR2. The options are those of the worker.
"""

import signal
import sys
import time
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import Final

import cronicorn_adapter_sql.clock
import cronicorn_worker.composition
from cronicorn_scheduler.settings import SchedulerSettings
from cronicorn_worker.command import app

from tools.soak.turning import BACK, FORWARD, STEP

_RIGHT_TIME, _RIGHT_TIME_NS = time.time, time.time_ns
_NANOSECONDS: Final = 1_000_000_000


def shift_clock(seconds: float) -> None:
    """
    Turn the wall clock, now and with each signal for it.

    That is: what this process's Python asks for the time, wherever the worker's own code does. The
    operating system's clock stays, as others live by it, and so does what C code reads of it.
    Nothing turns the monotonic one, as when an administrator sets the clock.
    """
    wrong_by = seconds

    def turn(number: int, _: object) -> None:
        nonlocal wrong_by
        wrong_by += STEP if number == FORWARD else -STEP

    for each in (FORWARD, BACK):
        signal.signal(each, turn)

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            # An instant of the common type: a driver, or JSON, knows no other.
            return datetime.fromtimestamp(_RIGHT_TIME() + wrong_by, tz)

    time.time = lambda: _RIGHT_TIME() + wrong_by
    time.time_ns = lambda: _RIGHT_TIME_NS() + round(wrong_by * _NANOSECONDS)
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
    shift_clock(float(sys.argv[2]))
    app(sys.argv[3:], prog_name="cronicorn-worker")
