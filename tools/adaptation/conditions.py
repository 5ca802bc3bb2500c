"""Conditions in CEL, answered in this process: virtual time has no place for another."""

from collections.abc import Mapping, Sequence
from typing import Any

from cronicorn_adapter_cel.answering import answer
from cronicorn_adapter_cel.facts import read, written
from cronicorn_adapter_cel.language import ENVIRONMENT, compiled
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.facts import Facts
from cronicorn_domain.ports.rule_evaluator import Faulty, NotThere, Said, Verdict


class ConditionsHere:
    """A ``RuleEvaluator`` that says the same as the one of a worker; nothing ends what explodes."""

    def check(self, expression: str) -> None:
        """Refuse what cannot be understood, in the library's words."""
        compiled(expression)

    async def judge(
        self,
        expressions: Sequence[str],
        facts: Facts,
        *,
        tenant: TenantId | None = None,  # noqa: ARG002  they are the same for everybody
    ) -> Sequence[Verdict]:
        """Answer each."""
        about = ENVIRONMENT.Activation(read(written(facts, expressions)))
        return [_verdict(answer(each, about)) for each in expressions]


def _verdict(answered: Mapping[str, Any]) -> Verdict:
    match answered:
        case {"yes": bool() as yes}:
            return Said(yes)
        case {"absent": str() as message}:
            return NotThere(message)
        case _:
            return Faulty(str(answered["faulty"]))
