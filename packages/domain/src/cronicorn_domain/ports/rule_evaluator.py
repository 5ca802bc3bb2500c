"""Answers yes/no expressions about how a run ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from cronicorn_domain.identity import TenantId
from cronicorn_domain.model.facts import Facts

EXPRESSION_LENGTH: Final = 1000
"""So many characters an expression has at most."""


@dataclass(frozen=True, slots=True)
class Said:
    """The expression says yes or no."""

    yes: bool


@dataclass(frozen=True, slots=True)
class NotThere:
    """It asks about something that is not there: the rule does not hold, which is usual."""

    message: str


@dataclass(frozen=True, slots=True)
class Faulty:
    """It cannot be answered: the rule does not hold, and a person has to mend it."""

    message: str


Verdict = Said | NotThere | Faulty


class RuleEvaluator(Protocol):
    """
    Answers expressions in CEL, the Common Expression Language (https://cel.dev).

    An expression may use ``status``, ``body``, ``headers`` (names in small letters),
    ``durationMs``, ``failures``, ``health`` (``successes``, ``failures``, ``rate``), ``previous``
    (``succeeded``, ``status``, ``body``, ``headers``, ``durationMs``; empty before the second run),
    ``siblings.<name>`` (the same of each sibling) and ``now``.

    Promises:

    - An expression that explodes costs its caller at most the evaluator's time limit, keeps no
      other caller's from being answered, and takes no memory of the caller's process. It may be
      `Faulty` for some minutes from then on, for its tenant alone.
    - A tenant with many that explode, or that take long, keeps no other tenant waiting for them.
    - Texts reach it without NUL and lone surrogates; numbers that it cannot hold are rounded.
    """

    def check(self, expression: str) -> None:
        """
        Accept an expression in silence, as far as can be told without an answer.

        Raises:
            InvalidExpression: it cannot be understood, names what there is not, does not fit the
                types that are known, is too long, or says anything but yes or no. ``line`` and
                ``column`` say where, where that is known.
        """
        ...

    async def judge(
        self, expressions: Sequence[str], facts: Facts, *, tenant: TenantId | None = None
    ) -> Sequence[Verdict]:
        """
        Answer each expression of a tenant's about the same facts, in their order.

        One that cannot be answered (`Faulty`), also for want of time or memory, harms only itself.
        Who does not say whose they are is a tenant like others.
        """
        ...
