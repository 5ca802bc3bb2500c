"""The process that answers, when it does not do its part."""

import asyncio
import sys
from itertools import product
from uuid import UUID

import pytest
from cronicorn_adapter_cel.question import REMEMBERED_FOR, Memory, Question, Turns
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_domain.identity import TenantId
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
    process = evaluator._usual.process._process
    assert process is not None
    process.kill()
    await process.wait()

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


TENANTS = [TenantId(UUID(int=n)) for n in range(1, 4)]
BOMB_COUNT = 12


def bombs() -> list[str]:
    """Give conditions that explode, no two of them alike."""
    return [f"{BOMBS[1]} && status == {n}" for n in range(BOMB_COUNT)]


async def test_a_tenant_with_many_bombs_costs_others_no_more_than_one_of_them() -> None:
    """It is asked aside from then on, so that the process of the others is ended no more."""
    evaluator = CelRuleEvaluator()
    exploding = asyncio.gather(
        *(evaluator.judge([bomb], facts(), tenant=TENANTS[0]) for bomb in bombs())
    )
    others = [
        await evaluator.judge(["status == 200"], facts(), tenant=tenant)
        for tenant in TENANTS[1:] * 5
    ]
    usual = evaluator._usual.process
    started_for_others = usual.starts
    exploded = await exploding
    again = await evaluator.judge(["status == 200"], facts(), tenant=TENANTS[1])
    await evaluator.aclose()

    assert [list(each) for each in [*others, again]] == [[Said(yes=True)]] * 11
    assert all(isinstance(verdict, Faulty) for (verdict,) in exploded)
    # At first, after all that waited were asked together, and after the first of the bombs alone.
    assert started_for_others <= usual.starts <= 3


async def test_what_exploded_is_not_asked_again_for_some_minutes() -> None:
    """Its tenant is told at once; of others, and when the time is over, it is asked."""
    now = [0.0]
    evaluator = CelRuleEvaluator(monotonic=lambda: now[0])
    bomb, asked = BOMBS[1], [BOMBS[1], "status == 200", BOMBS[1]]

    (first,) = await evaluator.judge([bomb], facts(), tenant=TENANTS[0])
    starts = evaluator._usual.process.starts, evaluator._aside.process.starts
    again = await evaluator.judge(asked, facts(), tenant=TENANTS[0])
    aside = evaluator._aside.process.starts
    theirs = await evaluator.judge([bomb], facts(), tenant=TENANTS[1])
    now[0] += REMEMBERED_FOR.total_seconds()
    before = evaluator._usual.process.starts
    later = await evaluator.judge(asked, facts(), tenant=TENANTS[0])
    after = evaluator._usual.process.starts
    await evaluator.aclose()

    assert starts == (2, 0)
    assert aside == 1
    assert [first, *theirs] == [again[0], again[2]] == [later[0], later[2]]
    assert isinstance(first, Faulty)
    assert again[1] == later[1] == Said(yes=True)
    assert after > before


async def test_who_asks_much_is_asked_aside_though_nothing_explodes() -> None:
    """Many conditions that each keep to the limit would keep others waiting as well."""
    evaluator = CelRuleEvaluator()
    slow = "[[1]]" + "".join(f".map(x{n}, x{n} + x{n})" for n in range(18)) + " != []"
    asked = [f"{slow} && status == {n}" for n in range(10)]
    told = await evaluator.judge(asked, facts(), tenant=TENANTS[0])
    again = await evaluator.judge(asked, facts(), tenant=TENANTS[0])
    await evaluator.aclose()

    assert list(told) == list(again) == [Said(yes=False)] * 10
    assert evaluator._aside.process.starts == 1


def test_tenants_come_in_turn() -> None:
    """A single question of one waits for one of each other, not for all of theirs."""
    turns = Turns()
    loop = asyncio.new_event_loop()
    for tenant in [*[TENANTS[0]] * 5, TENANTS[1], TENANTS[2], TENANTS[1]]:
        turns.put(Question(tenant, ["true"], {}, 1, loop.create_future()))
    taken = [[each.tenant for each in turns.take(3)] for _ in range(3)]
    loop.close()

    one, two, three = TENANTS
    assert taken == [[one, two, three], [one, two, one], [one, one]]
    assert not turns


def test_so_much_is_remembered_and_the_oldest_is_forgotten() -> None:
    """However many conditions explode, the memory for them has an end."""
    memory = Memory(lambda: 0.0)
    for number in range(5000):
        memory.note(number)

    assert 0 not in memory
    assert 4999 in memory
    assert sum(number in memory for number in range(5000)) == 4096
