"""What `bench rules` measures is what it says: rules of which none holds, and of which one does."""

from contextlib import aclosing
from datetime import timedelta

import pytest
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_domain.model.rules import Every
from cronicorn_domain.ports.rule_evaluator import Said

from bench.rule_cost import Judged, Paces, facts_of, told
from bench.rule_work import conditions, rules_of


@pytest.mark.parametrize("holds", [False, True])
async def test_as_many_conditions_hold_as_is_said(holds: bool) -> None:
    """Of the target's answer the last one holds, or none does; each is answered."""
    async with aclosing(CelRuleEvaluator()) as evaluator:
        verdicts = await evaluator.judge(conditions(holds=holds), facts_of(1024))

    assert verdicts == [*[Said(yes=False)] * 9, Said(yes=holds)]


def test_a_rule_that_holds_asks_for_the_interval_that_there_is() -> None:
    """It is written and planned from, and the work stays the same: two paces can be compared."""
    step = timedelta(seconds=2)

    rules = rules_of(10, holds=True, every=step).rules

    assert [each.when for each in rules] == conditions(holds=True)
    assert {each.then for each in rules} == {(Every(step),)}


def test_the_worse_of_both_is_held_against_the_aims() -> None:
    """An aim that only rules keep that do nothing is not kept."""
    answers = [
        Judged(size=102_400, holds=False, median=3.0, p99=4.0),
        Judged(size=102_400, holds=True, median=7.0, p99=8.0),
    ]
    pace = Paces(without=(100.0,), ruled=(90.0,), holding=(80.0,))

    lines = [*told(answers, pace)]

    assert "aimed at: below 6 ms over 102,400 bytes: 7.00 ms, missed" in lines
    assert "aimed at: at most 15% slower with 10 rules: 10.0%, kept" in lines
    held = "aimed at: at most 15% slower with 10 rules, one of which holds: 20.0%, missed"
    assert held in lines
