"""Says what an endpoint's own conditions make of an answer."""

from datetime import datetime
from typing import assert_never

from cronicorn_domain.errors import StoreError
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.rulings import NO_RULING, Assessed, Ruling
from cronicorn_domain.model.run import Blocked, Failed, FailureKind, Outcome, Response, Succeeded
from cronicorn_domain.ports.endpoint_queue import ClaimedRun
from cronicorn_domain.ports.rule_evaluator import (
    Faulty,
    NotThere,
    RuleEvaluator,
    Said,
)
from cronicorn_domain.ports.unit_of_work import UnitsOfWork

from cronicorn_planner.rules.ended_run import EndedRun, fault_told
from cronicorn_planner.rules.gathering import Gathering, Past


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
        took = ended_at - started_at
        past = await self._past(run.endpoint, ended_at)
        if isinstance(past, Faulty):
            # The settle waits for the store; what its conditions ask about is not waited for, and
            # that it is away is no failure of the target.
            return Assessed(outcome=outcome, ruling=Ruling(remarks=(past.message,)))
        ended = EndedRun(run.endpoint, run.plan.tries, past, took, ended_at)
        counts_as = await self._counted(ended, outcome)
        return Assessed(outcome=counts_as, ruling=await self._ruled(ended, counts_as))

    async def counted(
        self, endpoint: Endpoint, outcome: Outcome, *, started_at: datetime, ended_at: datetime
    ) -> Outcome:
        """Return what an answer counts as by the endpoint's own condition; no rule is asked."""
        if isinstance(outcome, Blocked) or endpoint.success_when is None:
            return outcome
        past = await self._past(endpoint, ended_at)
        if isinstance(past, Faulty):
            return outcome
        return await self._counted(
            EndedRun(endpoint, 0, past, ended_at - started_at, ended_at), outcome
        )

    async def _past(self, endpoint: Endpoint, ended_at: datetime) -> Past | Faulty:
        conditions = [rule.when for rule in endpoint.rules.rules]
        if endpoint.success_when is not None:
            conditions.append(endpoint.success_when)
        try:
            return await self._gathering.before(endpoint, conditions, now=ended_at)
        except StoreError as error:
            why = f"the history could not be read ({type(error).__name__})"
            return Faulty(f"its conditions were not judged: {why}")

    async def _counted(self, ended: EndedRun, outcome: Succeeded | Failed) -> Succeeded | Failed:
        """Let the endpoint's own condition decide about an answer, whatever its status."""
        condition, response = ended.endpoint.success_when, _answered(outcome)
        if condition is None or response is None:
            return outcome
        (verdict,) = await self._evaluator.judge(
            [condition], ended.facts(outcome), tenant=ended.endpoint.tenant
        )
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

    async def _ruled(self, ended: EndedRun, outcome: Succeeded | Failed) -> Ruling:
        rules = ended.endpoint.rules.rules
        if not rules:
            return NO_RULING
        conditions = [rule.when for rule in rules]
        verdicts = await self._evaluator.judge(
            conditions, ended.facts(outcome), tenant=ended.endpoint.tenant
        )
        judged = list(zip(rules, verdicts, strict=True))
        return Ruling(
            held=tuple(rule for rule, verdict in judged if verdict == Said(yes=True)),
            remarks=tuple(
                fault_told(number, rule, verdict)
                for number, (rule, verdict) in enumerate(judged, 1)
                if isinstance(verdict, Faulty)
            ),
        )


def _answered(outcome: Succeeded | Failed) -> Response | None:
    """Return what the target answered in full; a deadline or a cut line is no answer."""
    if isinstance(outcome, Succeeded):
        return outcome.response
    return outcome.response if outcome.kind is FailureKind.HTTP_STATUS else None
