"""Log lines on standard output, a JSON object each, without bodies, headers and queries."""

import logging
import sys
from traceback import format_exception
from typing import Any

import structlog

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """Writes what happened, from a level on."""

    def __init__(self, least: str) -> None:
        self._lines: Any = structlog.wrap_logger(
            structlog.PrintLogger(sys.stdout),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[least]),
        )
        logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")

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
