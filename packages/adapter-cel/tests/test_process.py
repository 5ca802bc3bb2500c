"""The process that answers, when it does not do its part."""

import asyncio
import sys

import pytest
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_domain.ports.rule_evaluator import Faulty, Said
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
