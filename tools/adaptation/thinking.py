"""A scripted model: it looks at the latest response, thinks as a story says, and proposes."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cronicorn_domain.model.conversation import (
    Answer,
    Ask,
    Finish,
    Result,
    Told,
    ToolCall,
    Unanswered,
    Usage,
)
from cronicorn_planner.asking.rationed import tokens_most

TAKES: Final = timedelta(seconds=3)
"""So long each answer takes; a session has two."""
_WRITTEN: Final = 120
"""Tokens of an answer, about."""
_MARKS = re.compile(r"<<(?:data|end) [0-9a-f]+>>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """
    What a model is told of an endpoint; nothing else of the story.

    Attributes:
        now: The instant of the look.
        slot: Of the latest run.
        body: What its target answered.
        took: How long that was.
        failures: In a row.
        hinted: Whether hints hold now.
    """

    now: datetime
    slot: datetime
    body: Mapping[str, Any]
    took: timedelta
    failures: int
    hinted: bool


@dataclass(frozen=True, slots=True)
class Thought:
    """What a model proposes, as calls of tools, and after how long it looks again."""

    again_in: timedelta
    calls: tuple[tuple[str, Mapping[str, object]], ...] = ()


Mind = Callable[[Seen], Thought]
"""What a story's model makes of what it sees."""


class ScriptedModel:
    """A ``ModelClient`` that asks for the latest response, and then says what its mind makes."""

    def __init__(self, mind: Mind) -> None:
        self._mind = mind
        self.looks = 0
        self.tokens = 0

    async def ask(self, ask: Ask) -> Answer | Unanswered:
        """Look first, then propose and submit."""
        await asyncio.sleep(TAKES.total_seconds())
        results = [each for each in ask.messages if isinstance(each, Result)]
        if results:
            thought = self._thought(ask, results[-1])
            submitted = {"reasoning": "scripted", "next_analysis_in_ms": _ms(thought.again_in)}
            calls: Sequence[tuple[str, Mapping[str, object]]] = (
                *thought.calls,
                ("submit_analysis", submitted),
            )
        else:
            self.looks += 1
            calls = [("get_latest_response", {})]
        usage = Usage(tokens_in=tokens_most(ask) - ask.tokens_most, tokens_out=_WRITTEN)
        self.tokens += usage.tokens
        return Answer(
            text="",
            calls=tuple(
                ToolCall(id=str(number), tool=tool, arguments=arguments)
                for number, (tool, arguments) in enumerate(calls)
            ),
            finish=Finish.DONE,
            usage=usage,
        )

    def _thought(self, ask: Ask, latest: Result) -> Thought:
        told = next(each.text for each in ask.messages if isinstance(each, Told))
        standing = json.loads(told[told.index("\n") + 1 :])
        run = json.loads(latest.text)
        if "slot" not in run:
            return Thought(timedelta(minutes=5))  # it has not run yet
        return self._mind(
            Seen(
                now=datetime.fromisoformat(standing["now"]),
                slot=datetime.fromisoformat(run["slot"]),
                body=json.loads(_MARKS.sub("", run["body"])),
                took=timedelta(milliseconds=run["duration_ms"]),
                failures=standing["failures_in_a_row"],
                hinted=bool(standing["hints"]),
            )
        )


def _ms(length: timedelta) -> int:
    return max(1, round(length.total_seconds() * 1000))


def interval(every: timedelta, life: timedelta) -> tuple[str, Mapping[str, object]]:
    """Return the call that proposes an interval."""
    minutes = round(life.total_seconds() / 60)
    return "propose_interval", {
        "interval_ms": _ms(every),
        "ttl_minutes": minutes,
        "reason": "scripted",
    }


def run_in(wait: timedelta) -> tuple[str, Mapping[str, object]]:
    """Return the call that proposes one run."""
    return "propose_next_time", {"next_run_in_ms": _ms(wait), "reason": "scripted"}


def trigger(name: str) -> tuple[str, Mapping[str, object]]:
    """Return the call that triggers a sibling."""
    return "trigger_sibling", {"name": name, "reason": "scripted"}


def clear() -> tuple[str, Mapping[str, object]]:
    """Return the call that clears hints."""
    return "clear_hints", {"reason": "scripted"}
