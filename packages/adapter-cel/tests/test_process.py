"""The process that answers, when it does not do its part."""

import sys

import pytest
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_domain.ports.rule_evaluator import Faulty, Said
from cronicorn_domain.testing.rule_evaluator_contract import facts


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
