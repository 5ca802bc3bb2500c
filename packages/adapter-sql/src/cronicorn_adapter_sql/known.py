"""
What this process remembers of endpoints, so that it need not read again what it knows.

Everything that the governor weighs about an endpoint is as it was for as long as the revision of
its state is. So what was read once, or written by a settle, can be used for the next decision if
the revision is still the same; that is looked at under the lock, or within the statement that
writes. Where another process has run the endpoint, only its state has changed: the edition is the
same, and the state alone is read. What is not remembered is read, too: to forget is always safe.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from cronicorn_domain.frozen import quickly_made
from cronicorn_domain.identity import Token
from cronicorn_domain.model.run import Run
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.lapsing import unlapsed

Key = TypeVar("Key")
Value = TypeVar("Value")

MOST_ENDPOINTS: Final = 20_000
"""So many are remembered, some 50 MB of them; the longest unused are forgotten first."""
MOST_RUNS: Final = 10_000
"""So many leased runs; more than a worker has under way."""


@quickly_made
@dataclass(frozen=True, slots=True)
class HeldRun:
    """
    A leased run: its row, and the situation, lease included, that its claim left behind.

    ``state_at`` is where PostgreSQL has the state of this revision; None: only its index tells.
    """

    run: Run
    situation: Situation
    revision: int
    edition: int
    state_at: str | None = None


@quickly_made
@dataclass(frozen=True, slots=True)
class Remembered:
    """The situation that an endpoint without a lease had at a revision and an edition."""

    situation: Situation
    revision: int
    edition: int


class Known:
    """Situations of endpoints between their runs, and those that leased runs were claimed in."""

    def __init__(self, *, endpoints: int = MOST_ENDPOINTS, runs: int = MOST_RUNS) -> None:
        self._most = endpoints
        self._most_runs = runs
        self._endpoints: dict[UUID, Remembered] = {}
        self._runs: dict[Token, HeldRun] = {}

    def endpoint(self, endpoint_id: UUID, now: datetime) -> Remembered | None:
        """Return what is remembered of an endpoint, without what has lapsed."""
        known = self._endpoints.get(endpoint_id)
        if known is None:
            return None
        situation = unlapsed(known.situation, now)
        return known if situation is known.situation else replace(known, situation=situation)

    def keep(self, situation: Situation, *, revision: int, edition: int) -> None:
        """Remember the situation that an endpoint without a lease has at a revision."""
        self._endpoints.pop(situation.endpoint.id, None)
        self._endpoints[situation.endpoint.id] = Remembered(situation, revision, edition)
        _shrink(self._endpoints, self._most)

    def hold(self, token: Token, held: HeldRun) -> None:
        """Remember a run that has just been leased, and its endpoint as nothing but that."""
        self._endpoints.pop(held.situation.endpoint.id, None)
        self._runs[token] = held
        _shrink(self._runs, self._most_runs)

    def held(self, token: Token) -> HeldRun | None:
        """Return a leased run, if it is remembered."""
        return self._runs.get(token)

    def let_go(self, tokens: Iterable[Token]) -> None:
        """Forget runs that have ended."""
        for token in tokens:
            self._runs.pop(token, None)

    def forget(self) -> None:
        """Forget everything: the database may not be the one it was."""
        self._endpoints.clear()
        self._runs.clear()


def _shrink(remembered: dict[Key, Value], most: int) -> None:
    """Forget the first, which are the longest unused."""
    while len(remembered) > most:
        remembered.pop(next(iter(remembered)))
