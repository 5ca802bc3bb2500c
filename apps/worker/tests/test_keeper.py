"""A process does not outlive its keeper, also when its loop stands still."""

import os
import signal
import subprocess
import sys
from pathlib import Path

WITHIN = 60

KEEPER = """
import multiprocessing
from stuck import stuck

if __name__ == "__main__":
    processes = multiprocessing.get_context("spawn")
    kept = [processes.Process(target=stuck, daemon=True) for _ in range(2)]
    for each in kept:
        each.start()
    for each in kept:
        each.join()
"""

STUCK = """
import os
from datetime import timedelta
from cronicorn_worker.processes.keeper import outlive_keeper_by_at_most

def stuck():
    outlive_keeper_by_at_most(timedelta(0))
    os.write(2, b"x")
    while True:
        os.write(1, bytes(1024))
"""


def test_what_is_stuck_ends_after_its_keeper(tmp_path: Path) -> None:
    """Its lines go to a full pipe that nobody reads, the keeper is killed: each process ends."""
    (tmp_path / "keeper.py").write_text(KEEPER)
    (tmp_path / "stuck.py").write_text(STUCK)
    life, alive = os.pipe()

    with subprocess.Popen(
        [sys.executable, "keeper.py"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=alive
    ) as keeper:
        os.close(alive)
        assert [os.read(life, 1) for _ in range(2)] == [b"x", b"x"]
        keeper.send_signal(signal.SIGKILL)
        keeper.wait(WITHIN)
        # The pipe ends when the last process that holds its other end does.
        left = os.read(life, 1)
    os.close(life)

    assert left == b""
