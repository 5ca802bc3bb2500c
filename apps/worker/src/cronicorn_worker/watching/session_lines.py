"""Log lines of what the AI planner does."""

from typing import Protocol

from cronicorn_planner.sessions.observing import PlannerEvent
from cronicorn_planner.sessions.telling import line_of

from cronicorn_worker.settings import LogLevel
from cronicorn_worker.watching.log_lines import Fields


class Tell(Protocol):
    """Takes a line."""

    def __call__(self, name: str, fields: Fields, *, level: LogLevel = LogLevel.INFO) -> None:
        """Write it."""
        ...


class SessionLines:
    """Tells of each event in a line; never what a model or a target said."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def record(self, event: PlannerEvent) -> None:
        """Write the event's line."""
        line = line_of(event)
        level = LogLevel.WARNING if line.trouble else LogLevel.INFO
        self._tell(line.name, line.fields, level=level)
