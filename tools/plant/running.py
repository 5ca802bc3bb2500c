"""Runs a command in a copy of the tree, for as long as it may take and no longer."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.plant.copied import environment_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command went; ``code`` is None when it was still running at the limit, and ended."""

    code: int | None
    output: str
    seconds: float


def run(command: Sequence[str], root: Path, *, seconds_most: float) -> Ran:
    """Run a command, and end it with all that it has begun when its time is over."""
    begun = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=root,
        env=environment_of(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    code: int | None
    try:
        output, _ = process.communicate(timeout=seconds_most)
        code = process.returncode
    except subprocess.TimeoutExpired:
        code = None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    if code is None:
        output, _ = process.communicate()
    return Ran(code=code, output=output, seconds=time.monotonic() - begun)
