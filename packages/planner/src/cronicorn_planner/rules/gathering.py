"""Gathers what conditions ask about, and no more than that."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cronicorn_domain.errors import NotFound
from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.facts import NONE_COUNTED, Answer, Tally
from cronicorn_domain.model.run import Run, RunStatus
from cronicorn_domain.ports.unit_of_work import UnitOfWork, UnitsOfWork

HEALTH_OVER: Final = timedelta(hours=1)
"""How far back ``health`` looks."""

SIBLINGS_MOST: Final = 100
"""Among so many endpoints of a job those that are named are looked for."""

_LOOKED_AT: Final = 50
"""Among so many runs the latest that has ended is looked for; others are under way."""

_REMEMBERED: Final = 4096
"""Of so many endpoints it is remembered what their conditions name: they come again and again."""

_ENDED: Final = frozenset({RunStatus.SUCCESS, RunStatus.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What conditions ask about besides the answer itself; ``failures`` are those before it."""

    failures: int = 0
    health: Tally = NONE_COUNTED
    previous: Answer | None = None
    siblings: Mapping[str, Answer] = field(default_factory=dict)


class Gathering:
    """Reads what the conditions of an endpoint mention from the history."""

    def __init__(self, units: UnitsOfWork) -> None:
        self._units = units

    async def before(self, endpoint: Endpoint, conditions: Sequence[str], *, now: datetime) -> Past:
        """
        Return what was before a run that has just ended.

        Raises:
            StoreUnavailable: the history cannot be read; nothing is asked that does not need it.
        """
        asked = names_in(tuple(conditions))
        if not asked & {"previous", "siblings", "health", "failures"}:
            return Past()
        async with self._units.begin() as unit:
            reading = _Reading(unit, endpoint)
            return Past(
                failures=await reading.failures() if "failures" in asked else 0,
                health=await reading.health(now) if "health" in asked else NONE_COUNTED,
                previous=await reading.latest(endpoint.id) if "previous" in asked else None,
                siblings=await reading.siblings(conditions) if "siblings" in asked else {},
            )


class _Reading:
    """One unit of work, about one endpoint."""

    def __init__(self, unit: UnitOfWork, endpoint: Endpoint) -> None:
        self._unit = unit
        self._endpoint = endpoint

    async def failures(self) -> int:
        tenant, endpoint_id = self._endpoint.tenant, self._endpoint.id
        states = dict(await self._unit.catalog.get_states(tenant, [endpoint_id]))
        state = states.get(endpoint_id)
        return 0 if state is None else state.failures

    async def health(self, now: datetime) -> Tally:
        found = await self._unit.runs.health(
            self._endpoint.tenant, self._endpoint.id, since=now - HEALTH_OVER, now=now
        )
        return Tally(successes=found.success_count, failures=found.target_failure_count)

    async def siblings(self, conditions: Sequence[str]) -> dict[str, Answer]:
        found = await self._unit.catalog.list_endpoints(
            self._endpoint.tenant, self._endpoint.job_id, limit=SIBLINGS_MOST, archived=False
        )
        named = [
            each
            for each in found
            if each.id != self._endpoint.id
            and any(each.name in condition for condition in conditions)
        ]
        answers = [(each.name, await self.latest(each.id)) for each in named]
        return {name: answer for name, answer in answers if answer is not None}

    async def latest(self, endpoint_id: EndpointId) -> Answer | None:
        """Return how the latest run that has ended did; None: none has."""
        runs = await self._unit.runs.list_runs(
            self._endpoint.tenant, endpoint_id, limit=_LOOKED_AT, tests=False
        )
        ended = next((each for each in runs if each.status in _ENDED), None)
        if ended is None:
            return None
        try:
            return _answer_of(await self._unit.runs.get(self._endpoint.tenant, ended.id))
        except NotFound:
            return None  # pruned meanwhile


def _answer_of(run: Run) -> Answer:
    succeeded = run.status is RunStatus.SUCCESS
    took = timedelta()
    if run.started_at is not None and run.finished_at is not None:
        took = run.finished_at - run.started_at
    if run.response is None:
        return Answer(succeeded=succeeded, duration=took)
    return Answer(
        succeeded=succeeded,
        status=run.response.status_code,
        body=run.response.body,
        headers=run.response.headers,
        duration=took,
    )


@lru_cache(_REMEMBERED)
def names_in(conditions: tuple[str, ...]) -> frozenset[str]:
    """
    Return every word of the conditions: a name that is used is among them.

    One that only stands in a text costs a read that was not needed, and changes no answer.
    """
    return frozenset(word for each in conditions for word in re.findall(r"\w+", each))
