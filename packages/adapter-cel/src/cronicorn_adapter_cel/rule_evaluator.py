"""Answers conditions with Google's CEL, in a process that is ended when it takes too long."""

import asyncio
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from cronicorn_domain.errors import InvalidExpression
from cronicorn_domain.model.facts import Facts
from cronicorn_domain.ports.rule_evaluator import (
    EXPRESSION_LENGTH,
    Faulty,
    NotThere,
    Said,
    Verdict,
)

from cronicorn_adapter_cel.answering import TIME
from cronicorn_adapter_cel.facts import written
from cronicorn_adapter_cel.frames import framed, received
from cronicorn_adapter_cel.language import compiled, may_say_yes_or_no
from cronicorn_adapter_cel.refusing import refusal

PATIENCE: Final = timedelta(seconds=5)
"""So long an answer is waited for on a machine that has no time to give."""

STARTING: Final = timedelta(seconds=60)
"""So long the process may take to come up."""

EXPLOSIONS_MOST: Final = 2
"""After so many ends in one question the rest is not asked."""

AT_ONCE: Final = 64
"""So many questions travel in one message: what waits while others are answered goes together."""

SIZE_AT_ONCE: Final = 1024 * 1024
"""So many characters of bodies travel in one message, unless a single one has more."""

GATHERED_FOR: Final = timedelta(milliseconds=5)
"""
So long others are waited for when questions come faster than they are answered.

A message and its answer wake both processes, which costs more than ten expressions do. Who asks
alone waits for nobody.
"""

_FIELD: Final = "when"
_CONDITION: Final = "write a condition that says yes or no, such as status >= 500"


_NO: Final = Said(yes=False)
_Answered = Literal[False] | Sequence[Mapping[str, Any]]
"""What is told of each expression; False: all of them say no."""

_NOTHING_THERE: Final = "nothing could answer it: the process for that did not start"


class NotStarted(Exception):
    """The process ended, or said nothing, before it could be asked."""


@dataclass(frozen=True, slots=True)
class _Question:
    """Expressions about one answer, whose body has so many characters, and who waits for them."""

    expressions: list[str]
    about: Mapping[str, Any]
    size: int
    told: "asyncio.Future[list[Verdict]]"

    def tell(self, verdicts: list[Verdict]) -> None:
        """Answer who still waits."""
        if not self.told.done():
            self.told.set_result(verdicts)

    def fail(self, error: BaseException) -> None:
        """Let who still waits go on with what went wrong."""
        if self.told.done():
            return
        if isinstance(error, Exception):
            self.told.set_exception(error)
        else:
            self.told.cancel()


class CelRuleEvaluator:
    """
    A `RuleEvaluator`; ``aclose`` it when it is not needed any more.

    The process is started when it is first asked and again after it was ended. It ends by itself
    when its pipe closes, so it does not outlive us. Questions that come while others are answered
    are asked together. When that ends the process they are asked again one by one, to learn which
    expression of which was too much.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Question] = deque()
        self._serving: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    def check(self, expression: str) -> None:
        """Keep the port's promise."""
        if len(expression) > EXPRESSION_LENGTH:
            raise InvalidExpression(
                f"the expression has {len(expression)} characters",
                field=_FIELD,
                remedy=f"keep it to {EXPRESSION_LENGTH}",
            )
        if not _is_clean(expression):
            raise InvalidExpression(
                "the expression has a character that is no text", field=_FIELD, remedy="remove it"
            )
        try:
            understood = compiled(expression)
        except RuntimeError as error:
            raise refusal(str(error), field=_FIELD) from error
        if not may_say_yes_or_no(understood):
            raise InvalidExpression(
                f"the expression says something of type {understood.return_type().name()}",
                field=_FIELD,
                remedy=_CONDITION,
            )

    async def judge(self, expressions: Sequence[str], facts: Facts) -> Sequence[Verdict]:
        """Keep the port's promise."""
        if not expressions:
            return []
        told: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
        size = len(facts.answer.body.text)
        about = written(facts, expressions)
        self._waiting.append(_Question(list(expressions), about, size, told))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        return await told

    async def aclose(self) -> None:
        """End the process."""
        if self._serving is not None:
            await asyncio.wait([self._serving])
        await self._end()

    async def _serve(self) -> None:
        """Answer all that wait, and those that come meanwhile."""
        while self._waiting:
            batch = self._taken()
            try:
                await self._answer(batch)
            except Exception as error:  # noqa: BLE001  it is theirs who asked; others go on
                for each in batch:
                    each.fail(error)
            except BaseException as error:
                for each in (*batch, *self._waiting):
                    each.fail(error)
                raise
            if 0 < len(self._waiting) < AT_ONCE:
                await asyncio.sleep(GATHERED_FOR.total_seconds())

    def _taken(self) -> list["_Question"]:
        """Take those that go together; who does not wait any more is left out."""
        batch: list[_Question] = []
        size = 0
        while self._waiting and len(batch) < AT_ONCE:
            if batch and size + self._waiting[0].size > SIZE_AT_ONCE:
                break
            question = self._waiting.popleft()
            if not question.told.done():
                batch.append(question)
                size += question.size
        return batch

    async def _answer(self, batch: Sequence["_Question"]) -> None:
        if not batch:
            return
        try:
            answers = await self._ask_together(batch)
        except NotStarted:
            for each in batch:
                each.tell([Faulty(_NOTHING_THERE)] * len(each.expressions))
            return
        if answers is None:
            for each in batch:
                each.tell(await self._singly(each))
            return
        for each, verdicts in zip(batch, answers, strict=True):
            if verdicts is False:
                each.tell([_NO] * len(each.expressions))
            else:
                each.tell([_verdict(one) for one in verdicts])

    async def _ask_together(self, batch: Sequence["_Question"]) -> Sequence[_Answered] | None:
        """Return the answers to all; None: one of them was too much for the process."""
        process = await self._ready()
        questions = [{"expressions": each.expressions, "facts": each.about} for each in batch]
        try:
            await _send(process, {"questions": questions})
            answers: Sequence[_Answered] = (await _next(process, PATIENCE))["answers"]
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._has_ended()
            return None
        except TimeoutError:
            await self._end()
            return None
        except BaseException:
            await self._end()
            raise
        return answers

    async def _singly(self, question: "_Question") -> list[Verdict]:
        verdicts: list[Verdict] = []
        for _ in range(EXPLOSIONS_MOST):
            rest = question.expressions[len(verdicts) :]
            if not rest:
                return verdicts
            verdicts += await self._ask(rest, question.about)
        missing = len(question.expressions) - len(verdicts)
        return [*verdicts, *[Faulty("it was not asked: those before it took too long")] * missing]

    async def _ask(self, expressions: list[str], about: Mapping[str, Any]) -> list[Verdict]:
        """Answer as many as can be; the last one may have been too much for the process."""
        verdicts: list[Verdict] = []
        try:
            process = await self._ready()
        except NotStarted:
            return [Faulty(_NOTHING_THERE)]
        try:
            await _send(process, {"expressions": expressions, "facts": about})
            while len(verdicts) < len(expressions):
                verdicts.append(_verdict(await _next(process, PATIENCE)))
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._has_ended()
            verdicts.append(Faulty(_TOO_MUCH))
        except TimeoutError:
            await self._end()
            verdicts.append(Faulty(_TOO_MUCH))
        except BaseException:
            await self._end()
            raise
        return verdicts

    async def _ready(self) -> asyncio.subprocess.Process:
        """Return the process, and start it unless it runs."""
        process = self._process
        if process is None or process.returncode is not None:
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
            await self._end()
            if isinstance(error, TimeoutError | asyncio.IncompleteReadError):
                raise NotStarted from error
            raise

    async def _has_ended(self) -> None:
        """Take note of its end: a signal to what has ended would hide from asyncio that it did."""
        process, self._process = self._process, None
        if process is not None:
            await process.communicate()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.communicate()


_TOO_MUCH: Final = (
    f"it takes more than {TIME // timedelta(milliseconds=1)} ms or more memory than there is for it"
)


async def _send(process: asyncio.subprocess.Process, question: Mapping[str, Any]) -> None:
    assert process.stdin is not None, "it was started with a pipe"
    process.stdin.write(framed(question))
    await process.stdin.drain()


async def _next(process: asyncio.subprocess.Process, patience: timedelta) -> Mapping[str, Any]:
    assert process.stdout is not None, "it was started with a pipe"
    async with asyncio.timeout(patience.total_seconds()):
        answer: Mapping[str, Any] = await received(process.stdout)
    return answer


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


def _is_clean(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
