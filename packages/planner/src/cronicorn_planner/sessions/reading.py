"""Reads what a model may see, as JSON; all that comes from outside is marked as data."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cronicorn_domain.errors import NotFound
from cronicorn_domain.instants import OPEN_ENDED, iso_milliseconds
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import Hint, IntervalHint
from cronicorn_domain.model.run import BodyKind, Response, Run, RunStatus
from cronicorn_domain.model.state import Situation
from cronicorn_domain.policies.explaining import explain
from cronicorn_domain.ports.unit_of_work import UnitOfWork, UnitsOfWork
from cronicorn_domain.schedules.cron import CronSchedule
from cronicorn_domain.schedules.schedule import IntervalSchedule, OnceSchedule, Schedule
from cronicorn_domain.wording import length_in_words

from cronicorn_planner.sessions.cutting import cut_json, cut_text
from cronicorn_planner.sessions.outside import Outside, address_of

BODY_LENGTH: Final = 6_000
"""So much of the latest response is shown."""
OTHER_BODY_LENGTH: Final = 1_500
"""So much of those in a history, and of a sibling's."""
SIBLINGS_MOST: Final = 20
_LOOKED_AT: Final = 20
_MESSAGE_LENGTH: Final = 300
_HEADERS: Final = frozenset({"content-type", "retry-after", "cache-control", "expires", "age"})
"""Others say little of a rhythm, and may hold what is nobody's business."""
_ENDED: Final = frozenset({RunStatus.SUCCESS, RunStatus.FAILED})


def standing_of(situation: Situation, now: datetime, outside: Outside) -> str:
    """Tell what an endpoint is and how it stands."""
    endpoint, state = situation.endpoint, situation.state
    guardrails = endpoint.guardrails
    longest = guardrails.longest
    return _written(
        {
            "now": iso_milliseconds(now),
            "name": outside.marked(endpoint.name),
            "description": outside.marked(endpoint.description or ""),
            "method": endpoint.request.method,
            "address": outside.marked(address_of(endpoint.request.url)),
            "schedule": _schedule_told(endpoint.schedule),
            "shortest_interval_ms": _milliseconds(
                max(guardrails.shortest or situation.floor, situation.floor)
            ),
            "longest_interval_ms": None if longest is None else _milliseconds(longest),
            "failures_in_a_row": state.failures,
            "paused_until": _pause_told(endpoint, now),
            "explanation": outside.marked(explain(situation, now).sentence),
            "hints": [
                _hint_told(each, outside) for each in situation.hints if each.expires_at > now
            ],
        }
    )


class Reader:
    """Answers the reading tools, each in a unit of its own: no transaction waits for a model."""

    def __init__(self, units: UnitsOfWork, endpoint: Endpoint, outside: Outside) -> None:
        self._units = units
        self._endpoint = endpoint
        self._outside = outside

    async def latest(self) -> str:
        """Tell of the latest run that has ended."""
        async with self._units.begin() as unit:
            found = await self._latest(unit, self._endpoint)
        return _written(self._run_told(found, BODY_LENGTH) if found else {"none": "it has not run"})

    async def history(self, limit: int) -> str:
        """Tell of the latest runs, the newest first."""
        tenant = self._endpoint.tenant
        async with self._units.begin() as unit:
            runs = await unit.runs.list_runs(tenant, self._endpoint.id, limit=limit, tests=False)
            whole = [await self._whole(unit, each) for each in runs]
        length = OTHER_BODY_LENGTH if limit <= _LOOKED_AT else OTHER_BODY_LENGTH // 5
        return _written([self._run_told(each, length) for each in whole])

    async def siblings(self) -> str:
        """Tell of the latest run of each other endpoint of the job."""
        async with self._units.begin() as unit:
            others = [
                each
                for each in await unit.catalog.list_endpoints(
                    self._endpoint.tenant, self._endpoint.job_id, archived=False
                )
                if each.id != self._endpoint.id
            ][:SIBLINGS_MOST]
            told = [await self._sibling_told(unit, each) for each in others]
        return _written(told)

    async def _sibling_told(self, unit: UnitOfWork, sibling: Endpoint) -> dict[str, Any]:
        found = await self._latest(unit, sibling)
        return {
            "name": self._outside.marked(sibling.name),
            "description": self._outside.marked(sibling.description or ""),
            "schedule": _schedule_told(sibling.schedule),
            "paused": sibling.pause is not None,
            "latest": None if found is None else self._run_told(found, OTHER_BODY_LENGTH),
        }

    async def _latest(self, unit: UnitOfWork, endpoint: Endpoint) -> Run | None:
        runs = await unit.runs.list_runs(
            endpoint.tenant, endpoint.id, limit=_LOOKED_AT, tests=False
        )
        found = next((each for each in runs if each.status in _ENDED), None)
        return None if found is None else await self._whole(unit, found)

    async def _whole(self, unit: UnitOfWork, run: Run) -> Run:
        try:
            return await unit.runs.get(run.tenant, run.id)
        except NotFound:
            return run  # pruned meanwhile

    def _run_told(self, run: Run, length: int) -> dict[str, Any]:
        took = None
        if run.started_at is not None and run.finished_at is not None:
            took = _milliseconds(run.finished_at - run.started_at)
        told: dict[str, Any] = {
            "slot": iso_milliseconds(run.slot),
            "status": run.status,
            "source": run.decision.source,
            "duration_ms": took,
        }
        if run.message is not None:
            message = cut_text(self._outside.masked(run.message), _MESSAGE_LENGTH)
            told["message"] = self._outside.marked(message)
        if run.response is not None:
            told |= self._response_told(run.response, length)
        return told

    def _response_told(self, response: Response, length: int) -> dict[str, Any]:
        body = response.body
        cut = cut_json if body.kind is BodyKind.JSON else cut_text
        headers = [
            f"{name}: {value}" for name, value in response.headers if name.lower() in _HEADERS
        ]
        # Secrets first: a part of one would not be found any more.
        return {
            "status_code": response.status_code,
            "headers": [self._outside.marked(each) for each in headers],
            "body": self._outside.marked(cut(self._outside.masked(body.text), length)),
        }


async def siblings_of(unit: UnitOfWork, endpoint: Endpoint) -> Sequence[Endpoint]:
    """Return the job's endpoints, this one among them: their secrets are masked, too."""
    return await unit.catalog.list_endpoints(endpoint.tenant, endpoint.job_id, archived=False)


def _schedule_told(schedule: Schedule) -> str:
    match schedule:
        case CronSchedule(expression=expression, timezone=timezone):
            return f"cron {expression.text} ({timezone})"
        case IntervalSchedule(every=every):
            return f"every {length_in_words(every)}"
        case OnceSchedule(at=at):
            return f"once, at {iso_milliseconds(at)}"


def _pause_told(endpoint: Endpoint, now: datetime) -> str | None:
    if endpoint.pause is None or not endpoint.paused_at(now):
        return None
    until = endpoint.pause.until
    return "until somebody resumes it" if until >= OPEN_ENDED else iso_milliseconds(until)


def _hint_told(hint: Hint, outside: Outside) -> dict[str, Any]:
    told: dict[str, Any] = {"author": hint.author, "until": iso_milliseconds(hint.expires_at)}
    if isinstance(hint, IntervalHint):
        told["interval_ms"] = _milliseconds(hint.every)
    else:
        told["at"] = iso_milliseconds(hint.at)
    return {**told, "reason": outside.marked(hint.reason or "")}


def _milliseconds(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
