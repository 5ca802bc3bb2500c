"""A model that says what it was told to say."""

from collections.abc import Callable, Iterable

from cronicorn_domain.model.conversation import Answer, Ask, Silence, Unanswered

Line = Answer | Unanswered | Callable[[Ask], Answer | Unanswered]
"""What is said next, or what makes it of the ask."""


class ScriptedModelClient:
    """Says the lines of its script, one for each ask, and keeps what it was asked in ``asks``."""

    def __init__(self, script: Iterable[Line]) -> None:
        self._script = iter(script)
        self.asks: list[Ask] = []

    async def ask(self, ask: Ask) -> Answer | Unanswered:
        """Say the next line; behind the last one the ask is rejected."""
        self.asks.append(ask)
        line = next(self._script, None)
        if line is None:
            return Unanswered(why=Silence.REJECTED, message="the script is over")
        return line(ask) if callable(line) else line
