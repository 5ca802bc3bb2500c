"""
The process that answers: one question after another, until there are no more.

It is a process because an evaluation holds the interpreter to its end: a thread could not be ended,
and would stop its own process meanwhile.
"""

import re
import resource
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, Literal

from cel_expr_python import cel

from cronicorn_adapter_cel.facts import read
from cronicorn_adapter_cel.frames import framed, taken
from cronicorn_adapter_cel.language import ENVIRONMENT, compiled

TIME: Final = timedelta(milliseconds=250)
"""So much processor time an expression may take; a busy machine breaks none."""

HEAVY: Final = timedelta(milliseconds=50)
"""A question that takes more of a processor is not asked beside others any more."""

MEMORY: Final = 512 * 1024 * 1024
"""So many bytes the process may take."""

_REMEMBERED: Final = 4096
_MESSAGE_LENGTH: Final = 300
_STATUS: Final = re.compile(r"^[A-Z_]+: | \[[A-Z_]+\]$")


def main() -> None:
    """
    Say that it is ready; then answer until there are no more questions.

    All questions of one message are answered in one frame, one of which nothing holds by ``false``.
    Of one that is asked singly each expression is, in a frame of its own, once it is known, with
    the seconds of a processor that the question has taken so far.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    compiled("true")
    _tell({"ready": True})
    while (question := taken(sys.stdin.buffer)) is not None:
        if "questions" in question:
            _tell(_all_together(question["questions"]))
            continue
        began = time.process_time()
        for answered in _answers(question["expressions"], _about(question)):
            _tell({**answered, "took": time.process_time() - began})


def _all_together(questions: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Answer questions, and tell the numbers of those that took long."""
    answers, heavy = [], []
    before = time.process_time()
    for number, each in enumerate(questions):
        answers.append(_together(each))
        after = time.process_time()
        if after - before > HEAVY.total_seconds():
            heavy.append(number)
        before = after
    return {"answers": answers, "heavy": heavy}


def _together(question: Mapping[str, Any]) -> Literal[False] | Sequence[Mapping[str, Any]]:
    """
    Answer a whole question; False: no expression of it holds, and each can be answered.

    That is the usual case, and learned at once. Only where it is another each is asked.
    """
    expressions = tuple(question["expressions"])
    with _limited():
        about = _about(question)
        if _none_holds(expressions, about):
            return False
    return [*_answers(expressions, about)]


def _about(question: Mapping[str, Any]) -> cel.Activation:
    return ENVIRONMENT.Activation(read(question["facts"]))


def _answers(expressions: Sequence[str], about: cel.Activation) -> Iterator[Mapping[str, Any]]:
    for expression in expressions:
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


def _none_holds(expressions: tuple[str, ...], about: cel.Activation) -> bool:
    """Say whether all say no: in CEL an ``||`` says no only then, and not if one is at fault."""
    any_of = _any_of(expressions)
    if any_of is None:
        return False
    try:
        value = any_of.eval(about)
    except (MemoryError, RuntimeError, TypeError):
        return False
    return value.type() == cel.Type.BOOL and value.plain_value() is False


@lru_cache(_REMEMBERED)
def _any_of(expressions: tuple[str, ...]) -> cel.Expression | None:
    """Compile expressions to one; None: they cannot be. A line's end ends a comment in them."""
    try:
        for each in expressions:
            _remembered(each)
        return compiled(" || ".join(f"({each}\n)" for each in expressions))
    except (MemoryError, RuntimeError):
        return None


@lru_cache(_REMEMBERED)
def _remembered(expression: str) -> cel.Expression:
    return compiled(expression)


def _told(text: str) -> str:
    """Return what the library says, without the status codes around it."""
    first = text.splitlines()[0] if text else "it cannot be answered"
    return _STATUS.sub("", first)[:_MESSAGE_LENGTH]


if __name__ == "__main__":
    main()
