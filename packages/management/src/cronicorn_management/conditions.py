"""Says whether a condition can be meant, when somebody writes one."""

from typing import Final, Protocol

from cronicorn_domain.errors import InvalidExpression


class Conditions(Protocol):
    """What checks conditions: a `RuleEvaluator`, of which nothing else is needed here."""

    def check(self, expression: str) -> None:
        """Accept a condition in silence. Raises ``InvalidExpression``."""
        ...


class NoConditions:
    """Where nothing judges conditions none is kept: it would never hold."""

    def check(self, expression: str) -> None:
        """Refuse every condition."""
        del expression
        raise InvalidExpression(
            "conditions are not judged here", field="when", remedy="leave them out"
        )


NO_CONDITIONS: Final = NoConditions()
