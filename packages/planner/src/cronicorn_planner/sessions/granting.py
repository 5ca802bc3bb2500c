"""Judges what a session has proposed, as things stand at its end."""

from collections.abc import Sequence
from datetime import datetime

from cronicorn_domain.errors import ForbiddenTransition, InvalidInput, NotFound
from cronicorn_domain.identity import SuggestionId, new_uuid
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.planning import AiMode
from cronicorn_domain.model.proposal import (
    Proposal,
    ProposeClearing,
    ProposeTrigger,
    in_words,
)
from cronicorn_domain.model.session import SUGGESTION_LIFE, Caveat, Suggestion
from cronicorn_domain.policies.carrying_out import carry_out
from cronicorn_domain.policies.pausing import SESSION_ACTOR
from cronicorn_domain.policies.proposing import grant_of
from cronicorn_domain.ports.unit_of_work import UnitOfWork

from cronicorn_planner.sessions.conversing import Record
from cronicorn_planner.sessions.look import Look
from cronicorn_planner.sessions.outside import readable


class Granting:
    """What a session that is done has proposed, judged as things stand at its end."""

    def __init__(self, unit: UnitOfWork, look: Look, record: Record, now: datetime) -> None:
        self._unit = unit
        self._look = look
        self._now = now
        self.caveats: list[Caveat] = []
        self._proposals = _last_of_each(record.proposals)

    def suggestions(self, endpoint: Endpoint) -> list[Suggestion]:
        """Return what waits for a person, where the endpoint wants that."""
        if endpoint.planning.mode is not AiMode.SUGGEST:
            return []
        return [
            Suggestion(
                id=SuggestionId(new_uuid()),
                tenant=endpoint.tenant,
                endpoint_id=endpoint.id,
                session_id=self._look.id,
                proposal=each,
                created_at=self._now,
                expires_at=self._now + SUGGESTION_LIFE,
            )
            for each in self._proposals
        ]

    async def grant(self, endpoint: Endpoint) -> int:
        """Write what may be, where the endpoint wants that; return how many there were."""
        if endpoint.planning.mode is AiMode.OFF and self._proposals:
            self._warn("switched_off", "the planner was switched off meanwhile")
        if endpoint.planning.mode is not AiMode.AUTO:
            return 0
        return sum([await self._granted(endpoint, each) for each in self._proposals])

    async def _granted(self, endpoint: Endpoint, proposal: Proposal) -> bool:
        try:
            situation = await self._unit.catalog.get_situation(endpoint.tenant, endpoint.id)
            grant = grant_of(proposal, situation, floor=situation.floor, now=self._now)
            actor = f"{SESSION_ACTOR}:{endpoint.name}"
            await carry_out(self._unit, endpoint, grant, actor=actor, now=self._now)
        except (InvalidInput, ForbiddenTransition, NotFound) as error:
            self._warn("refused", f"{in_words(proposal)}: {error}")
            return False
        return True

    def _warn(self, code: str, message: str) -> None:
        self.caveats.append(Caveat(code=code, message=readable(message)))


def _last_of_each(proposals: Sequence[Proposal]) -> list[Proposal]:
    """
    Return the last of each kind, clearing first; triggers by their names.

    A model that proposes the same twice has changed its mind.
    """
    last: dict[tuple[type, str], Proposal] = {}
    for each in proposals:
        last[type(each), each.name if isinstance(each, ProposeTrigger) else ""] = each
    return sorted(last.values(), key=lambda each: not isinstance(each, ProposeClearing))
