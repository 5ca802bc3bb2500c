"""What every `RuleEvaluator` promises."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from cronicorn_domain.errors import InvalidExpression
from cronicorn_domain.model.facts import Answer, Facts, Tally
from cronicorn_domain.model.run import Body, BodyKind
from cronicorn_domain.ports.rule_evaluator import (
    EXPRESSION_LENGTH,
    Faulty,
    NotThere,
    RuleEvaluator,
    Said,
    Verdict,
)

NOW = datetime(2025, 1, 1, 12, tzinfo=UTC)

YES = (
    "true",
    "status == 200",
    "status in [200, 204]",
    "body.queue.waiting > 100",
    "body.queue.waiting == 120.0",
    "has(body.queue) && !has(body.nothing)",
    "body.?nothing.orValue(3) == 3",
    "body.items.exists(each, each.price > 10.0)",
    "body.items.all(each, each.price > 1)",
    "body.name.startsWith('Müller')",
    "size(body.name) == 9",
    "body.none == null",
    "headers['content-type'] == 'application/json'",
    "headers['retry-after'] == '7'",
    "durationMs >= 1500 && durationMs < 1501",
    "failures == 2",
    "health.successes == 3 && health.failures == 1 && health.rate == 0.75",
    "previous.status == 503 && !previous.succeeded",
    "previous.body.queue.waiting < body.queue.waiting",
    "siblings.payments.status >= 500",
    "siblings['mail out'].succeeded",
    "!has(siblings.unknown)",
    "now == timestamp('2025-01-01T12:00:00Z')",
    "now.getHours('Europe/Berlin') == 13",
    "timestamp(body.until) - now > duration('5m')",
    "body.huge > 1000000",
)
NO = ("false", "status == 500", "body.queue.waiting > 1000", "'b' in ['a', 'c']", "failures > 5")
NOT_THERE = ("body.nothing > 1", "previous.nothing == 1", "siblings.unknown.status == 500")
FAULTY = (
    "body.queue.waiting / 0 > 1",
    "body.name > 5",
    "body.queue",
    "body.items[99].price > 1",
    "body.name.matches('(')",
    "timestamp(body.name) < now",
)
TEN = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
BOMBS = (
    f"['{'x' * 100}']" + "".join(f".map(x{n}, x{n} + x{n})" for n in range(26)) + " != []",
    "[[1]]" + "".join(f".map(x{n}, x{n} + x{n})" for n in range(26)) + " != []",
    f"{TEN}.all(a, {TEN}.all(b, {TEN}.all(c, {TEN}.all(d, {TEN}.all(e, status == 200)))))",
)
"""A text and a list that double to gigabytes, and a hundred thousand questions in one."""

UNCLEAR = {
    "": "1:1",
    "status >": "1:9",
    "status = 5": "1:8",
    "statsu == 200": "1:1",
    "status == 200 &&\n statsu == 1": "2:2",
    "status > 'a'": "1:8",
    "status.code == 1": "1:7",
    "nope(status)": "1:5",
    "body.startsWith(1)": "1:16",
    "(" * 40 + "true" + ")" * 40: "",
    "status": "",
    "'yes'": "",
    "body == '\0'": "",
    "body == '\ud800'": "",
}

BODY = (
    '{"queue":{"waiting":120},"items":[{"price":2},{"price":12.5}],"name":"Müller AG","none":null,'
    '"until":"2025-01-01T13:00:00Z","huge":123456789012345678901234567890}'
)


def facts(body: Body | str = BODY) -> Facts:
    """Return facts with a good deal to ask about."""
    if isinstance(body, str):
        body = Body(kind=BodyKind.JSON, text=body)
    return Facts(
        now=NOW,
        answer=Answer(
            succeeded=True,
            status=200,
            body=body,
            headers=(("Content-Type", "application/json"), ("Retry-After", "7")),
            duration=timedelta(milliseconds=1500, microseconds=900),
        ),
        failures=2,
        health=Tally(successes=3, failures=1),
        previous=Answer(
            succeeded=False,
            status=503,
            body=Body(kind=BodyKind.JSON, text='{"queue":{"waiting":7}}'),
        ),
        siblings={
            "payments": Answer(succeeded=False, status=500),
            "mail out": Answer(succeeded=True, status=204),
        },
    )


class RuleEvaluatorContract:
    """Promises of every evaluator."""

    @pytest.fixture
    async def evaluator(self) -> RuleEvaluator:
        """Give the evaluator under test."""
        raise NotImplementedError("the adapter's test class provides the evaluator")

    async def one(self, evaluator: RuleEvaluator, expression: str, about: Facts) -> Verdict:
        """Judge a single expression."""
        (verdict,) = await evaluator.judge([expression], about)
        return verdict

    async def test_what_holds_is_said_to_hold(self, evaluator: RuleEvaluator) -> None:
        """Each name means what it promises, and each of these may be written."""
        for each in YES:
            evaluator.check(each)

        verdicts = await evaluator.judge(YES, facts())

        assert dict(zip(YES, verdicts, strict=True)) == dict.fromkeys(YES, Said(yes=True))

    async def test_what_does_not_hold_is_said_not_to(self, evaluator: RuleEvaluator) -> None:
        """A plain no is no fault."""
        for each in NO:
            evaluator.check(each)

        assert list(await evaluator.judge(NO, facts())) == [Said(yes=False)] * len(NO)

    async def test_what_is_not_there_is_told_and_is_no_fault(
        self, evaluator: RuleEvaluator
    ) -> None:
        """A member that an answer lacks is the usual case, not a broken rule."""
        for each in NOT_THERE:
            evaluator.check(each)

        for verdict in await evaluator.judge(NOT_THERE, facts()):
            assert isinstance(verdict, NotThere)
            assert verdict.message

    async def test_a_fault_harms_only_its_expression(self, evaluator: RuleEvaluator) -> None:
        """Trap T15: those before and behind it are answered."""
        asked = [each for fault in FAULTY for each in ("status == 200", fault)] + ["failures == 2"]

        verdicts = list(await evaluator.judge(asked, facts()))

        assert [verdicts[n] for n in range(0, len(asked), 2)] == [Said(yes=True)] * (
            len(FAULTY) + 1
        )
        for verdict in verdicts[1::2]:
            assert isinstance(verdict, Faulty)
            assert verdict.message

    @pytest.mark.parametrize(("expression", "where"), UNCLEAR.items())
    async def test_what_cannot_be_meant_is_refused_with_its_place(
        self, evaluator: RuleEvaluator, expression: str, where: str
    ) -> None:
        """Who writes a rule is told what is wrong and where, before it is kept."""
        with pytest.raises(InvalidExpression) as refusal:
            evaluator.check(expression)

        error = refusal.value
        assert error.field
        assert str(error)
        assert where in {"", f"{error.line}:{error.column}"}

    async def test_an_expression_has_a_length_to_keep_to(self, evaluator: RuleEvaluator) -> None:
        """The longest is accepted, one character more is not."""
        longest = "true".ljust(EXPRESSION_LENGTH)
        evaluator.check(longest)

        with pytest.raises(InvalidExpression) as refusal:
            evaluator.check(longest + " ")

        assert str(EXPRESSION_LENGTH) in refusal.value.issues[0].message

    async def test_an_explosion_is_bounded_and_others_go_on(self, evaluator: RuleEvaluator) -> None:
        """A bomb is a fault of its own; what comes behind it, and with it, is answered."""
        for bomb in BOMBS:
            evaluator.check(bomb)
            asked = evaluator.judge(["status == 200", bomb, "failures == 2"], facts())
            others = evaluator.judge(["status == 200"], facts())

            together, alone = await asyncio.gather(asked, others)

            before, exploded, behind = together
            assert before == behind == Said(yes=True)
            assert isinstance(exploded, Faulty)
            assert list(alone) == [Said(yes=True)]

    @pytest.mark.parametrize(
        "body",
        [
            r'"a\u0000b"',
            r'"\ud800"',
            r'{"\ud800":1}',
            r'"\\u0000"',
            "1e999",
            "-1e999",
            "9" * 400,
            "[" * 500 + "]" * 500,
            '"' + "x" * 100_000 + '"',
        ],
    )
    async def test_odd_bodies_do_no_harm(self, evaluator: RuleEvaluator, body: str) -> None:
        """Trap T16: whatever a target sends can be asked about, or is told, and is over with."""
        odd = await self.one(evaluator, "body != 'x' && status == 200", facts(body))

        assert odd == Said(yes=True)
        assert await self.one(evaluator, "status == 200", facts()) == Said(yes=True)

    async def test_a_nul_cuts_nothing_off(self, evaluator: RuleEvaluator) -> None:
        """What stands behind a NUL is seen."""
        verdict = await self.one(evaluator, "body.endsWith('b')", facts(r'"a\u0000b"'))

        assert verdict == Said(yes=True)

    async def test_texts_are_texts_and_other_bodies_are_none(
        self, evaluator: RuleEvaluator
    ) -> None:
        """A body that is no JSON is asked about as a text, and one that is not kept is null."""
        text = Body(kind=BodyKind.TEXT, text="queue: 120")

        assert await self.one(evaluator, "body.contains('120')", facts(text)) == Said(yes=True)
        assert await self.one(evaluator, "body == null", facts(Body())) == Said(yes=True)

    async def test_nothing_asked_is_nothing_answered(self, evaluator: RuleEvaluator) -> None:
        """No expressions, no verdicts."""
        assert list(await evaluator.judge([], facts())) == []

    async def test_many_callers_are_each_answered(self, evaluator: RuleEvaluator) -> None:
        """Answers reach who asked."""
        wanted = range(40)

        verdicts = await asyncio.gather(
            *(self.one(evaluator, f"body == {n}", facts(str(n))) for n in wanted)
        )

        assert verdicts == [Said(yes=True)] * len(wanted)
