"""Sets up log lines on standard output: for people, or as one JSON object per line."""

import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import TextIO

import structlog
from structlog.typing import Processor

from cronicorn_worker.settings import LogFormat, LogLevel

_LEVELS = {
    LogLevel.DEBUG: logging.DEBUG,
    LogLevel.INFO: logging.INFO,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.ERROR: logging.ERROR,
}
NOTHING: Mapping[str, object] = MappingProxyType({})


class LogWriter:
    """
    Writes lines of at least a level to standard output, and those of libraries among them.

    Libraries are heard from warnings on. A reader that goes away (``| head``) stops the lines and
    nothing else. ``of`` are fields that every line ends with.
    """

    def __init__(
        self, log_format: LogFormat, least: LogLevel, *, of: Mapping[str, object] = NOTHING
    ) -> None:
        self._least = _LEVELS[least]
        self._of = of
        shared: list[Processor] = [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ]
        renderer = _renderer(log_format)
        # Ours go straight to the stream: a detour through `logging` would double their cost.
        self._logger = structlog.wrap_logger(
            structlog.WriteLogger(sys.stdout),
            processors=[*shared, renderer],
            wrapper_class=structlog.make_filtering_bound_logger(self._least),
        )
        handler = _Handler(sys.stdout)
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared)
        )
        logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
        logging.captureWarnings(capture=True)

    def wants(self, level: LogLevel) -> bool:
        """Say whether lines of this level are written."""
        return _LEVELS[level] >= self._least

    def write(self, level: LogLevel, name: str, fields: Mapping[str, object]) -> None:
        """Write one line."""
        with suppress(BrokenPipeError):
            self._logger.log(_LEVELS[level], name, **fields, **self._of)


class _Handler(logging.StreamHandler[TextIO]):
    """Says nothing when nobody reads any more."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the base class's name
        if not isinstance(sys.exception(), BrokenPipeError):
            super().handleError(record)


def _renderer(log_format: LogFormat) -> Processor:
    match log_format:
        case LogFormat.JSON:
            return structlog.processors.JSONRenderer()
        case LogFormat.CONSOLE:
            return structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(), sort_keys=False, pad_event_to=16
            )
