"""The process that answers, seen from ours: started when it is needed, and ended."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from cronicorn_domain.ports.rule_evaluator import Faulty, NotThere, Said, Verdict

from cronicorn_adapter_cel.answering import TIME
from cronicorn_adapter_cel.frames import framed, received
from cronicorn_adapter_cel.question import Question

PATIENCE: Final = timedelta(seconds=5)
"""So long an answer is waited for on a machine that has no time to give."""

STARTING: Final = timedelta(seconds=60)
"""So long the process may take to come up."""

TOO_MUCH: Final = (
    f"it takes more than {TIME // timedelta(milliseconds=1)} ms or more memory than there is for it"
)

_FROM_OUTSIDE: Final = frozenset({-signal.SIGKILL, -signal.SIGTERM})
"""Who ends it so is no expression."""

_Answered = Literal[False] | Sequence[Mapping[str, Any]]
"""What is told of each expression; False: all of them say no."""


class NotStarted(Exception):
    """The process ended, or said nothing, before it could be asked."""


@dataclass(frozen=True, slots=True)
class Together:
    """What is said of each question of one message, and the numbers of those that took long."""

    verdicts: list[list[Verdict]]
    heavy: frozenset[int]


@dataclass(frozen=True, slots=True)
class Singly:
    """
    What is said of the first expressions.

    Attributes:
        exploded: The last of them was too much.
        seconds: What the others took of a processor.
    """

    verdicts: list[Verdict]
    exploded: bool
    seconds: float


class AnsweringProcess:
    """
    A process that answers one message after another; ``aclose`` it when it is not needed any more.

    It is started when it is first asked and again after it was ended. It ends by itself when its
    pipe closes, so it does not outlive us.
    """

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self.starts = 0

    async def together(self, questions: Sequence[Question]) -> Together | None:
        """
        Return the answers to all; None: one of them, or all together, were too much for it.

        Raises:
            NotStarted: it cannot be asked.
        """
        process = await self._ready()
        asked = [{"expressions": each.expressions, "facts": each.about} for each in questions]
        try:
            await _send(process, {"questions": asked})
            told = await _next(process, PATIENCE)
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._has_ended()
            return None
        except TimeoutError:
            await self.aclose()
            return None
        except BaseException:
            await self.aclose()
            raise
        answers: Sequence[_Answered] = told["answers"]
        return Together(
            verdicts=[
                _verdicts(answered, len(question.expressions))
                for question, answered in zip(questions, answers, strict=True)
            ],
            heavy=frozenset(told["heavy"]),
        )

    async def singly(self, expressions: Sequence[str], about: Mapping[str, Any]) -> Singly:
        """
        Answer as many as can be, up to one that is too much.

        Raises:
            NotStarted: it cannot be asked.
        """
        process = await self._ready()
        verdicts: list[Verdict] = []
        exploded, seconds = False, 0.0
        try:
            await _send(process, {"expressions": list(expressions), "facts": about})
            while len(verdicts) < len(expressions):
                told = await _next(process, PATIENCE)
                verdicts.append(_verdict(told))
                seconds = told["took"]
        except (asyncio.IncompleteReadError, ConnectionError):
            exploded = await self._has_ended() not in _FROM_OUTSIDE
            verdicts.append(Faulty(TOO_MUCH))
        except TimeoutError:
            await self.aclose()
            verdicts.append(Faulty(TOO_MUCH))
        except BaseException:
            await self.aclose()
            raise
        return Singly(verdicts, exploded, seconds)

    async def aclose(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.communicate()

    async def _ready(self) -> asyncio.subprocess.Process:
        """Return the process, and start it unless it runs."""
        process = self._process
        if process is None or process.returncode is not None:
            self.starts += 1
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "cronicorn_adapter_cel.answering",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
            await self._begun(process)
        return process

    async def _begun(self, process: asyncio.subprocess.Process) -> None:
        try:
            await _next(process, STARTING)
        except BaseException as error:
            await self.aclose()
            if isinstance(error, TimeoutError | asyncio.IncompleteReadError):
                raise NotStarted from error
            raise

    async def _has_ended(self) -> int | None:
        """
        Take note of its end, and return what ended it.

        A signal to what has ended would hide from asyncio that it did.
        """
        process, self._process = self._process, None
        if process is None:
            return None
        await process.communicate()
        return process.returncode


async def _send(process: asyncio.subprocess.Process, question: Mapping[str, Any]) -> None:
    assert process.stdin is not None, "it was started with a pipe"
    process.stdin.write(framed(question))
    await process.stdin.drain()


async def _next(process: asyncio.subprocess.Process, patience: timedelta) -> Mapping[str, Any]:
    assert process.stdout is not None, "it was started with a pipe"
    async with asyncio.timeout(patience.total_seconds()):
        answer: Mapping[str, Any] = await received(process.stdout)
    return answer


def _verdicts(answered: _Answered, count: int) -> list[Verdict]:
    if answered is False:
        return [_NO] * count
    return [_verdict(one) for one in answered]


_NO: Final = Said(yes=False)


def _verdict(answer: Mapping[str, Any]) -> Verdict:
    match answer:
        case {"yes": bool() as yes}:
            return Said(yes)
        case {"absent": str() as message}:
            return NotThere(message)
        case {"faulty": str() as message}:
            return Faulty(message)
        case _:
            raise AssertionError("the process answers in one of three ways")
