"""Processes that a benchmark starts, and what the kernel says they have used."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_DIE_WITH_PARENT: Final = 1
_STOPS_WITHIN: Final = 20.0
_libc = ctypes.CDLL(None)


class GaveUp(Exception):
    """A process ended, or did not say what was waited for in time; the message quotes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process of ours, and the file its output goes to."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def wait_for(self, word: str, *, within: float, times: int = 1) -> str:
        """
        Return the first line of the output with the word in it, or that of so many times.

        Raises:
            GaveUp: it ended first, or ``within`` seconds passed.
        """
        deadline = time.monotonic() + within
        while True:
            ended = self.process.poll() is not None
            text = self.output.read_text("utf-8", "replace")
            lines = text.splitlines(keepends=True)
            found = [line for line in lines if word in line and line.endswith("\n")]
            if len(found) >= times:
                return found[times - 1].strip()
            if ended or time.monotonic() > deadline:
                how = f"ended with {self.process.returncode}" if ended else f"said no {word!r}"
                raise GaveUp(f"{how} within {within:g} s: {_last_words(text)}")
            time.sleep(0.05)

    def check(self) -> None:
        """
        See that it still runs.

        Raises:
            GaveUp: it has ended.
        """
        if self.process.poll() is not None:
            text = self.output.read_text("utf-8", "replace")
            raise GaveUp(f"ended with {self.process.returncode}: {_last_words(text)}")

    def stop(self) -> None:
        """Ask it to end, and see to it that it does."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _last_words(text: str) -> str:
    return " / ".join(text.strip().splitlines()[-3:])[-400:]


@contextmanager
def started(
    command: Sequence[str | Path],
    *,
    output: Path,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Child]:
    """Start a process that ends with the block, or with us, however we end."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiling is no part of what is measured
    with output.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**environ, **(environment or {})},
            preexec_fn=_end_with_parent,  # noqa: PLW1509  it only asks the kernel for a signal
        )
    child = Child(process=process, output=output)
    try:
        yield child
    finally:
        child.stop()


def _end_with_parent() -> None:
    _libc.prctl(_DIE_WITH_PARENT, signal.SIGTERM)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs one of our modules in this environment."""
    return [sys.executable, "-m", module, *arguments]


def cpu_seconds(pids: Sequence[int]) -> float:
    """Return the CPU time of processes and all they started, also of those that have ended."""
    return sum(_own_and_reaped(pid) for root in pids for pid in tree(root)) / _TICKS


def peak_memory(pids: Sequence[int]) -> int:
    """Return the most bytes that processes and their children held; each at its own peak."""
    return sum(_status(pid, "VmHWM") for root in pids for pid in tree(root))


def shared_memory(pids: Sequence[int]) -> int:
    """Return the bytes that processes hold now, what they share being counted once."""
    return sum(_proportional(pid) for root in pids for pid in tree(root))


def tree(pid: int) -> list[int]:
    """Return a process and all below it."""
    try:
        tasks = [task / "children" for task in Path(f"/proc/{pid}/task").iterdir()]
        children = [int(each) for task in tasks for each in task.read_text("ascii").split()]
    except OSError:
        return [pid]
    return [pid, *(below for child in children for below in tree(child))]


def _own_and_reaped(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(int(field) for field in fields[11:15])  # utime, stime, and those of waited children


def _status(pid: int, name: str) -> int:
    return _kibibytes(Path(f"/proc/{pid}/status"), name)


def _proportional(pid: int) -> int:
    return _kibibytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss")


def _kibibytes(file: Path, name: str) -> int:
    try:
        lines = file.read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)
