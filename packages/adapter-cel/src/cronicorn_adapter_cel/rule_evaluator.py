"""Answers conditions with Google's CEL, in processes that are ended when it takes too long."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import InvalidExpression
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.facts import Facts
from cronicorn_domain.ports.rule_evaluator import EXPRESSION_LENGTH, Faulty, Verdict

from cronicorn_adapter_cel.answering import HEAVY
from cronicorn_adapter_cel.facts import written
from cronicorn_adapter_cel.language import compiled, may_say_yes_or_no
from cronicorn_adapter_cel.process import TOO_MUCH, AnsweringProcess, NotStarted
from cronicorn_adapter_cel.question import AT_ONCE, Memory, Question, Turns
from cronicorn_adapter_cel.refusing import refusal

EXPLOSIONS_MOST: Final = 2
"""After so many ends in one question the rest is not asked."""

GATHERED_FOR: Final = timedelta(milliseconds=5)
"""
So long others are waited for when questions come faster than they are answered.

A message and its answer wake both processes, which costs more than ten expressions do. Who asks
alone waits for nobody.
"""

_FIELD: Final = "when"
_CONDITION: Final = "write a condition that says yes or no, such as status >= 500"
_NOTHING_THERE: Final = "nothing could answer it: the process for that did not start"
_NOT_ASKED: Final = "it was not asked: those before it took too long"


class _Line:
    """Questions that wait for one process, which answers some of them after the other."""

    def __init__(
        self, answer: Callable[[AnsweringProcess, list[Question]], Awaitable[None]], *, at_once: int
    ) -> None:
        self.process = AnsweringProcess()
        self._answer = answer
        self._at_once = at_once
        self._turns = Turns()
        self._serving: asyncio.Task[None] | None = None

    def put(self, question: Question) -> None:
        """Let one wait for its answer."""
        self._turns.put(question)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())

    async def aclose(self) -> None:
        """Answer what waits, and end the process."""
        if self._serving is not None:
            await asyncio.wait([self._serving])
        await self.process.aclose()

    async def _serve(self) -> None:
        """Answer all that wait, and those that come meanwhile."""
        while self._turns:
            batch = self._turns.take(self._at_once)
            try:
                await self._answer(self.process, batch)
            except Exception as error:  # noqa: BLE001  it is theirs who asked; others go on
                for each in batch:
                    each.fail(error)
            except BaseException as error:
                while batch:
                    for each in batch:
                        each.fail(error)
                    batch = self._turns.take()
                raise
            if 0 < len(self._turns) < self._at_once:
                await asyncio.sleep(GATHERED_FOR.total_seconds())


class CelRuleEvaluator:
    """
    A `RuleEvaluator`; ``aclose`` it when it is not needed any more.

    Questions that come while others are answered are asked together. When that ends the process
    they are asked again one by one, to learn which expression of which was too much. That is
    remembered for some minutes: the expression is not asked again, and whatever else its tenant
    asks is asked in a process aside, one by one, so that nobody else waits for it.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._exploded = Memory(monotonic)
        self._set_aside = Memory(monotonic)
        self._usual = _Line(self._answer_together, at_once=AT_ONCE)
        self._aside = _Line(self._answer_singly, at_once=1)

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

    async def judge(
        self, expressions: Sequence[str], facts: Facts, *, tenant: TenantId | None = None
    ) -> Sequence[Verdict]:
        """Keep the port's promise."""
        asked = [each for each in expressions if (tenant, each) not in self._exploded]
        told = iter(await self._said(asked, facts, tenant))
        known = Faulty(TOO_MUCH)
        open_ones = set(asked)
        return [next(told) if each in open_ones else known for each in expressions]

    async def aclose(self) -> None:
        """End the processes."""
        await self._usual.aclose()
        await self._aside.aclose()

    async def _said(
        self, expressions: list[str], facts: Facts, tenant: TenantId | None
    ) -> list[Verdict]:
        if not expressions:
            return []
        told: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
        size = len(facts.answer.body.text)
        about = written(facts, expressions)
        question = Question(tenant, expressions, about, size, told)
        line = self._aside if tenant in self._set_aside else self._usual
        line.put(question)
        return await told

    async def _answer_together(self, process: AnsweringProcess, batch: list[Question]) -> None:
        if not batch:
            return
        try:
            answers = await process.together(batch)
        except NotStarted:
            for each in batch:
                each.tell([Faulty(_NOTHING_THERE)] * len(each.expressions))
            return
        if answers is None:
            await self._answer_singly(process, batch)
            return
        for number, each in enumerate(batch):
            each.tell(answers.verdicts[number])
            if number in answers.heavy:
                self._set_aside.note(each.tenant)

    async def _answer_singly(self, process: AnsweringProcess, batch: list[Question]) -> None:
        for each in batch:
            if process is self._usual.process and each.tenant in self._set_aside:
                self._aside.put(each)
            else:
                each.tell(await self._singly(process, each))

    async def _singly(self, process: AnsweringProcess, question: Question) -> list[Verdict]:
        """Ask a question alone, but for what has exploded while it waited."""
        verdicts: list[Verdict] = []
        ends = 0
        while (rest := question.expressions[len(verdicts) :]) and ends < EXPLOSIONS_MOST:
            if (question.tenant, rest[0]) in self._exploded:
                verdicts.append(Faulty(TOO_MUCH))
                continue
            try:
                told = await process.singly(rest, question.about)
            except NotStarted:
                return [*verdicts, *[Faulty(_NOTHING_THERE)] * len(rest)]
            verdicts += told.verdicts
            if told.exploded:
                self._exploded.note((question.tenant, question.expressions[len(verdicts) - 1]))
            if told.exploded or told.seconds > HEAVY.total_seconds():
                self._set_aside.note(question.tenant)
            ends += verdicts[-1:] == [Faulty(TOO_MUCH)]
        return [*verdicts, *[Faulty(_NOT_ASKED)] * len(rest)]


def _is_clean(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
