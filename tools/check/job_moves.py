"""When a job entered which state, as far as a database tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cronicorn_domain.model.job import Job, JobState
from cronicorn_management.noting import Deed

_ACTIVE, _PAUSED, _ARCHIVED = JobState.ACTIVE, JobState.PAUSED, JobState.ARCHIVED
_MOVES: Final = {
    Deed.PAUSE: (_ACTIVE, _PAUSED),
    Deed.RESUME: (_PAUSED, _ACTIVE),
    Deed.ARCHIVE: (_ACTIVE, _ARCHIVED),
    Deed.RESTORE: (_ARCHIVED, _ACTIVE),
}
"""From what to what; an archived job may have been paused before, and the deed before says so."""


@dataclass(frozen=True, slots=True)
class JobMoves:
    """What a job was at first, and each state that it entered, the earliest first."""

    at_first: JobState
    moves: Sequence[tuple[datetime, JobState]]

    def until(self, instant: datetime) -> JobState:
        """Return the state at an instant."""
        return next((state for at, state in reversed(self.moves) if at <= instant), self.at_first)


def moves_of(job: Job, noted: Sequence[tuple[datetime, str]]) -> JobMoves:
    """
    Return the moves that the audit tells of, and the one it does not that made the job what it is.

    ``noted`` are the deeds done to the job. What the audit does not tell happened when the job was
    archived or changed last; it was active before.
    """
    told = sorted((at, _MOVES[Deed(deed)]) for at, deed in noted if deed in _MOVES)
    moves = [(at, to) for at, (_, to) in told]
    at_first = told[0][1][0] if told else _ACTIVE
    latest = moves[-1] if moves else (job.created_at, at_first)
    if latest[1] is not job.state:
        moves.append((max(latest[0], job.archived_at or job.updated_at), job.state))
    return JobMoves(at_first, moves)
