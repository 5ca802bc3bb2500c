"""Asks conditions about recorded answers, and no oftener than has to be."""

from collections.abc import Sequence
from typing import Final

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.facts import Facts
from cronicorn_domain.model.rules import EndpointRule
from cronicorn_domain.ports.rule_evaluator import RuleEvaluator, Verdict

from cronicorn_planner.rules.gathering import names_in

_AROUND: Final = frozenset({"previous", "siblings", "health", "failures", "now"})
"""Who asks about none of these says the same of an answer whenever it is asked."""


class Judging:
    """
    The rules' conditions, in their order.

    What a condition says of an answer alone is kept, by the answer's number: an endpoint that is
    called often meets the same recorded answer many times.
    """

    def __init__(
        self, evaluator: RuleEvaluator, rules: Sequence[EndpointRule], tenant: TenantId
    ) -> None:
        self._evaluator = evaluator
        self._tenant = tenant
        self._conditions = [rule.when for rule in rules]
        self._alone = [not names_in((each,)) & _AROUND for each in self._conditions]
        self._kept: dict[tuple[int, str], Verdict] = {}

    async def verdicts(self, answer: int, facts: Facts) -> list[Verdict]:
        """Return what each condition says of an answer, by its number, in these surroundings."""
        open_ones = [
            each for each in self._conditions if (answer, each) not in self._kept
        ]  # those around the answer are never kept
        said: dict[str, Verdict] = {}
        if open_ones:
            judged = await self._evaluator.judge(open_ones, facts, tenant=self._tenant)
            said = dict(zip(open_ones, judged, strict=True))
        for condition, alone in zip(self._conditions, self._alone, strict=True):
            if alone and condition in said:
                self._kept[(answer, condition)] = said[condition]
        return [self._kept.get((answer, each)) or said[each] for each in self._conditions]
