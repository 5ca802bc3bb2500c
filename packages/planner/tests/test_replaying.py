"""What rules would have made of answers that were recorded."""

import math
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from cronicorn_adapter_cel.rule_evaluator import CelRuleEvaluator
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.decision import Source
from cronicorn_domain.model.endpoint import Guardrails
from cronicorn_domain.model.facts import Facts
from cronicorn_domain.model.replay import Call, Cut, Recorded, Recording, Turn, Unseen
from cronicorn_domain.model.rules import (
    ClearHints,
    EndpointRule,
    Every,
    Notify,
    PauseFor,
    RuleSet,
    TriggerSibling,
)
from cronicorn_domain.model.run import BodyKind
from cronicorn_domain.model.state import DEFAULT_FLOOR
from cronicorn_domain.ports.rule_evaluator import Said, Verdict
from cronicorn_domain.testing.builders import (
    EPOCH,
    HOUR,
    MINUTE,
    SECOND,
    a_job,
    an_endpoint,
    every,
    failed,
    succeeded,
)
from cronicorn_domain.testing.story import told
from cronicorn_planner.replaying.judging import Judging
from cronicorn_planner.replaying.rule_replayer import RuleReplayer
from cronicorn_planner.replaying.seeing import course_of
from cronicorn_planner.replaying.walk import Bound, Walk

TIGHTEN = EndpointRule(
    when="body.waiting > 100",
    then=(Every(30 * SECOND), TriggerSibling("drain")),
    life=10 * MINUTE,
    cooldown=5 * MINUTE,
    reason="the queue is long",
)
RELAX = EndpointRule(when="body.waiting < 10", then=(ClearHints(),))
JOB = a_job()
ANY = Guardrails()


@pytest.fixture
async def replayer() -> AsyncIterator[RuleReplayer]:
    """Provide one over the real evaluator."""
    evaluator = CelRuleEvaluator()
    yield RuleReplayer(evaluator)
    await evaluator.aclose()


def waiting(count: int, minute: float, *, took: timedelta = SECOND) -> Recorded:
    """Record an answer that tells how many wait."""
    outcome = succeeded(f'{{"waiting": {count}}}', kind=BodyKind.JSON)
    return Recorded(at=EPOCH + minute * MINUTE, outcome=outcome, took=took)


def recording(answers: Sequence[Recorded], guardrails: Guardrails = ANY) -> Recording:
    """Record answers of an endpoint of five minutes, which begins on the first."""
    endpoint = an_endpoint(JOB, schedule=every(5 * MINUTE), guardrails=guardrails)
    return Recording(endpoint=endpoint, answers=tuple(answers), floor=DEFAULT_FLOOR)


SURGE = [waiting(5, 0), waiting(5, 5), waiting(200, 10), waiting(300, 15), waiting(5, 20)]
SURGE += [waiting(5, 25), waiting(5, 30)]


def minutes(calls: Sequence[Call]) -> list[float]:
    """Return at which minutes calls are."""
    return [(each.at - EPOCH) / MINUTE for each in calls]


async def test_a_replay_calls_as_the_engine_would(replayer: RuleReplayer) -> None:
    """Without rules on the grid; with them every half minute while many wait, and no longer."""
    found = await replayer.replay(recording(SURGE), RuleSet(rules=(TIGHTEN, RELAX)))

    assert minutes(found.fixed.calls) == [0, 5, 10, 15, 20, 25, 30]
    assert minutes(found.ruled.calls) == [0, 5, *(10 + n / 2 for n in range(21)), 25, 30]
    assert {each.source for each in found.fixed.calls} == {Source.BASELINE_INTERVAL}
    assert found.ruled.calls[4].source is Source.RULE_INTERVAL
    assert found.saved == 7 - 25
    assert (found.answers, found.cut) == (7, None)


async def test_it_tells_which_rules_did_what_and_when(replayer: RuleReplayer) -> None:
    """One that rests does nothing, though it holds; a hint is renewed at half of its life."""
    found = await replayer.replay(recording(SURGE), RuleSet(rules=(TIGHTEN, RELAX)))

    tighten, relax = found.rules
    assert (tighten.held, tighten.acted) == (20, 2)
    assert (relax.held, relax.acted) == (5, 1)
    assert [(each.rule, each.does) for each in found.firings] == [
        (1, ("run every 30 s", "trigger drain")),
        (1, ("run every 30 s", "trigger drain")),
        (2, ("clear hints",)),
    ]
    assert tighten.first_acted_at == EPOCH + 10 * MINUTE + SECOND


async def test_a_change_is_seen_by_the_next_call(replayer: RuleReplayer) -> None:
    """It came between two answers: at worst right behind the first of them."""
    found = await replayer.replay(recording(SURGE), RuleSet(rules=(TIGHTEN, RELAX)))

    assert found.turns == (
        Turn(EPOCH + 10 * MINUTE, (1,)),
        Turn(EPOCH + 20 * MINUTE, (2,)),
    )
    assert found.fixed.unseen == (Unseen(0 * SECOND, 5 * MINUTE),) * 2
    assert found.ruled.unseen == (
        Unseen(0 * SECOND, 5 * MINUTE),
        Unseen(0 * SECOND, 30 * SECOND),
    )
    assert (found.fixed.longest_gap, found.fixed.gap_begins_at) == (5 * MINUTE, EPOCH)


async def test_rules_in_the_shadow_act_in_a_replay(replayer: RuleReplayer) -> None:
    """It is what a replay is asked for; guardrails hold against them."""
    held = recording(SURGE, guardrails=Guardrails(shortest=2 * MINUTE))
    found = await replayer.replay(held, RuleSet(rules=(TIGHTEN, RELAX), shadow=True))

    gaps = {later.at - earlier.at for earlier, later in pairwise(found.ruled.calls)}
    assert min(gaps) == 2 * MINUTE * 9 / 10


async def test_conditions_see_what_the_replay_has_made(replayer: RuleReplayer) -> None:
    """The run before, failures in a row and the hour are those of the walk, not of the records."""
    down = [Recorded(at=EPOCH + n * 5 * MINUTE, outcome=failed(), took=SECOND) for n in range(12)]
    often = EndpointRule(when="failures == 1", then=(Every(MINUTE),), life=HOUR)
    third = EndpointRule(when="failures == 3", then=(Notify(),), reason="it is down")
    bad = EndpointRule(
        when="health.failures >= 5 && !previous.succeeded", then=(PauseFor(20 * MINUTE),)
    )
    found = await replayer.replay(recording(down), RuleSet(rules=(often, third, bad)))

    assert [(each.rule, each.at - EPOCH) for each in found.firings[:3]] == [
        (1, SECOND),
        (2, 2 * MINUTE + SECOND),
        (3, 5 * MINUTE + SECOND),
    ]
    assert minutes(found.ruled.calls)[:7] == [0, 1, 2, 3, 4, 5, 25 + 1 / 60]


async def test_siblings_answer_as_they_were_recorded(replayer: RuleReplayer) -> None:
    """At each instant as by then; one that has not answered yet is not there."""
    lead = EndpointRule(when="siblings.stock.body.waiting > 100", then=(Every(MINUTE),))
    given = Recording(
        endpoint=an_endpoint(JOB, schedule=every(5 * MINUTE)),
        answers=tuple(waiting(1, n * 5) for n in range(5)),
        siblings={"stock": (waiting(500, 9),)},
        floor=DEFAULT_FLOOR,
    )
    found = await replayer.replay(given, RuleSet(rules=(lead,)))

    assert found.rules[0].not_there == 2
    assert found.firings[0].at == EPOCH + 10 * MINUTE + SECOND


async def test_conditions_that_cannot_be_answered_are_told(replayer: RuleReplayer) -> None:
    """With the reason; they stop neither the walk nor the other rules."""
    broken = EndpointRule(when="1 / (body.waiting - 5) > 0", then=(Every(MINUTE),))
    found = await replayer.replay(recording(SURGE), RuleSet(rules=(broken, TIGHTEN, RELAX)))

    assert found.rules[0].faults == 5
    assert "zero" in (found.rules[0].fault or "")
    assert found.rules[1].acted == 2


async def test_whoever_comes_to_the_bound_ends_it_for_both(replayer: RuleReplayer) -> None:
    """So that both ways are of the same time, and can be compared."""
    rules = RuleSet(rules=(TIGHTEN, RELAX))
    found = await replayer.replay(recording(SURGE), rules, calls_most=10)

    assert found.cut is Cut.CALLS
    assert len(found.ruled.calls) == 10
    assert found.ends_at == EPOCH + 14 * MINUTE
    assert minutes(found.fixed.calls) == [0, 5, 10]
    late = await replayer.replay(recording(SURGE), rules, time_most=-SECOND)
    assert (late.cut, late.answers) == (Cut.TIME, 0)


class Late:
    """Says no to everything, and moves a bound's deadline into the past with its third answer."""

    def __init__(self) -> None:
        self.bound = Bound(EPOCH + 30 * MINUTE, 1000, math.inf)
        self.asked = 0

    def check(self, expression: str) -> None:
        """Accept anything."""

    async def judge(
        self,
        expressions: Sequence[str],
        facts: Facts,
        *,
        tenant: TenantId | None = None,
    ) -> Sequence[Verdict]:
        """Answer."""
        self.asked += 1
        if self.asked == 3:
            self.bound.deadline = -math.inf
        return [Said(yes=False)] * len(expressions)


async def test_no_call_of_a_replay_is_made_behind_its_deadline() -> None:
    """However long each of them takes: it is looked at before every one."""
    evaluator, rules = Late(), RuleSet(rules=(TIGHTEN,))
    judging = Judging(evaluator, rules.rules, JOB.tenant)
    walk = Walk(recording(SURGE), rules, judging)
    await walk.go(evaluator.bound)

    assert len(walk.calls) == evaluator.asked == 3
    assert evaluator.bound.cut is Cut.TIME


def test_a_turn_that_nobody_sees_stays_unseen_to_the_end() -> None:
    """Calls in between shorten what is missed at worst."""
    turn = (EPOCH + MINUTE, Turn(EPOCH + 4 * MINUTE, (1,)))
    window: dict[str, datetime] = {"begins_at": EPOCH, "ends_at": EPOCH + 10 * MINUTE}

    calls = [Call(EPOCH + n * MINUTE, Source.RULE_INTERVAL) for n in (0, 1, 2, 3)]
    (unseen,) = course_of(calls, [turn], **window).unseen
    assert unseen == Unseen(6 * MINUTE, 7 * MINUTE)
    more = [*calls, Call(EPOCH + 5 * MINUTE, Source.RULE_INTERVAL)]
    (unseen,) = course_of(more, [turn], **window).unseen
    assert unseen == Unseen(MINUTE, 2 * MINUTE)


async def test_a_preview_knows_what_rules_say_of_what_is_assumed(replayer: RuleReplayer) -> None:
    """If each run answers alike; in the shadow nothing comes of them."""
    rules = RuleSet(rules=(TIGHTEN,))
    story = told(every=5 * MINUTE, rules=rules)
    many = waiting(200, 0).outcome
    foreseen = await replayer.foresee(story.situation, many, count=3, now=story.now)
    few = await replayer.foresee(story.situation, waiting(1, 0).outcome, count=3, now=story.now)

    assert foreseen[0] == few[0]
    assert [each.slot - foreseen[0].slot for each in foreseen[1:]] == [30 * SECOND, 60 * SECOND]
    assert [each.slot - few[0].slot for each in few[1:]] == [5 * MINUTE, 10 * MINUTE]
    shadowed = told(every=5 * MINUTE, rules=RuleSet(rules=(TIGHTEN,), shadow=True))
    shadows = await replayer.foresee(shadowed.situation, many, count=3, now=shadowed.now)
    assert [each.slot for each in shadows] == [each.slot for each in few]
