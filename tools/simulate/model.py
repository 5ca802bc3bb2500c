"""A model that says sensible and absurd things, as a seed has it, and at times nothing at all."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from random import Random
from typing import Final

from cronicorn_domain.instants import iso_milliseconds
from cronicorn_domain.model.conversation import (
    Answer,
    Ask,
    BrokenCall,
    Call,
    Finish,
    Silence,
    ToolCall,
    Unanswered,
    Usage,
)
from cronicorn_domain.ports.clock import Clock

from tools.simulate.drawing import MINUTE, SECOND, one_of, sometimes

MANY: Final = 1_000
"""So many tools are called at once by whoever has lost all measure."""
TAKES: Final = (SECOND / 20, SECOND, 10 * SECOND, 40 * SECOND)
_LENGTHS: Final = (1, 999, 1_000, 5_000, 15_000, 60_000, 300_000, 3_600_000)
_ABSURD: Final = (0, -1, -60_000, 0.5, 1.5, float("nan"), float("inf"), 10**18, True, "soon", None)
_MOMENTS: Final = (-3_600, -1, 0, 0.001, 1, 5, 30, 60, 90, 300, 1_800, 90_000, 10_000_000)
_NO_MOMENTS: Final = ("", "soon", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", 7, None)

Arguments = dict[str, object]


class DrawnModel:
    """A ``ModelClient`` that draws what it says; ``names`` are of endpoints that it may know."""

    def __init__(self, chance: Random, clock: Clock, names: tuple[str, ...]) -> None:
        self._chance = chance
        self._clock = clock
        self._names = names

    async def ask(self, ask: Ask) -> Answer | Unanswered:
        """Say something after a while, within the time of the ask."""
        chance = self._chance
        takes = timedelta(days=1) if sometimes(chance, 0.03) else chance.choice(TAKES)
        await asyncio.sleep(min(takes, ask.timeout).total_seconds())
        if takes >= ask.timeout:
            return Unanswered(why=Silence.TOO_LATE, message="it did not answer in time")
        if sometimes(chance, 0.06):
            return Unanswered(
                why=chance.choice(tuple(Silence)),
                message="a fault",
                retry_after=one_of(chance, None, SECOND, 10 * SECOND, 60 * MINUTE),
            )
        return Answer(
            text=one_of(chance, "", "All is well.", "\0\ud800"),
            calls=self._calls(),
            finish=Finish.DONE if sometimes(chance, 0.95) else chance.choice(tuple(Finish)),
            usage=self._usage(ask),
        )

    def _usage(self, ask: Ask) -> Usage | None:
        """Nobody knows it at times; a vendor never writes more than it was allowed to."""
        if sometimes(self._chance, 0.1):
            return None
        return Usage(
            tokens_in=self._chance.randrange(1_500),
            tokens_out=self._chance.randrange(ask.tokens_most),
        )

    def _calls(self) -> tuple[Call, ...]:
        chance = self._chance
        if sometimes(chance, 0.05):
            return ()
        if sometimes(chance, 0.02):
            return tuple(self._call(str(number)) for number in range(MANY))
        calls = [self._call(str(number)) for number in range(chance.randrange(4))]
        if sometimes(chance, 0.6):
            calls.append(ToolCall(id="end", tool="submit_analysis", arguments=self._submitted()))
        return tuple(calls)

    def _call(self, key: str) -> Call:
        chance = self._chance
        if sometimes(chance, 0.03):
            return BrokenCall(id=key, tool="propose_interval", said='{"interval_ms": 3')
        if sometimes(chance, 0.03):
            return ToolCall(id=key, tool="delete_everything", arguments={})
        tool, arguments = chance.choice(tuple(_TOOLS.items()))
        return ToolCall(id=key, tool=tool, arguments={**arguments(self), "reason": "drawn"})

    def _submitted(self) -> Arguments:
        return {"reasoning": "drawn", "next_analysis_in_ms": self._length()}

    def _length(self) -> object:
        return self._chance.choice(_LENGTHS if sometimes(self._chance, 0.7) else _ABSURD)

    def _moment(self) -> object:
        if sometimes(self._chance, 0.15):
            return self._chance.choice(_NO_MOMENTS)
        return iso_milliseconds(self._clock.now() + SECOND * self._chance.choice(_MOMENTS))

    def interval(self) -> Arguments:
        """Propose another interval."""
        life = one_of(self._chance, None, 1, 2, 10, 60, 0, -5, 0.5, 10**9)
        return {"interval_ms": self._length(), "ttl_minutes": life}

    def next_time(self) -> Arguments:
        """Propose a run, in one of two ways, or in both."""
        if sometimes(self._chance, 0.5):
            return {"next_run_in_ms": self._length()}
        return {"next_run_at": self._moment()}

    def pause(self) -> Arguments:
        """Propose a pause."""
        return {"until": self._moment()}

    def trigger(self) -> Arguments:
        """Name a sibling, itself, or nobody."""
        return {"name": self._chance.choice((*self._names, "nobody", ""))}

    def nothing(self) -> Arguments:
        """Give nothing."""
        return {}


_TOOLS: Final[Mapping[str, Callable[[DrawnModel], Arguments]]] = {
    "propose_interval": DrawnModel.interval,
    "propose_next_time": DrawnModel.next_time,
    "pause_until": DrawnModel.pause,
    "trigger_sibling": DrawnModel.trigger,
    "clear_hints": DrawnModel.nothing,
    "get_latest_response": DrawnModel.nothing,
    "get_history": DrawnModel.nothing,
    "get_sibling_responses": DrawnModel.nothing,
}
