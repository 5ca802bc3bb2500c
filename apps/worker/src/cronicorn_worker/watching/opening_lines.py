"""What is told of a worker that waits for its store, before there is anything else to tell."""

import sys
from datetime import timedelta
from typing import Protocol

from cronicorn_domain.errors import StoreUnavailable

from cronicorn_worker.settings import LogFormat, LogLevel, WorkerSettings
from cronicorn_worker.watching.log_lines import Fields, milliseconds
from cronicorn_worker.watching.log_writer import LogWriter
from cronicorn_worker.watching.showing import shows_live


class Tell(Protocol):
    """Takes what the worker itself has to say."""

    def __call__(self, name: str, fields: Fields, *, level: LogLevel = LogLevel.INFO) -> None:
        """Say it."""
        ...


def untold(name: str, fields: Fields, *, level: LogLevel = LogLevel.INFO) -> None:
    """Tell nobody."""


class OpeningLines:
    """Tells that the store is away and back under the names that a worker at work has for it."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def not_yet(self, error: StoreUnavailable, *, again_in: timedelta) -> None:
        """Say that the store does not answer, and why, and when it is asked again."""
        fields = {"error": str(error), "part": "start", "again_in_ms": milliseconds(again_in)}
        self._tell("store_unavailable", fields, level=LogLevel.ERROR)

    def at_last(self, waited: timedelta) -> None:
        """Say that it answers."""
        self._tell("store_recovered", {"lasted_ms": milliseconds(waited)})


def told_before_a_show(settings: WorkerSettings) -> Tell:
    """Write lines as they will be written later; before a live view only what matters, plainly."""
    if shows_live(settings):
        return _in_plain_words
    writer = LogWriter(settings.log_format or LogFormat.CONSOLE, settings.log_level)

    def tell(name: str, fields: Fields, *, level: LogLevel = LogLevel.INFO) -> None:
        writer.write(level, name, fields)

    return tell


def _in_plain_words(name: str, fields: Fields, *, level: LogLevel = LogLevel.INFO) -> None:
    if level is LogLevel.INFO and name.startswith("migration_"):
        return
    told = fields.get("error") or ", ".join(map(str, fields.values()))
    words = f"{name.replace('_', ' ')}: {told}"
    if name == "store_unavailable":
        words = f"{told}. It is tried again until it answers; Ctrl-C ends the waiting"
    sys.stderr.write(f"cronicorn-worker: {words}\n")
