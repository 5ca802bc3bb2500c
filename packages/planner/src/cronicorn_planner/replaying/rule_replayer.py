"""Runs rules over recorded answers, and says what they would have changed."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.instants import NO_TIME
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.replay import Cut, Recording, Replay, RuleTold, Turn
from cronicorn_domain.model.rules import NO_RULES, RuleSet
from cronicorn_domain.model.run import Failed, Succeeded
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.previewing import PREVIEW_MOST
from cronicorn_domain.policies.rehearsing import Rehearsal
from cronicorn_domain.ports.rule_evaluator import Faulty, NotThere, RuleEvaluator, Said, Verdict

from cronicorn_planner.replaying.judging import Judging
from cronicorn_planner.replaying.seeing import course_of
from cronicorn_planner.replaying.walk import Bound, Surroundings, Walk, ruling_of
from cronicorn_planner.rules.ended_run import EndedRun

CALLS_MOST: Final = 20_000
"""So many calls a replay makes of either way, at most."""
TIME_MOST: Final = timedelta(seconds=10)
"""So long a replay goes on, at most."""
_AT_ONCE: Final = 2


class RuleReplayer:
    """
    Replays by the transitions that stores apply and the evaluator that workers ask.

    Nothing is written, and no target is called. A few replays go on at once; others wait.
    """

    def __init__(self, evaluator: RuleEvaluator) -> None:
        self._evaluator = evaluator
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def replay(
        self,
        recording: Recording,
        rules: RuleSet,
        *,
        calls_most: int = CALLS_MOST,
        time_most: timedelta = TIME_MOST,
    ) -> Replay:
        """
        Return what rules would have made of a recording, which has an answer at least.

        Rules in the shadow act here. Whoever comes to a bound first ends the replay for both ways,
        so that they can be compared.
        """
        async with self._room:
            acting, tenant = replace(rules, shadow=False), recording.endpoint.tenant
            last = recording.answers[-1]
            bound = Bound(
                ends_at=last.at + max(last.took, timedelta(milliseconds=1)),
                calls=calls_most,
                deadline=asyncio.get_running_loop().time() + time_most.total_seconds(),
                cut=Cut.ANSWERS if recording.cut else None,
            )
            judging = Judging(self._evaluator, acting.rules, tenant)
            turns = await self._turns(recording, judging, bound)
            ruled = Walk(recording, acting, judging)
            await ruled.go(bound)
            fixed = Walk(recording, NO_RULES, Judging(self._evaluator, (), tenant))
            await fixed.go(bound)
        return _told(recording, bound, turns, ruled=ruled, fixed=fixed)

    async def foresee(
        self, situation: Situation, outcome: Succeeded | Failed, *, count: int, now: datetime
    ) -> tuple[Decision, ...]:
        """
        Return the decisions of the next runs, if each answers alike, and what rules say of that.

        Runs take no time. Rules see no siblings; in the shadow they do nothing.
        """
        rules = situation.endpoint.rules
        judging = Judging(self._evaluator, rules.rules, situation.endpoint.tenant)
        around = Surroundings({})
        rehearsal = Rehearsal(situation, now)
        decisions: list[Decision] = []
        if situation.lease is not None:
            rehearsal.end(outcome, at=now)
        while len(decisions) < min(count, PREVIEW_MOST):
            plan = rehearsal.begin_next()
            if plan is None:
                break
            decisions.append(plan.decision)
            past = around.past(rehearsal.situation.state.failures, rehearsal.now)
            run = EndedRun(situation.endpoint, plan.tries, past, NO_TIME, rehearsal.now)
            verdicts = await judging.verdicts(0, run.facts(outcome))
            rehearsal.end(outcome, ruling_of(rules, verdicts), at=rehearsal.now)
            around.note(rehearsal.now, outcome, NO_TIME)
        return tuple(decisions)

    async def _turns(
        self, recording: Recording, judging: Judging, bound: Bound
    ) -> list[tuple[datetime, Turn]]:
        """Find the answers of which other rules hold than of the one before, in the recording."""
        turns: list[tuple[datetime, Turn]] = []
        around, failures, standing = Surroundings(recording.siblings), 0, None
        for number, each in enumerate(recording.answers):
            if asyncio.get_running_loop().time() > bound.deadline:
                bound.stop(each.at, Cut.TIME)
                break
            ends_at = each.at + each.took
            past = around.past(failures, ends_at)
            run = EndedRun(recording.endpoint, 0, past, each.took, ends_at)
            facts = run.facts(each.outcome)
            verdicts = await judging.verdicts(number, facts)
            held = tuple(n for n, said in enumerate(verdicts, 1) if said == Said(yes=True))
            if standing is not None and held != standing:
                turns.append((recording.answers[number - 1].at, Turn(each.at, held)))
            standing, failures = held, facts.failures
            around.note(ends_at, each.outcome, each.took)
        return turns


def _told(
    recording: Recording,
    bound: Bound,
    turns: Sequence[tuple[datetime, Turn]],
    *,
    ruled: Walk,
    fixed: Walk,
) -> Replay:
    begins_at, ends_at = recording.answers[0].at, bound.ends_at
    within = [each for each in turns if each[1].at < ends_at]
    courses = [
        course_of(
            [call for call in walk.calls if call.at < ends_at],
            within,
            begins_at=begins_at,
            ends_at=ends_at,
        )
        for walk in (fixed, ruled)
    ]
    firings = tuple(each for each in ruled.firings if each.at <= ends_at)
    said = [verdicts for at, verdicts in ruled.said if at <= ends_at]
    recorded = tuple(each.at for each in recording.answers if each.at < ends_at)
    return Replay(
        begins_at=begins_at,
        ends_at=ends_at,
        answers=len(recorded),
        recorded=recorded,
        fixed=courses[0],
        ruled=courses[1],
        turns=tuple(turn for _, turn in within),
        firings=firings,
        rules=tuple(
            _rule_told(
                number,
                rule.when,
                [each[number - 1] for each in said],
                [firing.at for firing in firings if firing.rule == number],
            )
            for number, rule in enumerate(ruled.rules.rules, 1)
        ),
        cut=bound.cut,
    )


def _rule_told(
    number: int, when: str, said: Sequence[Verdict], fired: Sequence[datetime]
) -> RuleTold:
    faults = [each.message for each in said if isinstance(each, Faulty)]
    return RuleTold(
        number=number,
        when=when,
        held=sum(each == Said(yes=True) for each in said),
        acted=len(fired),
        first_acted_at=fired[0] if fired else None,
        last_acted_at=fired[-1] if fired else None,
        not_there=sum(isinstance(each, NotThere) for each in said),
        faults=len(faults),
        fault=faults[-1] if faults else None,
    )
