"""Runs rules over answers: what it takes besides the store."""

from datetime import datetime
from typing import Final, Protocol

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.model.decision import Decision
from cronicorn_domain.model.replay import Recording, Replay
from cronicorn_domain.model.rules import RuleSet
from cronicorn_domain.model.run import Failed, Succeeded
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.previewing import preview_of


class Replays(Protocol):
    """Judges conditions as a worker does, within bounds of its own; nothing is written or sent."""

    async def replay(self, recording: Recording, rules: RuleSet) -> Replay:
        """Return what rules would have made of a recording, which has an answer at least."""
        ...

    async def foresee(
        self, situation: Situation, outcome: Succeeded | Failed, *, count: int, now: datetime
    ) -> tuple[Decision, ...]:
        """Return the decisions of the next runs, if each answers alike, rules included."""
        ...


class NoReplays:
    """Where nothing judges conditions no rule holds."""

    async def replay(self, recording: Recording, rules: RuleSet) -> Replay:
        """Refuse it: no condition would ever hold."""
        del recording, rules
        raise InvalidInput("rules are not judged here", field="rules", remedy="ask where they are")

    async def foresee(
        self, situation: Situation, outcome: Succeeded | Failed, *, count: int, now: datetime
    ) -> tuple[Decision, ...]:
        """Foresee it without rules."""
        return preview_of(situation, outcome, count=count, now=now)


NO_REPLAYS: Final = NoReplays()
