"""Reads what endpoints were answered, for rules to be run over it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cronicorn_domain.identity import EndpointId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.replay import Recorded, Recording
from cronicorn_domain.model.rules import RuleSet
from cronicorn_domain.model.run import Failed, OutcomeClass, Run, RunStatus, Succeeded

from cronicorn_management.desk import Reading

ANSWERS_MOST: Final = 5000
"""So many answers of an endpoint are read, the newest."""
TEXT_MOST: Final = 32 * 1024 * 1024
"""So many characters of answers are read."""
_PAGE: Final = 100
_SIBLINGS_MOST: Final = 100
_IN_TIME: Final = timedelta(seconds=1)


@dataclass(slots=True)
class _Room:
    text: int = TEXT_MOST

    def take(self, run: Run) -> bool:
        """Say whether there was room for its answer."""
        taken, self.text = self.text > 0, self.text - _size(run)
        return taken


async def read_recording(
    work: Reading, endpoint: Endpoint, rules: RuleSet, *, since: datetime, until: datetime
) -> Recording:
    """
    Return what was recorded of an endpoint, and of the siblings that the rules name, in a window.

    Test runs, and runs that came to nothing by a fault of ours, are left out.
    """
    room = _Room()
    answers, cut = await _answers(work, endpoint.id, room, since=since, until=until)
    siblings = {}
    for each in await _named(work, endpoint, rules):
        siblings[each.name], _ = await _answers(work, each.id, room, since=since, until=until)
    return Recording(
        endpoint=endpoint,
        answers=tuple(answers),
        siblings={name: tuple(found) for name, found in siblings.items()},
        floor=work.allowance.floor,
        cut=cut,
    )


def ended_as(run: Run) -> Succeeded | Failed | None:
    """Return how the target ended a run; None: it did not."""
    if run.status is RunStatus.SUCCESS and run.response is not None:
        return Succeeded(response=run.response, timing=run.timing)
    if run.outcome_class is OutcomeClass.TARGET and run.failure_kind is not None:
        return Failed(
            kind=run.failure_kind,
            message=run.message or "",
            response=run.response,
            timing=run.timing,
        )
    return None


async def _answers(
    work: Reading, endpoint_id: EndpointId, room: _Room, *, since: datetime, until: datetime
) -> tuple[list[Recorded], bool]:
    """Return answers, the oldest first, and whether there were more."""
    found: list[Recorded] = []
    async for run in _runs(work, endpoint_id, since=since, until=until):
        outcome = ended_as(run)
        if outcome is None or run.started_at is None or run.finished_at is None:
            continue
        if len(found) >= ANSWERS_MOST or not room.take(run):
            return sorted(found, key=lambda each: each.at), True
        due_at, started_at = run.decision.due_at, run.started_at
        at = due_at if started_at - due_at <= _IN_TIME else started_at
        found.append(Recorded(at=at, outcome=outcome, took=run.finished_at - started_at))
    return sorted(found, key=lambda each: each.at), False


async def _runs(
    work: Reading, endpoint_id: EndpointId, *, since: datetime, until: datetime
) -> AsyncIterator[Run]:
    last = None
    while True:
        page: Sequence[Run] = await work.runs.list_runs(
            work.tenant,
            endpoint_id,
            limit=_PAGE,
            before=last,
            since=since,
            until=until,
            tests=False,
            bodies=True,
        )
        for run in page:
            yield run
        if len(page) < _PAGE:
            return
        last = page[-1].id


async def _named(work: Reading, endpoint: Endpoint, rules: RuleSet) -> list[Endpoint]:
    """Return the siblings whose names stand in conditions that ask about siblings."""
    conditions = [rule.when for rule in rules.rules if "siblings" in rule.when]
    if not conditions:
        return []
    family = await work.catalog.list_endpoints(
        work.tenant, endpoint.job_id, limit=_SIBLINGS_MOST, archived=False
    )
    return [
        each
        for each in family
        if each.id != endpoint.id and any(each.name in condition for condition in conditions)
    ]


def _size(run: Run) -> int:
    if run.response is None:
        return 0
    heads = sum(len(name) + len(value) for name, value in run.response.headers)
    return heads + len(run.response.body.text)
