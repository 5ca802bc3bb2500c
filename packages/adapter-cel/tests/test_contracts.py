"""The evaluator keeps the port's promises."""

from collections.abc import AsyncIterator

import pytest
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_domain.testing.rule_evaluator_contract import RuleEvaluatorContract


class TestCelRuleEvaluator(RuleEvaluatorContract):
    """With the process that answers in it."""

    @pytest.fixture
    async def evaluator(self) -> AsyncIterator[CelRuleEvaluator]:
        evaluator = CelRuleEvaluator()
        yield evaluator
        await evaluator.aclose()
