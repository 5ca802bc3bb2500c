"""
Starts the demo as the README tells a newcomer to, and looks whether it ran anything.

Exits 0 when the demo drained by itself with exit code 0 and its output counts runs.
"""

import os
import re
import signal
import subprocess
import sys

COMMAND = ("uv", "run", "apps/worker", "--demo", "--for", "20s")
SECONDS_AT_MOST = 120
"""For the whole command, an environment that is still to be made included."""

COUNTED_RUNS = re.compile(
    r"(?<![\d:.])(\d+) runs?\b|\bruns[ :=│]{1,40}(\d+)\b(?!:\d)", re.IGNORECASE
)
"""Matches ``41 runs``, ``runs: 41`` and ``runs  41: 30 success``, and no time of day."""


def runs_reported(output: str) -> int:
    """Return the largest count of runs that the output names, 0 when it names none."""
    counts = COUNTED_RUNS.findall(output)
    return max((int(before or after) for before, after in counts), default=0)


def main() -> int:
    """Run the command, show what it printed, and judge it."""
    demo = subprocess.Popen(
        COMMAND,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = demo.communicate(timeout=SECONDS_AT_MOST)
    except subprocess.TimeoutExpired:
        # Uv and the worker share a group of their own; the one alone would leave the other.
        os.killpg(demo.pid, signal.SIGKILL)
        output, _ = demo.communicate()
    runs = runs_reported(output)
    print(output)
    print(f"{' '.join(COMMAND)}: exit code {demo.returncode}, {runs} runs reported")
    return 0 if demo.returncode == 0 and runs else 1


if __name__ == "__main__":
    sys.exit(main())
