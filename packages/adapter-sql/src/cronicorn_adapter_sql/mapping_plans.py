"""Plans and decisions as JSON text, in the columns of the state and of runs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from cronicorn_domain.identity import HintId
from cronicorn_domain.model.decision import Decision, Kind, Plan, Rule, Source, Weighed
from cronicorn_domain.model.trace import Trace


def text_of_plan(plan: Plan | None) -> str | None:
    """Write a plan."""
    if plan is None:
        return None
    decision = plan.decision
    document = {
        "slot": _in_utc(decision.slot),
        "due_at": _in_utc(decision.due_at),
        "source": decision.source.value,
        "trail": _lines_of(decision.trail),
        "kind": plan.kind.value,
        "attempt": plan.attempt,
        "tries": plan.tries,
        "losses": plan.losses,
        "repeat": plan.repeat,
        "counted": plan.counted,
        "origin": None if plan.origin is None else str(plan.origin),
    }
    if plan.trace is not None:
        document["trace"] = str(plan.trace)
    return orjson.dumps(document).decode()


def plan_from(text: str | None) -> Plan | None:
    """Read a plan."""
    if text is None:
        return None
    document = orjson.loads(text)
    origin = document["origin"]
    return Plan(
        decision=Decision(
            slot=_read(document["slot"]),
            due_at=_read(document["due_at"]),
            source=Source(document["source"]),
            trail=_trail_from(document["trail"]),
        ),
        kind=Kind(document["kind"]),
        attempt=document["attempt"],
        tries=document["tries"],
        losses=document["losses"],
        repeat=document["repeat"],
        counted=document["counted"],
        # Hints and triggers share one space of ids; which of them it is shows where it is found.
        origin=None if origin is None else HintId(UUID(origin)),
        trace=Trace.parse(document.get("trace")),
    )


def text_of_trail(trail: Sequence[Weighed]) -> str:
    """Write the trail of a decision."""
    return orjson.dumps(_lines_of(trail)).decode()


def trail_from(text: str) -> tuple[Weighed, ...]:
    """Read the trail of a decision."""
    return _trail_from(orjson.loads(text))


def text_of_instants(instants: Sequence[datetime]) -> str | None:
    """Write instants; none of them is null."""
    return orjson.dumps([_in_utc(each) for each in instants]).decode() if instants else None


def instants_from(text: str | None) -> tuple[datetime, ...]:
    """Read instants."""
    return () if text is None else tuple(_read(each) for each in orjson.loads(text))


def _lines_of(trail: Sequence[Weighed]) -> list[tuple[str, datetime, str]]:
    return [(line.rule.value, _in_utc(line.instant), line.detail) for line in trail]


def _trail_from(lines: Sequence[Sequence[Any]]) -> tuple[Weighed, ...]:
    return tuple(Weighed(Rule(rule), _read(instant), detail) for rule, instant, detail in lines)


def _in_utc(instant: datetime) -> datetime:
    """Return an instant as orjson writes it: ISO 8601, with the zone that it has."""
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def _read(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"the instant {text} has no zone")
    return instant
