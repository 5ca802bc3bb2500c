"""Log lines on standard output, a JSON object each, without bodies, headers and queries."""

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from traceback import format_exception
from typing import Any, Final, TextIO

import structlog
from structlog.typing import Processor

_PREPARING: Final[Sequence[Processor]] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_RENDERER: Final = structlog.processors.JSONRenderer()
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """
    Writes what happened, from a level on; libraries are heard from warnings on.

    A reader that goes away or a disk that is full stops the lines, and no request.
    """

    def __init__(self, least: str) -> None:
        self._lines: Any = structlog.wrap_logger(
            _Lines(sys.stdout),
            processors=[*_PREPARING, _RENDERER],
            wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[least]),
        )
        of_libraries = _OfLibraries(sys.stdout)
        of_libraries.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    _RENDERER,
                ],
                foreign_pre_chain=_PREPARING,
            )
        )
        logging.basicConfig(handlers=[of_libraries], level=logging.WARNING, force=True)
        logging.captureWarnings(capture=True)

    def say(self, event: str, **fields: object) -> None:
        """Tell of something that people wait for."""
        self._lines.info(event, **fields)

    def trouble(self, event: str, **fields: object) -> None:
        """Tell of something that people have to mend."""
        self._lines.error(event, **fields)

    def request(self, **fields: object) -> None:
        """Tell of a request."""
        self._lines.info(
            "request", **{name: value for name, value in fields.items() if value is not None}
        )

    def fault(self, fault: Exception, **fields: object) -> None:
        """Tell of a fault of ours: what it is and where, and not with which values."""
        places = format_exception(type(fault), None, fault.__traceback__)
        self._lines.error("fault", kind=type(fault).__name__, where=places, **fields)


class _Lines:
    """Writes lines where they can be written."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one."""
        with suppress(OSError):
            self._stream.write(f"{line}\n")
            self._stream.flush()

    debug = info = warning = error = msg


class _OfLibraries(logging.StreamHandler[TextIO]):
    """Says nothing where nothing can be written."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the base class's name
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)
