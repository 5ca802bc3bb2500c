"""The tools that a model may call, and what its arguments mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from cronicorn_domain.errors import InvalidInput
from cronicorn_domain.instants import ceil_millisecond
from cronicorn_domain.model.conversation import Tool
from cronicorn_domain.model.hint import DEFAULT_LIFE, LONGEST_LIFE
from cronicorn_domain.model.proposal import (
    Proposal,
    ProposeClearing,
    ProposeInterval,
    ProposePause,
    ProposeRun,
    ProposeTrigger,
)
from cronicorn_domain.policies.proposing import REASON_LENGTH

HISTORY_MOST: Final = 50
HISTORY_USUAL: Final = 10
REASONING_LENGTH: Final = 4000
_LATEST_MS: Final = int(LONGEST_LIFE / timedelta(milliseconds=1))

Arguments = Mapping[str, object]
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class ReadLatest:
    """It wants to see the latest response."""


@dataclass(frozen=True, slots=True)
class ReadHistory:
    """It wants to see the latest runs."""

    limit: int


@dataclass(frozen=True, slots=True)
class ReadSiblings:
    """It wants to see the latest responses of the job's other endpoints."""


@dataclass(frozen=True, slots=True)
class Submit:
    """It is done: what it found, and when it wants to look again (None: it does not say)."""

    reasoning: str
    again_in: timedelta | None


Wish = ReadLatest | ReadHistory | ReadSiblings | Submit | Proposal
"""What a call of a tool means."""


def _tool(name: str, description: str, needed: tuple[str, ...] = (), /, **members: object) -> Tool:
    parameters: dict[str, object] = {"type": "object", "properties": members}
    if needed:
        parameters["required"] = list(needed)
    return Tool(name=name, description=description, parameters=parameters)


_REASON: Final = {
    "type": "string",
    "description": "Why, in one sentence; people read it.",
    "maxLength": REASON_LENGTH,
}
_LIFE: Final = {
    "type": "integer",
    "minimum": 1,
    "description": "For how many minutes it holds; 60 if left out, a week at most.",
}

TOOLS: Final = (
    _tool("get_latest_response", "See the latest response of the endpoint."),
    _tool(
        "get_history",
        "See the endpoint's latest runs, the newest first: when, what came of them, how long.",
        limit={"type": "integer", "minimum": 1, "maximum": HISTORY_MOST},
    ),
    _tool("get_sibling_responses", "See the latest responses of the other endpoints of its job."),
    _tool(
        "propose_interval",
        "Run the endpoint at another interval for a while. Guardrails hold.",
        ("interval_ms", "reason"),
        interval_ms={"type": "integer", "minimum": 1000},
        ttl_minutes=_LIFE,
        reason=_REASON,
    ),
    _tool(
        "propose_next_time",
        "Run the endpoint once, besides its rhythm: so many milliseconds from now, or at an"
        " instant.",
        ("reason",),
        next_run_in_ms={"type": "integer", "minimum": 1},
        next_run_at={"type": "string", "description": "ISO 8601 with a zone"},
        ttl_minutes=_LIFE,
        reason=_REASON,
    ),
    _tool(
        "pause_until",
        "Do not run the endpoint until an instant, at most a day ahead.",
        ("until", "reason"),
        until={"type": "string", "description": "ISO 8601 with a zone"},
        reason=_REASON,
    ),
    _tool(
        "clear_hints",
        "End the hints that rules and you have written, so that the schedule itself holds again.",
        ("reason",),
        reason=_REASON,
    ),
    _tool(
        "trigger_sibling",
        "Run another endpoint of the job once, now, also if it is paused.",
        ("name", "reason"),
        name={"type": "string"},
        reason=_REASON,
    ),
    _tool(
        "submit_analysis",
        "End: say what you found and did. Nothing that you proposed takes effect before.",
        ("reasoning",),
        reasoning={"type": "string", "maxLength": REASONING_LENGTH},
        next_analysis_in_ms={
            "type": "integer",
            "minimum": 1,
            "description": "When to look at the endpoint again; looks cost money.",
        },
    ),
)
NAMES: Final = frozenset(tool.name for tool in TOOLS)


def wish_of(tool: str, given: Arguments, now: datetime) -> Wish:
    """
    Return what a call means; whether it is granted is for others to judge.

    Raises:
        InvalidInput: there is no such tool, or its arguments cannot be meant.
    """
    match tool:
        case "get_latest_response":
            return ReadLatest()
        case "get_history":
            limit = _whole(given, "limit")
            return ReadHistory(HISTORY_USUAL if limit is None else min(max(limit, 1), HISTORY_MOST))
        case "get_sibling_responses":
            return ReadSiblings()
        case "propose_interval":
            every = _needed(_length(given, "interval_ms"), "interval_ms")
            return ProposeInterval(every=every, life=_life(given), reason=_reason(given))
        case "propose_next_time":
            return ProposeRun(at=_next_time(given, now), life=_life(given), reason=_reason(given))
        case "pause_until":
            until = _needed(_instant(given, "until"), "until")
            return ProposePause(until=until, reason=_reason(given))
        case "clear_hints":
            return ProposeClearing(reason=_reason(given))
        case "trigger_sibling":
            name = _needed(_text(given, "name"), "name")
            return ProposeTrigger(name=name, reason=_reason(given))
        case "submit_analysis":
            reasoning = _text(given, "reasoning") or ""
            return Submit(reasoning[:REASONING_LENGTH], _length(given, "next_analysis_in_ms"))
        case _:
            raise InvalidInput(
                "there is no such tool", field="tool", remedy=f"call one of {', '.join(NAMES)}"
            )


def _next_time(given: Arguments, now: datetime) -> datetime:
    delay, instant = _length(given, "next_run_in_ms"), _instant(given, "next_run_at")
    if (delay is None) == (instant is None):
        raise InvalidInput(
            "say when, in one way",
            field="next_run_in_ms",
            remedy="give either next_run_in_ms or next_run_at",
        )
    return ceil_millisecond(now + delay) if delay is not None else _needed(instant, "next_run_at")


def _needed(value: ValueT | None, name: str) -> ValueT:
    if value is None:
        raise InvalidInput(f"{name} is missing", field=name, remedy="give it")
    return value


def _reason(given: Arguments) -> str:
    return (_text(given, "reason") or "the AI planner proposed it")[:REASON_LENGTH]


def _life(given: Arguments) -> timedelta:
    minutes = _whole(given, "ttl_minutes")
    if minutes is None:
        return DEFAULT_LIFE
    return timedelta(milliseconds=_bounded(minutes * 60_000, "ttl_minutes"))


def _length(given: Arguments, name: str) -> timedelta | None:
    count = _whole(given, name)
    return None if count is None else timedelta(milliseconds=_bounded(count, name))


def _bounded(count: int, name: str) -> int:
    if not 1 <= count <= _LATEST_MS:
        raise InvalidInput(
            f"{name} of {str(count)[:20]} is not possible",
            field=name,
            remedy="give a length above nothing, of ten years at most",
        )
    return count


def _whole(given: Arguments, name: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"{name} is no whole number", field=name, remedy="give a whole number")
    return value


def _text(given: Arguments, name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is no text", field=name, remedy="give a text")
    return value


def _instant(given: Arguments, name: str) -> datetime | None:
    text = _text(given, name)
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text.strip())
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(
        f"{name} is no instant with a zone",
        field=name,
        remedy="write it as 2030-01-01T12:00:00Z",
    )
