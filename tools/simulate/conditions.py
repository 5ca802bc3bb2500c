"""Conditions without a child process: each is one of a few that are known by heart."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from cronicorn_domain.errors import InvalidExpression
from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.facts import Facts
from cronicorn_domain.ports.rule_evaluator import Faulty, NotThere, Said, Verdict

from tools.simulate.drawing import MILLISECOND

TAKES: Final = 2 * MILLISECOND
"""Judging takes a while, in which a worker may end."""

_SLOW: Final = timedelta(seconds=1)


def _previous_failed(facts: Facts) -> Verdict:
    if facts.previous is None:
        return NotThere("there is no previous run")
    return Said(not facts.previous.succeeded)


CONDITIONS: Final[Mapping[str, Callable[[Facts], Verdict]]] = {
    "true": lambda _: Said(yes=True),
    "status == 200": lambda facts: Said(facts.answer.status == 200),  # noqa: PLR2004
    "status >= 500": lambda facts: Said(facts.answer.status >= 500),  # noqa: PLR2004
    "status == 0": lambda facts: Said(facts.answer.status == 0),
    "durationMs >= 1000": lambda facts: Said(facts.answer.duration >= _SLOW),
    "failures >= 2": lambda facts: Said(facts.failures >= 2),  # noqa: PLR2004
    "health.failures == 0": lambda facts: Said(facts.health.failures == 0),
    "!previous.succeeded": _previous_failed,
    "siblings.size() > 0": lambda facts: Said(bool(facts.siblings)),
    "1 / 0 == 1": lambda _: Faulty("division by zero"),
}
"""What is asked, in the words of a rule, and the answer."""


class KnownConditions:
    """A ``RuleEvaluator`` that knows these conditions and no other."""

    def check(self, expression: str) -> None:
        """Refuse what is not known."""
        if expression not in CONDITIONS:
            raise InvalidExpression("it is not known here", field="when", remedy="draw another")

    async def judge(
        self,
        expressions: Sequence[str],
        facts: Facts,
        *,
        tenant: TenantId | None = None,  # noqa: ARG002  they are the same for everybody
    ) -> Sequence[Verdict]:
        """Answer each, after a while."""
        await asyncio.sleep(TAKES.total_seconds())
        return [CONDITIONS[each](facts) for each in expressions]
