"""The life that an endpoint would have had, with rules or without, over recorded answers."""

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.model.decision import Plan
from cronicorn_domain.model.endpoint import Bounds
from cronicorn_domain.model.facts import Answer, Tally
from cronicorn_domain.model.job import JobState
from cronicorn_domain.model.replay import Call, Cut, Firing, Recorded, Recording
from cronicorn_domain.model.rules import RuleSet
from cronicorn_domain.model.rulings import NO_RULING, Ruling
from cronicorn_domain.model.run import Failed, Succeeded
from cronicorn_domain.model.state import EndpointState, Situation
from cronicorn_domain.policies.rehearsing import Rehearsal
from cronicorn_domain.policies.replanning import plan_first
from cronicorn_domain.ports.rule_evaluator import Said, Verdict

from cronicorn_planner.replaying.firing import acted
from cronicorn_planner.replaying.judging import Judging
from cronicorn_planner.rules.ended_run import EndedRun, answer_of
from cronicorn_planner.rules.gathering import HEALTH_OVER, Past

_JUST_BEFORE: Final = timedelta(milliseconds=1)
_BREATH: Final = 50
"""After so many calls others of the process come to their turn."""


@dataclass(slots=True)
class Bound:
    """How far walks may go together: to an instant, so many calls each, and so many seconds."""

    ends_at: datetime
    calls: int
    deadline: float
    cut: Cut | None = None

    def stop(self, at: datetime, cut: Cut) -> None:
        """Let nobody go further than here."""
        self.ends_at, self.cut = at, cut


@dataclass(slots=True)
class Surroundings:
    """What was before a call, besides the answer itself."""

    siblings: Mapping[str, Sequence[Recorded]]
    previous: Answer | None = None
    ended: deque[tuple[datetime, bool]] = field(default_factory=deque)

    def past(self, failures: int, at: datetime) -> Past:
        """Return it, as it is at an instant."""
        while self.ended and self.ended[0][0] < at - HEALTH_OVER:
            self.ended.popleft()
        successes = sum(succeeded for _, succeeded in self.ended)
        return Past(
            failures=failures,
            health=Tally(successes=successes, failures=len(self.ended) - successes),
            previous=self.previous,
            siblings={
                name: answer_of(recorded.outcome, recorded.took)
                for name, answers in self.siblings.items()
                if (recorded := latest(answers, at)[1]) is not None
            },
        )

    def note(self, at: datetime, outcome: Succeeded | Failed, took: timedelta) -> None:
        """Note the end of a call."""
        self.previous = answer_of(outcome, took)
        self.ended.append((at, isinstance(outcome, Succeeded)))


class Walk:
    """Goes from call to call; what it met is in ``calls``, ``firings`` and ``said``."""

    def __init__(self, recording: Recording, rules: RuleSet, judging: Judging) -> None:
        self._recording = recording
        self.rules = rules
        self._judging = judging
        self._around = Surroundings(recording.siblings)
        self._rehearsal = _begun(recording, rules)
        self.calls: list[Call] = []
        self.firings: list[Firing] = []
        self.said: list[tuple[datetime, list[Verdict]]] = []

    async def go(self, bound: Bound) -> None:
        """Call until the window or the bound ends; who is cut short cuts the bound."""
        while (plan := self._rehearsal.begin_next(before=bound.ends_at)) is not None:
            now = self._rehearsal.now
            if len(self.calls) >= bound.calls:
                return bound.stop(now, Cut.CALLS)
            if asyncio.get_running_loop().time() > bound.deadline:
                return bound.stop(now, Cut.TIME)
            if len(self.calls) % _BREATH == 0:
                await asyncio.sleep(0)
            self.calls.append(Call(now, plan.decision.source))
            await self._answer(plan, now)
        return None

    async def _answer(self, plan: Plan, now: datetime) -> None:
        number, recorded = latest(self._recording.answers, now)
        assert recorded is not None, "a replay begins with an answer"
        situation = self._rehearsal.situation
        ends_at = now + recorded.took
        ruling = NO_RULING
        if self.rules.rules:
            past = self._around.past(situation.state.failures, ends_at)
            run = EndedRun(situation.endpoint, plan.tries, past, recorded.took, ends_at)
            verdicts = await self._judging.verdicts(number, run.facts(recorded.outcome))
            self.said.append((ends_at, verdicts))
            ruling = ruling_of(self.rules, verdicts)
        change = self._rehearsal.end(recorded.outcome, ruling, at=ends_at)
        self._around.note(ends_at, recorded.outcome, recorded.took)
        held = [each for each in enumerate(self.rules.rules, 1) if each[1] in ruling.held]
        for rule, does in acted(held, change, resting=situation.state.resting, at=ends_at):
            self.firings.append(Firing(ends_at, rule, does))


def ruling_of(rules: RuleSet, verdicts: Sequence[Verdict]) -> Ruling:
    """Return the rules that hold."""
    judged = zip(rules.rules, verdicts, strict=True)
    return Ruling(held=tuple(rule for rule, verdict in judged if verdict == Said(yes=True)))


def latest(answers: Sequence[Recorded], at: datetime) -> tuple[int, Recorded | None]:
    """Return the latest answer by an instant, with its number; none is there before the first."""
    number = bisect_right(answers, at, key=lambda each: each.at) - 1
    return number, answers[number] if number >= 0 else None


def _begun(recording: Recording, rules: RuleSet) -> Rehearsal:
    """Begin with nothing behind, so that a slot on the very first answer is called."""
    begins_at = recording.answers[0].at - _JUST_BEFORE
    endpoint = replace(
        recording.endpoint,
        rules=rules,
        created_at=begins_at,
        bounds=Bounds(),
        pause=None,
        archived_at=None,
    )
    situation = Situation(
        job_state=JobState.ACTIVE,
        endpoint=endpoint,
        state=EndpointState(rhythm_from=begins_at),
        floor=recording.floor,
    )
    state = plan_first(situation, begins_at).state
    return Rehearsal(replace(situation, state=state), begins_at)
