"""The machine: what it is, and whether it was quiet enough for a figure to mean anything."""

import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

QUIET_OTHERS: Final = 5.0
_QUIET_STEAL: Final = 1.0
_QUIET_FSYNC: Final = 10.0
_SYNCS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """What all processors together have done so far, in seconds."""

    busy: float
    stolen: float
    at: float

    @classmethod
    def now(cls) -> "Ticks":
        """Read the kernel's counters."""
        fields = Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:]
        user, nice, system, _, _, irq, softirq, steal = (int(each) for each in fields[:8])
        hertz = os.sysconf("SC_CLK_TCK")
        return cls(
            busy=(user + nice + system + irq + softirq) / hertz,
            stolen=steal / hertz,
            at=time.monotonic(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What others took, in percent of one processor (others) and of all of them (steal)."""

    others: float
    steal: float

    @classmethod
    def between(cls, before: Ticks, after: Ticks, *, ours: float) -> "Noise":
        """Judge a span in which our own processes used so many seconds."""
        span = max(after.at - before.at, 1e-9)
        others = max(0.0, after.busy - before.busy - ours)
        stolen = (after.stolen - before.stolen) / span / (os.cpu_count() or 1)
        return cls(others=round(100 * others / span, 1), steal=round(100 * stolen, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """The state of the machine before a run: noise, and the time of an fsync in milliseconds."""

    noise: Noise
    fsync_p50: float
    fsync_p99: float

    @property
    def faults(self) -> list[str]:
        """Say what makes figures doubtful; nothing if the machine is quiet."""
        found = []
        if self.noise.others > QUIET_OTHERS:
            found.append(f"others use {self.noise.others:g} % of a processor")
        if self.noise.steal > _QUIET_STEAL:
            found.append(f"the hypervisor takes {self.noise.steal:g} %")
        if self.fsync_p99 > _QUIET_FSYNC:
            found.append(f"an fsync takes up to {self.fsync_p99:g} ms (p99)")
        return found


def look(seconds: float = 2.0) -> Quiet:
    """Watch the machine while we do nothing, then time the disk."""
    before = Ticks.now()
    time.sleep(seconds)
    noise = Noise.between(before, Ticks.now(), ours=0.0)
    syncs = sorted(_syncs())
    return Quiet(
        noise=noise,
        fsync_p50=round(1000 * syncs[len(syncs) // 2], 2),
        fsync_p99=round(1000 * syncs[int(len(syncs) * 0.99)], 2),
    )


def _syncs() -> list[float]:
    """Time writes of a page, each followed by an fsync, where databases will lie."""
    page, times = b"\0" * 8192, []
    with tempfile.TemporaryFile() as file:
        for _ in range(_SYNCS):
            began = time.perf_counter()
            file.write(page)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return times


def described() -> dict[str, str]:
    """Name processor, memory and systems."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{os.cpu_count()} x {_processor()}",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": f"Python {platform.python_version()}",
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
