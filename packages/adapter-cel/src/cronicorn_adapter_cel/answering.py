"""
The process that answers: one question after another, until there are no more.

It is a process because an evaluation holds the interpreter to its end: a thread could not be ended,
and would stop its own process meanwhile.
"""

import re
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from cel_expr_python import cel

from cronicorn_adapter_cel.facts import read
from cronicorn_adapter_cel.frames import framed, taken
from cronicorn_adapter_cel.language import ENVIRONMENT, compiled

TIME: Final = timedelta(milliseconds=250)
"""So much processor time an expression may take; a busy machine breaks none."""

MEMORY: Final = 512 * 1024 * 1024
"""So many bytes the process may take."""

_REMEMBERED: Final = 4096
_MESSAGE_LENGTH: Final = 300
_STATUS: Final = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")


def main() -> None:
    """
    Say that it is ready; then answer until there are no more questions.

    All questions of one message are answered in one frame. Of one that is asked singly each
    expression is, in a frame of its own, once it is known.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    compiled("true")
    _tell({"ready": True})
    while (question := taken(sys.stdin.buffer)) is not None:
        if "questions" in question:
            _tell({"answers": [[*_answers(each)] for each in question["questions"]]})
            continue
        for answered in _answers(question):
            _tell(answered)


def _answers(question: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    with _limited():
        about = ENVIRONMENT.Activation(read(question["facts"]))
    for expression in question["expressions"]:
        with _limited():
            answered = answer(expression, about)
        yield answered


@contextmanager
def _limited() -> Iterator[None]:
    """Let the kernel end this process when the block takes too much of a processor."""
    signal.setitimer(signal.ITIMER_PROF, TIME.total_seconds())
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)


def _tell(message: Mapping[str, Any]) -> None:
    sys.stdout.buffer.write(framed(message))
    sys.stdout.buffer.flush()


def answer(expression: str, about: cel.Activation) -> dict[str, Any]:
    """Answer one expression here and now, whatever it takes: its own process, or a simulation."""
    try:
        value = _remembered(expression).eval(about)
    except MemoryError:
        return {"faulty": "it needs more memory than there is for it"}
    except (RuntimeError, TypeError) as error:
        return {"faulty": _told(str(error))}
    if value.type() == cel.Type.BOOL:
        return {"yes": value.plain_value()}
    if value.type() == cel.Type.ERROR:
        told = str(value.value())
        return {"absent" if told.startswith("NOT_FOUND") else "faulty": _told(told)}
    return {"faulty": f"it says something of type {value.type().name()}, and not yes or no"}


@lru_cache(_REMEMBERED)
def _remembered(expression: str) -> cel.Expression:
    return compiled(expression)


def _told(text: str) -> str:
    """Return what the library says, without the status codes around it."""
    first = text.splitlines()[0] if text else "it cannot be answered"
    return _STATUS.sub("", first)[:_MESSAGE_LENGTH]


if __name__ == "__main__":
    main()
