"""The process that answers, when it does not do its part."""

import asyncio
import sys
from itertools import product

import pytest
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_domain.ports.rule_evaluator import Faulty, NotThere, Said
from cronicorn_domain.testing.rule_evaluator_contract import BOMBS, facts


async def test_a_process_that_cannot_be_started_is_told_and_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No condition is blamed for it, and the next question finds it well again."""
    evaluator = CelRuleEvaluator()
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/bin/false")
        (told,) = await evaluator.judge(["true"], facts())
    (well,) = await evaluator.judge(["true"], facts())
    await evaluator.aclose()

    assert told == Faulty("nothing could answer it: the process for that did not start")
    assert well == Said(yes=True)


async def test_a_process_that_was_killed_is_replaced() -> None:
    """Whoever ends it costs one answer at most."""
    evaluator = CelRuleEvaluator()
    await evaluator.judge(["true"], facts())
    assert evaluator._process is not None
    evaluator._process.kill()
    await evaluator._process.wait()

    assert list(await evaluator.judge(["true"], facts())) == [Said(yes=True)]
    await evaluator.aclose()


async def test_questions_that_wait_are_asked_together_and_each_is_answered() -> None:
    """One among them that is too much for the process costs the others some time, and no answer."""
    evaluator = CelRuleEvaluator()
    asked = [evaluator.judge(["status == 200", f"body == {n}"], facts(str(n))) for n in range(100)]
    exploding = evaluator.judge(["status == 200", BOMBS[0], "failures == 2"], facts())
    *told, (before, exploded, behind) = await asyncio.gather(*asked, exploding)
    await evaluator.aclose()

    assert all(list(each) == [Said(yes=True), Said(yes=True)] for each in told)
    assert before == behind == Said(yes=True)
    assert isinstance(exploded, Faulty)


async def test_who_does_not_wait_any_more_keeps_nobody_waiting() -> None:
    """A caller that is cancelled takes its own question away alone."""
    evaluator = CelRuleEvaluator()
    given_up = asyncio.ensure_future(evaluator.judge(["true"], facts()))
    others = asyncio.gather(*(evaluator.judge(["true"], facts()) for _ in range(10)))
    await asyncio.sleep(0)
    given_up.cancel()

    assert [list(each) for each in await others] == [[Said(yes=True)]] * 10
    assert given_up.cancelled()
    await evaluator.aclose()


ALL_KINDS = {
    "status == 200": Said(yes=True),
    "status == 500": Said(yes=False),
    "body == 'never' // said": Said(yes=False),
    "headers['none'] == 'a'": NotThere,
    "1 / (status - 200) == 1": Faulty,
    "previous": Faulty,
    "status ==": Faulty,
    "true) || (false": Faulty,
}


async def test_expressions_are_answered_beside_others_as_alone() -> None:
    """That none holds is learned by one question; it is said only where each would say no."""
    evaluator = CelRuleEvaluator()
    pairs = [*product(ALL_KINDS, repeat=2)]
    told = await asyncio.gather(*(evaluator.judge(pair, facts()) for pair in pairs))
    await evaluator.aclose()

    for pair, verdicts in zip(pairs, told, strict=True):
        for expression, verdict in zip(pair, verdicts, strict=True):
            expected = ALL_KINDS[expression]
            assert verdict == expected or type(verdict) is expected, (pair, verdicts)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ('{"a": 12345678901234567890}', "body.a > 1.2e19 && body.a < 1.3e19"),
        ('{"a": "1\\ud800"}', "body.a.size() == 2"),
        ('{"a": "1\\u00002"}', "body.a.endsWith('2')"),
        ('{"a": 1e999}', "body.a > 1e300"),
        ('{"a": 1, "a": 2}', "body.a == 2"),
        ("[" * 500 + "]" * 500, "body.size() == 1"),
    ],
)
async def test_what_json_may_hold_is_read(text: str, condition: str) -> None:
    """By whichever of two readers can: trap T16."""
    evaluator = CelRuleEvaluator()
    told = await evaluator.judge([condition], facts(text))
    await evaluator.aclose()

    assert list(told) == [Said(yes=True)]
