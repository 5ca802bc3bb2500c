"""Sets up log lines on standard output: for people, or as one JSON object per line."""

import asyncio
import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from time import time
from types import MappingProxyType
from typing import Any, Final, TextIO

import orjson
import structlog
from structlog.typing import Processor

from cronicorn_worker.settings import LogFormat, LogLevel

_LEVELS = {
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
}
NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
Line = Callable[[LogLevel, str, Mapping[str, object]], str]
"""Makes a line: level, name, fields."""
_PIECE: Final = 4096
"""Bytes that a pipe takes in one piece, so that lines of several processes stay whole (POSIX)."""


class LogWriter:
    """
    Writes lines of at least a level to standard output, and those of libraries among them.

    Libraries are heard from warnings on. A reader that goes away (``| head``) stops the lines and
    nothing else. ``of`` are fields that every line ends with.

    Runs that are settled together tell so together, and a system call for each would cost as much
    as its line. So lines below a warning wait until the loop has come round, and are written in
    pieces of whole lines.
    """

    def __init__(
        self, log_format: LogFormat, least: LogLevel, *, of: Mapping[str, object] = NOTHING
    ) -> None:
        self._least = _LEVELS[least]
        self._of = of
        renderer = _renderer(log_format)
        self._stream = sys.stdout
        self._waiting: list[str] = []
        self._size = 0
        self._line = _json_line if log_format is LogFormat.JSON else _rendering(renderer)
        handler = _Handler(sys.stdout)
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=_PREPARING)
        )
        logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
        logging.captureWarnings(capture=True)

    def wants(self, level: LogLevel) -> bool:
        """Say whether lines of this level are written."""
        return _LEVELS[level] >= self._least

    def write(self, level: LogLevel, name: str, fields: Mapping[str, object]) -> None:
        """Write one line, at once or shortly; it is never parted: others may write there, too."""
        if not self.wants(level):
            return
        told = {**fields, **self._of} if self._of else fields
        line = f"{self._line(level, name, told)}\n"
        size = len(line) if line.isascii() else len(line.encode())
        if self._size + size > _PIECE:
            self.flush()
        loop = _running_loop()
        if loop is not None and not self._waiting:
            loop.call_soon(self.flush)
        self._waiting.append(line)
        self._size += size
        if loop is None or _LEVELS[level] >= logging.WARNING:
            self.flush()

    def flush(self) -> None:
        """Write the lines that wait."""
        text, self._size = "".join(self._waiting), 0
        self._waiting.clear()
        if text:
            with suppress(BrokenPipeError):
                self._stream.write(text)
                self._stream.flush()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class _Handler(logging.StreamHandler[TextIO]):
    """Says nothing when nobody reads any more."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the base class's name
        if not isinstance(sys.exception(), BrokenPipeError):
            super().handleError(record)


def _json_line(level: LogLevel, name: str, fields: Mapping[str, object]) -> str:
    """Write a line as structlog would, past all that it does to be able to do more."""
    line = {**fields, "event": name, "level": level.value, "timestamp": _now()}
    try:
        return orjson.dumps(line, default=repr, option=orjson.OPT_UTC_Z).decode()
    except orjson.JSONEncodeError:  # a text that is no clean one, or a huge number
        return json.dumps(line, default=str)


def _rendering(renderer: Processor) -> Line:
    def line(level: LogLevel, name: str, fields: Mapping[str, object]) -> str:
        event: Any = {**fields, "event": name}
        for process in (*_PREPARING, renderer):
            event = process(None, level.value, event)
        return str(event)

    return line


def _now() -> datetime:
    return datetime.fromtimestamp(time(), UTC)


def _renderer(log_format: LogFormat) -> Processor:
    match log_format:
        case LogFormat.JSON:
            return structlog.processors.JSONRenderer()
        case LogFormat.CONSOLE:
            return structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(), sort_keys=False, pad_event_to=16
            )


_PREPARING: Final[Sequence[Processor]] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
