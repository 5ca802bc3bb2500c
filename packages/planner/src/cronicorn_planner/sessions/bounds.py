"""What a session may cost at most, and what tokens cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """In millionths of a currency, for a million tokens that a model reads and that it writes."""

    tokens_in: int
    tokens_out: int

    def cost(self, tokens_in: int, tokens_out: int) -> int:
        """Return what so many tokens cost, in millionths; a started one counts as whole."""
        return -(-(tokens_in * self.tokens_in + tokens_out * self.tokens_out) // _MILLION)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """
    What the tokens of models cost.

    Attributes:
        usual: Of the planner's own model, and of those that have no prices of their own.
        by_model: Of models by their names.
    """

    usual: Prices
    by_model: Mapping[str, Prices] = field(default_factory=dict)

    def of(self, model: str) -> Prices:
        """Return a model's own prices, or the usual ones."""
        return self.by_model.get(model, self.usual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """
    The most that one session may use; whichever is reached first ends it, and nothing is granted.

    Attributes:
        steps: Asks of the model.
        calls: Tools that it calls.
        tokens: Read and written, in all; no ask is made that might exceed it.
        answer: So many tokens one answer has at most.
        lasts: From the beginning to the last answer.
        ask: How long one answer may take.
        cost: In millionths of a currency; None, or no prices: the tokens alone bound it.
    """

    steps: int = 8
    calls: int = 16
    tokens: int = 60_000
    answer: int = 2_048
    lasts: timedelta = timedelta(minutes=3)
    ask: timedelta = timedelta(seconds=60)
    cost: int | None = None


BOUNDS: Final = Bounds()
"""Those of whoever says nothing."""
