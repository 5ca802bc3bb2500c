"""
Reads what py-spy saw, and says which part of the worker the time went to.

Each sample is counted once in either of two ways: for the *step* of a run it served, and for the
*library* whose code was running.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

Stack = Sequence[str]
"""Frames from the outermost to the innermost, each as ``function (file:line)``."""

_STEPS: Final[Mapping[str, str]] = {
    r"record \(.*(cronicorn_worker/watching|cronicorn_scheduler/observing)": "log and count",
    r"dispatch \(.*cronicorn_adapter_http/dispatcher\.py": "send and read",
    r"run \(.*cronicorn_scheduler/claiming\.py": "claim",
    r"run \(.*cronicorn_scheduler/starting\.py": "start",
    r"run \(.*cronicorn_scheduler/settling\.py": "settle",
    r"run \(.*cronicorn_scheduler/(renewing|reaping|pruning|synchronizing)\.py": "keep house",
    r"execute \(.*cronicorn_scheduler/execute\.py": "task of a run",
    r"aiohttp/": "receive",
    r"sqlalchemy/": "store, in a greenlet",
    r"aiosqlite/": "store, in SQLite's thread",
}
"""By frame; the first that any frame of a stack matches. A greenlet's stack hides its caller."""
_LIBRARIES: Final[Mapping[str, str]] = {
    r"cronicorn_domain/policies|cronicorn_domain/schedules": "domain: policies",
    r"cronicorn_domain": "domain: model",
    r"cronicorn_adapter_sql": "adapter-sql",
    r"cronicorn_adapter_http": "adapter-http",
    r"cronicorn_scheduler": "scheduler",
    r"cronicorn_worker/watching|structlog|logging/": "log and count",
    r"cronicorn_worker": "worker",
    r"sqlalchemy": "SQLAlchemy",
    r"psycopg": "psycopg",
    r"aiosqlite|sqlite3": "sqlite3",
    r"aiohttp|yarl|multidict": "aiohttp",
    r"asyncio|uvloop|selectors": "event loop",
}
_REST: Final = "event loop"
_ELSE: Final = "else"
_WAITING: Final = re.compile(
    r"([\w<>]+\.)*(wait|get|select|poll|_worker|run) \((threading|queue|selectors)\.py"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How many samples fell on each name, the most first."""

    counts: Mapping[str, int]

    def rows(self) -> Iterator[tuple[str, float]]:
        """Give each name with its part of the whole, from 0 to 1."""
        total = sum(self.counts.values()) or 1
        for name, count in sorted(self.counts.items(), key=lambda each: -each[1]):
            yield name, count / total


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Where the samples of one recording fell."""

    samples: int
    steps: Shares
    libraries: Shares
    within: Mapping[str, Shares]
    functions: Shares


def read_stacks(lines: Iterable[str]) -> Iterator[tuple[Stack, int]]:
    """Read py-spy's raw format: frames apart by semicolons, then the number of samples."""
    for line in lines:
        stack, _, count = line.rstrip().rpartition(" ")
        frames = stack.split(";")
        if not _WAITING.match(frames[-1]):
            yield frames, int(count)


def profile_of(stacks: Iterable[tuple[Stack, int]]) -> Profile:
    """Sort samples by step, by library, and by library within each step."""
    steps: Counter[str] = Counter()
    libraries: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    within: dict[str, Counter[str]] = {}
    for stack, count in stacks:
        step, library = step_of(stack), library_of(stack)
        steps[step] += count
        libraries[library] += count
        functions[_function(stack[-1])] += count
        within.setdefault(step, Counter())[library] += count
    return Profile(
        samples=steps.total(),
        steps=Shares(counts=steps),
        libraries=Shares(counts=libraries),
        within={step: Shares(counts=counts) for step, counts in within.items()},
        functions=Shares(counts=functions),
    )


def step_of(stack: Stack) -> str:
    """Name the step of a run that a sample served."""
    for pattern, name in _STEPS.items():
        if any(re.search(pattern, frame) for frame in stack):
            return name
    return _REST


def library_of(stack: Stack) -> str:
    """Name the library that was running; the standard library's time is its caller's."""
    for frame in reversed(stack):
        for pattern, name in _LIBRARIES.items():
            if re.search(pattern, frame):
                return name
    return _ELSE


def _function(frame: str) -> str:
    """Leave line and folders of the machine out of a frame."""
    name, _, place = frame.rpartition(" (")
    file = re.sub(r":\d+\)$|\)$", "", place)
    return f"{name} ({'/'.join(file.split('/')[-2:])})"
