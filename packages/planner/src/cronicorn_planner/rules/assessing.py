"""Says what an endpoint's own conditions make of an answer."""

from datetime import datetime
from typing import assert_never

from cronicorn_domain.errors import StoreError
from cronicorn_domain.model.facts import Answer
from cronicorn_domain.model.rules import EndpointRule
from cronicorn_domain.model.rulings import Assessed, Ruling
from cronicorn_domain.model.run import Blocked, Failed, FailureKind, Outcome, Response, Succeeded
from cronicorn_domain.ports.endpoint_queue import ClaimedRun
from cronicorn_domain.ports.rule_evaluator import (
    Faulty,
    NotThere,
    RuleEvaluator,
    Said,
    Verdict,
)
from cronicorn_domain.ports.unit_of_work import UnitsOfWork

from cronicorn_planner.rules.gathering import Gathering


class RuleAssessor:
    """
    Assesses runs by what their endpoints say of success, and by their rules.

    A condition that cannot be answered stops neither the run nor the others: it is told.
    """

    def __init__(self, evaluator: RuleEvaluator, units: UnitsOfWork) -> None:
        self._evaluator = evaluator
        self._gathering = Gathering(units)

    async def assess(
        self, run: ClaimedRun, outcome: Outcome, *, started_at: datetime, ended_at: datetime
    ) -> Assessed:
        """Return what the run counts as, and what the rules say about it."""
        if isinstance(outcome, Blocked):
            return Assessed(outcome=outcome)
        counts_as = await self._counted(run, outcome, started_at, ended_at)
        ruling = await self._ruled(run, counts_as, started_at, ended_at)
        return Assessed(outcome=counts_as, ruling=ruling)

    async def _counted(
        self,
        run: ClaimedRun,
        outcome: Succeeded | Failed,
        started_at: datetime,
        ended_at: datetime,
    ) -> Succeeded | Failed:
        """Let the endpoint's own condition decide about an answer, whatever its status."""
        condition, response = run.endpoint.success_when, _answered(outcome)
        if condition is None or response is None:
            return outcome
        (verdict,) = await self._verdicts(run, outcome, [condition], started_at, ended_at)
        match verdict:
            case Said(yes):
                if yes:
                    return Succeeded(response=response, timing=outcome.timing)
                message = f"answered {response.status_code}, and its condition does not hold"
            case NotThere(message=why) | Faulty(message=why):
                message = f"its condition cannot be answered: {why}"
            case _:
                assert_never(verdict)
        return Failed(
            kind=FailureKind.ASSERTION, message=message, response=response, timing=outcome.timing
        )

    async def _ruled(
        self,
        run: ClaimedRun,
        outcome: Succeeded | Failed,
        started_at: datetime,
        ended_at: datetime,
    ) -> Ruling:
        rules = run.endpoint.rules.rules
        if not rules:
            return Ruling()
        conditions = [rule.when for rule in rules]
        verdicts = await self._verdicts(run, outcome, conditions, started_at, ended_at)
        judged = list(zip(rules, verdicts, strict=True))
        return Ruling(
            held=tuple(rule for rule, verdict in judged if verdict == Said(yes=True)),
            remarks=tuple(
                _told(number, rule, verdict)
                for number, (rule, verdict) in enumerate(judged, 1)
                if isinstance(verdict, Faulty)
            ),
        )

    async def _verdicts(
        self,
        run: ClaimedRun,
        outcome: Succeeded | Failed,
        conditions: list[str],
        started_at: datetime,
        ended_at: datetime,
    ) -> list[Verdict]:
        answer = _answer(outcome, started_at, ended_at)
        try:
            facts = await self._gathering.about(
                run, answer, conditions, fails=_fails(run, outcome), now=ended_at
            )
        except StoreError as error:
            # The settle waits for the store; what it asks about cannot be waited for as well.
            return [Faulty(f"the history could not be read ({type(error).__name__})")] * len(
                conditions
            )
        return list(await self._evaluator.judge(conditions, facts))


def _answered(outcome: Succeeded | Failed) -> Response | None:
    """Return what the target answered in full; a deadline or a cut line is no answer."""
    if isinstance(outcome, Succeeded):
        return outcome.response
    return outcome.response if outcome.kind is FailureKind.HTTP_STATUS else None


def _answer(outcome: Succeeded | Failed, started_at: datetime, ended_at: datetime) -> Answer:
    succeeded, response = isinstance(outcome, Succeeded), outcome.response
    if response is None:
        return Answer(succeeded=succeeded, duration=ended_at - started_at)
    return Answer(
        succeeded=succeeded,
        status=response.status_code,
        body=response.body,
        headers=response.headers,
        duration=ended_at - started_at,
    )


def _fails(run: ClaimedRun, outcome: Succeeded | Failed) -> bool:
    """Say whether the outcome adds a failure: of the tries of one fire time only the last does."""
    if isinstance(outcome, Succeeded) or outcome.kind.ours:
        return False
    return run.plan.tries + 1 >= run.endpoint.retry.attempts


def _told(number: int, rule: EndpointRule, verdict: Faulty) -> str:
    shown = " ".join(rule.when.split())[:80]
    return f"rule {number} ({shown}) cannot be answered: {verdict.message}"
