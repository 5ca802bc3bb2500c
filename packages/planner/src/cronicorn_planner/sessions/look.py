"""A session that is under way."""

from dataclasses import dataclass
from datetime import datetime

from cronicorn_domain.identity import SessionId
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.session import Analysis
from cronicorn_domain.model.state import Situation

from cronicorn_planner.sessions.outside import Outside


@dataclass(frozen=True, slots=True)
class Look:
    """A session that is under way."""

    id: SessionId
    leased: Analysis
    situation: Situation
    model: str
    prompt: str
    outside: Outside
    started_at: datetime

    @property
    def endpoint(self) -> Endpoint:
        """What it is about, as it was when the session began."""
        return self.situation.endpoint
