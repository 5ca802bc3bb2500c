"""A run that is over, as conditions see it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.facts import Answer, Facts
from cronicorn_domain.model.rules import EndpointRule
from cronicorn_domain.model.run import Failed, Succeeded
from cronicorn_domain.ports.rule_evaluator import Faulty

from cronicorn_planner.rules.gathering import Past


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A run that is over, after so long, at an instant; and what was before it."""

    endpoint: Endpoint
    tries: int
    past: Past
    took: timedelta
    at: datetime

    def facts(self, outcome: Succeeded | Failed) -> Facts:
        """Return what there is to be asked about, if the run counts as ``outcome``."""
        return Facts(
            now=self.at,
            answer=answer_of(outcome, self.took),
            failures=self._failures(outcome),
            health=self.past.health,
            previous=self.past.previous,
            siblings=self.past.siblings,
        )

    def _failures(self, outcome: Succeeded | Failed) -> int:
        """Count the run as its settle will: of the tries of one fire time only the last counts."""
        if isinstance(outcome, Succeeded):
            return 0
        last = self.tries + 1 >= self.endpoint.retry.attempts
        return self.past.failures + (1 if last and not outcome.kind.ours else 0)


def answer_of(outcome: Succeeded | Failed, took: timedelta) -> Answer:
    """Return how a run ended, for conditions to be asked about."""
    succeeded, response = isinstance(outcome, Succeeded), outcome.response
    if response is None:
        return Answer(succeeded=succeeded, duration=took)
    return Answer(
        succeeded=succeeded,
        status=response.status_code,
        body=response.body,
        headers=response.headers,
        duration=took,
    )


def fault_told(number: int, rule: EndpointRule, verdict: Faulty) -> str:
    """Tell that a rule cannot be answered, and why, in one line."""
    shown = " ".join(rule.when.split())[:80]
    return f"rule {number} ({shown}) cannot be answered: {verdict.message}"
