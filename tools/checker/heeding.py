"""
What an answer itself asks for, where its endpoint heeds that (SEMANTICS §6, docs/politeness.md).

``410 Gone`` pauses until somebody resumes; ``Cronicorn-Pause-Until`` pauses until an instant; and
``Cronicorn-Next-Run-In`` is a single run, which bears the id of the run that was answered. Lengths
count from the end of that run. Who has archived or paused the endpoint has the say.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cronicorn_domain.identity import HintId
from cronicorn_domain.model.decision import Kind
from cronicorn_domain.model.endpoint import Endpoint
from cronicorn_domain.model.hint import Author, Hint, OneShotHint
from cronicorn_domain.model.run import Run

from tools.checker.finding import Fault, Finding, about, stamp
from tools.checker.history import (
    Archived,
    Created,
    Edited,
    Entry,
    HintOffered,
    LeaseEnd,
    Paused,
    Restored,
    Resumed,
)
from tools.checker.life import Ended, Life

GONE = 410
NO_TIME = timedelta()
LEAST = timedelta(seconds=1)
MOST = timedelta(days=3660)
LIFE = timedelta(hours=1)
MILLISECOND = timedelta(milliseconds=1)
NEXT_RUN_IN = "cronicorn-next-run-in"
PAUSE_UNTIL = "cronicorn-pause-until"
DIGITS_MOST = 11
NEVER = datetime.min.replace(tzinfo=UTC)
FOR_EVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""The end of a pause that lasts until somebody resumes."""


def check_heeding(life: Life) -> Iterator[Finding]:
    """Go through a life: what was asked for was granted, and what was granted was asked for."""
    heeding = _Heeding(life)
    for number, moment in enumerate(life.moments):
        match moment:
            case Entry():
                heeding.take(moment)
            case Ended(run=run, how=LeaseEnd.SETTLED, at=at) if life.is_judged(at):
                yield from heeding.judge(run, number, at)
            case _:
                continue
    yield from heeding.unasked()


class _Heeding:
    def __init__(self, life: Life) -> None:
        self._life = life
        self._endpoint: Endpoint | None = None
        self._archived = False
        self._pause: tuple[datetime, datetime] = (NEVER, NEVER)
        """Since when, and until when."""
        self._before = NEVER
        """Until when the pause lasted that the latest one has replaced."""
        self._asked: set[HintId] = set()
        self._proposed: dict[HintId, Hint] = {
            each.deed.hint.id: each.deed.hint
            for each in life.moments
            if isinstance(each, Entry)
            and isinstance(each.deed, HintOffered)
            and each.deed.hint.author is Author.RESPONSE
        }

    def take(self, entry: Entry) -> None:
        """Take in what was done."""
        match entry.deed:
            case Created(endpoint=endpoint) | Edited(endpoint=endpoint):
                self._endpoint = endpoint
                if isinstance(entry.deed, Created) and endpoint.pause is not None:
                    self._pause = (entry.at, endpoint.pause.until)
            case Archived():
                self._archived = True
            case Restored():
                self._archived = False
            case Paused(pause=pause):
                self._before, self._pause = self._pause[1], (entry.at, pause.until)
            case Resumed():
                self._pause = (entry.at, NEVER)
            case _:
                return

    def judge(self, run: Run, number: int, at: datetime) -> Iterator[Finding]:
        """Judge the end of a run that was settled, the so manyth moment of the life."""
        response, ended_at = run.response, run.finished_at
        if self._endpoint is None or response is None or ended_at is None:
            return
        if self._archived or run.kind is Kind.TEST:
            return
        heeds = self._endpoint.heeds
        if heeds.hints:
            yield from self._check_run(run, ended_at, at)
        until = FOR_EVER
        if not (heeds.gone and response.status_code == GONE):
            asked_until = _instant(run) if heeds.hints else None
            if asked_until is None or not NO_TIME < asked_until - ended_at <= MOST:
                return
            until = asked_until
        yield from self._check_pause(run, number, until, at)

    def unasked(self) -> Iterator[Finding]:
        """Find single runs that answers are said to have asked for, and did not."""
        runs = {HintId(run.id): run for run in self._life.runs}
        for hint in self._proposed.values():
            run = runs.get(hint.id)
            if hint.id in self._asked or not self._life.is_judged(hint.created_at):
                continue
            if run is not None:
                sentence = "a run was planned for its answer, which asked for none that is heeded"
                yield about(run, Fault.HEEDING_BROKEN, sentence)

    def _check_run(self, run: Run, ended_at: datetime, at: datetime) -> Iterator[Finding]:
        length = _length(run)
        if length is None:
            return
        self._asked.add(HintId(run.id))
        hint = self._proposed.get(HintId(run.id))
        wanted = ended_at + length
        if hint is None:
            if wanted + LIFE > at:  # else it had ended before it was written
                told = f"its answer asked for a run at {stamp(wanted)}, and none was planned"
                yield about(run, Fault.HEEDING_BROKEN, told)
        elif not isinstance(hint, OneShotHint) or not NO_TIME <= hint.at - wanted < MILLISECOND:
            told = f"its answer asked for a run at {stamp(wanted)}, and another was planned"
            yield about(run, Fault.HEEDING_BROKEN, told)
        elif not LIFE <= hint.expires_at - hint.at < LIFE + MILLISECOND:
            told = f"the run that its answer asked for lives until {stamp(hint.expires_at)}"
            yield about(run, Fault.HEEDING_BROKEN, told)

    def _check_pause(
        self, run: Run, number: int, until: datetime, at: datetime
    ) -> Iterator[Finding]:
        """Who has paused it before has the say; a rule that pauses has it, too."""
        ended_at = run.finished_at or at
        since, paused_until = self._pause
        of_now = since == at
        behind = [
            each.deed.pause.until
            for each in self._life.moments[number + 1 :]
            if isinstance(each, Entry) and each.at == at and isinstance(each.deed, Paused)
        ]
        if paused_until > ended_at and not of_now:
            return
        if not (paused_until > ended_at or behind):
            told = f"its answer asked for a pause until {stamp(until)}, and there is none"
            yield about(run, Fault.HEEDING_BROKEN, told)
            return
        ruled = self._endpoint is not None and self._endpoint.rules.rules
        if ruled or self._before > ended_at or until in {paused_until, *behind}:
            return
        told = f"its answer asked for a pause until {stamp(until)}, and it ends at "
        yield about(run, Fault.HEEDING_BROKEN, told + stamp(behind[0] if behind else paused_until))


def _value(run: Run, name: str) -> str | None:
    """Return what a header says; None: it is not there, or says two things."""
    headers = () if run.response is None else run.response.headers
    values = {text.strip() for each, text in headers if each.lower() == name}
    return values.pop() if len(values) == 1 else None


def _length(run: Run) -> timedelta | None:
    text = _value(run, NEXT_RUN_IN)
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    if not digits or len(digits) > DIGITS_MOST:
        return None
    length = timedelta(seconds=int(digits))
    return length if LEAST <= length <= MOST else None


def _instant(run: Run) -> datetime | None:
    try:
        instant = datetime.fromisoformat(_value(run, PAUSE_UNTIL) or "")
        return None if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
