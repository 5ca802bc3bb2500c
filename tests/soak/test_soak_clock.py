"""A worker of a soak whose clock is wrong has no right one to go by."""

import subprocess
import sys
import time

import pytest

from bench.processes import ROOT

ASKED = """
import sys, time
from tools.soak.worker import shift_clock
shift_clock(float(sys.argv[1]))
from cronicorn_adapter_sql.clock import host_time
from cronicorn_domain.identity import new_uuid
stamp = (new_uuid().int >> 80) / 1000
print(time.time(), time.time_ns() / 1e9, host_time().timestamp(), stamp, time.monotonic())
"""


@pytest.mark.parametrize("shift", [600.0, -600.0])
def test_all_that_asks_for_the_time_gets_the_wrong_one(shift: float) -> None:
    """The clock, the identities, and whatever else reads it; only the monotonic one goes on."""
    began, steady = time.time(), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", ASKED, str(shift)], cwd=ROOT, capture_output=True, check=True
    )
    *wrong, monotonic = map(float, done.stdout.split())

    for told in wrong:
        assert began - 1 <= told - shift <= time.time() + 1
    assert steady <= monotonic <= time.monotonic()
